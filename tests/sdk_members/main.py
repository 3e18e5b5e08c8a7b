"""Checks members.toml against the SDK: every member of an answer is read, or has a reason why not.

run            fails for a member that the table lacks, that is gone, or that is read by now
run --list     prints every member that is not read, with its reason
"""

from __future__ import annotations

import argparse
import json
import pathlib
import re
import subprocess
import sys
import tomllib
from dataclasses import dataclass, field
from typing import Any

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
CRATES = ("aws-sdk-ecs", "aws-sdk-elasticloadbalancingv2", "aws-sdk-cloudwatch", "aws-sdk-applicationautoscaling")
STRUCT = re.compile(r"^pub struct (\w+) \{\n(.*?)^\}", re.MULTILINE | re.DOTALL)
UNION = re.compile(r"^pub enum (\w+) \{\n(.*?)^\}", re.MULTILINE | re.DOTALL)
MEMBER = re.compile(r"^    pub (?:r#)?(\w+): (.+),$", re.MULTILINE)
NAMED = re.compile(r"crate::types::(\w+)")


@dataclass(frozen=True)
class Type:
    """A structure of the SDK: its members with the structures that each of them names."""

    name: str
    members: dict[str, tuple[str, ...]]


@dataclass
class Sdk:
    """The structures and unions of one crate, each read when it is asked for."""

    types: pathlib.Path
    _known: dict[str, Type | None] = field(default_factory=dict)

    def structures(self, name: str) -> list[Type]:
        """The structure of this name, those of a union's variants, or none: an enumeration has no members."""
        source = self._source(name)
        if found := STRUCT.search(source):
            members = {member: tuple(NAMED.findall(kind)) for member, kind in MEMBER.findall(found[2])}
            return [Type(name, members)]
        union = UNION.search(source)
        inside = NAMED.findall(union[2]) if union else []
        return [structure for inner in inside for structure in self.structures(inner)]

    def _source(self, name: str) -> str:
        # LogAlarm is in _log_alarm.rs, AwsVpcConfiguration in _aws_vpc_configuration.rs.
        snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()
        path = self.types / f"_{snake}.rs"
        return path.read_text() if path.exists() else ""


def sdks() -> dict[str, Sdk]:
    version = subprocess.run(["rustc", "-vV"], capture_output=True, text=True, check=True).stdout
    host = version.split("host: ")[1].split()[0]
    # Only what this machine builds has been downloaded.
    command = ["cargo", "metadata", "--format-version", "1", "--locked", "--offline", "--filter-platform", host]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    packages = json.loads(done.stdout)["packages"]
    manifests = {it["name"]: pathlib.Path(it["manifest_path"]) for it in packages if it["name"] in CRATES}
    return {name: Sdk(manifests[name].parent / "src" / "types") for name in CRATES}


class Check:
    """One walk from the roots of the table through all that is read."""

    def __init__(self, table: dict[str, Any]) -> None:
        self._table = table
        self._sdks = sdks()
        self._sources: dict[str, str] = {}
        self._seen: set[tuple[str, str]] = set()
        self.wrong: list[str] = []
        self.unread: list[tuple[str, str]] = []

    def run(self) -> None:
        for crate, roots in self._table["roots"].items():
            for root in roots:
                self._walk(crate, root)
        described = {(crate, name) for crate in CRATES for name in self._table.get(crate, {})}
        for crate, name in sorted(described - self._seen):
            self.wrong.append(f"{crate} {name}: in the table, and no answer that is read has it")

    def _walk(self, crate: str, name: str) -> None:
        if (crate, name) in self._seen:
            return
        structures = self._sdks[crate].structures(name)
        for structure in structures:
            if structure.name != name:
                self._walk(crate, structure.name)
                continue
            self._seen.add((crate, name))
            self._check(crate, structure)

    def _check(self, crate: str, structure: Type) -> None:
        entry = self._table.get(crate, {}).get(structure.name)
        if entry is None:
            members = ", ".join(structure.members)
            self.wrong.append(f"{crate} {structure.name}: not in the table; its members are {members}")
            return
        if "whole" in entry:
            return
        reasons = {member: group["why"] for group in entry.get("unread", []) for member in group["members"]}
        source = "\n".join(self._source(path) for path in entry["read_in"])
        for member in sorted(set(reasons) - set(structure.members)):
            self.wrong.append(f"{crate} {structure.name}.{member}: in the table, and gone from the SDK")
        for member, named in structure.members.items():
            where = f"{crate} {structure.name}.{member}"
            is_read = re.search(rf"(?:\.|::)(?:r#)?{member}\b", source) is not None
            if member in reasons:
                self.unread.append((where, reasons[member]))
                # Another type's member may have the same name: those are marked.
                if is_read and member not in entry.get("namesakes", []):
                    self.wrong.append(f"{where}: in the table as unread, and read")
                continue
            if not is_read:
                self.wrong.append(f"{where}: neither read nor in the table")
                continue
            for inner in named:
                self._walk(crate, inner)

    def _source(self, path: str) -> str:
        if path not in self._sources:
            text = (ROOT / path).read_text()
            self._sources[path] = text.split("#[cfg(test)]\nmod tests {")[0]
        return self._sources[path]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--list", action="store_true", help="print every member that is not read")
    arguments = parser.parse_args()
    check = Check(tomllib.loads((HERE / "members.toml").read_text()))
    check.run()
    if arguments.list:
        for where, reason in check.unread:
            print(f"{where}: {reason}")
    for wrong in check.wrong:
        print(wrong, file=sys.stderr)
    if not check.wrong:
        print(f"every member of AWS's answers is read, but for {len(check.unread)} with a reason")
    return 1 if check.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
