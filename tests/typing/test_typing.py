"""The public types as data: what must pass, what a type is, and what must fail for one stated reason.

In fail/, a line that must not type-check ends with `# fails: CODE, RULE`: mypy's code (or codes, with `|`)
and pyright's rule. Without these lines the file is clean.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from checkers import CHECKERS, read, without, write

HERE = Path(__file__).resolve().parent
MARK = re.compile(r"# fails: ([\w|-]+), (\w+)$")

Complaints = dict[tuple[str, int], set[str]]
"""(file, line) -> what a checker calls it."""


def complaints(checker: str, folder: Path) -> Complaints:
    told: Complaints = {}
    for said in CHECKERS[checker](folder):
        if said.code:
            told.setdefault((said.file, said.line), set()).add(said.code)
    return told


def marks(sources: dict[str, str], checker: str) -> dict[tuple[str, int], set[str]]:
    """What each marked line must be called; any one of them."""
    found = {}
    for name, source in sources.items():
        for number, line in enumerate(source.splitlines(), 1):
            if mark := MARK.search(line):
                found[name, number] = set(mark.group(1 + list(CHECKERS).index(checker)).split("|"))
    return found


PLANTED = """
from collections.abc import Mapping
from typing_extensions import assert_type
import otlp_lite
assert_type(otlp_lite.stats().traces.recorded, str)
assert_type(otlp_lite.get_tracer("a"), int)
otlp_lite.configure(nothing=1)
otlp_lite.configure(exit_timeout=1)
"""


@pytest.mark.parametrize("checker", CHECKERS)
def test_a_wrong_type_is_found(checker: str, tmp_path: Path) -> None:
    told = complaints(checker, write(tmp_path, {"planted.py": PLANTED}))
    assert [line for _, line in sorted(told)] == [5, 6, 7]


@pytest.mark.parametrize("checker", CHECKERS)
def test_what_is_meant_passes_and_has_the_type_it_says(checker: str, tmp_path: Path) -> None:
    clean = {name: without(source, MARK) for name, source in read(HERE / "fail").items()}
    sources = {**read(HERE / "pass"), **read(HERE / "reveal"), **clean}
    assert complaints(checker, write(tmp_path, sources)) == {}


@pytest.mark.parametrize("checker", CHECKERS)
def test_what_is_wrong_fails_where_and_as_it_says(checker: str, tmp_path: Path) -> None:
    sources = read(HERE / "fail")
    expected = marks(sources, checker)
    assert {name for name, _ in expected} == set(sources), "a file without a marked line proves nothing"
    told = complaints(checker, write(tmp_path, sources))
    assert told.keys() == expected.keys()
    assert {place: codes for place, codes in told.items() if not codes <= expected[place]} == {}
