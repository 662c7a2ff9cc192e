"""Conditions: two tests of the same text have one outcome, until something that they read is assigned."""

from __future__ import annotations

import ast
import operator
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Set
from typing import Any, Final

from .state import State
from .texts import last, words, written

_COUNTED_MAX: Final = 8
"""Of what a number counts on by: so many that it is not are told."""


class Facts:
    """What the tests of a function ask about, and what is known of that in a state."""

    def __init__(self, tests: Iterable[ast.expr]) -> None:
        self.names: set[str] = set()
        """Names that are asked about by themselves."""
        self._asked: Counter[str] = Counter()
        for test in tests:
            for subject in subjects(test):
                self._asked[written(subject)] += 1
                if isinstance(subject, ast.Name):
                    self.names.add(subject.id)
                elif (left := compared(subject)) is not None:
                    self._asked[left] += 1
                if (asked := bool_test(subject)) is not None:
                    self._asked[written(asked[0])] += 1
                    if isinstance(asked[0], ast.Name):
                        self.names.add(asked[0].id)

    def known(self, state: State, subject: ast.expr, asks_none: bool) -> bool | None:
        """How a test comes out, where that was decided before."""
        facts, text = state.facts, written(subject)
        if (told := facts.get(_none(text) if asks_none else text)) is not None:
            return told
        if asks_none and (facts.get(f"{text} is False") or _literal(facts, text) is not None):
            return False
        if asks_none and (told := _among(facts, text, [None])) is not None:
            return told
        if asks_none and _false(facts, subject, text):
            return True
        if not asks_none and (true := self.true(state, subject)) is not None:
            return true
        if facts.get(text if asks_none else _none(text)):  # what is true is not None, and the other way round
            return False
        left = None if asks_none else compared(subject)
        if left is None or not isinstance(subject, ast.Compare):
            return None
        if (literal := _literal(facts, left)) is not None:
            return compares(subject, literal)
        op, other = subject.ops[0], ast.literal_eval(subject.comparators[0])
        if isinstance(op, ast.In):
            return None in other if facts.get(_none(left)) else _among(facts, left, other)
        if isinstance(op, ast.Eq) and (facts.get(_none(left)) or _among(facts, left, [other]) is False):
            return False
        if isinstance(op, ast.Gt) and other == 0:
            return facts.get(left)  # a number that is not 0
        return None

    def true(self, state: State, subject: ast.expr) -> bool | None:
        """Whether something is as good as true, where what it is equal to was decided before."""
        text = written(subject)
        if (literal := _literal(state.facts, text)) is not None:
            return bool(ast.literal_eval(literal))
        outcomes = {bool(each) for listed in _listed(state.facts, text) for each in listed}
        if state.facts.get(f"{text} > 0"):
            return True
        return outcomes.pop() if len(outcomes) == 1 else None

    def same(self, state: State, subject: ast.expr, wanted: bool, itself: bool) -> bool | None:
        """Whether something is True or False, or that `itself`, by what it is equal to: 0 may be False."""
        text = written(subject)
        literal = _literal(state.facts, text)
        if literal is None:
            return False if any(wanted not in each for each in _listed(state.facts, text)) else None
        value = ast.literal_eval(literal)
        if itself and value == wanted and value is not wanted:
            return None
        return bool(value == wanted)

    def equal(self, state: State, subject: ast.expr) -> bool:
        """Whether it is known to be equal to something: what is as good as True need not be True."""
        text = written(subject)
        return _literal(state.facts, text) is not None or any(_listed(state.facts, text))

    def learn(self, state: State, subject: ast.expr, asks_none: bool, told: bool) -> State:
        """What a test has told, where another will ask."""
        text = written(subject)
        asked = bool_test(subject)
        left = compared(subject) if asked is None else written(asked[0])
        if self._asked[text] < 2 and (left is None or self._asked[left] < 2):
            return state
        return state.know({**state.facts, _none(text) if asks_none else text: told})

    def counted(self, state: State, node: ast.AugAssign) -> int | None:
        """What a number is after `+=` or `-=`, where it was known before."""
        by = node.value.value if isinstance(node.value, ast.Constant) else None
        if not isinstance(by, int) or not isinstance(node.op, (ast.Add, ast.Sub)):
            return None
        was = ast.literal_eval(_literal(state.facts, written(node.target)) or "None")
        if type(was) is not int:
            return None
        return int(was + by if isinstance(node.op, ast.Add) else was - by)

    def still(self, state: State, node: ast.AugAssign, count: int | None) -> dict[str, bool]:
        """What is known of a number that counts on, to a `count` or to who knows which.

        Once it is not 0, it is none of those up to there; but one that was below 0 comes there.
        """
        text, facts = written(node.target), state.facts
        by = node.value.value if isinstance(node.value, ast.Constant) else None
        if not isinstance(by, int) or by < 0 or not isinstance(node.op, ast.Add):
            return {}
        beyond = {f"{text} < ": False, f"{text} > ": True}  # what it is beyond, it stays beyond
        size = len(text) + 3
        left = {
            fact: told
            for fact, told in facts.items()
            if beyond.get(fact[:size]) is told and not held_by(node.target) & words(fact[size:])
        }
        if _below(facts, text) if count is None else count < 0:
            return {**left, _from_below(text): True}
        if count is not None or not facts.get(text):
            return left
        passed = (f"{text} == {number}" for number in range(min(by, _COUNTED_MAX) + 1))
        return {text: True, **left, **{fact: False for fact in passed if fact in self._asked}}

    def kept(self, facts: Mapping[str, bool], known: set[str]) -> dict[str, bool]:
        """After a round of a loop, what is known of what was known before, and which value something is.

        Of numbers only those that are asked about: one that counts on is another in each round.
        """
        begun = {fact.partition(" == ")[0] for fact in known if _is_literal(fact.partition(" == ")[2])}
        asked = {
            text: [each for each in self._asked if each.startswith(_comparisons(text))] for text in begun
        }
        beyond = {each for text in begun for each in (*asked[text], _from_below(text))}
        left = {fact: told for fact, told in facts.items() if fact in known or fact in beyond}
        for text in begun:
            if (literal := _literal(facts, text)) is None:
                continue
            for each in {*asked[text], *(fact for fact in known if fact.startswith(f"{text} == "))}:
                told = compares(ast.parse(each, mode="eval").body, literal)
                left.update({} if told is None else {each: told})
            if isinstance(ast.literal_eval(literal), str):
                left[f"{text} == {literal}"] = True
            elif _below(facts, text):
                left[_from_below(text)] = True
        return left

    def assigned(self, state: State, target: ast.expr, value: ast.Constant) -> State:
        """What the assignment of a constant tells, where a test will ask."""
        text, constant = written(target), value.value
        if text not in self._asked:
            return state
        facts = {**state.facts, text: bool(constant), _none(text): constant is None}
        if isinstance(constant, (str, int)):
            facts[f"{text} == {constant!r}"] = True
        elif isinstance(constant, float) and constant < 0:
            facts[_from_below(text)] = True
        return state.know(facts)


def held_by(target: ast.expr) -> set[str]:
    """What an assignment to it changes, by name: of an item, all that its container is called by."""
    while isinstance(target, ast.Subscript):
        target = target.value
    return {last(target)} if last(target) else set(words(written(target)))


def forget(state: State, changed: str) -> State:
    """Conditions that read what changed, a name or an attribute, are open again."""
    return forget_all(state, {changed})


def forget_all(state: State, changed: Set[str]) -> State:
    left = {fact: told for fact, told in state.facts.items() if not changed & words(fact)}
    return state if len(left) == len(state.facts) else state.know(left)


_OPERATORS: Final[dict[type[ast.cmpop], Callable[[Any, Any], Any]]] = {
    ast.Eq: operator.eq,
    ast.Gt: operator.gt,
    ast.Lt: operator.lt,
    ast.In: lambda one, all_of_them: one in all_of_them,
}
_CONTRARY: Final[dict[type[ast.cmpop], type[ast.cmpop]]] = {
    ast.NotEq: ast.Eq,
    ast.IsNot: ast.Is,
    ast.NotIn: ast.In,
    ast.LtE: ast.Gt,
    ast.GtE: ast.Lt,
}


def _false(facts: Mapping[str, bool], subject: ast.expr, text: str) -> bool:
    """A name that is false is taken for None, as in `span = given or start_span()`."""
    return isinstance(subject, ast.Name) and facts.get(text) is False


def none_test(node: ast.expr) -> tuple[ast.expr, bool, bool]:
    """Of a test: what it asks about, whether it asks if that is None, and whether for the contrary."""
    if not isinstance(node, ast.Compare) or len(node.ops) != 1:  # of several, the first tells little
        return node, False, False
    left, op, right = node.left, type(node.ops[0]), node.comparators[0]
    turned = op in _CONTRARY
    op = _CONTRARY.get(op, op)
    if op in (ast.Is, ast.Eq):
        if isinstance(left, ast.Constant):
            left, right = right, left
        if isinstance(right, ast.Constant) and right.value is None:
            return left, True, turned
    return ast.Compare(left, [op()], [right]), False, turned


def bool_test(node: ast.expr) -> tuple[ast.expr, bool, bool, bool] | None:
    """Of a comparison with True or False: what is compared, with which, if for the contrary, if by `is`."""
    subject, asks_none, turned = none_test(node)
    if asks_none or not isinstance(subject, ast.Compare) or len(subject.ops) != 1:
        return None
    if not isinstance(subject.ops[0], (ast.Is, ast.Eq)):
        return None
    other = subject.comparators[0]
    if not isinstance(other, ast.Constant) or not isinstance(other.value, bool):
        return None
    return subject.left, other.value, turned, isinstance(subject.ops[0], ast.Is)


def pattern_test(subject: ast.expr, pattern: ast.pattern) -> ast.expr | None:
    """What a `case` asks of a name, where that is one value."""
    if isinstance(pattern, ast.MatchSingleton) and isinstance(subject, ast.Name):
        return ast.Compare(subject, [ast.Is()], [ast.Constant(pattern.value)])
    if isinstance(pattern, ast.MatchValue) and isinstance(subject, ast.Name):
        return ast.Compare(subject, [ast.Eq()], [pattern.value])
    return None


def is_test(node: ast.expr) -> bool:
    """Whether what an expression gives is True or False."""
    if isinstance(node, ast.BoolOp):
        return all(map(is_test, node.values))
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Name) and node.func.id in (
            "isinstance",
            "hasattr",
            "bool",
            "callable",
        )
    return isinstance(node, ast.Compare) or (isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not))


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


def _is_literal(text: str) -> bool:
    try:
        ast.literal_eval(text)
    except (TypeError, ValueError, SyntaxError):
        return False
    return True


def _literal(facts: Mapping[str, bool], text: str) -> str | None:
    """What it is equal to."""
    start = f"{text} == "
    equal = (fact[len(start) :] for fact, told in facts.items() if told and fact.startswith(start))
    return next(filter(_is_literal, equal), None)


def _comparisons(text: str) -> tuple[str, ...]:
    return f"{text} == ", f"{text} < ", f"{text} > "


def _none(text: str) -> str:
    return f"{text} is None"


def compared(subject: ast.expr) -> str | None:
    """What is compared with a constant, as text."""
    if not isinstance(subject, ast.Compare) or len(subject.ops) != 1:
        return None
    if type(subject.ops[0]) not in _OPERATORS:
        return None
    other = subject.comparators[0]
    several = isinstance(subject.ops[0], ast.In)
    parts = other.elts if several and isinstance(other, (ast.Tuple, ast.List, ast.Set)) else [other]
    constant = all(isinstance(each, ast.Constant) for each in parts) and (not several or parts != [other])
    return written(subject.left) if constant else None


def compares(subject: ast.expr, literal: str) -> bool | None:
    """How the comparison of a constant with another comes out."""
    if not isinstance(subject, ast.Compare) or len(subject.ops) != 1:
        return None
    try:
        other = ast.literal_eval(subject.comparators[0])
        return bool(_OPERATORS[type(subject.ops[0])](ast.literal_eval(literal), other))
    except (TypeError, ValueError, SyntaxError):
        return None


def _among(facts: Mapping[str, bool], text: str, others: Iterable[object]) -> bool | None:
    """Whether it is one of these, by what else it is one of, or none of."""
    left = list(others)
    gone = [each for each in left if facts.get(f"{text} == {each!r}") is False]
    gone += [None] * (facts.get(_none(text)) is False)
    for listed in _listed(facts, text, True):
        if all(each in left for each in listed):
            return True
        gone += [each for each in left if each not in listed]
    for listed in _listed(facts, text, False):
        gone += [each for each in left if each in listed]
    return False if all(each in gone for each in left) else None


def _listed(facts: Mapping[str, bool], text: str, among: bool = True) -> Iterator[Collection[object]]:
    """Of what it is one of, or none of."""
    start = f"{text} in "
    for fact, told in facts.items():
        if told is among and fact.startswith(start) and _is_literal(fact[len(start) :]):
            listed = ast.literal_eval(fact[len(start) :])
            if isinstance(listed, (tuple, list, set)):  # of a text also its parts are in it
                yield listed


def _below(facts: Mapping[str, bool], text: str) -> bool:
    """Whether a number is below 0, or was before it counted on."""
    if facts.get(_from_below(text)) or _number(_literal(facts, text) or "") < 0:
        return True
    size = len(text) + 3
    return any(
        (_number(fact[size:], 1) <= 0 if told else False)
        if fact.startswith(f"{text} < ")
        else not told and fact.startswith(f"{text} > ") and _number(fact[size:]) < 0
        for fact, told in facts.items()
    )


def _number(text: str, otherwise: float = 0) -> float:
    value = ast.literal_eval(text) if _is_literal(text) else None
    return value if isinstance(value, (int, float)) else otherwise


def _from_below(text: str) -> str:
    return f"{text} << 0"
