"""docs/design.md's picture of the house: what stands at the top, and the order of the rooms."""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

from .house import text

_NAME = re.compile(r"[\w.<>]+/|[\w.<>]+\.\w+|Makefile")
_PROSE = re.compile(r"[\w.-]+(?:/[\w.-]+)*")


class House(NamedTuple):
    """What the section "The house" lists."""

    top: frozenset[str]
    core: tuple[str, ...]
    """Of csrc: folders, with a slash, and files, in the order in which they may include each other."""
    package: tuple[str, ...]
    """Of src/otlp_lite, likewise, in the order in which they may import each other."""
    tests: frozenset[str]


def read(document: str) -> House:
    section = document.partition("\n## The house\n")[2].partition("\n## ")[0]
    prose, _, rest = section.partition("\n```text\n")
    rooms: dict[str, list[str]] = {}
    tests = ""
    for line in rest.partition("\n```\n")[0].splitlines():
        names = re.match(r" *((?:\S+ +)*)", line + " ")
        assert names is not None
        listed = []
        for name in names.group(1).split():
            if not _NAME.fullmatch(name):
                break
            listed.append(name)
        if not line.startswith(" "):
            top = listed[0] if listed else line.split()[0]
            rooms[top] = []
        elif not line.startswith("   "):
            rooms[top] += listed
        if top == "tests/":
            tests += line
    return House(
        frozenset(_PROSE.findall(prose)),
        tuple(rooms["csrc/"]),
        tuple(rooms["src/otlp_lite/"]),
        frozenset(re.findall(r"\b[\w]+/", tests)),
    )


@cache
def house() -> House:
    return read(text("docs/design.md"))


def cycle(graph: dict[str, set[str]]) -> list[str]:
    """Some way from a node back to itself; empty when there is none."""
    done: set[str] = set()
    path: list[str] = []

    def walk(node: str) -> list[str]:
        if node in path:
            return [*path[path.index(node) :], node]
        if node in done:
            return []
        done.add(node)
        path.append(node)
        for next_node in sorted(graph.get(node, ())):
            if found := walk(next_node):
                return found
        path.pop()
        return []

    for node in sorted(graph):
        if found := walk(node):
            return found
    return []
