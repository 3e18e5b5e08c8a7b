"""What the foreign AWS is filled with: cluster `prod` with twelve services, two of which are a pair behind one rule."""

from __future__ import annotations

import dataclasses
import datetime
import random
from typing import Any

from aws import Aws

CLUSTER = "prod"
PAIR = {"stable": "checkout-stable", "canary": "checkout-canary"}
PLAIN = ["cart", "catalog", "search", "payments", "users", "orders", "email", "ads", "reco", "admin"]
FAMILIES = ["checkout", *PLAIN, "gateway"]
REVISIONS = 5
TARGETS = 9
REGISTRY = "123456789012.dkr.ecr.us-east-1.amazonaws.com"


@dataclasses.dataclass(frozen=True)
class Seeded:
    rule_arn: str
    listener_arn: str
    load_balancer_arn: str
    target_groups: dict[str, str]
    """The ARNs by role: stable, canary."""


def seed(aws: Aws) -> Seeded:
    """Fills the endpoints; takes a few seconds."""
    network = make_network(aws)
    aws.ecs.create_cluster(clusterName=CLUSTER)
    register_families(aws)
    seeded = make_balancer(aws, network)
    create_services(aws, network, seeded)
    put_metrics(aws, seeded)
    put_alarm(aws, seeded)
    return seeded


def make_network(aws: Aws) -> dict[str, Any]:
    vpc = aws.ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    in_vpc = [{"Name": "vpc-id", "Values": [vpc]}]
    subnets = [subnet["SubnetId"] for subnet in aws.ec2.describe_subnets(Filters=in_vpc)["Subnets"][:2]]
    groups = [group["GroupId"] for group in aws.ec2.describe_security_groups(Filters=in_vpc)["SecurityGroups"][:1]]
    return {"vpc": vpc, "subnets": subnets, "securityGroups": groups}


def image(family: str, revision: int) -> str:
    """The newest revisions that the checks release take a while to pull, so that their coming can be watched."""
    tag = f"1.{revision}.0"
    if family in ("checkout", "search") and revision == REVISIONS:
        tag += "-slow3"
    return f"{REGISTRY}/{family}:{tag}"


def register_families(aws: Aws) -> None:
    for family in FAMILIES:
        for revision in range(1, REVISIONS + 1):
            aws.ecs.register_task_definition(
                family=family,
                networkMode="awsvpc",
                requiresCompatibilities=["FARGATE"],
                cpu="256",
                memory="512",
                containerDefinitions=[
                    {
                        "name": "app",
                        "image": image(family, revision),
                        "essential": True,
                        "portMappings": [{"containerPort": 8080, "protocol": "tcp"}],
                        "environment": [{"name": "RELEASE", "value": f"1.{revision}.0"}],
                        "logConfiguration": {
                            "logDriver": "awslogs",
                            "options": {"awslogs-group": f"/ecs/{family}", "awslogs-stream-prefix": family},
                        },
                    }
                ],
            )


def make_balancer(aws: Aws, network: dict[str, Any]) -> Seeded:
    elb = aws.elbv2
    balancer = elb.create_load_balancer(
        Name="shop-alb", Subnets=network["subnets"], SecurityGroups=network["securityGroups"], Type="application"
    )["LoadBalancers"][0]["LoadBalancerArn"]
    groups = {role: make_target_group(aws, service, network["vpc"]) for role, service in PAIR.items()}
    not_found = {"StatusCode": "404", "ContentType": "text/plain", "MessageBody": "no such page"}
    listener = elb.create_listener(
        LoadBalancerArn=balancer,
        Protocol="HTTP",
        Port=80,
        DefaultActions=[{"Type": "fixed-response", "FixedResponseConfig": not_found}],
    )["Listeners"][0]["ListenerArn"]
    weights = {"stable": 99, "canary": 1}
    forward = {
        "TargetGroups": [{"TargetGroupArn": groups[role], "Weight": weights[role]} for role in PAIR],
        "TargetGroupStickinessConfig": {"Enabled": True, "DurationSeconds": 300},
    }
    rule = elb.create_rule(
        ListenerArn=listener,
        Priority=10,
        Conditions=[{"Field": "path-pattern", "Values": ["/checkout*"]}],
        Actions=[{"Type": "forward", "Order": 1, "ForwardConfig": forward}],
    )["Rules"][0]["RuleArn"]
    return Seeded(rule, listener, balancer, groups)


def make_target_group(aws: Aws, name: str, vpc: str) -> str:
    """A target group with targets: tasks of this ECS do not register themselves with that load balancer."""
    group: str = aws.elbv2.create_target_group(
        Name=name, Protocol="HTTP", Port=8080, VpcId=vpc, TargetType="ip", HealthCheckPath="/health"
    )["TargetGroups"][0]["TargetGroupArn"]
    subnet = 1 + list(PAIR.values()).index(name)
    targets = [{"Id": f"10.0.{subnet}.{host + 10}", "Port": 8080} for host in range(TARGETS)]
    aws.elbv2.register_targets(TargetGroupArn=group, Targets=targets)
    return group


def create_services(aws: Aws, network: dict[str, Any], seeded: Seeded) -> None:
    chance = random.Random(7)
    create_service(aws, network, PAIR["stable"], "checkout:4", 9, seeded.target_groups["stable"])
    create_service(aws, network, PAIR["canary"], "checkout:5", 1, seeded.target_groups["canary"])
    for name in PLAIN:
        revision = 4 if name == "search" else chance.choice((3, 4, 5))
        create_service(aws, network, name, f"{name}:{revision}", chance.choice((2, 3, 4, 6)), None)


def create_service(
    aws: Aws, network: dict[str, Any], name: str, task_definition: str, count: int, target_group: str | None
) -> None:
    addresses = {key: network[key] for key in ("subnets", "securityGroups")}
    balancers = (
        [{"targetGroupArn": target_group, "containerName": "app", "containerPort": 8080}] if target_group else []
    )
    aws.ecs.create_service(
        cluster=CLUSTER,
        serviceName=name,
        taskDefinition=task_definition,
        desiredCount=count,
        launchType="FARGATE",
        networkConfiguration={"awsvpcConfiguration": {**addresses, "assignPublicIp": "DISABLED"}},
        deploymentConfiguration={
            "maximumPercent": 200,
            "minimumHealthyPercent": 100,
            "deploymentCircuitBreaker": {"enable": True, "rollback": True},
        },
        loadBalancers=balancers,
        tags=[{"key": "app", "value": name.split("-")[0]}],
    )


def dimensions(seeded: Seeded, role: str) -> list[dict[str, str]]:
    return [
        {"Name": "TargetGroup", "Value": seeded.target_groups[role].split(":")[-1]},
        {"Name": "LoadBalancer", "Value": seeded.load_balancer_arn.split("loadbalancer/")[1]},
    ]


def put_metrics(aws: Aws, seeded: Seeded) -> None:
    """An hour of minutes of both target groups, as sparse as on AWS: no 5xx point where there were none."""
    chance = random.Random(7)
    now = datetime.datetime.now(datetime.UTC).replace(second=0, microsecond=0)
    for minutes_ago in range(60, 0, -1):
        data: list[dict[str, Any]] = []
        for role, rate, error_share, seconds in (("stable", 5940, 0.001, 0.045), ("canary", 60, 0.03, 0.080)):
            requests = max(1, round(chance.gauss(rate, rate * 0.05)))
            errors = round(requests * error_share * chance.uniform(0, 2))
            common = {
                "Dimensions": dimensions(seeded, role),
                "Timestamp": now - datetime.timedelta(minutes=minutes_ago),
            }
            data.append({**common, "MetricName": "RequestCount", "Value": float(requests), "Unit": "Count"})
            if errors:
                data.append(
                    {**common, "MetricName": "HTTPCode_Target_5XX_Count", "Value": float(errors), "Unit": "Count"}
                )
            for _ in range(8):
                latency = chance.lognormvariate(0, 0.4) * seconds
                data.append({**common, "MetricName": "TargetResponseTime", "Value": latency, "Unit": "Seconds"})
        aws.cloudwatch.put_metric_data(Namespace="AWS/ApplicationELB", MetricData=data)


def put_alarm(aws: Aws, seeded: Seeded) -> None:
    aws.cloudwatch.put_metric_alarm(
        AlarmName="checkout-canary-5xx",
        Namespace="AWS/ApplicationELB",
        MetricName="HTTPCode_Target_5XX_Count",
        Dimensions=dimensions(seeded, "canary"),
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=3,
        Threshold=5.0,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="notBreaching",
    )
