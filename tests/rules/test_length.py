"""Files stay under 600 lines; a longer one has a listed reason."""

from __future__ import annotations

from .house import Finding, files, judge, text

LINES_MAX = 600
WRITTEN = (
    "*.py",
    "*.pyx",
    "*.pxd",
    "*.pyi",
    "*.c",
    "*.h",
    "*.go",
    "*.rs",
    "*.js",
    "*.toml",
    "*.md",
    "*Makefile",
)


def too_long(lengths: dict[str, int]) -> list[Finding]:
    return [Finding(file, "", lines) for file, lines in lengths.items() if lines > LINES_MAX]


def test_a_long_file_is_found() -> None:
    assert too_long({"a.c": 600, "b.c": 601}) == [Finding("b.c", "", 601)]


def test_files_stay_short() -> None:
    lengths = {file: len(text(file).splitlines()) for file in files(*WRITTEN)}
    assert len(lengths) > 100
    assert judge("length", too_long(lengths)) == []
