"""AWS in one recorded situation, on the loopback interface. It answers what is read and takes no write."""

from __future__ import annotations

import contextlib
import gzip
import http.server
import json
import pathlib
import re
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import protocols
from protocols import Refusal, Request

Object = dict[str, Any]
# Seconds between the newest thing in a recording and the time at which it is asked for.
NEWEST_IS_OLD = 90.0
WRITE = re.compile(r"(Modify|Update|Stop|Continue|Register|Deregister|Put|Create|Delete|Set)")


def _is_time(name: str, value: Any) -> bool:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return is_number and (name.endswith("At") or name.endswith("Time")) and value > 1e9


def _times(node: Any) -> Iterator[float]:
    if isinstance(node, dict):
        for name, value in node.items():
            if _is_time(name, value):
                yield float(value)
            else:
                yield from _times(value)
    elif isinstance(node, list):
        for item in node:
            yield from _times(item)


def _later(node: Any, seconds: float) -> Any:
    if isinstance(node, dict):
        return {
            name: value + seconds if _is_time(name, value) else _later(value, seconds) for name, value in node.items()
        }
    return [_later(item, seconds) for item in node] if isinstance(node, list) else node


def name_of(arn: str) -> str:
    return arn.rsplit("/", 1)[-1]


def _named(things: list[Object], member: str, wanted: list[str], what: str, key: str) -> Object:
    by_arn = {thing[member]: thing for thing in things}
    missing = [{"arn": arn, "reason": "MISSING"} for arn in wanted if arn not in by_arn]
    return {what: [by_arn[arn] for arn in wanted if arn in by_arn], key: missing}


class Situation:
    """The recorded state, and AWS's read operations on it."""

    def __init__(self, path: pathlib.Path) -> None:
        recorded = json.loads(path.read_text())
        newest = max(_times(recorded), default=0.0)
        self._state: Object = _later(recorded, time.time() - NEWEST_IS_OLD - newest)
        self.writes: list[str] = []

    def answer(self, request: Request) -> Object:
        if WRITE.match(request.operation):
            self.writes.append(request.operation)
            raise Refusal("AccessDeniedException", "nothing is written to a recording")
        method: Callable[[Object], Object] | None = getattr(self, f"_{request.service}_{request.operation}", None)
        if method is None:
            raise Refusal("InvalidAction", f"{request.operation} was not recorded")
        return method(request.input)

    def _all(self, kind: str) -> list[Object]:
        found: list[Object] = self._state.get(kind, [])
        return found

    # ECS

    def _clusters(self) -> list[str]:
        found: list[str] = self._state["clusters"]
        return found

    def _in_cluster(self, wanted: Object) -> list[Object]:
        cluster = wanted.get("cluster", "default")
        if not any(cluster in (arn, name_of(arn)) for arn in self._clusters()):
            raise Refusal("ClusterNotFoundException", "Cluster not found.")
        return [it for it in self._all("services") if cluster in (it["clusterArn"], name_of(it["clusterArn"]))]

    def _service(self, wanted: Object, name: str) -> Object:
        for service in self._in_cluster(wanted):
            if name in (service["serviceArn"], service["serviceName"]):
                return service
        raise Refusal("ServiceNotFoundException", "Service not found.")

    def _ecs_ListClusters(self, _: Object) -> Object:
        return {"clusterArns": self._clusters()}

    def _ecs_DescribeClusters(self, wanted: Object) -> Object:
        clusters = [arn for arn in self._clusters() if {arn, name_of(arn)} & set(wanted["clusters"])]
        described = [{"clusterArn": arn, "clusterName": name_of(arn), "status": "ACTIVE"} for arn in clusters]
        return {"clusters": described, "failures": []}

    def _ecs_ListServices(self, wanted: Object) -> Object:
        return {"serviceArns": [service["serviceArn"] for service in self._in_cluster(wanted)]}

    def _ecs_DescribeServices(self, wanted: Object) -> Object:
        services, failures = [], []
        for name in wanted["services"]:
            try:
                services.append(self._service(wanted, name))
            except Refusal:
                failures.append({"arn": name, "reason": "MISSING"})
        return {"services": services, "failures": failures}

    def _ecs_ListServiceDeployments(self, wanted: Object) -> Object:
        service = self._service(wanted, wanted["service"])
        own = [it for it in self._all("deployments") if it["serviceArn"] == service["serviceArn"]]
        own.sort(key=lambda it: it.get("createdAt", 0.0), reverse=True)
        members = ("serviceDeploymentArn", "serviceArn", "clusterArn", "startedAt", "createdAt", "finishedAt", "status")

        def brief(deployment: Object) -> Object:
            shown = {name: deployment[name] for name in members if name in deployment}
            target = deployment.get("targetServiceRevision", {}).get("arn")
            return {**shown, "targetServiceRevisionArn": target} if target else shown

        return {"serviceDeployments": [brief(deployment) for deployment in own]}

    def _ecs_DescribeServiceDeployments(self, wanted: Object) -> Object:
        arns = wanted["serviceDeploymentArns"]
        return _named(self._all("deployments"), "serviceDeploymentArn", arns, "serviceDeployments", "failures")

    def _ecs_DescribeServiceRevisions(self, wanted: Object) -> Object:
        arns = wanted["serviceRevisionArns"]
        return _named(self._all("revisions"), "serviceRevisionArn", arns, "serviceRevisions", "failures")

    def _ecs_ListTasks(self, wanted: Object) -> Object:
        self._in_cluster(wanted)
        status = wanted.get("desiredStatus", "RUNNING")
        group = f"service:{name_of(wanted.get('serviceName', ''))}"
        own = [it for it in self._all("tasks") if it.get("group") == group and it.get("desiredStatus") == status]
        return {"taskArns": [task["taskArn"] for task in own]}

    def _ecs_DescribeTasks(self, wanted: Object) -> Object:
        return _named(self._all("tasks"), "taskArn", wanted["tasks"], "tasks", "failures")

    def _ecs_DescribeTaskDefinition(self, wanted: Object) -> Object:
        for definition in self._all("taskDefinitions"):
            arn = definition["taskDefinitionArn"]
            if wanted["taskDefinition"] in (arn, name_of(arn)):
                return {"taskDefinition": definition, "tags": []}
        raise Refusal("ClientException", "Unable to describe task definition.")

    def _ecs_ListTaskDefinitions(self, wanted: Object) -> Object:
        status = wanted.get("status", "ACTIVE")
        own = [it for it in self._all("taskDefinitions") if it.get("family") == wanted.get("familyPrefix")]
        arns = [it["taskDefinitionArn"] for it in own if it.get("status", "ACTIVE") == status]
        return {"taskDefinitionArns": sorted(arns, key=lambda arn: int(arn.rsplit(":", 1)[1]), reverse=True)}

    # ELB

    def _chosen(self, kind: str, member: str, wanted: list[str] | None, code: str) -> list[Object]:
        found = [it for it in self._all(kind) if not wanted or it[member] in wanted]
        if len(found) < len(wanted or []):
            raise Refusal(code, f"One or more {kind} not found")
        return found

    def _elbv2_DescribeLoadBalancers(self, wanted: Object) -> Object:
        arns = wanted.get("LoadBalancerArns")
        return {"LoadBalancers": self._chosen("loadBalancers", "LoadBalancerArn", arns, "LoadBalancerNotFound")}

    def _elbv2_DescribeListeners(self, wanted: Object) -> Object:
        if "LoadBalancerArn" in wanted:
            own = [it for it in self._all("listeners") if it["LoadBalancerArn"] == wanted["LoadBalancerArn"]]
            return {"Listeners": own}
        return {"Listeners": self._chosen("listeners", "ListenerArn", wanted["ListenerArns"], "ListenerNotFound")}

    def _elbv2_DescribeRules(self, wanted: Object) -> Object:
        if "ListenerArn" not in wanted:
            return {"Rules": self._chosen("rules", "RuleArn", wanted["RuleArns"], "RuleNotFound")}
        prefix = wanted["ListenerArn"].replace(":listener/", ":listener-rule/") + "/"
        return {"Rules": [rule for rule in self._all("rules") if rule["RuleArn"].startswith(prefix)]}

    def _elbv2_DescribeTargetGroups(self, wanted: Object) -> Object:
        arns = wanted.get("TargetGroupArns")
        return {"TargetGroups": self._chosen("targetGroups", "TargetGroupArn", arns, "TargetGroupNotFound")}

    def _elbv2_DescribeTargetGroupAttributes(self, _: Object) -> Object:
        attributes = {"deregistration_delay.timeout_seconds": "300", "stickiness.enabled": "false"}
        return {"Attributes": [{"Key": key, "Value": value} for key, value in attributes.items()]}

    def _elbv2_DescribeTargetHealth(self, wanted: Object) -> Object:
        health = self._state.get("targetHealth", {})
        if wanted["TargetGroupArn"] not in health:
            raise Refusal("TargetGroupNotFound", "One or more target groups not found")
        return {"TargetHealthDescriptions": health[wanted["TargetGroupArn"]]}

    # CloudWatch and STS: nothing was recorded there.

    def _cloudwatch_GetMetricData(self, wanted: Object) -> Object:
        empty = {"Timestamps": [], "Values": [], "StatusCode": "Complete"}
        return {"MetricDataResults": [{"Id": query["Id"], **empty} for query in wanted["MetricDataQueries"]]}

    def _cloudwatch_DescribeAlarms(self, _: Object) -> Object:
        return {"MetricAlarms": [], "CompositeAlarms": []}

    def _sts_GetCallerIdentity(self, _: Object) -> Object:
        arn = "arn:aws:sts::123456789012:assumed-role/oncall/ana"
        return {"UserId": "AROAEXAMPLE:ana", "Account": "123456789012", "Arn": arn}


@contextlib.contextmanager
def served(situation: Situation) -> Iterator[str]:
    """The endpoint at which the situation answers."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: Any) -> None:
            pass

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            if self.headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            request = protocols.read(self.path, self.headers, body)
            try:
                response = protocols.write(request, situation.answer(request))
            except Refusal as refusal:
                response = protocols.write_error(request, refusal)
            self.send_response(response.status)
            for name, value in response.headers.items():
                self.send_header(name, value)
            self.send_header("x-amzn-RequestId", protocols.REQUEST_ID)
            self.send_header("Content-Length", str(len(response.body)))
            self.end_headers()
            self.wfile.write(response.body)

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
