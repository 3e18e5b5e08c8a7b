"""A Docker engine without containers, on a unix socket: enough of its API for an ECS emulator to "run" tasks.

An image's tag says what its containers do: `…-slow5` takes 5 s to pull, `…-crash` exits with 1 soon after its start,
`…-nopull` cannot be pulled; any other runs until it is stopped.
"""

from __future__ import annotations

import dataclasses
import hashlib
import http.server
import json
import pathlib
import re
import secrets
import socketserver
import sys
import threading
import time
import urllib.parse
from collections.abc import Callable
from typing import Any

CRASH_AFTER = 0.4
PULL_TIME = 0.3
TIMESTAMP = "2026-01-01T00:00:00Z"


class Absent(Exception):
    """Asked for something that is not there: a 404."""


class Registry:
    """Image names by the digests that clients pin them to."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}

    def digest(self, image: str) -> str:
        digest = "sha256:" + hashlib.sha256(image.encode()).hexdigest()
        self._names.setdefault(digest, image)
        return digest

    def tag(self, image: str) -> str:
        """The tag that an image was named with before it was pinned."""
        pinned = re.search(r"sha256:[0-9a-f]{64}", image)
        name = self._names.get(pinned[0], image) if pinned else image
        return name.rpartition(":")[2]

    def pull(self, image: str) -> None:
        tag = self.tag(image)
        slow = re.search(r"slow(\d+)", tag)
        time.sleep(float(slow[1]) if slow else PULL_TIME)
        self.require(image)

    def require(self, image: str) -> None:
        if "nopull" in self.tag(image):
            raise Absent(f"manifest for {image} not found: manifest unknown")


@dataclasses.dataclass
class Container:
    id: str
    name: str
    image: str
    labels: dict[str, str]
    address: str
    crashes: bool
    started: float | None = None
    exit_code: int | None = None
    ended: threading.Event = dataclasses.field(default_factory=threading.Event)

    def start(self) -> None:
        self.started = time.monotonic()
        if self.crashes:
            timer = threading.Timer(CRASH_AFTER, self.end, [1])
            timer.daemon = True
            timer.start()

    def end(self, exit_code: int) -> None:
        if self.exit_code is None:
            self.exit_code = exit_code
            self.ended.set()

    @property
    def status(self) -> str:
        if self.started is None:
            return "created"
        return "running" if self.exit_code is None else "exited"

    def inspect(self) -> dict[str, Any]:
        running = self.status == "running"
        network = {"IPAddress": self.address, "Gateway": "172.31.0.1"}
        return {
            "Id": self.id,
            "Name": "/" + self.name,
            "Created": TIMESTAMP,
            "Image": self.image,
            "State": {
                "Status": self.status,
                "Running": running,
                "ExitCode": self.exit_code or 0,
                "Pid": 1 if running else 0,
                "OOMKilled": False,
                "Error": "",
                "StartedAt": TIMESTAMP,
                "FinishedAt": TIMESTAMP,
            },
            "Config": {"Image": self.image, "Labels": self.labels, "Env": [], "Cmd": []},
            "HostConfig": {},
            "NetworkSettings": {**network, "Ports": {}, "Networks": {"bridge": network}},
            "Mounts": [],
        }

    def summary(self) -> dict[str, Any]:
        return {
            "Id": self.id,
            "Names": ["/" + self.name],
            "Image": self.image,
            "Labels": self.labels,
            "State": self.status,
            "Status": self.status,
            "Created": 1,
        }

    def has_labels(self, wanted: list[str]) -> bool:
        pairs = (label.partition("=") for label in wanted)
        return all(name in self.labels and (not equals or self.labels[name] == value) for name, equals, value in pairs)


class Engine:
    """The engine's state, and its answers."""

    def __init__(self) -> None:
        self.registry = Registry()
        self._containers: dict[str, Container] = {}
        self._lock = threading.Lock()
        self._addresses = 0

    def create(self, name: str, spec: dict[str, Any]) -> Container:
        image = spec["Image"]
        with self._lock:
            self._addresses += 1
            address = f"172.31.{self._addresses // 250}.{self._addresses % 250 + 2}"
            identity = secrets.token_hex(32)
            crashes = "crash" in self.registry.tag(image)
            container = Container(identity, name or identity[:12], image, spec.get("Labels") or {}, address, crashes)
            self._containers[identity] = container
        return container

    def list(self, labels: list[str]) -> list[Container]:
        with self._lock:
            return [container for container in self._containers.values() if container.has_labels(labels)]

    def find(self, key: str) -> Container:
        with self._lock:
            for container in self._containers.values():
                if key and (container.id.startswith(key) or container.name == key):
                    return container
        raise Absent(f"No such container: {key}")

    def remove(self, container: Container) -> None:
        with self._lock:
            self._containers.pop(container.id, None)
        container.end(137)


Query = dict[str, list[str]]
Answer = tuple[int, Any]
Route = Callable[[Engine, str, Query, Any], Answer]


def pull_image(engine: Engine, _key: str, query: Query, _body: Any) -> Answer:
    image = query["fromImage"][0]
    tag = query.get("tag", ["latest"])[0]
    engine.registry.pull(f"{image}@{tag}" if tag.startswith("sha256:") else f"{image}:{tag}")
    return 200, {"status": "Pull complete"}


def show_image(engine: Engine, image: str, _query: Query, _body: Any) -> Answer:
    engine.registry.require(image)
    digest = engine.registry.digest(image)
    return 200, {
        "Id": digest,
        "RepoTags": [image],
        "RepoDigests": [],
        "Config": {},
        "Architecture": "amd64",
        "Os": "linux",
    }


def show_manifest(engine: Engine, image: str, _query: Query, _body: Any) -> Answer:
    digest = engine.registry.digest(image)
    descriptor = {"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": digest, "size": 1}
    return 200, {"Descriptor": descriptor, "Platforms": [{"architecture": "amd64", "os": "linux"}]}


def create_container(engine: Engine, _key: str, query: Query, body: Any) -> Answer:
    return 201, {"Id": engine.create(query.get("name", [""])[0], body).id, "Warnings": []}


def list_containers(engine: Engine, _key: str, query: Query, _body: Any) -> Answer:
    labels = json.loads(query.get("filters", ["{}"])[0]).get("label", [])
    return 200, [container.summary() for container in engine.list(list(labels))]


def show_container(engine: Engine, key: str, _query: Query, _body: Any) -> Answer:
    return 200, engine.find(key).inspect()


def start_container(engine: Engine, key: str, _query: Query, _body: Any) -> Answer:
    engine.find(key).start()
    return 204, None


def stop_container(engine: Engine, key: str, _query: Query, _body: Any) -> Answer:
    engine.find(key).end(137)
    return 204, None


def wait_container(engine: Engine, key: str, _query: Query, _body: Any) -> Answer:
    container = engine.find(key)
    container.ended.wait()
    return 200, {"StatusCode": container.exit_code}


def remove_container(engine: Engine, key: str, _query: Query, _body: Any) -> Answer:
    engine.remove(engine.find(key))
    return 204, None


def fixed(answer: Any) -> Route:
    return lambda _engine, _key, _query, _body: (200, answer)


VERSION = {"Version": "27.0.0", "ApiVersion": "1.47", "MinAPIVersion": "1.24", "Os": "linux", "Arch": "amd64"}
ROUTES: list[tuple[str, str, Route]] = [
    ("GET", r"/_ping", fixed("OK")),
    ("GET", r"/version", fixed(VERSION)),
    ("GET", r"/info", fixed({"ID": "fake", "OSType": "linux", "Architecture": "x86_64", "ServerVersion": "27.0.0"})),
    ("GET", r"/networks", fixed([])),
    ("GET", r"/distribution/(.+)/json", show_manifest),
    ("POST", r"/images/create", pull_image),
    ("GET", r"/images/json", fixed([])),
    ("GET", r"/images/(.+)/json", show_image),
    ("POST", r"/images/(.+)/tag", lambda _engine, _key, _query, _body: (201, None)),
    ("POST", r"/containers/create", create_container),
    ("GET", r"/containers/json", list_containers),
    ("GET", r"/containers/([^/]+)/json", show_container),
    ("POST", r"/containers/([^/]+)/start", start_container),
    ("POST", r"/containers/([^/]+)/(?:stop|kill)", stop_container),
    ("POST", r"/containers/([^/]+)/wait", wait_container),
    ("GET", r"/containers/([^/]+)/logs", fixed("")),
    ("DELETE", r"/containers/([^/]+)", remove_container),
]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def handle_request(self) -> None:
        url = urllib.parse.urlparse(self.path)
        path = re.sub(r"^/v[\d.]+", "", urllib.parse.unquote(url.path))
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        try:
            status, answer = self.route(path, urllib.parse.parse_qs(url.query), json.loads(body) if body else None)
        except Absent as missing:
            status, answer = 404, {"message": str(missing)}
        content = answer.encode() if isinstance(answer, str) else b"" if answer is None else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain" if isinstance(answer, str) else "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def route(self, path: str, query: Query, body: Any) -> Answer:
        method = "GET" if self.command == "HEAD" else self.command
        for wanted, pattern, route in ROUTES:
            match = re.fullmatch(pattern, path)
            if wanted == method and match:
                return route(self.server.engine, match[1] if match.groups() else "", query, body)
        raise Absent(f"this engine does not have {self.command} {path}")

    do_GET = do_HEAD = do_POST = do_DELETE = handle_request

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    request_queue_size = 256

    def __init__(self, path: pathlib.Path) -> None:
        path.unlink(missing_ok=True)
        super().__init__(str(path), Handler)
        self.engine = Engine()


if __name__ == "__main__":
    Server(pathlib.Path(sys.argv[1])).serve_forever()
