"""Differences between two canonical runs, and the departures that are declared."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from .forest import Moments, Node, Ordered

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ABSENT = "absent"
UNREMARKABLE = {
    "dropped attributes": "0",
    "dropped events": "0",
    "dropped links": "0",
    "description": "''",
    "trace state": "''",
    "schema URL": "''",
    "version": "''",
    "kind": "INTERNAL",
    "status": "UNSET",
    "start": "clock",
    "end": "clock",
    "time": "clock",
    "clock reads": "in order",
    "flags": "0x100",
}


@dataclass(frozen=True)
class Difference:
    """One place where two runs differ, and what each has there."""

    where: str
    first: str
    second: str

    def told(self, names: tuple[str, str]) -> str:
        """As a row of departures.toml has it, where it is one line each."""
        return f'where = "{self.where}"\n{names[0]} = {self.first!r}\n{names[1]} = {self.second!r}'


@dataclass(frozen=True)
class Departure:
    """A difference that is meant: what each SDK has at a place of a program, and why."""

    program: str
    where: str
    sides: dict[str, str]
    reason: str


def rendered(node: Node, margin: str = "") -> list[str]:
    """The node as lines, less what a usual span has."""
    lines = []
    for key, value in node.items():
        if isinstance(value, str):
            if UNREMARKABLE.get(key) != value:
                lines.append(f"{margin}{key}: {value}" if value else f"{margin}{key}")
        elif value:
            lines += [f"{margin}{key}:", *rendered(value, margin + "  ")]
    return lines


def side(value: Node | str | None) -> str:
    if value is None:
        return ABSENT
    return value if isinstance(value, str) else "\n".join(rendered(value))


def _misplaced(first: Node, second: Node) -> tuple[str, str] | None:
    """The first key that two nodes have in different places among the keys they share."""
    ours = [key for key in first if key in second]
    theirs = [key for key in second if key in first]
    for place, (one, other) in enumerate(zip(ours, theirs, strict=True)):
        if one != other:
            before = f"{ours[place - 1]}, then " if place else "first "
            return before + one, before + other
    return None


def differences(first: Node, second: Node, path: tuple[str, ...] = ()) -> Iterator[Difference]:
    if isinstance(first, Ordered) and (misplaced := _misplaced(first, second)):
        yield Difference(" > ".join((*path, "order")), *misplaced)
    if isinstance(first, Moments):
        return
    for key in first | second:
        one, other = first.get(key), second.get(key)
        if isinstance(one, dict) and isinstance(other, dict):
            yield from differences(one, other, (*path, key))
        elif one != other:
            yield Difference(" > ".join((*path, key)), side(one), side(other))


def diff(first: Node, second: Node, names: tuple[str, str]) -> list[str]:
    """A unified diff of two rendered runs."""
    return list(difflib.unified_diff(rendered(first), rendered(second), *names, lineterm="", n=4))


def load_departures(path: Path) -> list[Departure]:
    rows = tomllib.loads(path.read_text("utf-8")).get("departure", [])
    return [
        Departure(row.pop("program"), row.pop("where"), reason=row.pop("reason"), sides=row)
        for row in (dict(row) for row in rows)
    ]


def undeclared(found: Sequence[Difference], rows: Sequence[Departure], names: tuple[str, str]) -> list[str]:
    """What is wrong with the differences found between SDKs of these names, given a program's rows.

    A row stands for the pair of SDKs that it names, and for no other pair.
    """
    first, second = names
    meant = {
        Difference(row.where, row.sides[first], row.sides[second])
        for row in rows
        if row.sides.keys() >= set(names)
    }
    if first == second:
        meant.clear()
    without_row = [f"difference without a row:\n{gap.told(names)}" for gap in found if gap not in meant]
    gone = [f"row whose difference has gone:\n{gap.told(names)}" for gap in meant if gap not in found]
    return without_row + gone
