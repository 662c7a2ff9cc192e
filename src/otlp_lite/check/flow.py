"""Statements: each way through a function, in the order in which Python goes."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from .catching import ancestry, caught, handled, named
from .expressions import Expressions, distinct
from .facts import compared, forget, forget_all, held_by, is_test, subjects
from .names import Api, What
from .run import STEPS_MAX, GivenUp, How, Raised, Run, Sink
from .scopes import defaults
from .state import EMPTY, Constant, Kind, Object, Phase, Site, State, Status, Value, position
from .texts import last, written
from .ways import Ways, about, some, within

_LOOP_MAX: Final = 32
"""Rounds of a loop until all that can be is known; with more the function is given up on."""
_EXPECTS: Final = ("raises", "assertRaises")
"""Of tests."""


class Flow:
    """Walks the statements of one function, module or class."""

    def __init__(self, run: Run) -> None:
        self.run: Run = run
        self.expressions: Expressions = Expressions(run)
        self._steps = 0
        self._line = ancestry(run.names.classes)

    def function(self) -> None:
        """Raises GivenUp when there are more ways than are followed."""
        node = self.run.scope.node
        body: list[ast.stmt] = node.body if isinstance(node, _BLOCKS) else []
        ways = self.block(body, [self._parameters(node)])
        for state in ways.next:
            self.run.leaves(state, "where the function comes to its end")
        for state, line in ways.returns:
            self.run.leaves(state, f"where line {line} returns")
        for raised, at in self.run.sink.items():
            if raised.how is How.RAISE:
                self.run.leaves(raised.state, f"where line {at.line} raises")
            else:
                self.run.leaves_by_chance(raised, at)
        self.run.conclude()

    def _parameters(self, node: ast.AST) -> State:
        state = EMPTY
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            return state
        arguments = node.args
        for each in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
            if each.annotation is not None:
                state = self._someones(state, each.arg, each.annotation, each)
        return state

    def _someones(self, state: State, name: str, annotation: ast.expr, node: ast.arg | ast.expr) -> State:
        """A name that is annotated as a span: someone else's."""
        names, scope = self.run.names, self.run.scope
        what = names.annotated(annotation, scope)
        if what not in (What.SPAN, What.LIVE):
            return state
        at = position(node)
        kind = Kind.LIVE if what is What.LIVE else Kind.SPAN
        site = Site(kind, at, f"`{name}`", given=True, optional=names.optional(annotation))
        state, of = self.run.make(state, site, Status(Phase.OPEN, owned=False))
        return self.run.bind(state, name, of)

    # ---- Statements ----

    def block(self, body: Sequence[ast.stmt], states: list[State]) -> Ways:
        ways = Ways(next=states)
        for statement in body:
            if not ways.next:
                break  # nothing comes here
            self._steps += len(ways.next)
            if self._steps > STEPS_MAX:
                raise GivenUp
            before, ways.next = ways.next, []
            ways.join(self.statement(statement, before))
        return ways

    def statement(self, node: ast.stmt, states: list[State]) -> Ways:
        method: Callable[[ast.stmt, list[State]], Ways] | None = getattr(
            self, f"visit_{type(node).__name__}", None
        )
        ways = (
            Ways(next=self.expressions.parts(node, states, keeps=True))
            if method is None
            else method(node, states)
        )
        at = position(node)
        ways.next = distinct(self.run.settle(state, at) for state in ways.next)
        return ways

    def visit_Expr(self, node: ast.Expr, states: list[State]) -> Ways:
        if isinstance(node.value, ast.Attribute):  # a method that is not called: nobody has it
            return Ways(next=self.expressions.after(node.value.value, states))
        for part in node.value.elts if isinstance(node.value, ast.Tuple) else [node.value]:
            states = self.expressions.unused(part, states)
        if not isinstance(node.value, ast.Call) or not self.run.names.never_returns(
            node.value, self.run.scope
        ):
            return Ways(next=states)
        name = last(node.value)
        for state in states if name not in ("_exit", "abort", "assert_never") else ():
            self.run.may_raise(state, node, How.RAISE, "SystemExit" if name == "exit" else None)
        return Ways()

    def visit_Return(self, node: ast.Return, states: list[State]) -> Ways:
        states = self.expressions.after(node.value, states, keeps=True)
        states = distinct(self.run.settle(state, position(node)) for state in states)
        return Ways(returns=[(state, node.lineno) for state in states])

    def visit_Raise(self, node: ast.Raise, states: list[State]) -> Ways:
        for part in (node.exc, node.cause):
            states = self.expressions.after(part, states)
        raised = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
        name = None
        if raised is not None and last(raised)[:1].isupper():
            name = self._exception(raised)
        for state in states:
            settled = self.run.settle(state, position(node))
            self.run.may_raise(settled, node, How.RAISE, name)
        return Ways()

    def visit_Assert(self, node: ast.Assert, states: list[State]) -> Ways:
        if isinstance(node.test, ast.Constant) and not node.test.value:  # what cannot be
            return Ways()
        true, false = self.expressions.test(node.test, states)
        for state in self.expressions.after(node.msg, false):
            self.run.may_raise(state, node)
        return Ways(next=true)

    def visit_Break(self, node: ast.Break, states: list[State]) -> Ways:
        return Ways(breaks=states)

    def visit_Continue(self, node: ast.Continue, states: list[State]) -> Ways:
        return Ways(continues=states)

    def visit_Pass(self, node: ast.Pass, states: list[State]) -> Ways:
        return Ways(next=states)

    visit_Global = visit_Pass
    visit_Nonlocal = visit_Pass

    def visit_Delete(self, node: ast.Delete, states: list[State]) -> Ways:
        for target in node.targets:
            states = [self.assign(target, None, state) for state in states]
        return Ways(next=distinct(states))

    def visit_Import(self, node: ast.Import | ast.ImportFrom, states: list[State]) -> Ways:
        for alias in node.names:
            name = (alias.asname or alias.name).partition(".")[0]
            states = [self.run.bind(state, name, None) for state in states]
        for state in states:
            self.run.may_raise(state, node)
        return Ways(next=distinct(states))

    visit_ImportFrom = visit_Import

    # ---- Assignments ----

    def visit_Assign(self, node: ast.Assign, states: list[State]) -> Ways:
        found = []
        for before in states:
            for state, values in self._values(node.value, node.targets, before):
                for target in node.targets:
                    state = self._told(target, node.value, self._assign_all(target, values, state))
                found.append(state)
        return Ways(next=distinct(found))

    def _values(
        self, value: ast.expr, targets: Sequence[ast.expr], state: State
    ) -> list[tuple[State, Value | list[Value]]]:
        """What is assigned: of a tuple for a tuple, its parts."""
        sizes = {len(each.elts) if isinstance(each, (ast.Tuple, ast.List)) else 0 for each in targets}
        if isinstance(value, (ast.Tuple, ast.List)) and sizes == {len(value.elts)}:
            pairs: list[tuple[State, list[Value]]] = [(state, [])]
            for part in value.elts:
                pairs = [
                    (after, [*values, one])
                    for before, values in pairs
                    for after, one in self.expressions.value(part, before)
                ]
            return [(after, values) for after, values in pairs]
        if is_test(value) and any(
            isinstance(each, ast.Name) and each.id in self.run.facts.names for each in targets
        ):
            true, false = self.expressions.test(value, [state])
            told: list[tuple[State, Value | list[Value]]] = [(each, Constant.TRUE) for each in true]
            return told + [(each, Constant.FALSE) for each in false]
        return [(after, one) for after, one in self.expressions.value(value, state)]

    def _told(self, target: ast.expr, value: ast.expr, state: State) -> State:
        """What an assignment tells of later tests: of a name that is followed, the name does."""
        if not isinstance(value, ast.Constant) or (isinstance(target, ast.Name) and target.id in state.names):
            return state
        return self.run.facts.assigned(state, target, value)

    def _assign_all(self, target: ast.expr, values: Value | list[Value], state: State) -> State:
        if isinstance(values, list):
            parts = target.elts if isinstance(target, (ast.Tuple, ast.List)) else []
            for part, value in zip(parts, values, strict=True):
                state = self.assign(part, value, state)
            return state
        return self.assign(target, values, state)

    def assign(self, target: ast.expr, value: Value, state: State) -> State:
        """What is stored elsewhere than in a name is someone else's, too."""
        if isinstance(target, ast.Name):
            return self.run.bind(state, target.id, value)
        state = self.run.share(state, value)
        if isinstance(target, (ast.Tuple, ast.List)):
            for part in target.elts:
                state = self.assign(part, None, state)
        elif isinstance(target, ast.Starred):
            state = self.assign(target.value, None, state)
        elif isinstance(target, ast.Attribute):
            state = forget(state, target.attr)
            state = self._evaluated(target.value, state)
        elif isinstance(target, ast.Subscript):
            state = forget_all(self._evaluated(target.value, state), held_by(target))
            state = self._evaluated(target.slice, state, keeps=True)  # a key is kept
        return state

    def _evaluated(self, node: ast.expr, state: State, keeps: bool = False) -> State:
        states = self.expressions.after(node, [state], keeps)
        if len(states) != 1:
            raise GivenUp
        return states[0]

    def visit_AnnAssign(self, node: ast.AnnAssign, states: list[State]) -> Ways:
        if node.value is None:
            return Ways(next=states)
        found = []
        for before in states:
            for state, value in self._values(node.value, [node.target], before):
                state = self._told(node.target, node.value, self._assign_all(node.target, value, state))
                if value is None and isinstance(node.target, ast.Name):
                    state = self._someones(state, node.target.id, node.annotation, node.target)
                found.append(state)
        return Ways(next=distinct(found))

    def visit_AugAssign(self, node: ast.AugAssign, states: list[State]) -> Ways:
        states = self.expressions.after(node.value, states, keeps=True)
        found = []
        for state in states:
            count = self.run.facts.counted(state, node)
            still = self.run.facts.still(state, node, count)
            state = self.assign(node.target, None, state)
            state = state.know({**state.facts, **still})
            if count is not None:
                state = self._told(node.target, ast.Constant(count), state)
            found.append(state)
        return Ways(next=distinct(found))

    # ---- Definitions ----

    def visit_FunctionDef(
        self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef, states: list[State]
    ) -> Ways:
        outside = [
            *node.decorator_list,
            *(node.bases if isinstance(node, ast.ClassDef) else defaults(node.args)),
        ]
        for each in outside:
            states = self.expressions.after(each, states, keeps=True)
        return Ways(next=distinct(self.run.bind(state, node.name, None) for state in states))

    visit_AsyncFunctionDef = visit_FunctionDef
    visit_ClassDef = visit_FunctionDef

    # ---- Branches ----

    def visit_If(self, node: ast.If, states: list[State]) -> Ways:
        true, false = self._decided(node.test, states)
        ways = self.block(node.body, true)
        ways.join(self.block(node.orelse, false))
        return ways

    def _decided(self, test: ast.expr, states: list[State]) -> tuple[list[State], list[State]]:
        if isinstance(test, ast.Constant):
            return (states, []) if test.value else ([], states)
        at = position(test)
        true, false = self.expressions.test(test, states)
        return distinct(self.run.settle(each, at) for each in true), distinct(
            self.run.settle(each, at) for each in false
        )

    def visit_Match(self, node: ast.Match, states: list[State]) -> Ways:
        ways = Ways()
        subject, going = node.subject, states
        if not isinstance(subject, ast.Name):
            subject = ast.Name(f"(subject of line {node.lineno})")
            going = [
                self.run.bind(after, subject.id, value)
                for before in states
                for after, value in self.expressions.value(node.subject, before)
            ]
        for case in node.cases:
            entered, going = self.expressions.matched(subject, case.pattern, going)
            if case.guard is not None:
                entered, refused = self.expressions.test(case.guard, entered)
                going = [*going, *refused]
            going = distinct(going)
            ways.join(self.block(case.body, distinct(entered)))
        ways.next = distinct([*ways.next, *going])
        if subject is not node.subject:
            ways.next = distinct(self.run.bind(state, subject.id, None) for state in ways.next)
        return ways

    # ---- Loops ----

    def visit_While(self, node: ast.While, states: list[State]) -> Ways:
        forever = isinstance(node.test, ast.Constant) and bool(node.test.value)
        assigned = {
            written(each)
            for each in within(node.body)
            if isinstance(each, (ast.Name, ast.Attribute, ast.Subscript)) and isinstance(each.ctx, ast.Store)
        }
        tests = [each for each in subjects(node.test) if compared(each) not in assigned]
        asked = {written(each) for each in tests} - assigned

        def enter(entering: list[State]) -> tuple[list[State], list[State]]:
            """What its body does not assign, the test asks for as others may have changed it."""
            open_ = [
                state.know({k: v for k, v in state.facts.items() if not about(k, asked)})
                for state in entering
            ]
            true, false = self._decided(node.test, open_)
            kept = [
                state.know({k: v for k, v in state.facts.items() if not about(k, asked)}) for state in true
            ]
            return distinct(kept), false

        return self._loop(node, states, enter, forever)

    def visit_For(self, node: ast.For | ast.AsyncFor, states: list[State]) -> Ways:
        states = self.expressions.after(node.iter, states)

        def enter(entering: list[State]) -> tuple[list[State], list[State]]:
            if isinstance(node, ast.AsyncFor):
                for state in entering:
                    self.run.suspend(state, node.iter)
            bound = [self.assign(node.target, None, self.run.others(state)) for state in entering]
            bound = [self.run.settle(state, position(node)) for state in bound]
            return distinct(bound), entering

        return self._loop(node, states, enter, False, some(node.iter))

    visit_AsyncFor = visit_For

    def _loop(
        self,
        node: ast.While | ast.For | ast.AsyncFor,
        states: list[State],
        enter: Callable[[list[State]], tuple[list[State], list[State]]],
        forever: bool,
        runs: bool = False,
    ) -> Ways:
        """`runs`: its body does, once at least."""
        ways = Ways()
        left: list[State] = []
        seen: set[State] = set()
        known = {fact for state in states for fact in state.facts}
        entering = distinct(states)
        for before in range(_LOOP_MAX):
            entering = [state for state in entering if state not in seen]
            if not entering:
                break
            inside, done = enter(entering)
            if before or not runs:
                seen.update(entering)
                left += done
            body = self.block(node.body, inside)
            ways.breaks = distinct([*ways.breaks, *body.breaks])
            ways.returns = list(dict.fromkeys([*ways.returns, *body.returns]))
            entering = distinct(
                state.know(self.run.facts.kept(state.facts, known)) for state in (*body.next, *body.continues)
            )
        else:
            raise GivenUp
        otherwise = self.block(node.orelse, [] if forever else distinct(left))
        broken, ways.breaks = ways.breaks, []
        ways.join(otherwise)
        ways.next = distinct([*ways.next, *broken])
        return ways

    # ---- With ----

    def visit_With(self, node: ast.With | ast.AsyncWith, states: list[State]) -> Ways:
        return self._with(node, 0, states)

    visit_AsyncWith = visit_With

    def _with(self, node: ast.With | ast.AsyncWith, index: int, states: list[State]) -> Ways:
        if index == len(node.items):
            return self.block(node.body, states)
        item = node.items[index]
        groups: dict[Value, list[State]] = {}
        for before in states:
            for state, value in self.expressions.value(item.context_expr, before):
                groups.setdefault(value if isinstance(value, Object) else None, []).append(state)
        if isinstance(node, ast.AsyncWith) and not self._stack(item):  # to enter a stack waits for nothing
            for each in groups.values():
                for state in each:
                    self.run.suspend(state, item.context_expr)
        ways = Ways()
        for value, entering in groups.items():
            ways.join(
                self._inside(node, index, value if isinstance(value, Object) else None, distinct(entering))
            )
        return ways

    def _inside(
        self, node: ast.With | ast.AsyncWith, index: int, value: Object | None, states: list[State]
    ) -> Ways:
        run, item = self.run, node.items[index]
        at = position(item.context_expr)
        manager = value if value is not None and value.site.kind is Kind.MANAGER else None
        spans: list[Object | None] = []
        entered: list[State] = []
        for state in states:
            span: Object | None = None
            state = state if manager is not None else run.others(state)
            if manager is not None:
                state, span = run.enter(state, manager)
            elif value is not None and value.site.kind in (Kind.SPAN, Kind.LIVE):
                span = value
                if span in state.objects:
                    state = state.put(span, state.objects[span]._replace(owned=False))
            if item.optional_vars is not None:
                state = self.assign(item.optional_vars, span, state)
            spans.append(span)
            entered.append(state)
        before = frozenset(of for state in states for of in state.objects)
        stack = [(name, before) for name in self._stack(item)]
        run.stacks += stack
        around = list(dict.fromkeys(each for each in spans if each is not None))
        run.held += around
        if manager is not None:
            run.current.append(at)
            run.lent.append((spans[0] if len(set(spans)) == 1 else None, before))
        outer, run.sink = run.sink, {}
        body = self._with(node, index + 1, distinct(run.settle(state, at) for state in entered))
        inner, run.sink = run.sink, outer
        if manager is not None:
            run.current.pop()
            run.lent.pop()
        del run.held[len(run.held) - len(around) :]
        del run.stacks[len(run.stacks) - len(stack) :]

        def leave(state: State) -> State:
            state = state if manager is not None else run.others(state)
            if manager is not None or stack:
                state = run.detach(state, before)
            for span in around:
                if manager is not None:
                    state = run.leave(state, manager, span, at)
                elif span in state.objects:
                    state = run.end_of_block(state, span, at, own=span.site.kind is Kind.LIVE)
            return state

        swallowing = self._swallowing(item.context_expr)
        body.next = distinct(map(leave, body.next))
        for raised, where in inner.items():
            left = raised._replace(state=leave(raised.state))
            swallowed, going = caught(swallowing, left, self._line) if swallowing else (False, left)
            if swallowed is not False:
                body.next.append(left.state)
            if going is not None and swallowed is not None:
                run.raised(going, where)
        if isinstance(node, ast.AsyncWith):
            for state in body.next:
                run.suspend(state, item.context_expr)
        body.breaks = distinct(map(leave, body.breaks))
        body.continues = distinct(map(leave, body.continues))
        body.returns = list(dict.fromkeys((leave(state), line) for state, line in body.returns))
        return body

    def _stack(self, item: ast.withitem) -> list[str]:
        """The name of an exit stack: what is entered by it is left as its block is."""
        node, name = item.context_expr, item.optional_vars
        stack = isinstance(node, ast.Call) and self.run.names.api(node, self.run.scope) is Api.EXIT_STACK
        return [name.id] if stack and isinstance(name, ast.Name) else []

    def _swallowing(self, node: ast.expr) -> set[str]:
        """The exceptions that a `with` does not let out."""
        if not isinstance(node, ast.Call):
            return set()
        swallows = self.run.names.api(node, self.run.scope) is Api.SUPPRESS
        return set(map(self._exception, node.args)) if swallows or last(node.func) in _EXPECTS else set()

    def _exception(self, node: ast.expr) -> str:
        """What a class of exceptions is called."""
        names, scope = self.run.names, self.run.scope
        of: ast.expr = node
        if isinstance(node, ast.Name) and (found := scope.find(node.id)) and len(found[1]) == 1:
            of = found[1][0].value or node  # another name of it
        full = names.dotted(of.func if isinstance(of, ast.Call) else of, scope)
        return named(node, full, names.elsewhere)

    # ---- Try ----

    def visit_Try(self, node: ast.Try, states: list[State]) -> Ways:
        run = self.run
        outer, run.sink = run.sink, {}
        calm, run.calm = run.calm, False
        ways = self.block(node.body, states)
        raised, run.sink = run.sink, {}
        run.calm = calm
        after, ways.next = ways.next, []
        ways.join(self.block(node.orelse, after))
        for handler, entering in self._handlers(node.handlers, raised):
            ways.join(self._handler(handler, entering))
        inner, run.sink = run.sink, outer
        if not node.finalbody:
            for each, at in inner.items():
                run.raised(each, at)
            return ways
        return self._finally(node.finalbody, ways, inner)

    visit_TryStar = visit_Try

    def _handlers(
        self, handlers: list[ast.ExceptHandler], raised: Sink
    ) -> list[tuple[ast.ExceptHandler, list[State]]]:
        """Which handler gets what; the rest goes on to the sink."""
        entering: list[list[State]] = [[] for _ in handlers]
        for each, at in raised.items():
            going: Raised | None = each
            perhaps: list[int] = []
            for place, handler in enumerate(handlers):
                if going is None:
                    break
                taken, going = caught(handled(handler, self._exception), going, self._line)
                if taken is None:
                    perhaps.append(place)
                elif taken:
                    entering[place].append(each.state)
            if going is None:
                continue
            for place in perhaps:
                entering[place].append(each.state)
            if not perhaps:
                self.run.raised(going, at)
        return [
            (handler, distinct(states)) for handler, states in zip(handlers, entering, strict=True) if states
        ]

    def _handler(self, handler: ast.ExceptHandler, states: list[State]) -> Ways:
        calm, self.run.calm = self.run.calm, True
        states = self.expressions.after(handler.type, states)
        if handler.name:
            states = [self.run.bind(state, handler.name, None) for state in states]
        ways = self.block(handler.body, distinct(states))
        self.run.calm = calm
        return ways

    def _finally(self, body: list[ast.stmt], ways: Ways, raised: Sink) -> Ways:
        done = Ways()

        def through(states: Iterable[State]) -> list[State]:
            calm, self.run.calm = self.run.calm, True
            after = self.block(body, distinct(states))
            self.run.calm = calm
            done.jumps(after)
            return after.next

        done.next = through(ways.next) if ways.next else []
        for state, line in ways.returns:
            done.returns += [(each, line) for each in through([state])]
        done.breaks += through(ways.breaks) if ways.breaks else []
        done.continues += through(ways.continues) if ways.continues else []
        for each, at in raised.items():
            for state in through([each.state]):
                self.run.raised(each._replace(state=state), at)
        return done


_BLOCKS = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
