"""Foreign AWS endpoints on loopback: ministack for ECS, CloudWatch, STS and EC2, moto for ELBv2."""

from __future__ import annotations

import contextlib
import os
import pathlib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

HERE = pathlib.Path(__file__).resolve().parent
REGION = "us-east-1"
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_REGION": REGION,
    "AWS_DEFAULT_REGION": REGION,
    "AWS_EC2_METADATA_DISABLED": "true",
}


def clean_environment() -> dict[str, str]:
    """This process's variables without any that would lead an AWS client elsewhere."""
    return {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_until_open(family: int, address: tuple[str, int] | str, process: subprocess.Popen[bytes]) -> None:
    """Waits until a server takes connections; fails if it ends first."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"{process.args!r} ended with {process.returncode}")
        with socket.socket(family) as probe:
            if probe.connect_ex(address) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError(f"{process.args!r} does not answer at {address}")


def stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(timeout=5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextlib.contextmanager
def started(command: list[str], log: pathlib.Path, env: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """A process that ends with the block, its output in a file."""
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=log.parent, env=env, stdout=output, stderr=output)
    try:
        yield process
    finally:
        stop(process)


@contextlib.contextmanager
def foreign_aws(work: pathlib.Path) -> Iterator[dict[str, str]]:
    """The endpoints, empty; yields the variables that lead an AWS client to them."""
    binaries = pathlib.Path(sys.executable).parent
    stack_port, elb_port, docker = free_port(), free_port(), work / "docker.sock"
    base = {**clean_environment(), "TMPDIR": str(work)}
    stack_env = {
        **base,
        "DOCKER_HOST": f"unix://{docker}",
        "BIND_HOST": "127.0.0.1",
        "MINISTACK_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(stack_port),
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
    }
    moto_command = [str(binaries / "moto_server"), "-H", "127.0.0.1", "-p", str(elb_port)]
    with contextlib.ExitStack() as processes:
        engine_command = [sys.executable, str(HERE / "fake_docker.py"), str(docker)]
        engine = processes.enter_context(started(engine_command, work / "docker.log", base))
        elb = processes.enter_context(started(moto_command, work / "moto.log", base))
        wait_until_open(socket.AF_UNIX, str(docker), engine)
        stack = processes.enter_context(started([str(binaries / "ministack")], work / "ministack.log", stack_env))
        wait_until_open(socket.AF_INET, ("127.0.0.1", stack_port), stack)
        wait_until_open(socket.AF_INET, ("127.0.0.1", elb_port), elb)
        yield {
            **CREDENTIALS,
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{stack_port}",
            "AWS_ENDPOINT_URL_ELASTIC_LOAD_BALANCING_V2": f"http://127.0.0.1:{elb_port}",
            "AWS_ENDPOINT_URL_EC2": f"http://127.0.0.1:{elb_port}",
        }
