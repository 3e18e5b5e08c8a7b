"""AWS's wire protocols, both ways, by botocore's models: JSON 1.1, query with XML, and RPC v2 with CBOR."""

from __future__ import annotations

import dataclasses
import datetime
import json
import re
import urllib.parse
from collections.abc import Mapping
from typing import Any
from xml.sax.saxutils import escape

import botocore.session
import cbor2
from botocore.model import ListShape, MapShape, Shape, StructureShape

REQUEST_ID = "00000000-0000-0000-0000-000000000000"
TARGETS = {"AmazonEC2ContainerServiceV20141113": "ecs", "Logs_20140328": "logs"}
VERSIONS = {"2015-12-01": "elbv2", "2011-06-15": "sts"}

_session = botocore.session.get_session()
_models = {name: _session.get_service_model(name) for name in ("ecs", "elbv2", "cloudwatch", "sts")}


@dataclasses.dataclass(frozen=True)
class Request:
    service: str
    operation: str
    input: dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Response:
    status: int
    body: bytes
    headers: dict[str, str]


class Refusal(Exception):
    """An error that AWS answers with."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def read(path: str, headers: Mapping[str, str], body: bytes) -> Request:
    rpc = re.fullmatch(r"/service/\w+/operation/(\w+)", path)
    if rpc:
        return Request("cloudwatch", rpc[1], cbor2.loads(body) if body else {})
    target = headers.get("x-amz-target")
    if target:
        api, operation = target.split(".")
        return Request(TARGETS[api], operation, json.loads(body or b"{}"))
    form = dict(urllib.parse.parse_qsl(body.decode(), keep_blank_values=True))
    operation, version = form.pop("Action"), form.pop("Version")
    return Request(VERSIONS[version], operation, _nested(form))


def _nested(form: dict[str, str]) -> dict[str, Any]:
    """`A.member.1=x` as `{"A": ["x"]}`."""
    tree: dict[str, Any] = {}
    for name, value in form.items():
        *parents, leaf = name.split(".")
        place = tree
        for parent in parents:
            place = place.setdefault(parent, {})
        place[leaf] = value

    def lists(node: Any) -> Any:
        if not isinstance(node, dict):
            return node
        if set(node) == {"member"}:
            return [lists(node["member"][index]) for index in sorted(node["member"], key=int)]
        return {name: lists(child) for name, child in node.items()}

    found: dict[str, Any] = lists(tree)
    return found


def write(request: Request, output: dict[str, Any]) -> Response:
    if request.service in ("ecs", "logs"):
        return _json(200, output)
    operation = _models[request.service].operation_model(request.operation)
    shape = operation.output_shape
    if request.service == "cloudwatch":
        return _cbor(200, _as_cbor(shape, output))
    name = operation.name
    wrapper = shape.serialization.get("resultWrapper", f"{name}Result")
    result = f"<{wrapper}>{_as_xml(shape, output)}</{wrapper}>"
    about = f"<ResponseMetadata><RequestId>{REQUEST_ID}</RequestId></ResponseMetadata>"
    return _xml(200, f'<{name}Response xmlns="{_namespace(request.service)}">{result}{about}</{name}Response>')


def write_error(request: Request, refusal: Refusal) -> Response:
    if request.service in ("ecs", "logs"):
        return _json(400, {"__type": refusal.code, "message": refusal.message})
    if request.service == "cloudwatch":
        return _cbor(400, {"__type": f"com.amazonaws.cloudwatch#{refusal.code}", "message": refusal.message})
    error = f"<Type>Sender</Type><Code>{refusal.code}</Code><Message>{escape(refusal.message)}</Message>"
    text = f"<Error>{error}</Error><RequestId>{REQUEST_ID}</RequestId>"
    return _xml(400, f'<ErrorResponse xmlns="{_namespace(request.service)}">{text}</ErrorResponse>')


def _namespace(service: str) -> str:
    space: str = _models[service].metadata["xmlNamespace"]
    return space


def _json(status: int, document: Any) -> Response:
    return Response(status, json.dumps(document).encode(), {"Content-Type": "application/x-amz-json-1.1"})


def _xml(status: int, text: str) -> Response:
    return Response(status, text.encode(), {"Content-Type": "text/xml"})


def _cbor(status: int, document: Any) -> Response:
    headers = {"Content-Type": "application/cbor", "smithy-protocol": "rpc-v2-cbor"}
    return Response(status, cbor2.dumps(document), headers)


def _as_xml(shape: Shape, value: Any) -> str:
    if isinstance(shape, StructureShape):
        members = ((name, member) for name, member in shape.members.items() if value.get(name) is not None)
        tags = ((member.serialization.get("name", name), member, value[name]) for name, member in members)
        return "".join(f"<{tag}>{_as_xml(member, inner)}</{tag}>" for tag, member, inner in tags)
    if isinstance(shape, ListShape):
        return "".join(f"<member>{_as_xml(shape.member, item)}</member>" for item in value)
    if isinstance(shape, MapShape):
        pairs = ((escape(key), _as_xml(shape.value, item)) for key, item in value.items())
        return "".join(f"<entry><key>{key}</key><value>{item}</value></entry>" for key, item in pairs)
    if shape.type_name == "boolean":
        return "true" if value else "false"
    if shape.type_name == "timestamp" and not isinstance(value, str):
        return datetime.datetime.fromtimestamp(value, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return escape(str(value))


def _as_cbor(shape: Shape, value: Any) -> Any:
    if isinstance(shape, StructureShape):
        known = ((name, shape.members[name], inner) for name, inner in value.items() if name in shape.members)
        return {name: _as_cbor(member, inner) for name, member, inner in known if inner is not None}
    if isinstance(shape, ListShape):
        return [_as_cbor(shape.member, item) for item in value]
    if shape.type_name == "timestamp":
        return cbor2.CBORTag(1, float(value))
    if shape.type_name in ("float", "double"):
        return float(value)
    return value
