"""What tidegate has to do on an AWS that is not ours, with boto3 as the witness."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import re
import stat
import time
import traceback
from collections.abc import Callable
from typing import Any

import seed
import stack
from aws import Aws
from shop import Sample, Shop, until
from tidegate import Console, Tidegate

# Nothing is watched for long: a check is not a release.
# The emulator's load balancer follows at once and counts no requests.
CONFIG = """
bake = "0s"
finish_watch = "2s"
propagation = "0s"
"""
# A y that comes sooner after its question was drawn is not heard.
DELIBERATE = 1.0

PAIR_NAME = "checkout"
SHARE_SIDES = {"service": str, "task_definition": str, "weight": int, "running": int, "desired": int, "healthy": int}


@dataclasses.dataclass(frozen=True)
class Site:
    """What a check works with."""

    tidegate: Tidegate
    shop: Shop


Check = Callable[[Site], None]
CHECKS: list[Check] = []


def check(function: Check) -> Check:
    CHECKS.append(function)
    return function


def entry(document: dict[str, Any], name: str) -> dict[str, Any]:
    found: list[dict[str, Any]] = [service for service in document["services"] if service["name"] == name]
    assert len(found) == 1, f"{len(found)} entries named {name} in {[s['name'] for s in document['services']]}"
    return found[0]


def status(site: Site, *names: str) -> dict[str, Any]:
    document: dict[str, Any] = site.tidegate.expect(0, "status", *names, "--json").json()
    assert document.get("schema") == "tidegate.status/1", document
    return document


@check
def fleet_lists_every_service(site: Site) -> None:
    document = status(site)
    assert sorted(service["name"] for service in document["services"]) == sorted([PAIR_NAME, *seed.PLAIN])
    covered = {
        side["service"] for service in document["services"] for side in (service["stable"], service["canary"]) if side
    }
    assert covered == {*seed.PAIR.values(), *seed.PLAIN}, covered


@check
def status_has_the_promised_shape(site: Site) -> None:
    site.shop.reset()
    document = status(site)
    for service in document["services"]:
        for member in ("name", "cluster", "method", "phase"):
            assert isinstance(service[member], str) and service[member], (member, service)
        for side in filter(None, (service["stable"], service["canary"])):
            for member, kind in SHARE_SIDES.items():
                assert side[member] is None or isinstance(side[member], kind), (member, side)
        assert {"requested", "configured", "observed"} <= service["share_percent"].keys(), service
        assert {"ready", "target", "path", "calls"} <= service["rollback"].keys(), service
        assert isinstance(service["data_age_seconds"], int | float), service
    assert {service["method"] for service in document["services"]} == {"weighted", "rolling"}


@check
def the_pair_is_found_by_each_of_its_names(site: Site) -> None:
    site.shop.reset()
    for name in (PAIR_NAME, *seed.PAIR.values()):
        pair = entry(status(site, name), PAIR_NAME)
        assert pair["method"] == "weighted" and pair["cluster"] == seed.CLUSTER, pair
        stable, canary = pair["stable"], pair["canary"]
        assert (stable["service"], stable["weight"], stable["running"], stable["desired"]) == (
            "checkout-stable",
            99,
            9,
            9,
        )
        assert (canary["service"], canary["weight"], canary["running"], canary["desired"]) == (
            "checkout-canary",
            1,
            1,
            1,
        )
        assert stable["task_definition"].endswith("checkout:4") and canary["task_definition"].endswith("checkout:5"), (
            pair
        )
        assert pair["share_percent"]["configured"] == 1
        assert pair["rollback"]["ready"] is True and pair["rollback"]["calls"], pair["rollback"]


@check
def a_dry_run_writes_nothing(site: Site) -> None:
    site.shop.reset()
    despite = ["--despite-verdict", "--reason", "foreign check"]
    for arguments in (["step", PAIR_NAME, "--to", "10", *despite], ["rollback", PAIR_NAME]):
        result = site.tidegate.expect(0, *arguments, "--dry-run", "--json")
        assert "ModifyRule" in result.stdout, result
    assert site.shop.weights() == (99, 1)


@check
def step_moves_the_weights_and_nothing_else(site: Site) -> None:
    site.shop.reset()
    rule, others = site.shop.rule_without_weights(), site.shop.other_rules()
    for percent, weights in ((10, (90, 10)), (1, (99, 1))):
        act(site, "step", PAIR_NAME, "--to", str(percent))
        assert site.shop.weights() == weights, site.shop.weights()
    assert site.shop.rule_without_weights() == rule
    assert site.shop.other_rules() == others


@check
def capacity_comes_before_traffic(site: Site) -> None:
    site.shop.reset()
    with site.shop.watch() as watcher:
        act(site, "step", PAIR_NAME, "--to", "100", "--wait")
    assert site.shop.weights() == (0, 100)
    assert_capacity_first(watcher.samples)


@check
def traffic_goes_before_capacity(site: Site) -> None:
    site.shop.reset(90, 10)
    with site.shop.watch() as watcher:
        act(site, "rollback", PAIR_NAME, "--wait")
    assert site.shop.weights() == (100, 0)
    until(lambda: site.shop.service(seed.PAIR["canary"])["desiredCount"] == 0, "the canary is scaled to nothing")
    late = [sample for sample in watcher.samples if sample.canary_desired < 1 and sample.canary_weight_after > 0]
    assert not late, f"tasks went while they had traffic: {late}"


@check
def finish_replaces_stable(site: Site) -> None:
    site.shop.reset()
    act(site, "step", PAIR_NAME, "--to", "100", "--wait")
    act(site, "finish", PAIR_NAME, "--wait")
    assert site.shop.weights() == (100, 0)
    assert site.shop.revision(seed.PAIR["stable"]) == "checkout:5"
    assert site.shop.service(seed.PAIR["canary"])["desiredCount"] == 0


@check
def a_rolling_service_is_started_and_rolled_back(site: Site) -> None:
    act(site, "start", "search", "--task-definition", "search:5", "--wait")
    assert site.shop.revision("search") == "search:5"
    act(site, "rollback", "search", "--wait")
    until(lambda: site.shop.revision("search") == "search:4", "search is back on its previous task definition")


@check
def exit_codes_say_what_went_wrong(site: Site) -> None:
    site.shop.reset()
    tidegate = site.tidegate
    broken = tidegate.home / "broken.toml"
    broken.write_text("no_such_setting = true\n")
    cases: list[tuple[int, list[str], str]] = [
        (2, ["--no-such-flag"], "no-such-flag"),
        (2, ["--config", str(broken), "step", PAIR_NAME, "--to", "10", "--yes"], "no_such_setting"),
        (2, ["step", PAIR_NAME, "--to", "10"], "--yes"),
        (3, ["--read-only", "step", PAIR_NAME, "--to", "10", "--yes"], "read-only"),
        (4, ["status", "no-such-service"], "no-such-service"),
        (4, ["--cluster", "no-such-cluster", "status"], "no-such-cluster"),
    ]
    for code, arguments, word in cases:
        result = tidegate.expect(code, *arguments)
        assert word in result.stderr, f"tidegate {' '.join(arguments)} does not speak of {word}: {result}"
    assert site.shop.weights() == (99, 1)


@check
def an_endpoint_that_is_not_there_is_said_plainly(site: Site) -> None:
    result = site.tidegate.run("status", AWS_ENDPOINT_URL=f"http://127.0.0.1:{stack.free_port()}")
    assert result.code != 0 and result.stderr.strip() and "panicked" not in result.stderr, result


@check
def every_act_is_in_the_audit(site: Site) -> None:
    site.shop.reset()
    act(site, "step", PAIR_NAME, "--to", "10")
    audit = site.tidegate.state / "audit.jsonl"
    assert stat.S_IMODE(audit.stat().st_mode) == 0o600, oct(audit.stat().st_mode)
    lines = [json.loads(line) for line in audit.read_text().splitlines()]
    text = json.dumps(lines[-8:])
    for word in ("foreign check", "set_weights", "arn:aws:", "request_id"):
        assert word in text, f"no {word} in the audit: {text}"


@check
def keys_take_the_canary_up_and_back(site: Site) -> None:
    site.shop.reset()
    with site.tidegate.console() as console:
        open_release(console, PAIR_NAME, "weighted")
        confirm(console, "P", "ModifyRule")
        until(lambda: site.shop.weights() == (90, 10), "P puts 90/10 into the rule")
        console.wait("done and read back: checkout 1% → 10%")
        # While a release is in flight, one key is enough.
        pressed = time.monotonic()
        console.press("R")
        until(lambda: site.shop.weights() == (100, 0), "R puts 100/0 into the rule")
        assert time.monotonic() - pressed < 5, "R took longer than 5 s"
        console.wait("done and read back: checkout all traffic back to :4", seconds=30)
        until(lambda: site.shop.service(seed.PAIR["canary"])["desiredCount"] == 0, "the canary is scaled to nothing")
        assert console.quit() == 0


@check
def keys_take_the_canary_to_all_and_finish(site: Site) -> None:
    site.shop.reset(90, 10)
    with site.tidegate.console() as console, site.shop.watch() as watcher:
        open_release(console, PAIR_NAME, "weighted")
        confirm(console, "P", "ModifyRule")
        console.wait("done and read back: checkout 10% → 100%", seconds=60)
        assert site.shop.weights() == (0, 100)
        assert_capacity_first(watcher.samples)
        confirm(console, "F", "ModifyRule")
        console.wait("done and read back: checkout finish", seconds=120)
        assert site.shop.weights() == (100, 0)
        assert site.shop.revision(seed.PAIR["stable"]) == "checkout:5"
        assert site.shop.service(seed.PAIR["canary"])["desiredCount"] == 0
        assert console.quit() == 0


@check
def keys_roll_a_rolling_service(site: Site) -> None:
    site.shop.set_service("search", "search:4", 2)
    until(lambda: site.shop.settled("search"), "search is settled")
    with site.tidegate.console() as console:
        open_release(console, "search", "rolling")
        console.press("S")
        console.wait("which revision of search", "the revisions")
        # It was rolled back before: another one may be preselected.
        console.press("\x1b[H")
        console.wait(r"[▸>] :5\b", "the newest revision, marked")
        console.press("\r")
        console.wait("replace stable .* by .* for all users", "what changes for users")
        time.sleep(DELIBERATE)
        console.press("y")
        until(lambda: site.shop.revision("search") == "search:5", "S starts the chosen revision")
        console.wait("done and read back: search :4 → :5", seconds=60)
        assert site.shop.settled("search")
        console.press("R")
        console.wait("y roll back", "the question that R asks when nothing is in flight")
        console.press("RRR")
        time.sleep(DELIBERATE)
        assert site.shop.revision("search") == "search:5", "a held-down R says yes"
        console.press("y")
        until(lambda: site.shop.revision("search") == "search:4", "R brings the previous task definition back")
        console.wait("done and read back: search :5 → back to :4", seconds=60)
        assert console.quit() == 0


@check
def a_diff_is_what_was_registered_with_its_values_hidden(site: Site) -> None:
    site.shop.reset()
    document = site.tidegate.expect(0, "diff", PAIR_NAME, "--json").json()
    assert document["schema"] == "tidegate.diff/1" and document["revealed"] is False, document
    changes = {change["name"]: change for change in document["changes"]}
    assert (changes["image tag"]["from"], changes["image tag"]["to"]) == ("1.4.0", "1.5.0-slow3"), changes
    release = changes["environment RELEASE"]
    assert release["kind"] == "changed" and release["hidden"] and "1.5.0" not in json.dumps(release), release
    revealed = site.tidegate.expect(0, "diff", PAIR_NAME, "--reveal")
    assert re.search(r"environment RELEASE +1\.4\.0 → 1\.5\.0", revealed.stdout), revealed
    raw = site.tidegate.expect(0, "diff", PAIR_NAME, "--raw").json()
    witness = site.shop.aws.ecs.describe_task_definition(taskDefinition=raw["taskDefinitionArn"])["taskDefinition"]
    assert raw["family"] == witness["family"] and raw["revision"] == witness["revision"], raw
    assert raw["containerDefinitions"][0]["environment"] == [{"name": "RELEASE", "value": "(hidden)"}], raw


def act(site: Site, *arguments: str) -> None:
    """An acting command. The canary of the shop is slow and fails: going forward on that has to be said."""
    despite = [] if arguments[0] == "rollback" else ["--despite-verdict"]
    site.tidegate.expect(0, *arguments, *despite, "--yes", "--reason", "foreign check")


def assert_capacity_first(samples: list[Sample]) -> None:
    early = [sample for sample in samples if sample.canary_weight_before == 100 and sample.canary_running < 9]
    assert not early, f"all traffic went to a canary of fewer than 9 tasks: {early}"


def open_release(console: Console, name: str, method: str) -> None:
    """Filters the fleet down to one release and opens it."""
    console.wait(rf"\b{name} +{method}", "the release in the fleet")
    # What comes in one burst is a paste: neither its / nor its enter is a key.
    for keys in ("/", name, "\r"):
        console.press(keys)
        time.sleep(DELIBERATE)
    console.wait(r"1 release of \d+", "the filtered fleet")
    console.press("\r")
    console.wait(r"esc back", "the release's screen")
    # What the keys do depends on it.
    console.wait(r"ROLLBACK (READY|NOT READY)")


def confirm(console: Console, key: str, call: str) -> None:
    """Presses a key, reads its plan, confirms it."""
    console.press(key)
    console.wait("the calls, step by step", "the question")
    console.press("d")
    console.wait(f"call +{call}", "the plan's calls")
    # A question is answered only a moment after it was drawn.
    time.sleep(DELIBERATE)
    console.press("y")


def run(binary: pathlib.Path, scratch: pathlib.Path, names: list[str]) -> bool:
    """Runs the checks, all or by name, on a foreign AWS of their own; whether all are right."""
    chosen = [function for function in CHECKS if not names or function.__name__ in names]
    right = True
    with stack.foreign_aws(scratch) as env:
        aws = Aws(env)
        site = Site(Tidegate(binary, env, scratch / "home"), Shop(aws, seed.seed(aws)))
        site.tidegate.config.write_text(CONFIG)
        for function in chosen:
            started = time.monotonic()
            try:
                function(site)
                verdict = "ok"
            except Exception as problem:  # whatever it is: the other checks have to run
                verdict, right = "FAILED", False
                if isinstance(problem, AssertionError):
                    print(problem)
                else:
                    traceback.print_exc()
            print(f"{verdict:6} {function.__name__} ({time.monotonic() - started:.1f} s)", flush=True)
    return right
