"""The simulator, used by boto3 and compared with botocore's models: every operation it answers, in every protocol."""

from __future__ import annotations

import contextlib
import datetime
import pathlib
import re
import subprocess
import threading
from collections.abc import Iterator
from typing import Any
from unittest import mock

from botocore.exceptions import ClientError

import schema
import stack
from aws import Aws

# These fail on purpose.
FAULTY = {"expiring-credentials", "outage", "throttled"}
SCENARIOS = sorted(
    path.stem for path in (stack.HERE.parents[1] / "assets" / "scenarios").glob("*.toml") if path.stem not in FAULTY
)
CLOUDWATCH_PROTOCOLS = ["json", "smithy-rpc-v2-cbor", "query"]


@contextlib.contextmanager
def simulator(binary: pathlib.Path, scenario: str, log: pathlib.Path) -> Iterator[dict[str, str]]:
    """A running `tidegate sim`; yields the variables that it prints, with credentials where it prints none."""
    command = [str(binary), "sim", "--port", "0", "--scenario", scenario, "--speed", "10"]
    with log.open("ab") as errors:
        process = subprocess.Popen(command, env=stack.clean_environment(), stdout=subprocess.PIPE, stderr=errors)
    try:
        yield {**stack.CREDENTIALS, **read_variables(process)}
    finally:
        stack.stop(process)


def read_variables(process: subprocess.Popen[bytes]) -> dict[str, str]:
    """The `export NAME=VALUE` lines that a simulator prints, once it prints its endpoint."""
    assert process.stdout is not None
    found: dict[str, str] = {}
    watchdog = threading.Timer(30, process.kill)
    watchdog.start()
    try:
        for line in process.stdout:
            for name, value in re.findall(r"(AWS_\w+)=(\S+)", line.decode()):
                found[name] = value.strip("\"'")
            if "AWS_ENDPOINT_URL" in found:
                return found
    finally:
        watchdog.cancel()
    raise RuntimeError(f"{process.args!r} printed no endpoint")


class Recorder:
    """Makes calls and collects what the model has against their answers."""

    def __init__(self, aws: Aws, scenario: str) -> None:
        self.aws = aws
        self.scenario = scenario
        self.problems: list[str] = []
        self.operations: set[str] = set()
        for client in (aws.ecs, aws.elbv2, aws.cloudwatch, aws.logs, aws.sts):
            self.watch(client)

    def watch(self, client: Any) -> None:
        client.meta.events.register("after-call", self._answered)

    def _answered(self, http_response: Any, model: Any, **_: Any) -> None:
        if http_response.status_code != 200:
            return
        protocol = model.service_model.resolved_protocol
        name = f"{model.service_model.service_name} {protocol}"
        self.operations.add(f"{name} {model.name}")
        for problem in schema.problems(model, protocol, http_response.content):
            self.note(f"{name} {problem}")

    def note(self, problem: str) -> None:
        # Members of a list tend to have the same problem.
        problem = re.sub(r"\[\d+\]", "[]", problem)
        if problem not in self.problems:
            self.problems.append(problem)

    def expect_error(self, code: str, status: int, call: Any, **arguments: Any) -> None:
        name = call.__name__
        try:
            call(**arguments)
        except ClientError as error:
            got = (error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"])
            if got != (code, status):
                self.note(f"{name}: the error is {got}, not {(code, status)}")
        else:
            self.note(f"{name}: no error, but {code} was expected")


def pages(client: Any, operation: str, key: str, **arguments: Any) -> list[Any]:
    paginator = client.get_paginator(operation)
    return [item for page in paginator.paginate(**arguments) for item in page[key]]


def batches(items: list[str], size: int) -> Iterator[list[str]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def exercise_ecs(recorder: Recorder) -> None:
    ecs = recorder.aws.ecs
    for cluster in pages(ecs, "list_clusters", "clusterArns"):
        ecs.describe_clusters(clusters=[cluster], include=["SETTINGS", "STATISTICS", "TAGS", "CONFIGURATIONS"])
        services = pages(ecs, "list_services", "serviceArns", cluster=cluster)
        for batch in batches(services, 10):
            for service in ecs.describe_services(cluster=cluster, services=batch, include=["TAGS"])["services"]:
                exercise_service(recorder, cluster, service)
        missing = ecs.describe_services(cluster=cluster, services=["no-such-service"])
        if [failure.get("reason") for failure in missing["failures"]] != ["MISSING"]:
            recorder.note("ecs DescribeServices: a missing service is not a failure MISSING")
        recorder.expect_error(
            "ServiceNotFoundException",
            400,
            ecs.update_service,
            cluster=cluster,
            service="no-such-service",
            desiredCount=1,
        )
        names = [f"s{number}" for number in range(11)]
        recorder.expect_error("InvalidParameterException", 400, ecs.describe_services, cluster=cluster, services=names)
    recorder.expect_error("ClusterNotFoundException", 400, ecs.list_services, cluster="no-such-cluster")
    recorder.expect_error("ClientException", 400, ecs.describe_task_definition, taskDefinition="no-such-family:1")


def exercise_service(recorder: Recorder, cluster: str, service: dict[str, Any]) -> None:
    ecs = recorder.aws.ecs
    name = service["serviceName"]
    ecs.list_tags_for_resource(resourceArn=service["serviceArn"])
    for status in ("RUNNING", "STOPPED"):
        tasks = pages(ecs, "list_tasks", "taskArns", cluster=cluster, serviceName=name, desiredStatus=status)
        for batch in batches(tasks, 100):
            ecs.describe_tasks(cluster=cluster, tasks=batch, include=["TAGS"])
    # A service in Express Mode has no task definition of its own: its PRIMARY deployment has.
    primary = next(one for one in service["deployments"] if one["status"] == "PRIMARY")
    definition = service.get("taskDefinition", primary["taskDefinition"])
    described = ecs.describe_task_definition(taskDefinition=definition, include=["TAGS"])
    family = described["taskDefinition"]["family"]
    exercise_definition(recorder, cluster, name, described["taskDefinition"])
    for status in ("ACTIVE", "INACTIVE"):
        pages(ecs, "list_task_definitions", "taskDefinitionArns", familyPrefix=family, status=status, sort="DESC")
    briefs = ecs.list_service_deployments(cluster=cluster, service=name)["serviceDeployments"]
    if not briefs:
        recorder.note(f"ecs ListServiceDeployments: {name} has none")
    for batch in batches([brief["serviceDeploymentArn"] for brief in briefs], 20):
        for deployment in ecs.describe_service_deployments(serviceDeploymentArns=batch)["serviceDeployments"]:
            exercise_deployment(recorder, deployment)
    revisions = [brief["targetServiceRevisionArn"] for brief in briefs]
    for batch in batches(revisions, 20):
        ecs.describe_service_revisions(serviceRevisionArns=batch)
    if service["status"] != "ACTIVE":
        recorder.expect_error(
            "ServiceNotActiveException", 400, ecs.update_service, cluster=cluster, service=name, desiredCount=1
        )
        return
    if service["schedulingStrategy"] == "DAEMON":
        refuse_update(recorder, cluster, name, desiredCount=1)
    if service.get("resourceManagementType") == "ECS":
        refuse_update(recorder, cluster, name, deploymentConfiguration=service["deploymentConfiguration"])
        return
    exercise_configuration(recorder, cluster, service)
    if service.get("launchType") == "EC2":
        exercise_instances(recorder, cluster, name)
    else:
        exercise_network(recorder, cluster, service)


def exercise_instances(recorder: Recorder, cluster: str, service: str) -> None:
    """Tasks on instances have no network of their own, and each instance is a known one."""
    ecs = recorder.aws.ecs
    vpc = {"subnets": ["subnet-0aaaaaaaaaaaaaaaa"], "assignPublicIp": "DISABLED"}
    refuse_update(recorder, cluster, service, networkConfiguration={"awsvpcConfiguration": vpc})
    arns = ecs.list_tasks(cluster=cluster, serviceName=service)["taskArns"]
    tasks = ecs.describe_tasks(cluster=cluster, tasks=arns)["tasks"]
    instances = sorted({task["containerInstanceArn"] for task in tasks})
    shown = ecs.describe_container_instances(cluster=cluster, containerInstances=[*instances, "0" * 32])
    if len(shown["containerInstances"]) != len(instances) or len(shown["failures"]) != 1:
        recorder.note("ecs DescribeContainerInstances: not every instance of a task is shown, or an unknown one is")


def refuse_update(recorder: Recorder, cluster: str, service: str, **members: Any) -> None:
    """An UpdateService with these members is refused as invalid."""
    update = recorder.aws.ecs.update_service
    recorder.expect_error("InvalidParameterException", 400, update, cluster=cluster, service=service, **members)


def exercise_definition(recorder: Recorder, cluster: str, service: str, found: dict[str, Any]) -> None:
    """Registers what is there with another image and a container more, as consoles do; then deregisters it."""
    ecs = recorder.aws.ecs
    taken = ecs.meta.service_model.operation_model("RegisterTaskDefinition").input_shape.members
    wanted = {name: value for name, value in found.items() if name in taken}
    proxy = {
        "name": "proxy",
        "image": "example.test/proxy:2",
        "essential": False,
        "secrets": [{"name": "TOKEN", "valueFrom": "arn:aws:ssm:us-east-1:123456789012:parameter/proxy"}],
        "healthCheck": {"command": ["CMD", "true"], "interval": 7},
        "dockerLabels": {"tier": "edge"},
    }
    wanted["containerDefinitions"] = [{**wanted["containerDefinitions"][0], "image": "example.test/app:next"}, proxy]
    answer = ecs.register_task_definition(**wanted, tags=[{"key": "team", "value": "edge"}])
    made = answer["taskDefinition"]
    arn = made["taskDefinitionArn"]
    read = ecs.describe_task_definition(taskDefinition=arn, include=["TAGS"])
    if read["taskDefinition"] != made or read["tags"] != answer["tags"] or not read["tags"]:
        recorder.note("ecs RegisterTaskDefinition: what is described is not what was registered")
    for name, value in wanted.items():
        if name != "containerDefinitions" and made[name] != value:
            recorder.note(f"ecs RegisterTaskDefinition: {name} was {value} and became {made[name]}")
    for before, after in zip(wanted["containerDefinitions"], made["containerDefinitions"], strict=True):
        if not before.items() <= after.items():
            recorder.note(f"ecs RegisterTaskDefinition: {before['name']} is not as it was registered")
    if made["revision"] <= found["revision"]:
        recorder.note("ecs RegisterTaskDefinition: the revision is not a new one")
    gone = ecs.deregister_task_definition(taskDefinition=arn)["taskDefinition"]
    if (gone["status"], gone["taskDefinitionArn"]) != ("INACTIVE", arn) or "deregisteredAt" not in gone:
        recorder.note("ecs DeregisterTaskDefinition: it is not INACTIVE")
    recorder.expect_error(
        "ClientException", 400, ecs.update_service, cluster=cluster, service=service, taskDefinition=arn
    )
    recorder.expect_error("ClientException", 400, ecs.deregister_task_definition, taskDefinition=made["family"])
    recorder.expect_error("ClientException", 400, ecs.register_task_definition, family="x", containerDefinitions=[])


def exercise_configuration(recorder: Recorder, cluster: str, service: dict[str, Any]) -> None:
    """Writes every member of a deploymentConfiguration, reads it back, and restores what was there."""
    ecs = recorder.aws.ecs
    name = service["serviceName"]

    def write(config: dict[str, Any]) -> dict[str, Any]:
        ecs.update_service(cluster=cluster, service=name, deploymentConfiguration=config)
        found: dict[str, Any] = ecs.describe_services(cluster=cluster, services=[name])["services"][0]
        return found

    before = ecs.describe_services(cluster=cluster, services=[name])["services"][0]
    for config in configurations("advancedConfiguration" in (service["loadBalancers"] or [{}])[0]):
        shown = write(config)["deploymentConfiguration"]
        for member, value in config.items():
            # An empty list of hooks is none at all.
            if shown.get(member, []) != value:
                recorder.note(f"ecs UpdateService: {member} was written as {value} and reads {shown.get(member)}")
    original = before["deploymentConfiguration"]
    after = write({"lifecycleHooks": [], "alarms": {"alarmNames": [], "rollback": False, "enable": False}, **original})
    if after["currentServiceDeployment"] != before["currentServiceDeployment"]:
        recorder.note("ecs UpdateService: a deploymentConfiguration alone starts a deployment")
    bad: dict[str, Any] = {"lifecycleHooks": [{"targetType": "PAUSE", "lifecycleStages": ["PRODUCTION_TRAFFIC_SHIFT"]}]}
    refuse_update(recorder, cluster, name, deploymentConfiguration=bad)


def configurations(native: bool) -> Iterator[dict[str, Any]]:
    yield {
        "maximumPercent": 150,
        "minimumHealthyPercent": 50,
        "alarms": {"alarmNames": ["a", "b"], "rollback": True, "enable": True},
        "deploymentCircuitBreaker": {
            "enable": True,
            "rollback": False,
            "resetOnHealthyTask": True,
            "thresholdConfiguration": {"type": "UNBOUNDED_PERCENT", "value": 30},
        },
    }
    if not native:
        return
    role = "arn:aws:iam::123456789012:role/hooks"
    pause = {"timeoutInMinutes": 90, "action": "CONTINUE"}
    hooks = [
        {"targetType": "PAUSE", "lifecycleStages": ["PRE_PRODUCTION_TRAFFIC_SHIFT"], "timeoutConfiguration": pause},
        {
            "targetType": "AWS_LAMBDA",
            "hookTargetArn": "arn:aws:lambda:us-east-1:123456789012:function:check",
            "roleArn": role,
            "lifecycleStages": ["POST_SCALE_UP", "POST_PRODUCTION_TRAFFIC_SHIFT"],
            "hookDetails": {"suite": "smoke", "limits": [1, None], "deep": {"er": True}},
        },
    ]
    canary = {"canaryPercent": 0.5, "canaryBakeTimeInMinutes": 0}
    yield {"strategy": "CANARY", "bakeTimeInMinutes": 3, "canaryConfiguration": canary, "lifecycleHooks": hooks}
    yield {"strategy": "LINEAR", "linearConfiguration": {"stepPercent": 33.5, "stepBakeTimeInMinutes": 1440}}
    yield {"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 0, "lifecycleHooks": []}


def exercise_network(recorder: Recorder, cluster: str, service: dict[str, Any]) -> None:
    """Another network and other capacity make another revision; what ran before keeps its own."""
    ecs = recorder.aws.ecs
    name = service["serviceName"]
    before = ecs.describe_services(cluster=cluster, services=[name])["services"][0]
    vpc = {
        "subnets": ["subnet-0aaaaaaaaaaaaaaaa"],
        "securityGroups": ["sg-0bbbbbbbbbbbbbbbb"],
        "assignPublicIp": "ENABLED",
    }
    network = {"awsvpcConfiguration": vpc}
    strategy = [{"capacityProvider": "FARGATE_SPOT", "weight": 1, "base": 0}]
    after = ecs.update_service(
        cluster=cluster, service=name, networkConfiguration=network, capacityProviderStrategy=strategy
    )["service"]
    arn = after["currentServiceDeployment"]
    if arn == before["currentServiceDeployment"]:
        recorder.note("ecs UpdateService: another network starts no deployment")
    deployment = ecs.describe_service_deployments(serviceDeploymentArns=[arn])["serviceDeployments"][0]
    target = deployment["targetServiceRevision"]["arn"]
    sources = [source["arn"] for source in deployment["sourceServiceRevisions"]]
    revisions = ecs.describe_service_revisions(serviceRevisionArns=[target, *sources])["serviceRevisions"]
    for shown in (after, revisions[0]):
        if (shown["networkConfiguration"], shown["capacityProviderStrategy"]) != (network, strategy):
            recorder.note("ecs UpdateService: the network or the capacity is not the one that was written")
    if any(revision["networkConfiguration"] == network for revision in revisions[1:]):
        recorder.note("ecs UpdateService: the revision before got the new one's network")
    exercise_deployment(recorder, deployment)


def exercise_deployment(recorder: Recorder, deployment: dict[str, Any]) -> None:
    """Answers what waits for an answer, once; stops what can be stopped."""
    ecs = recorder.aws.ecs
    arn = deployment["serviceDeploymentArn"]
    if ("startedAt" in deployment) == (deployment["status"] == "PENDING"):
        recorder.note("ecs DescribeServiceDeployments: startedAt goes with any status but PENDING")
    if deployment["status"] != "IN_PROGRESS":
        return
    for hook in deployment.get("lifecycleHookDetails", []):
        if hook["targetType"] == "PAUSE" and hook["status"] == "AWAITING_ACTION":
            ecs.continue_service_deployment(serviceDeploymentArn=arn, hookId=hook["hookId"], action="CONTINUE")
            recorder.expect_error(
                "InvalidParameterException",
                400,
                ecs.continue_service_deployment,
                serviceDeploymentArn=arn,
                hookId=hook["hookId"],
                action="CONTINUE",
            )
    ecs.stop_service_deployment(serviceDeploymentArn=arn, stopType="ROLLBACK")
    ecs.describe_service_deployments(serviceDeploymentArns=[arn])


def exercise_elb(recorder: Recorder) -> None:
    elb = recorder.aws.elbv2
    for balancer in pages(elb, "describe_load_balancers", "LoadBalancers"):
        arn = balancer["LoadBalancerArn"]
        groups = pages(elb, "describe_target_groups", "TargetGroups", LoadBalancerArn=arn)
        elb.describe_tags(ResourceArns=[arn])
        for group in groups:
            elb.describe_target_health(TargetGroupArn=group["TargetGroupArn"])
            elb.describe_target_group_attributes(TargetGroupArn=group["TargetGroupArn"])
        for listener in pages(elb, "describe_listeners", "Listeners", LoadBalancerArn=arn):
            for rule in pages(elb, "describe_rules", "Rules", ListenerArn=listener["ListenerArn"]):
                exercise_rule(recorder, rule)
    gone = balancer["LoadBalancerArn"].replace("loadbalancer/", "listener-rule/") + "/0000000000000000/0000000000000000"
    recorder.expect_error("RuleNotFound", 400, elb.describe_rules, RuleArns=[gone])
    recorder.expect_error("TargetGroupNotFound", 400, elb.describe_target_groups, Names=["no-such-group"])
    recorder.expect_error("LoadBalancerNotFound", 400, elb.describe_load_balancers, Names=["no-such-balancer"])


def exercise_rule(recorder: Recorder, rule: dict[str, Any]) -> None:
    """Writing back what was read changes nothing."""
    if rule["IsDefault"]:
        return
    elb = recorder.aws.elbv2
    # ECS may write a rule of its own between two calls, but not each time.
    for _ in range(3):
        try:
            written = elb.modify_rule(RuleArn=rule["RuleArn"], Actions=rule["Actions"])["Rules"][0]
        except elb.exceptions.OperationNotPermittedException as error:
            # Only the rule of a gateway, which belongs to ECS, refuses.
            if recorder.scenario != "gateway":
                recorder.note(f"elbv2 ModifyRule: {error}")
            return
        read = elb.describe_rules(RuleArns=[rule["RuleArn"]])["Rules"][0]
        if rule["Actions"] == written["Actions"] == read["Actions"]:
            break
        rule = read
    else:
        recorder.note("elbv2 ModifyRule: writing back a rule's actions changed them, each time")
    actions = [dict(action) for action in rule["Actions"]]
    groups = actions[-1].get("ForwardConfig", {}).get("TargetGroups", [])
    if groups:
        groups[0]["Weight"] = 1000
        recorder.expect_error("ValidationError", 400, elb.modify_rule, RuleArn=rule["RuleArn"], Actions=actions)


def exercise_cloudwatch(recorder: Recorder) -> None:
    groups = [
        group
        for group in pages(recorder.aws.elbv2, "describe_target_groups", "TargetGroups")
        if group.get("LoadBalancerArns")
    ]
    # Nobody may be at the till; where there is a search, people search.
    served = next((group for group in groups if group["TargetGroupName"] == "search"), groups[0])
    # A minute may end between two calls, but not each time.
    for _ in range(3):
        answers = [metrics_and_alarms(recorder, client, served) for client in cloudwatch_clients(recorder)]
        if all(answer == answers[0] for answer in answers):
            break
    else:
        recorder.note("cloudwatch: GetMetricData gives different values in different protocols")


def cloudwatch_clients(recorder: Recorder) -> Iterator[Any]:
    """A client for each of the protocols that the service's model lists."""
    for protocol in CLOUDWATCH_PROTOCOLS:
        with mock.patch("botocore.model.PRIORITY_ORDERED_SUPPORTED_PROTOCOLS", (protocol,)):
            client = recorder.aws.client("cloudwatch")
            recorder.watch(client)
            yield client


def metrics_and_alarms(recorder: Recorder, client: Any, group: dict[str, Any]) -> Any:
    if client.describe_alarms()["CompositeAlarms"]:
        recorder.note("cloudwatch DescribeAlarms: composite alarms that nobody asked for")
    client.describe_alarms(AlarmTypes=["MetricAlarm", "CompositeAlarm"], MaxRecords=10)
    client.describe_alarms(AlarmTypes=["CompositeAlarm"], StateValue="ALARM")
    dimensions = [
        {"Name": "TargetGroup", "Value": group["TargetGroupArn"].split(":")[-1]},
        {"Name": "LoadBalancer", "Value": group["LoadBalancerArns"][0].split("loadbalancer/")[1]},
    ]
    # Minutes long enough ago not to change any more.
    end = datetime.datetime.now(datetime.UTC).replace(second=0, microsecond=0) - datetime.timedelta(minutes=10)
    wanted = [
        ("RequestCount", "Sum"),
        ("TargetResponseTime", "p95"),
        ("HealthyHostCount", "Minimum"),
        ("NoSuchMetric", "Sum"),
    ]
    results = client.get_metric_data(
        MetricDataQueries=[
            {
                "Id": f"q{index}",
                "MetricStat": {
                    "Metric": {"Namespace": "AWS/ApplicationELB", "MetricName": metric, "Dimensions": dimensions},
                    "Period": 60,
                    "Stat": statistic,
                },
            }
            for index, (metric, statistic) in enumerate(wanted)
        ],
        StartTime=end - datetime.timedelta(minutes=30),
        EndTime=end,
    )["MetricDataResults"]
    by_id = {result["Id"]: result for result in results}
    if not by_id["q0"]["Values"] or by_id["q3"]["Values"] or by_id["q3"]["StatusCode"] != "Complete":
        recorder.note("cloudwatch GetMetricData: requests are missing, or there are values of a metric that is not")
    stamps = by_id["q0"]["Timestamps"]
    if stamps != sorted(stamps, reverse=True) or (stamps and stamps[0] >= end):
        recorder.note("cloudwatch GetMetricData: not newest first, or a point at the end time")
    return [
        (result["Id"], [stamp.timestamp() for stamp in result["Timestamps"]], result["Values"]) for result in results
    ]


def exercise_logs(recorder: Recorder) -> None:
    """Every group is listed and read; a stream reads the same with either operation, and in either direction."""
    logs = recorder.aws.logs
    groups = [group["logGroupName"] for group in pages(logs, "describe_log_groups", "logGroups")]
    if "/ecs/search" not in groups:
        recorder.note(f"logs DescribeLogGroups: no /ecs/search among {groups}")
    now = datetime.datetime.now(datetime.UTC)
    end = int(now.timestamp() * 1000)
    for group in groups:
        streams = pages(logs, "describe_log_streams", "logStreams", logGroupName=group)
        logs.describe_log_streams(logGroupName=group, orderBy="LastEventTime", descending=True, limit=2)
        if not streams:
            continue
        name = streams[-1]["logStreamName"]
        # Lines that are old enough to be all there.
        span = {"startTime": end - 20_000, "endTime": end - 10_000}
        events = pages(logs, "filter_log_events", "events", logGroupName=group, logStreamNames=[name], **span)
        stamps = [event["timestamp"] for event in events]
        if stamps != sorted(stamps) or len({event["eventId"] for event in events}) != len(events):
            recorder.note("logs FilterLogEvents: not in order, or an event comes twice")
        # endTime is the last millisecond of the one and the first that is not in the other.
        upto = {**span, "endTime": span["endTime"] + 1}
        page = logs.get_log_events(logGroupName=group, logStreamName=name, startFromHead=True, **upto)
        if [event["message"] for event in page["events"]] != [event["message"] for event in events][: len(page["events"])]:
            recorder.note("logs GetLogEvents: not what FilterLogEvents finds")
        logs.get_log_events(logGroupName=group, logStreamName=name, nextToken=page["nextBackwardToken"])
        logs.filter_log_events(logGroupName=group, startTime=end - 60_000, filterPattern='?ERROR ?"two words"', limit=5)
    missing = "ResourceNotFoundException"
    recorder.expect_error(missing, 400, logs.filter_log_events, logGroupName="/no/such/group")
    recorder.expect_error(missing, 400, logs.filter_log_events, logGroupName=groups[0], logStreamNames=["a/b/c"])
    recorder.expect_error(
        "InvalidParameterException", 400, logs.filter_log_events, logGroupName=groups[0], filterPattern="{ $.a = 1 }"
    )


# What a scenario is about and the model, or the check of another scenario, does not know. All of it has to be so.
EXPECTED = {
    "express": {"ecs json DescribeServices.services[]: Service lacks taskDefinition"},
    "gateway": {
        "ecs json DescribeServiceRevisions.serviceRevisions[]: ServiceRevision has no member gatewayConnectors",
        "ecs json DescribeServiceRevisions.serviceRevisions[].ecsManagedResources: "
        "ECSManagedResources has no member gatewayConnections",
    },
    # Tasks on instances have neither a network of their own nor a Fargate platform.
    "instances": {
        f"ecs json DescribeServiceRevisions.serviceRevisions[]: ServiceRevision lacks {member}"
        for member in ("networkConfiguration", "platformFamily", "platformVersion")
    },
    "network-balancer": {
        "cloudwatch GetMetricData: requests are missing, or there are values of a metric that is not",
        "logs DescribeLogGroups: no /ecs/search among ['/ecs/checkout']",
    },
}


def check(binary: pathlib.Path, log: pathlib.Path, scenarios: list[str]) -> bool:
    """Whether all answers of all scenarios fit the models; prints what does not."""
    right = True
    for scenario in scenarios or SCENARIOS:
        with simulator(binary, scenario, log) as env:
            recorder = Recorder(Aws(env), scenario)
            recorder.aws.sts.get_caller_identity()
            exercise_ecs(recorder)
            exercise_elb(recorder)
            exercise_cloudwatch(recorder)
            exercise_logs(recorder)
        expected = EXPECTED.get(scenario, set())
        problems = [problem for problem in recorder.problems if problem not in expected]
        problems += [f"no longer so: {problem}" for problem in expected - set(recorder.problems)]
        verdict = "FAILED" if problems else "ok"
        print(f"{verdict:6} models: {scenario}, {len(recorder.operations)} operations answered", flush=True)
        for problem in problems:
            print(f"         {problem}")
        right = right and not problems
    return right
