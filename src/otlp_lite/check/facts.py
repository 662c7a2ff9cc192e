"""Conditions: two tests of the same text have one outcome, until something that they read is assigned."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterable

from .state import State


class Facts:
    """What the tests of a function ask about, and what is known of that in a state."""

    def __init__(self, tests: Iterable[ast.expr]) -> None:
        self.names: set[str] = set()
        """Names that are asked about by themselves."""
        self._asked: Counter[str] = Counter()
        for test in tests:
            for subject in subjects(test):
                self._asked[ast.unparse(subject)] += 1
                if isinstance(subject, ast.Name):
                    self.names.add(subject.id)
                elif (left := _compared(subject)) is not None:
                    self._asked[left] += 1

    def known(self, state: State, subject: ast.expr, asks_none: bool) -> bool | None:
        """How a test comes out, where that was decided before."""
        facts, text = state.facts, ast.unparse(subject)
        if (told := facts.get(_none(text) if asks_none else text)) is not None:
            return told
        if facts.get(text if asks_none else _none(text)):  # what is true is not None, and the other way round
            return False
        left = None if asks_none else _compared(subject)
        if left is not None and any(told and fact.startswith(f"{left} == ") for fact, told in facts.items()):
            return False  # it is equal to another constant
        return None

    def learn(self, state: State, subject: ast.expr, asks_none: bool, told: bool) -> State:
        """What a test has told, where another will ask."""
        text = ast.unparse(subject)
        left = _compared(subject)
        if self._asked[text] < 2 and (left is None or self._asked[left] < 2):
            return state
        return state.know({**state.facts, _none(text) if asks_none else text: told})

    def assigned(self, state: State, target: ast.expr, value: ast.Constant) -> State:
        """What the assignment of a constant tells, where a test will ask."""
        text, constant = ast.unparse(target), value.value
        if text not in self._asked:
            return state
        facts = {**state.facts, text: bool(constant), _none(text): constant is None}
        if isinstance(constant, (str, int)):
            facts[f"{text} == {constant!r}"] = True
        return state.know(facts)


def forget(state: State, changed: str) -> State:
    """Conditions that read what changed, a name or an attribute, are open again."""
    if not state.facts:
        return state
    return state.know({fact: told for fact, told in state.facts.items() if changed not in _words(fact)})


def none_test(node: ast.expr) -> tuple[ast.expr, bool, bool]:
    """Of a test: what it asks about, whether it asks if that is None, and whether for the contrary."""
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        other = node.comparators[0]
        if isinstance(other, ast.Constant) and other.value is None:
            if isinstance(node.ops[0], (ast.Is, ast.Eq)):
                return node.left, True, False
            if isinstance(node.ops[0], (ast.IsNot, ast.NotEq)):
                return node.left, True, True
        if isinstance(node.ops[0], (ast.NotEq, ast.IsNot)):
            op = ast.Eq() if isinstance(node.ops[0], ast.NotEq) else ast.Is()
            return ast.Compare(node.left, [op], node.comparators), False, True
    return node, False, False


def subjects(test: ast.expr) -> Iterable[ast.expr]:
    """What the parts of a test ask about."""
    if isinstance(test, ast.BoolOp):
        for value in test.values:
            yield from subjects(value)
    elif isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        yield from subjects(test.operand)
    elif isinstance(test, ast.NamedExpr):
        yield test.target
    else:
        yield none_test(test)[0]


def _none(text: str) -> str:
    return f"{text} is None"


def _compared(subject: ast.expr) -> str | None:
    """What is compared with a constant, as text."""
    if not (
        isinstance(subject, ast.Compare) and len(subject.ops) == 1 and isinstance(subject.ops[0], ast.Eq)
    ):
        return None
    return ast.unparse(subject.left) if isinstance(subject.comparators[0], ast.Constant) else None


def _words(fact: str) -> set[str]:
    word, found = "", set()
    for character in fact + " ":
        if character.isidentifier() or (word and character.isdigit()):
            word += character
        elif word:
            found.add(word)
            word = ""
    return found
