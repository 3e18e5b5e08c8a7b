"""Answers, as they are on the wire, against botocore's models of AWS's services: member by member.

The parsers of the official clients drop unknown members, accept missing ones and check no enumeration, so that a
client reads an answer proves little. Here each member has to be one of the model's, of its type, and an enumerated one
of its values; and what the real resource always has must be there.
"""

from __future__ import annotations

import dataclasses
import datetime
import json
import pathlib
import re
import tomllib
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from typing import Any

import cbor2
from botocore.model import ListShape, MapShape, OperationModel, Shape, StringShape, StructureShape

# What every real resource has, beyond the members that the model itself requires: by service and shape.
ALWAYS = tomllib.loads(pathlib.Path(__file__).with_name("always.toml").read_text())
# A value that ECS really sends, though the model does not have it.
UNLISTED = {"PRE_PRODUCTION_TRAFFIC_SHIFT"}

TYPES: dict[str, type | tuple[type, ...]] = {
    "boolean": bool,
    "integer": int,
    "long": int,
    "float": (int, float),
    "double": (int, float),
    "string": str,
}


@dataclasses.dataclass(frozen=True)
class Problem:
    path: str
    what: str

    def __str__(self) -> str:
        return f"{self.path}: {self.what}"


def problems(operation: OperationModel, protocol: str, body: bytes) -> Iterator[Problem]:
    """All that is wrong with the body of a successful answer."""
    shape = operation.output_shape
    if shape is None:
        return
    service = operation.service_model.service_name
    if protocol == "query":
        yield from Checker(service, datetime.datetime).check(shape, from_xml(operation, shape, body), operation.name)
    elif protocol == "smithy-rpc-v2-cbor":
        # The decoder makes a datetime of what is tagged as a time, and of nothing else.
        yield from Checker(service, datetime.datetime).check(shape, cbor2.loads(body), operation.name)
    else:
        yield from Checker(service, (int, float)).check(shape, json.loads(body), operation.name)


class Checker:
    """Compares decoded values with shapes."""

    def __init__(self, service: str, time: type | tuple[type, ...]) -> None:
        self._always: dict[str, list[str]] = {shape: names.split() for shape, names in ALWAYS[service].items()}
        self._types = {**TYPES, "timestamp": time}

    def check(self, shape: Shape, value: Any, path: str) -> Iterator[Problem]:
        if isinstance(shape, StructureShape):
            yield from self._check_structure(shape, value, path)
        elif isinstance(shape, ListShape):
            if not isinstance(value, list):
                yield Problem(path, f"{value!r} is not a list")
                return
            for index, item in enumerate(value):
                yield from self.check(shape.member, item, f"{path}[{index}]")
        elif isinstance(shape, MapShape):
            if not isinstance(value, dict):
                yield Problem(path, f"{value!r} is not a map")
                return
            for key, item in value.items():
                yield from self.check(shape.value, item, f"{path}[{key!r}]")
        else:
            yield from self._check_scalar(shape, value, path)

    def _check_structure(self, shape: StructureShape, value: Any, path: str) -> Iterator[Problem]:
        if shape.is_document_type:
            # Any JSON will do.
            return
        if not isinstance(value, dict):
            yield Problem(path, f"{value!r} is not a structure")
            return
        for name in [*shape.required_members, *self._always.get(shape.name, [])]:
            if name not in value:
                yield Problem(path, f"{shape.name} lacks {name}")
        for name, item in value.items():
            if name in shape.members:
                yield from self.check(shape.members[name], item, f"{path}.{name}")
            else:
                yield Problem(path, f"{shape.name} has no member {name}")

    def _check_scalar(self, shape: Shape, value: Any, path: str) -> Iterator[Problem]:
        wanted = self._types.get(shape.type_name)
        # In Python, a bool is an int.
        if wanted is None or not isinstance(value, wanted) or (isinstance(value, bool) and wanted is not bool):
            yield Problem(path, f"{value!r} is not of type {shape.type_name}")
        elif isinstance(shape, StringShape) and shape.enum and value not in UNLISTED.union(shape.enum):
            yield Problem(path, f"{value!r} is none of {', '.join(shape.enum)}")


def from_xml(operation: OperationModel, shape: StructureShape, body: bytes) -> Any:
    """The result in an awsQuery answer; where the answer is not of that form, what is there instead."""
    namespace = "{" + operation.service_model.metadata["xmlNamespace"] + "}"
    root = ElementTree.fromstring(body)
    result = root.find(f"{namespace}{operation.name}Result")
    request_id = root.find(f"{namespace}ResponseMetadata/{namespace}RequestId")
    if root.tag != f"{namespace}{operation.name}Response" or result is None or request_id is None:
        return body.decode()
    return from_element(shape, result, namespace)


def from_element(shape: Shape | None, element: ElementTree.Element, namespace: str) -> Any:
    if isinstance(shape, StructureShape):
        named = [(child.tag.removeprefix(namespace), child) for child in element]
        return {name: from_element(shape.members.get(name), child, namespace) for name, child in named}
    if isinstance(shape, ListShape):
        if any(child.tag != f"{namespace}member" for child in element):
            return ElementTree.tostring(element)
        return [from_element(shape.member, child, namespace) for child in element]
    if isinstance(shape, MapShape):
        pairs = [(entry.findtext(f"{namespace}key"), entry.find(f"{namespace}value")) for entry in element]
        return {key: value is not None and from_element(shape.value, value, namespace) for key, value in pairs}
    return from_text(shape.type_name if shape else "string", element.text or "")


def from_text(kind: str, text: str) -> Any:
    """The text as its type; as text, which is then of the wrong type, if it is not one."""
    if kind in ("integer", "long") and re.fullmatch(r"-?\d+", text):
        return int(text)
    if kind in ("float", "double") and re.fullmatch(r"-?\d+(\.\d+)?([eE]-?\d+)?", text):
        return float(text)
    if kind == "boolean" and text in ("true", "false"):
        return text == "true"
    if kind == "timestamp" and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", text):
        return datetime.datetime.fromisoformat(text)
    return text
