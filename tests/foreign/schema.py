"""Answers, as they are on the wire, against botocore's models of AWS's services: member by member.

The parsers of the official clients drop unknown members, accept missing ones and check no enumeration, so that a
client reads an answer proves little. Here each member has to be one of the model's, of its type, and an enumerated one
of its values; and what the real resource always has must be there.
"""

from __future__ import annotations

import dataclasses
import json
import pathlib
import re
import tomllib
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from typing import Any

import cbor2
from botocore.model import ListShape, MapShape, OperationModel, Shape, StringShape, StructureShape

# What every real resource of a shape has, beyond the members that the model itself requires.
ALWAYS = {
    shape: members.split()
    for shape, members in tomllib.loads(pathlib.Path(__file__).with_name("always.toml").read_text()).items()
}
ISO_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
INTEGERS = {"integer", "long"}
DOUBLES = {"float", "double"}


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
    if protocol == "query":
        yield from check_xml(operation, shape, body)
    elif protocol == "smithy-rpc-v2-cbor":
        yield from Values(times=is_tagged_time).check(
            shape, cbor2.loads(body, tag_hook=lambda _, tag: tag), operation.name
        )
    else:
        yield from Values(times=is_number).check(shape, json.loads(body), operation.name)


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_tagged_time(value: Any) -> bool:
    # cbor2 turns tag 1 into a datetime by itself.
    return hasattr(value, "timestamp")


class Values:
    """Checks values that have types of their own: JSON and CBOR."""

    def __init__(self, times: Any) -> None:
        self._is_time = times

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
        elif not self._has_type(shape, value):
            yield Problem(path, f"{value!r} is not of type {shape.type_name}")
        else:
            yield from check_enumeration(shape, value, path)

    def _check_structure(self, shape: StructureShape, value: Any, path: str) -> Iterator[Problem]:
        if not isinstance(value, dict):
            yield Problem(path, f"{value!r} is not a structure")
            return
        yield from check_members(shape, value, path)
        for name, item in value.items():
            if name in shape.members:
                yield from self.check(shape.members[name], item, f"{path}.{name}")

    def _has_type(self, shape: Shape, value: Any) -> bool:
        kind = shape.type_name
        if kind in INTEGERS:
            return isinstance(value, int) and not isinstance(value, bool)
        if kind in DOUBLES:
            return is_number(value)
        if kind == "boolean":
            return isinstance(value, bool)
        if kind == "timestamp":
            return bool(self._is_time(value))
        return isinstance(value, str)


def check_members(shape: StructureShape, present: Any, path: str) -> Iterator[Problem]:
    for name in present:
        if name not in shape.members:
            yield Problem(path, f"{shape.name} has no member {name}")
    for name in [*shape.required_members, *ALWAYS.get(shape.name, [])]:
        if name not in present:
            yield Problem(path, f"{shape.name} lacks {name}")


def check_enumeration(shape: Shape, value: Any, path: str) -> Iterator[Problem]:
    # One value that ECS really sends is not in the model.
    if isinstance(shape, StringShape) and shape.enum and value not in [*shape.enum, "PRE_PRODUCTION_TRAFFIC_SHIFT"]:
        yield Problem(path, f"{value!r} is none of {', '.join(shape.enum)}")


def check_xml(operation: OperationModel, shape: StructureShape, body: bytes) -> Iterator[Problem]:
    root = ElementTree.fromstring(body)
    namespace = "{" + operation.service_model.metadata["xmlNamespace"] + "}"
    result = root.find(f"{namespace}{operation.name}Result")
    if root.tag != f"{namespace}{operation.name}Response" or result is None:
        yield Problem(operation.name, f"the answer is a {root.tag}")
        return
    if root.find(f"{namespace}ResponseMetadata/{namespace}RequestId") is None:
        yield Problem(operation.name, "the answer has no request id")
    yield from check_element(shape, result, operation.name, namespace)


def check_element(shape: Shape, element: ElementTree.Element, path: str, namespace: str) -> Iterator[Problem]:
    if isinstance(shape, StructureShape):
        names = [child.tag.removeprefix(namespace) for child in element]
        yield from check_members(shape, names, path)
        for name, child in zip(names, element, strict=True):
            if name in shape.members:
                yield from check_element(shape.members[name], child, f"{path}.{name}", namespace)
    elif isinstance(shape, ListShape):
        for index, child in enumerate(element):
            if child.tag != f"{namespace}member":
                yield Problem(path, f"a list has a {child.tag}")
            yield from check_element(shape.member, child, f"{path}[{index}]", namespace)
    elif isinstance(shape, MapShape):
        for entry in element:
            value = entry.find(f"{namespace}value")
            if value is None:
                yield Problem(path, "a map's entry has no value")
            else:
                yield from check_element(shape.value, value, f"{path}.entry", namespace)
    else:
        text = element.text or ""
        if not text_has_type(shape, text):
            yield Problem(path, f"{text!r} is not of type {shape.type_name}")
        else:
            yield from check_enumeration(shape, text, path)


def text_has_type(shape: Shape, text: str) -> bool:
    kind = shape.type_name
    if kind in INTEGERS:
        return re.fullmatch(r"-?\d+", text) is not None
    if kind in DOUBLES:
        return re.fullmatch(r"-?\d+(\.\d+)?([eE]-?\d+)?", text) is not None
    if kind == "boolean":
        return text in ("true", "false")
    if kind == "timestamp":
        return ISO_TIME.fullmatch(text) is not None
    return True
