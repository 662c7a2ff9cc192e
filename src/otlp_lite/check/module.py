"""One module: each of its functions is followed; what its comments ignore is left out."""

from __future__ import annotations

import ast
import io
import re
import tokenize
import warnings
from contextlib import suppress
from typing import Final, NamedTuple

from . import codes
from .facts import Facts
from .flow import Flow
from .names import Names
from .run import Finding, GivenUp, Run
from .scopes import Scopes
from .state import Kind, Position
from .ways import tests

_TRACES: Final = re.compile(r"opentelemetry|otlp_lite|start_as_current_span")
"""Without any of these words a module has nothing to look for."""
_COMMENT: Final = re.compile(r"#\s*otlp:\s*ignore(?![\w-])(\s*\[([^\]]*)(\]|$)|[^\w\n]*(?i:OTL)[^\w\n]?\d+)?")


class Tracked(NamedTuple):
    """A span, or what makes one current, that the module starts."""

    at: Position
    followed: bool
    """False: its function has more ways than are followed."""


class Checked(NamedTuple):
    """What was found in a module. Columns are characters, from 1."""

    findings: list[Finding]
    tracked: list[Tracked]


class Unreadable(Exception):
    """A module that is none: why, and where (line and column from 1)."""

    def __init__(self, message: str, line: int = 1, column: int = 1) -> None:
        super().__init__(message)
        self.line = line
        self.column = column


def check(source: bytes) -> Checked:
    """The findings of all codes in a module, by line. Raises Unreadable where it does not parse."""
    tree = _parse(source)
    text = _text(source)
    if not _TRACES.search(text):
        return Checked(_told(text, []), [])
    try:
        scopes = Scopes(tree)
        names = Names(scopes)
        findings: list[Finding] = []
        tracked: list[Tracked] = []
        for scope in scopes.by_node.values():
            if isinstance(scope.node, ast.Lambda) or not names.concerns(scope):
                continue
            run = Run(names, scope)
            try:
                _Signed().visit(scope.node)
                run.facts = Facts(tests(getattr(scope.node, "body", ())))
                Flow(run).function()
                followed = True
                findings += run.findings.values()
            except (GivenUp, RecursionError, ValueError):  # the last: of a number of thousands of digits
                followed = False
            tracked += [
                Tracked(site.at, followed)
                for site in run.sites
                if (site.kind in (Kind.SPAN, Kind.LIVE) or site.starts) and not site.given
            ]
    except (RecursionError, ValueError):
        raise Unreadable("nested too deeply, or a number too long, to be followed") from None
    return Checked(_told(text, findings), sorted(set(tracked)))


class _Signed(ast.NodeTransformer):
    """Makes numbers with a minus the constants that they are meant as."""

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.expr:
        number = node.operand.value if isinstance(node.operand, ast.Constant) else None
        if (
            isinstance(node.op, ast.USub)
            and isinstance(number, (int, float))
            and not isinstance(number, bool)
        ):
            return ast.copy_location(ast.Constant(-number), node)
        self.generic_visit(node)
        return node

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        if not isinstance(node.op, ast.Pow):
            self.generic_visit(node)
        else:  # `-1 ** n` is another number than `(-1) ** n`
            node.right = self.visit(node.right)
        return node


def _parse(source: bytes) -> ast.Module:
    try:
        with warnings.catch_warnings(record=True):  # those of the module are its own
            return ast.parse(source)
    except SyntaxError as error:
        place = max(error.lineno or 1, 1), max(error.offset or 1, 1)
        raise Unreadable(f"syntax error: {error.msg}", *place) from None
    except ValueError as error:
        raise Unreadable(str(error)) from None
    except (RecursionError, MemoryError):
        raise Unreadable("nested too deeply to be parsed") from None


def _text(source: bytes) -> str:
    """Of a comment `ast` reads also what no text is; CPython runs no such file."""
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(source).readline)
        return io.TextIOWrapper(io.BytesIO(source), encoding).read()
    except SyntaxError as error:
        raise Unreadable(f"syntax error: {error.msg}") from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise Unreadable(f"not {error.encoding}: {error.reason}", line) from None


def _told(text: str, findings: list[Finding]) -> list[Finding]:
    """What no comment ignores, in the order of the lines; and the comments that ignore what there is not."""
    ignored: dict[int, set[str]] = {}
    told = []
    for line, column, listed in _comments(text):
        names = set(codes.TITLES) if listed is None else {name.strip() for name in listed.split(",")}
        if len(names) > 1:
            names.discard("")  # a comma at the end
        ignored.setdefault(line, set()).update(names)
        for name in sorted(names - set(codes.TITLES)):
            there_are = ", ".join(codes.TITLES)
            message = f"the comment ignores {name!r}, which is no code: there are {there_are}"
            told.append(Finding(codes.COMMENT, Position(line, column + 1, line), message))
    lines = text.split("\n")
    for finding in findings:
        at = finding.at
        if any(finding.code in ignored.get(line, ()) for line in range(at.line, at.end_line + 1)):
            continue
        text_of_line = "".join(lines[at.line - 1 : at.line])
        before = text_of_line.encode()[: at.column].decode(
            errors="replace"
        )  # of f-strings CPython 3.11 is not sure
        told.append(finding._replace(at=at._replace(column=len(before) + 1)))
    return sorted(set(told), key=lambda each: (each.at, each.code))


def _listed(match: re.Match[str]) -> str | None:
    """The codes of a comment, with what is wrong about their brackets; None: it lists none."""
    whole, listed, end = match.groups()
    if end == "":  # the bracket is open
        return str(whole).strip()
    if listed is None and whole:
        return f"{whole[whole.upper().index('OTL') :].strip(')}')} without brackets"
    return None if listed is None else str(listed)


def _comments(text: str) -> list[tuple[int, int, str | None]]:
    """Line, column and the listed codes of each comment that ignores; None: all codes."""
    if "otlp:" not in text:
        return []
    found = []
    with suppress(SyntaxError, tokenize.TokenError):  # at an end that `ast` has read
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.COMMENT and (match := _COMMENT.search(token.string)):
                found.append((token.start[0], token.start[1] + match.start(), _listed(match)))
    return found
