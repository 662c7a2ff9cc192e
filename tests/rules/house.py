"""What the rules look at: the project's files, code without comments, and the listed exceptions."""

from __future__ import annotations

import io
import re
import sys
import token
import tokenize
from collections import Counter
from collections.abc import Iterable
from fnmatch import fnmatch
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[2]


class Finding(NamedTuple):
    """Something that a rule forbids unless it is listed: where, and its text."""

    file: str
    what: str = ""
    line: int = 0


def ignored(path: PurePosixPath, patterns: Iterable[str]) -> bool:
    """Whether .gitignore's patterns (names, or paths from the root) leave this one path out."""
    return any(
        fnmatch(str(path), pattern[1:]) if pattern.startswith("/") else fnmatch(path.name, pattern)
        for pattern in patterns
    )


@cache
def _tree() -> tuple[PurePosixPath, ...]:
    lines = (ROOT / ".gitignore").read_text("utf-8").split()
    patterns = [".git", *(line.rstrip("/") for line in lines)]
    found: list[PurePosixPath] = []
    folders = [ROOT]
    while folders:
        for path in sorted(folders.pop().iterdir()):
            name = PurePosixPath(path.relative_to(ROOT))
            if ignored(name, patterns):
                continue
            if path.is_dir():
                folders.append(path)
            else:
                found.append(name)
    return tuple(sorted(found))


def files(*globs: str) -> list[str]:
    """The project's own files that match one of the globs; `*` crosses folders."""
    return [str(path) for path in _tree() if any(fnmatch(str(path), glob) for glob in globs)]


def text(file: str) -> str:
    return (ROOT / file).read_text("utf-8")


_C_APART = re.compile(r"""//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'""", re.DOTALL)


class Source(NamedTuple):
    """A file in layers, each blank where it leaves something out; lines keep their numbers."""

    code: str
    """Without comments and strings."""
    text: str
    """Without comments; a docstring is one."""
    comments: str


def c_source(source: str) -> Source:
    spans = [
        (match.start(), match.end(), "comments" if match.group().startswith("/") else "strings")
        for match in _C_APART.finditer(source)
    ]
    return _layers(source, spans)


def python_source(source: str) -> Source:
    """Python or Cython."""
    readable = source.replace("except?", "except ")
    starts = [0]
    for line in readable.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    spans = []
    strings = (token.STRING, getattr(token, "FSTRING_MIDDLE", token.STRING))
    fresh = True  # at the start of a statement: a string here is documentation
    for each in tokenize.generate_tokens(io.StringIO(readable).readline):
        if each.type == token.COMMENT or each.type in strings:
            first, last = (starts[row - 1] + column for row, column in (each.start, each.end))
            spans.append((first, last, "comments" if fresh or each.type == token.COMMENT else "strings"))
        if each.type in (token.NEWLINE, token.INDENT, token.DEDENT):
            fresh = True
        elif each.type not in (token.NL, token.COMMENT):
            fresh = False
    return _layers(source, spans)


def _layers(source: str, spans: Iterable[tuple[int, int, str]]) -> Source:
    blank = re.sub(r"[^\n]", " ", source)
    code, text, comments = list(source), list(source), list(blank)
    for first, last, layer in spans:
        code[first:last] = blank[first:last]
        if layer == "comments":
            text[first:last] = blank[first:last]
            comments[first:last] = source[first:last]
    return Source("".join(code), "".join(text), "".join(comments))


@cache
def source(file: str) -> Source:
    """A file of Python, Cython or C, in layers."""
    return (c_source if file.endswith((".c", ".h")) else python_source)(text(file))


@cache
def allowed() -> dict[str, list[dict[str, Any]]]:
    """tests/allowed.toml: for each rule, rows of `file`, `what`, `times` (1) and `reason`."""
    rules: dict[str, list[dict[str, Any]]] = tomllib.loads(text("tests/allowed.toml"))
    return rules


def judge(rule: str, findings: Iterable[Finding], rows: list[dict[str, Any]] | None = None) -> list[str]:
    """What is found but not listed, and what is listed but not found."""
    rows = allowed().get(rule, []) if rows is None else rows
    listed = {(row["file"], row.get("what", "")): row.get("times", 1) for row in rows}
    found: Counter[tuple[str, str]] = Counter()
    lines: dict[tuple[str, str], int] = {}
    for finding in findings:
        found[finding.file, finding.what] += 1
        lines.setdefault((finding.file, finding.what), finding.line)
    problems = [
        f"{file}:{lines[file, what]}: {what or rule}: {times} here, {listed.get((file, what), 0)} listed"
        for (file, what), times in found.items()
        if times > listed.get((file, what), 0)
    ]
    gone = [
        f"tests/allowed.toml, {rule}: {file} {what}: {times} listed, {found[file, what]} here"
        for (file, what), times in listed.items()
        if times > found[file, what]
    ]
    return [*problems, *gone]
