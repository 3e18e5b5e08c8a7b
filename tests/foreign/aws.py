"""boto3 clients for the endpoints that a set of variables names."""

from __future__ import annotations

from typing import Any

import boto3
from botocore.config import Config

VARIABLES = {
    "ecs": "ECS",
    "elbv2": "ELASTIC_LOAD_BALANCING_V2",
    "cloudwatch": "CLOUDWATCH",
    "logs": "CLOUDWATCH_LOGS",
    "sts": "STS",
    "ec2": "EC2",
}


class Aws:
    """One client per service."""

    def __init__(self, env: dict[str, str]) -> None:
        self._env = env
        self.ecs = self.client("ecs")
        self.elbv2 = self.client("elbv2")
        self.cloudwatch = self.client("cloudwatch")
        self.logs = self.client("logs")
        self.sts = self.client("sts")
        self.ec2 = self.client("ec2")

    def client(self, service: str) -> Any:
        env = self._env
        endpoint = env.get(f"AWS_ENDPOINT_URL_{VARIABLES[service]}", env["AWS_ENDPOINT_URL"])
        return boto3.client(
            service,
            endpoint_url=endpoint,
            region_name=env["AWS_REGION"],
            aws_access_key_id=env["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=env["AWS_SECRET_ACCESS_KEY"],
            config=Config(retries={"max_attempts": 1}, read_timeout=60),
        )
