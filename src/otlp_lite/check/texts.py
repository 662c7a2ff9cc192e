"""Expressions as text, by which a test is known again."""

from __future__ import annotations

import ast


def written(node: ast.AST) -> str:
    """The same for what reads the same; Python, but for f-strings that CPython before 3.12 cannot write."""
    try:
        return ast.unparse(node)
    except ValueError:
        return ast.dump(node)


def last(node: ast.expr) -> str:
    """The name that an expression ends in: `tracer` of `self.tracer`; of a call, that of the function."""
    if isinstance(node, ast.Call):
        return last(node.func)
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def words(text: str) -> set[str]:
    """The names, and whatever looks like one, of a text."""
    word, found = "", set()
    for character in text + " ":
        if (word + character).isidentifier():
            word += character
        elif word:
            found.add(word)
            word = ""
    return found
