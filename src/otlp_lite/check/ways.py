"""How a block of statements is left, and what of its text is told apart for that."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass, field

from .expressions import distinct
from .facts import is_test, pattern_test
from .state import State
from .texts import last


@dataclass
class Ways:
    """The states in which a block is left, each way apart; exceptions are in the sink."""

    next: list[State] = field(default_factory=list)
    breaks: list[State] = field(default_factory=list)
    continues: list[State] = field(default_factory=list)
    returns: list[tuple[State, int]] = field(default_factory=list)
    """With the line of the return."""

    def join(self, other: Ways) -> None:
        self.next = distinct([*self.next, *other.next])
        self.jumps(other)

    def jumps(self, other: Ways) -> None:
        """All but what goes on to the next statement."""
        self.breaks = distinct([*self.breaks, *other.breaks])
        self.continues = distinct([*self.continues, *other.continues])
        self.returns = list(dict.fromkeys([*self.returns, *other.returns]))


def tests(body: Iterable[ast.AST]) -> Iterable[ast.expr]:
    """Each test of a body, those of functions within it apart."""
    for each in within(body):
        if isinstance(each, (ast.If, ast.While, ast.IfExp, ast.Assert)):
            yield each.test
        elif isinstance(each, ast.BoolOp):
            yield from each.values
        elif isinstance(each, ast.match_case) and each.guard is not None:
            yield each.guard
        elif isinstance(each, ast.comprehension):
            yield from each.ifs
        elif isinstance(each, (ast.Assign, ast.AnnAssign)) and each.value is not None and is_test(each.value):
            yield each.value
        elif isinstance(each, ast.Match):
            for case in each.cases:
                if (test := pattern_test(each.subject, case.pattern)) is not None:
                    yield test


def within(body: Iterable[ast.AST]) -> Iterable[ast.AST]:
    """What stands in a body, without functions and classes within it."""
    todo = list(body)
    while todo:
        node = todo.pop()
        yield node
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)):
            todo += ast.iter_child_nodes(node)


def about(fact: str, asked: set[str]) -> bool:
    return fact in asked or fact.removesuffix(" is None") in asked


def some(node: ast.expr) -> bool:
    """Whether a loop over it runs at least once."""
    if isinstance(node, (ast.Tuple, ast.List, ast.Set)):
        return any(not isinstance(each, ast.Starred) for each in node.elts)
    if isinstance(node, ast.Call) and last(node.func) == "range" and len(node.args) == 1:
        count = node.args[0]
        return isinstance(count, ast.Constant) and isinstance(count.value, int) and count.value > 0
    return False
