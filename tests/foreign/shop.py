"""The seeded shop, as boto3 sees it, and the way back to its first state between checks."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable
from typing import Any

import seed
from aws import Aws


def until(condition: Callable[[], bool], what: str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"it never came that {what}"
        time.sleep(0.2)


@dataclasses.dataclass(frozen=True)
class Sample:
    """One look at the pair: the weights before and after looking at the canary."""

    canary_weight_before: int
    canary_desired: int
    canary_running: int
    canary_weight_after: int


class Shop:
    def __init__(self, aws: Aws, seeded: seed.Seeded) -> None:
        self.aws = aws
        self.seeded = seeded

    def rule(self) -> dict[str, Any]:
        rules: list[dict[str, Any]] = self.aws.elbv2.describe_rules(RuleArns=[self.seeded.rule_arn])["Rules"]
        return rules[0]

    def weights(self) -> tuple[int, int]:
        """The rule's weights: stable, canary."""
        groups = self.rule()["Actions"][-1]["ForwardConfig"]["TargetGroups"]
        by_arn = {group["TargetGroupArn"]: group["Weight"] for group in groups}
        stable, canary = (by_arn[self.seeded.target_groups[role]] for role in seed.PAIR)
        return stable, canary

    def rule_without_weights(self) -> dict[str, Any]:
        rule = self.rule()
        for group in rule["Actions"][-1]["ForwardConfig"]["TargetGroups"]:
            del group["Weight"]
        return rule

    def other_rules(self) -> list[dict[str, Any]]:
        rules = self.aws.elbv2.describe_rules(ListenerArn=self.seeded.listener_arn)["Rules"]
        return [rule for rule in rules if rule["RuleArn"] != self.seeded.rule_arn]

    def service(self, name: str) -> dict[str, Any]:
        services: list[dict[str, Any]] = self.aws.ecs.describe_services(cluster=seed.CLUSTER, services=[name])[
            "services"
        ]
        return services[0]

    def revision(self, name: str) -> str:
        """The service's task definition, `family:revision`."""
        arn: str = self.service(name)["taskDefinition"]
        return arn.rpartition("/")[2]

    def settled(self, name: str) -> bool:
        service = self.service(name)
        return len(service["deployments"]) == 1 and service["runningCount"] == service["desiredCount"]

    def set_weights(self, stable: int, canary: int) -> None:
        actions = self.rule()["Actions"]
        weights = dict(zip(self.seeded.target_groups.values(), (stable, canary), strict=True))
        for group in actions[-1]["ForwardConfig"]["TargetGroups"]:
            group["Weight"] = weights[group["TargetGroupArn"]]
        self.aws.elbv2.modify_rule(RuleArn=self.seeded.rule_arn, Actions=actions)

    def set_service(self, name: str, task_definition: str, count: int) -> None:
        service = self.service(name)
        if (self.revision(name), service["desiredCount"]) != (task_definition, count):
            self.aws.ecs.update_service(
                cluster=seed.CLUSTER, service=name, taskDefinition=task_definition, desiredCount=count
            )

    def reset(self, stable: int = 99, canary: int = 1) -> None:
        """The pair as it was seeded, but for the weights, which a check may want otherwise."""
        self.set_service(seed.PAIR["stable"], "checkout:4", 9)
        self.set_service(seed.PAIR["canary"], "checkout:5", 1)
        self.set_weights(stable, canary)
        for name in seed.PAIR.values():
            until(lambda name=name: self.settled(name), f"{name} is settled")  # type: ignore[misc]

    def watch(self) -> Watcher:
        return Watcher(self)


class Watcher:
    """Looks at the pair over and over while the block runs."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self.samples: list[Sample] = []

    def __enter__(self) -> Watcher:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._done.is_set():
            before = self._shop.weights()[1]
            canary = self._shop.service(seed.PAIR["canary"])
            after = self._shop.weights()[1]
            self.samples.append(Sample(before, canary["desiredCount"], canary["runningCount"], after))
            self._done.wait(0.05)
