"""Checks what `tidegate status` and `tidegate rollback --dry-run` say of situations that AWS was recorded in.

run            all of them; names of situations may follow
"""

from __future__ import annotations

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable
from typing import Any

from situation import Situation, served

HERE = pathlib.Path(__file__).resolve().parent
Object = dict[str, Any]


class Tidegate:
    """The binary in one situation, with a home of its own."""

    def __init__(self, binary: pathlib.Path, endpoint: str, home: str) -> None:
        self._binary = binary
        self._env = {
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ENDPOINT_URL": endpoint,
            "HOME": home,
            "XDG_CONFIG_HOME": f"{home}/config",
            "TIDEGATE_STATE_DIR": f"{home}/state",
            "PATH": "/usr/bin:/bin",
        }

    def json(self, *arguments: str) -> Object:
        command = [str(self._binary), *arguments, "--json"]
        done = subprocess.run(command, env=self._env, capture_output=True, text=True, timeout=120, check=False)
        try:
            document: Object = json.loads(done.stdout)
        except json.JSONDecodeError:
            raise AssertionError(f"{arguments}: exit code {done.returncode}\n{done.stdout}\n{done.stderr}") from None
        return document

    def release(self, name: str) -> Object:
        services = self.json("status")["services"]
        found: list[Object] = [service for service in services if service["name"] == name]
        assert len(found) == 1, f"no {name} among {[service['name'] for service in services]}"
        return found[0]

    def rollback(self, name: str) -> Object:
        return self.json("rollback", name, "--dry-run")


def equal(found: object, expected: object) -> None:
    assert found == expected, f"{found!r} is not {expected!r}"


def revisions(release: Object) -> list[str]:
    return [release[side]["revision"] for side in ("stable", "canary") if release[side]]


def weights(release: Object) -> list[int]:
    return [release[side]["weight"] for side in ("stable", "canary") if release[side]]


def a_native_canary_at_10_percent(tidegate: Tidegate) -> None:
    """The sides are told by revision: the new one is in the group that is called primary."""
    release = tidegate.release("api-service")
    equal((release["method"], release["phase"]), ("native", "baking"))
    equal(release["share_percent"], {"requested": 10.0, "configured": 10.0, "observed": None})
    equal((revisions(release), weights(release)), (["api-service:790", "api-service:791"], [900, 100]))
    plan = tidegate.rollback("api-service")
    equal(plan["calls"], ["StopServiceDeployment acme-cluster/api-service  stopType=ROLLBACK"])
    assert "back to :790" in plan["plan"]["title"], plan["plan"]["title"]


def all_of_the_traffic_before_the_deployment_ends(tidegate: Tidegate) -> None:
    release = tidegate.release("api-service")
    equal(release["share_percent"]["configured"], 100.0)
    equal((revisions(release), weights(release)), (["api-service:790", "api-service:791"], [0, 100]))
    plan = tidegate.rollback("api-service")
    equal(plan["calls"], ["StopServiceDeployment acme-cluster/api-service  stopType=ROLLBACK"])


def a_native_canary_that_is_over(tidegate: Tidegate) -> None:
    release = tidegate.release("api-service")
    equal((release["phase"], revisions(release)), ("steady", ["api-service:791"]))
    equal((release["stable"]["weight"], release["stable"]["healthy"]), (100, 1))
    equal(release["share_percent"]["configured"], None)
    plan = tidegate.rollback("api-service")
    equal(plan["calls"], ["UpdateService acme-cluster/api-service  taskDefinition=api-service:790"])


def a_blue_green_service_at_rest(tidegate: Tidegate) -> None:
    """It is served from green, whatever its `targetGroupArn` says."""
    release = tidegate.release("hunt-bg")
    equal((release["phase"], revisions(release)), ("steady", ["hunt:1"]))
    equal((release["stable"]["weight"], release["stable"]["healthy"]), (100, 1))
    plan = tidegate.rollback("hunt-bg")
    equal((plan["refused"]["remedy"], plan["calls"]), ("name_revision", []))


def most_users_at_an_empty_target_group(tidegate: Tidegate) -> None:
    """The group that gets 95 % is the one that counts, and it has no targets."""
    release = tidegate.release("hunt-bg")
    equal((release["needs_somebody"], release["managed"]), (True, "express"))
    empty = [it["message"] for it in release["conditions"] if it["reason"] == "no_healthy_target"]
    equal(empty, ["hunt-green gets 95% of the traffic and has no target"])
    equal(release["conditions"][0]["severity"], "critical")
    equal((release["stable"]["weight"], release["stable"]["healthy"]), (950, 0))
    said = json.dumps([release["conditions"], release["ailment"]])
    assert "found 2 target groups" in said, said
    equal(tidegate.rollback("hunt-bg")["calls"], [])


def a_pair(tidegate: Tidegate) -> None:
    release = tidegate.release("checkout")
    equal((release["method"], release["share_percent"]["configured"]), ("weighted", 1.0))
    equal((revisions(release), weights(release)), (["checkout:41", "checkout:42"], [99, 1]))
    plan = tidegate.rollback("checkout")
    back = "ModifyRule rule 9683b2d02a6cabee  checkout-stable=100 checkout-canary=0"
    equal(plan["calls"], [back, "UpdateService prod/checkout-canary  desiredCount=0"])


def a_pair_whose_canary_another_rule_serves(tidegate: Tidegate) -> None:
    equal(tidegate.release("checkout")["share_percent"]["configured"], 1.0)
    plan = tidegate.rollback("checkout")
    equal(plan["calls"], ["ModifyRule rule 9683b2d02a6cabee  checkout-stable=100 checkout-canary=0"])
    said = json.dumps(plan["plan"]["warnings"])
    assert "keeps its tasks" in said and "beta.example.com" in said, said


CHECKS: dict[str, Callable[[Tidegate], None]] = {
    "bluegreen-live-steady": a_blue_green_service_at_rest,
    "canary-live-10-percent": a_native_canary_at_10_percent,
    "canary-live-flip": all_of_the_traffic_before_the_deployment_ends,
    "canary-live-done": a_native_canary_that_is_over,
    "default-rules-canary-10-percent": a_native_canary_at_10_percent,
    "express-stuck-950-50": most_users_at_an_empty_target_group,
    "pair-alb": a_pair,
    "pair-other-rule-to-canary": a_pair_whose_canary_another_rule_serves,
}


def right(binary: pathlib.Path, name: str) -> bool:
    situation = Situation(HERE / "inputs" / f"{name}.json")
    with served(situation) as endpoint, tempfile.TemporaryDirectory(prefix="tidegate-") as home:
        try:
            CHECKS[name](Tidegate(binary, endpoint, home))
            equal(situation.writes, [])
        except (AssertionError, KeyError, TypeError, subprocess.TimeoutExpired):
            print(f"{name}: wrong\n{traceback.format_exc()}")
            return False
    print(f"{name}: right")
    return True


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", type=pathlib.Path, required=True, help="the tidegate to check")
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these situations")
    arguments = parser.parse_args()
    recorded = {path.stem for path in (HERE / "inputs").glob("*.json")}
    assert recorded == set(CHECKS), f"recorded and checked differ: {recorded ^ set(CHECKS)}"
    if not arguments.binary.exists():
        print(f"{arguments.binary} is not there: cargo build first", file=sys.stderr)
        return 2
    unknown = [name for name in arguments.names if name not in CHECKS]
    if unknown:
        print(f"no such situation: {', '.join(unknown)}", file=sys.stderr)
        return 2
    results = [right(arguments.binary.resolve(), name) for name in arguments.names or CHECKS]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
