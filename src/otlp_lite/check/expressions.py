"""Expressions: in which order their parts are evaluated, what they give, and what a test tells."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from typing import Final

from .calls import WRITES, Called, Outcome, call
from .facts import bool_test, compares, forget_all, is_test, none_test, pattern_test
from .run import STATES_MAX, GivenUp, Run
from .state import Constant, Object, Phase, State, Value
from .texts import last, words, written

Split = tuple[list[State], list[State]]
"""Where a test holds, and where it does not."""

_KEEPS_NOTHING = (
    ast.Compare,
    ast.BinOp,
    ast.UnaryOp,
    ast.JoinedStr,
    ast.FormattedValue,
    ast.Subscript,
    ast.Slice,
)
_AT_ONCE: Final = frozenset(
    ("all", "any", "dict", "frozenset", "list", "max", "min", "set", "sorted", "sum", "tuple", "join")
)
"""What takes all of a generator expression before it returns."""
_Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp


def distinct(states: Iterable[State]) -> list[State]:
    found = list(dict.fromkeys(states))
    if len(found) > STATES_MAX:
        raise GivenUp
    return found


class Expressions:
    """Evaluates expressions in states: each may have several outcomes."""

    def __init__(self, run: Run) -> None:
        self.run = run

    def after(self, node: ast.expr | None, states: Iterable[State], keeps: bool = False) -> list[State]:
        """The states after an expression whose value nobody keeps, or someone unknown does."""
        if node is None:
            return list(states)
        found = []
        for before in states:
            for state, value in self.value(node, before):
                found.append(self.run.share(state, value) if keeps else state)
        return distinct(found)

    def unused(self, node: ast.expr, states: list[State]) -> list[State]:
        """The states after a statement that is an expression: nobody has what it gives, nor its elements."""
        if isinstance(node, (ast.ListComp, ast.SetComp)):
            return distinct(
                after for state in states for after in self._comprehension(node, state, keeps=False)
            )
        return self.after(node, states)

    def value(self, node: ast.expr, state: State) -> list[Outcome]:
        """Each state after it, with its value."""
        if isinstance(node, ast.Constant):
            if isinstance(node.value, bool):
                return [(state, Constant.TRUE if node.value else Constant.FALSE)]
            return [(state, Constant.NONE if node.value is None else None)]
        if isinstance(node, ast.Name):
            return [(state, state.names.get(node.id))]
        if isinstance(node, ast.Call):
            return self._call(node, state)
        if isinstance(node, ast.Attribute):
            return self._attribute(node, state)
        if isinstance(node, ast.NamedExpr):
            return [
                (self.run.bind(after, node.target.id, value), value)
                for after, value in self.value(node.value, state)
            ]
        if isinstance(node, ast.IfExp):
            holds_, fails = self.test(node.test, [state])
            found = [outcome for each in holds_ for outcome in self.value(node.body, each)]
            return found + [outcome for each in fails for outcome in self.value(node.orelse, each)]
        if isinstance(node, ast.BoolOp):
            return self._bool_op(node, state)
        if isinstance(node, ast.Await):
            states = self.after(node.value, [state])
            for each in states:
                self.run.suspend(each, node)
            return [(self.run.others(each), None) for each in states]
        if isinstance(node, (ast.Yield, ast.YieldFrom)):
            states = self.after(node.value, [state], keeps=True)
            for each in states:
                self.run.yielded(each, node)
            return [(self.run.others(each), None) for each in states]
        if isinstance(node, ast.Lambda):
            return [(each, None) for each in self._captured(node, [state])]
        if isinstance(node, (ast.ListComp, ast.SetComp, ast.DictComp)):
            return [(each, None) for each in self._comprehension(node, state)]
        if isinstance(node, ast.GeneratorExp):
            states = self.after(node.generators[0].iter, [state])
            return [(each, None) for each in self._captured(node, states)]
        keeps = not isinstance(node, _KEEPS_NOTHING)
        return [(each, None) for each in self.parts(node, [state], keeps)]

    def parts(self, node: ast.AST, states: list[State], keeps: bool) -> list[State]:
        """The expressions that stand directly in a node, one after another."""
        if isinstance(node, ast.BinOp):
            chain: list[ast.expr] = []
            left: ast.expr = node
            while isinstance(left, ast.BinOp):  # a long sum nests deep
                chain.append(left.right)
                left = left.left
            children: list[ast.AST] = [left, *reversed(chain)]
        else:
            children = list(ast.iter_child_nodes(node))
        for child in children:
            if isinstance(child, ast.expr):
                states = self.after(child, states, keeps)
            elif isinstance(child, ast.keyword):
                states = self.after(child.value, states, keeps)
        return states

    def _attribute(self, node: ast.Attribute, state: State) -> list[Outcome]:
        found: list[Outcome] = []
        for after, value in self.value(node.value, state):
            if isinstance(value, Object) and (
                node.attr in WRITES or node.attr in ("end", "__exit__", "start")
            ):
                after = self.run.share(after, value)  # a bound method: who has it may call it
            found.append((after, None))
        return found

    def _bool_op(self, node: ast.BoolOp, state: State) -> list[Outcome]:
        found: list[Outcome] = []
        states = [state]
        wants = isinstance(node.op, ast.Or)
        for operand in node.values[:-1]:
            going: list[State] = []
            for before in states:
                for after, value in self.value(operand, before):
                    true, false = self._narrow(operand, after, value)
                    found += [(each, value if wants else None) for each in (true if wants else false)]
                    going += false if wants else true
            states = distinct(going)
        for before in states:
            found += self.value(node.values[-1], before)
        return found

    # ---- Calls ----

    def _call(self, node: ast.Call, state: State) -> list[Outcome]:
        found: list[Outcome] = []
        function = node.func.value if isinstance(node.func, ast.Attribute) else node.func
        for after, receiver in self.value(function, state):
            pairs: list[tuple[State, list[Value]]] = [(after, [])]
            for argument in (*node.args, *(each.value for each in node.keywords)):
                pairs = [
                    (later, [*values, value])
                    for before, values in pairs
                    for later, value in self._argument(node, argument, before)
                ]
                if len(pairs) > STATES_MAX:
                    raise GivenUp
            found += [call(self.run, Called(node, receiver, values), each) for each, values in pairs]
        return found

    def _argument(self, node: ast.Call, argument: ast.expr, state: State) -> list[Outcome]:
        if isinstance(argument, ast.GeneratorExp) and last(node.func) in _AT_ONCE:
            return [(each, None) for each in self._comprehension(argument, state)]
        if isinstance(argument, ast.Starred):
            return [(each, None) for each in self.after(argument.value, [state], keeps=True)]
        return self.value(argument, state)

    # ---- Scopes within ----

    def _captured(self, node: ast.AST, states: list[State]) -> list[State]:
        """What runs later may do anything with what it reads."""
        for each in ast.walk(node):
            if isinstance(each, ast.Name):
                states = [self.run.share(state, state.names.get(each.id)) for state in states]
        return distinct(states)

    def _comprehension(self, node: _Comprehension, state: State, keeps: bool = True) -> list[State]:
        """Runs at once, for any number of elements, none included. Its variables are its own."""
        own = {
            each.id
            for generator in node.generators
            for each in ast.walk(generator.target)
            if isinstance(each, ast.Name)
        }
        outer = {fact: told for fact, told in state.facts.items() if words(fact) & own}
        left = (forget_all(each, own) for each in self._elements(node, forget_all(state, own), keeps))
        return distinct(each.know({**each.facts, **outer}) if outer else each for each in left)

    def _elements(self, node: _Comprehension, state: State, keeps: bool) -> list[State]:
        states = [state]
        shadowed: set[str] = set()
        skipped: list[State] = []
        for generator in node.generators:
            states = self.after(generator.iter, states)
            if generator.is_async:
                for each in states:
                    self.run.suspend(each, generator.iter)
            skipped += states
            for name in (each.id for each in ast.walk(generator.target) if isinstance(each, ast.Name)):
                if any(name in each.names for each in states):
                    shadowed.add(name)
            for test in generator.ifs:
                states, _ = self.test(test, states)
        if shadowed:
            return self._captured(node, distinct([*states, *skipped]))
        parts = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
        for _ in range(2):  # what the first does is seen by the second
            for part in parts:
                states = self.after(part, states, keeps)
            skipped += states
        return distinct(skipped)

    # ---- Tests ----

    def test(self, node: ast.expr, states: Iterable[State]) -> Split:
        true: list[State] = []
        false: list[State] = []
        for state in states:
            yes, no = self._test(node, state)
            true += yes
            false += no
        return distinct(true), distinct(false)

    def _test(self, node: ast.expr, state: State) -> Split:
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            true, false = self._test(node.operand, state)
            return false, true
        if isinstance(node, ast.BoolOp):
            done: list[State] = []
            going = [state]
            for operand in node.values:
                true, false = self.test(operand, going)
                if isinstance(node.op, ast.And):
                    done, going = done + false, true
                else:
                    done, going = done + true, false
            return (going, done) if isinstance(node.op, ast.And) else (done, going)
        true, false = [], []
        for after, value in self.value(node, state):
            yes, no = self._narrow(node, after, value)
            true += yes
            false += no
        return true, false

    def _narrow(self, node: ast.expr, state: State, value: Value) -> Split:
        """Where an expression that has been evaluated is true, and where not."""
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            true, false = self._narrow(node.operand, state, None)
            return false, true
        if isinstance(node, ast.NamedExpr):
            node = node.target
        if value is None and isinstance(node, ast.Name):
            value = state.names.get(node.id)
        recording = self._recording(node, state)
        if recording is not None:
            return recording
        if (asked := bool_test(node)) is not None:
            true, false = self._is_bool(asked[0], asked[1], state, asked[3])
            return (false, true) if asked[2] else (true, false)
        subject, asks_none, turned = none_test(node)
        if asks_none:
            subject = subject.target if isinstance(subject, ast.NamedExpr) else subject
            value = state.names.get(subject.id) if isinstance(subject, ast.Name) else None
        if not asks_none and (told := self._of_a_span(subject, state)) is not None:
            return (told[1], told[0]) if turned else told
        truth = _truth(value, asks_none)
        if truth is None and not asks_none:
            truth = self._of_a_constant(subject, state)
        if truth is None:
            true, false = self._by_facts(subject, asks_none, state, value)
        else:
            true, false = ([state], []) if truth else ([], [state])
        return (false, true) if turned else (true, false)

    def _recording(self, node: ast.expr, state: State) -> Split | None:
        """`span.is_recording()`: false after the end; where it is false, to end it means nothing."""
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            return None
        if node.func.attr != "is_recording" or not isinstance(node.func.value, ast.Name):
            return None
        of = state.names.get(node.func.value.id)
        if not isinstance(of, Object) or of not in state.objects:
            return None
        if state.objects[of].phase is Phase.DONE:
            return [], [state]
        return [state], [state.put(of, state.objects[of]._replace(phase=Phase.UNKNOWN))]

    def _is_bool(self, subject: ast.expr, wanted: bool, state: State, itself: bool) -> Split:
        """Whether something is True or False itself: what is not may still be as true, or as false."""
        value = state.names.get(subject.id) if isinstance(subject, ast.Name) else None
        facts = self.run.facts
        test, other = (
            ast.Compare(subject, [ast.Is()], [ast.Constant(each)]) for each in (wanted, not wanted)
        )
        known: bool | None = None
        if isinstance(value, Constant):
            known = value is (Constant.TRUE if wanted else Constant.FALSE)
        elif isinstance(value, Object):
            known = False
        elif (told := facts.same(state, subject, wanted, itself)) is not None or (
            told := facts.known(state, test, False)
        ) is not None:
            known = told
        elif (told := facts.known(state, other, False)) is not None:
            known = not told  # what is neither is not looked for
        elif not facts.equal(state, subject) and (told := facts.known(state, subject, False)) is not None:
            known = told is wanted
        if known is not None:
            state = facts.learn(state, test, False, known)
            return ([state], []) if known else ([], [state])
        same = facts.learn(facts.learn(state, subject, False, wanted), test, False, True)
        return [same], [facts.learn(state, test, False, False)]

    def _of_a_constant(self, subject: ast.expr, state: State) -> bool | None:
        """How the comparison of a name that is None, True or False with another constant comes out."""
        if not isinstance(subject, ast.Compare) or not isinstance(subject.ops[0], (ast.Eq, ast.In)):
            return None
        value = state.names.get(subject.left.id) if isinstance(subject.left, ast.Name) else None
        if not isinstance(value, Constant):
            return None
        return compares(
            subject, repr({Constant.NONE: None, Constant.TRUE: True, Constant.FALSE: False}[value])
        )

    def _of_a_span(self, subject: ast.expr, state: State) -> Split | None:
        """Of a test that asks something else of a name: its class, whether it is another object."""
        if isinstance(subject, ast.Call) and is_test(subject) and subject.args:
            of = subject.args[0]
            value = state.names.get(of.id) if isinstance(of, ast.Name) else None
            if last(subject.func) == "bool":
                return self._narrow(of, state, value)
            if value is Constant.NONE and "None" not in written(subject):
                return [], [state]
            return ([state], [self.run.share(state, value)]) if isinstance(value, Object) else None
        if not isinstance(subject, ast.Compare):
            return None
        sides = [subject.left, *subject.comparators]
        values = [state.names.get(each.id) if isinstance(each, ast.Name) else None for each in sides]
        shared = state
        for value in values:
            shared = self.run.share(shared, value)
        return None if shared is state else self._by_facts(subject, False, shared, None)

    def matched(self, subject: ast.expr, pattern: ast.pattern, states: list[State]) -> Split:
        """Where a pattern takes a subject that has been evaluated, its names bound; and where not."""
        aliases: list[str | None] = []
        while isinstance(pattern, ast.MatchAs) and pattern.pattern is not None:
            aliases.append(pattern.name)
            pattern = pattern.pattern
        of = subject.id if isinstance(subject, ast.Name) else ""
        taken, refused = states, states
        if isinstance(pattern, ast.MatchAs):
            aliases.append(pattern.name)
            refused = []
        elif isinstance(pattern, ast.MatchOr) and isinstance(pattern.patterns[-1], ast.MatchAs):
            refused = []  # only the last may be such as takes all
        elif (test := pattern_test(subject, pattern)) is not None:
            taken, refused = self.test(test, states)
        elif isinstance(pattern, ast.MatchClass):
            taken = [state for state in states if state.names.get(of) is not Constant.NONE]
            refused = [self.run.share(state, state.names.get(of)) for state in states]
        named = (getattr(each, what, None) for each in ast.walk(pattern) for what in ("name", "rest"))
        for name in {*aliases, *named} - {None}:
            value_of = of if name in aliases else ""
            taken = [self.run.bind(state, str(name), state.names.get(value_of)) for state in taken]
        return distinct(taken), distinct(refused)

    def _by_facts(self, subject: ast.expr, asks_none: bool, state: State, value: Value) -> Split:
        """By what was decided before of the same text."""
        facts = self.run.facts
        if (known := facts.known(state, subject, asks_none)) is not None:
            if asks_none:  # also where what is false was taken for None
                state = facts.learn(state, subject, True, known)
            return ([state], []) if known else ([], [state])
        true, false = (facts.learn(state, subject, asks_none, told) for told in (True, False))
        if isinstance(value, Object) and isinstance(subject, ast.Name):  # a parameter that may be None
            gone = state.bind(subject.id, Constant.NONE)
            return ([gone], [false]) if asks_none else ([true], [gone])
        return [true], [false]


def _truth(value: Value, asks_none: bool) -> bool | None:
    if isinstance(value, Object):
        return None if value.site.optional else not asks_none
    if isinstance(value, Constant):
        return value is Constant.NONE if asks_none else value is Constant.TRUE
    return None
