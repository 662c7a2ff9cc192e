"""Expressions as text, by which a test is known again."""

from __future__ import annotations

import ast
import re
from functools import lru_cache


def written(node: ast.AST) -> str:
    """The same for what reads the same; Python, but for f-strings that CPython before 3.12 cannot write.

    Raises ValueError for a number of more digits than CPython writes.
    """
    try:
        return ast.unparse(node)
    except ValueError:
        return re.sub(r", ctx=\w+\(\)", "", ast.dump(node))


def last(node: ast.expr) -> str:
    """The name that an expression ends in: `tracer` of `self.tracer`; of a call, that of the function."""
    if isinstance(node, ast.Call):
        return last(node.func)
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


@lru_cache(4096)
def words(text: str) -> frozenset[str]:
    """The names, and whatever looks like one, of a text."""
    start, found = -1, set()
    for at, character in enumerate(text + " "):
        if start < 0:
            start = at if character.isidentifier() else -1
        elif not f"a{character}".isidentifier():
            found.add(text[start:at])
            start = -1
    return frozenset(found)
