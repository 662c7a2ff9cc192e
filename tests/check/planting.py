"""Faults put into sources mechanically: an `end()` moved, or made explicit, above a use of the same span."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import NamedTuple

WRITES = {
    "set_attribute",
    "set_attributes",
    "add_event",
    "add_link",
    "update_name",
    "set_status",
    "record_exception",
}
STARTS = {"start_span", "start_as_current_span", "use_span", "get_current_span"}

Function = ast.FunctionDef | ast.AsyncFunctionDef


class Plant(NamedTuple):
    """A source with a fault, and where that must be found."""

    source: str
    line: int
    name: str
    moved: bool
    """An end() that was there was moved; False: the end that a `with` implies, or another function does."""


def plants(source: str) -> Iterator[Plant]:
    """One for each statement that uses a span whose name its own function gives to a span."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            own = list(_own(node.body))
            for name in _spans(node, own):
                yield from _of_name(source, own, name)


def _of_name(source: str, own: list[ast.AST], name: str) -> Iterator[Plant]:
    lines = source.splitlines(keepends=True)
    for use in _statements(own, name, WRITES):
        later = [each for each in _statements(own, name, {"end"}) if each.lineno > use.lineno]
        planted = lines.copy()
        if later:
            first = later[0]
            planted[first.lineno - 1] = " " * first.col_offset + "pass\n"
            for at in range(first.lineno, first.end_lineno or first.lineno):
                planted[at] = "\n"
        planted.insert(use.lineno - 1, " " * use.col_offset + f"{name}.end()\n")
        yield Plant("".join(planted), use.lineno + 1, name, bool(later))


def _own(body: list[ast.stmt]) -> Iterator[ast.AST]:
    """What stands in a function, without functions and classes within it, as it stands."""
    for node in body:
        yield from _below(node)


def _below(node: ast.AST) -> Iterator[ast.AST]:
    yield node
    if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)):
        for child in ast.iter_child_nodes(node):
            yield from _below(child)


def _statements(own: list[ast.AST], name: str, methods: set[str]) -> list[ast.Expr]:
    """The statements that call one of these methods of a name."""
    return [node for node in own if isinstance(node, ast.Expr) and _called(node.value, name) in methods]


def _called(node: ast.expr, name: str) -> str:
    """The method of a name that an expression calls; empty where it does not."""
    function = node.func if isinstance(node, ast.Call) else None
    if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name):
        return function.attr if function.value.id == name else ""
    return ""


def _spans(function: Function, own: list[ast.AST]) -> list[str]:
    """Names that are given to spans: by a start, by `with ... as`, or by an annotated parameter."""
    found = [
        each.arg
        for each in (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)
        if each.annotation is not None and ast.unparse(each.annotation).strip("'\"") in ("Span", "trace.Span")
    ]
    for node in own:
        if isinstance(node, ast.Assign) and _starts(node.value) and isinstance(node.targets[0], ast.Name):
            found.append(node.targets[0].id)
        elif isinstance(node, ast.withitem) and isinstance(node.optional_vars, ast.Name):
            found += [node.optional_vars.id] if _starts(node.context_expr) else []
    return sorted(set(found))


def _starts(node: ast.expr) -> bool:
    if isinstance(node, ast.IfExp):
        return _starts(node.body)
    function = node.func if isinstance(node, ast.Call) else None
    return (isinstance(function, ast.Attribute) and function.attr in STARTS) or (
        isinstance(function, ast.Name) and function.id in STARTS
    )
