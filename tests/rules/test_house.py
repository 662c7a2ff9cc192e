"""The exceptions themselves: each names a rule, a file and its reason, and none outlives what it excuses."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest

from .house import ROOT, Finding, allowed, c_source, ignored, judge, python_source

RULES = ("length", "environment", "field_numbers", "clone", "suppression")


def test_each_exception_has_a_rule_a_file_and_a_reason() -> None:
    for rule, rows in allowed().items():
        assert rule in RULES
        for row in rows:
            assert set(row) <= {"file", "what", "times", "reason"}
            assert (ROOT / row["file"]).is_file(), row
            assert len(row["reason"].split()) > 3, row


@pytest.mark.parametrize(
    ("findings", "rows", "problems"),
    [
        ([], [], 0),
        ([Finding("a.py", "noqa", 3)], [], 1),
        ([Finding("a.py", "noqa", 3)], [{"file": "a.py", "what": "noqa"}], 0),
        ([Finding("a.py", "noqa", 3)], [{"file": "b.py", "what": "noqa"}], 2),
        ([Finding("a.py", "noqa", 3)] * 2, [{"file": "a.py", "what": "noqa"}], 1),
        ([Finding("a.py", "noqa", 3)] * 2, [{"file": "a.py", "what": "noqa", "times": 2}], 0),
        ([], [{"file": "a.py", "what": "noqa"}], 1),
        ([Finding("a.py", "noqa", 3)], [{"file": "a.py", "what": "noqa", "times": 2}], 1),
    ],
)
def test_what_is_unlisted_and_what_is_gone_is_told(
    findings: list[Finding], rows: list[dict[str, object]], problems: int
) -> None:
    assert len(judge("suppression", findings, rows)) == problems


def test_only_what_git_ignores_is_left_out() -> None:
    patterns = ["/build", "*.so", "__pycache__", "/src/*/core.pyi"]
    paths = ["build", "src/build", "src/a.so", "a/__pycache__", "src/x/core.pyi", "stubs/x/core.pyi"]
    assert [path for path in paths if not ignored(PurePosixPath(path), patterns)] == [
        "src/build",
        "stubs/x/core.pyi",
    ]


def test_code_is_told_from_comments_and_strings() -> None:
    c = c_source('a /* b\nc */ d "e//f" // g\n\'"\' h')
    assert [layer.split() for layer in c] == [
        ["a", "d", "h"],
        ["a", "d", '"e//f"', "'\"'", "h"],
        ["/*", "b", "c", "*/", "//", "g"],
    ]
    python = python_source('"""a\nb"""\nc = "d"  # e\ndef f() except? 0:\n    """g"""\n    h("i")\n')
    assert [layer.split() for layer in python] == [
        ["c", "=", "def", "f()", "except?", "0:", "h(", ")"],
        ["c", "=", '"d"', "def", "f()", "except?", "0:", 'h("i")'],
        ['"""a', 'b"""', "#", "e", '"""g"""'],
    ]
    assert [layer.count("\n") for layer in python] == [6] * 3
