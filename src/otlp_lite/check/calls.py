"""What calls do to spans: those of the API, ours, and any other."""

from __future__ import annotations

import ast
from typing import Final, NamedTuple

from .names import Api
from .run import Run
from .state import Context, Kind, Object, Phase, Site, State, Status, Value, holds, position
from .texts import last

Outcome = tuple[State, Value]

WRITES: Final = frozenset(
    (
        "set_attribute",
        "set_attributes",
        "add_event",
        "add_link",
        "update_name",
        "set_status",
        "record_exception",
    )
)
"""Methods of a span that do nothing after its end."""
READS: Final = frozenset(("get_span_context", "is_recording", "to_json"))
BORROWERS: Final = frozenset(
    ("isinstance", "hasattr", "bool", "id", "repr", "str", "type", "print", "callable", "format", "len")
)
"""Builtins that keep nothing of their arguments."""
HARMLESS: Final = BORROWERS | frozenset(
    (
        *(
            "all",
            "any",
            "dict",
            "enumerate",
            "frozenset",
            "getattr",
            "list",
            "locals",
            "max",
            "min",
            "range",
            "set",
        ),
        *("sorted", "sum", "super", "tuple", "zip", "cast", "getLogger", "debug", "info", "warning", "error"),
        *(
            "exception",
            "log",
            "append",
            "copy",
            "format",
            "get",
            "items",
            "join",
            "keys",
            "lower",
            "setdefault",
        ),
        *(
            "startswith",
            "endswith",
            "strip",
            "upper",
            "values",
            "monotonic",
            "perf_counter",
            "time",
            "time_ns",
        ),
        *("default_timer", "isoformat", "now", "utcnow", "get_current", "get_span_context", "get_tracer"),
        *("get_tracer_provider", "is_instrumentation_enabled", "is_http_instrumentation_enabled"),
    )
)
"""Calls, by the last part of their name, that are taken not to raise."""


class Called(NamedTuple):
    """A call whose receiver and arguments have been evaluated."""

    node: ast.Call
    receiver: Value
    arguments: list[Value]
    """Positional, then by keyword, as they stand."""

    def argument(self, place: int, keyword: str) -> Value:
        """One of them; None where it is not there, or behind a star."""
        node = self.node
        if any(isinstance(each, ast.Starred) for each in node.args[: place + 1]):
            return None
        if place < len(node.args):
            return self.arguments[place]
        names = [each.arg for each in node.keywords]
        return self.arguments[len(node.args) + names.index(keyword)] if keyword in names else None

    def constant(self, place: int, keyword: str, default: bool) -> bool | None:
        """Of a flag: what it is; None where that is not written down."""
        node = self.node
        if any(isinstance(each, ast.Starred) for each in node.args) or any(
            each.arg is None for each in node.keywords
        ):
            return None
        given = [each.value for each in node.keywords if each.arg == keyword]
        if place < len(node.args):
            given.append(node.args[place])
        if not given:
            return default
        value = given[0].value if isinstance(given[0], ast.Constant) else None
        return value if isinstance(value, bool) else None


def call(run: Run, called: Called, state: State) -> Outcome:
    """What is known after a call, and what it gives."""
    node, receiver = called.node, called.receiver
    if isinstance(node.func, ast.Attribute) and isinstance(receiver, Object) and receiver in state.objects:
        return _method(run, called, receiver, node.func.attr, state)
    api = run.names.api(node, run.scope)
    if api is not None:
        return _api(run, called, api, state)
    name = last(node.func)
    if name == "enter_context" and called.arguments and isinstance(called.arguments[0], Object):
        return _entered_by_stack(run, node.func, called.arguments[0], state)
    keeps = not (isinstance(node.func, ast.Name) and name in BORROWERS)
    if keeps:
        everything = state.names.values() if name in ("locals", "vars") and not called.arguments else ()
        for value in (*called.arguments, receiver, *everything):
            state = run.share(state, value)
    if name in ("close", "aclose", "pop_all") and isinstance(node.func, ast.Attribute):
        for stack, before in run.stacks:
            if stack == last(node.func.value):  # what it had entered is left
                state = run.detach(state, before)
    harmless = name in HARMLESS or run.names.never_returns(node, run.scope)  # Flow knows of the latter
    if not harmless:
        state = run.others(run.lend(state))
        if not name.lstrip("_")[:1].isupper():  # nor do classes that are called
            run.may_raise(state, node)
    return state, None


def named(node: ast.Call) -> str:
    """A span as messages call it: by the name that it is given, where that is written down."""
    first = [*node.args, *(each.value for each in node.keywords if each.arg == "name")]
    if first and isinstance(first[0], ast.Constant) and isinstance(first[0].value, str):
        return f'"{first[0].value[:40]}"'
    return ""


# ---- Methods ----


def _method(run: Run, called: Called, of: Object, name: str, state: State) -> Outcome:
    kind, node = of.site.kind, called.node
    for value in called.arguments:  # an attribute, an event's name: nothing that is followed belongs there
        if holds(value) != of:
            state = run.share(state, value)
    if kind in (Kind.SPAN, Kind.LIVE):
        return _span_method(run, called, of, name, state)
    if kind is Kind.BUILDER:
        state = run.use(state, of, f"{name}()", position(node))
        if name != "start":
            return state, of
        run.started(of)
        state = state.put(of, state.objects[of]._replace(phase=Phase.DONE, at=position(node)))
        live = Site(Kind.LIVE, position(node), of.site.name)
        return run.make(state, live, Status(Phase.OPEN))
    if kind is Kind.MANAGER:
        if name == "__enter__":
            return run.enter(state, of, by_hand=True)
        if name == "__exit__":
            return run.leave(state, of, _inside(of, state), position(node)), None
    return state, None


def _inside(manager: Object, state: State) -> Object | None:
    """The span of a manager that was entered by hand."""
    if not manager.site.starts:
        return manager.site.managed
    for of in state.objects:
        if of.site.kind is Kind.SPAN and of.site.at == manager.site.at:
            return of
    return None


def _span_method(run: Run, called: Called, of: Object, name: str, state: State) -> Outcome:
    node, live = called.node, of.site.kind is Kind.LIVE
    at = position(node)
    if name == "end" or name == "__exit__":
        return run.end(state, of, at), None
    if name == "__enter__":
        return state, of
    if name in READS:
        return state, None
    if name in WRITES or (live and name == "event"):
        return run.use(state, of, f"{name}()", at), None
    if not live:
        state = run.share(state, of)
        run.may_raise(state, node)
        return state, None
    state = run.use(state, of, f"{name}()", at)
    if name == "child":
        return run.make(state, Site(Kind.BUILDER, at, named(node)), Status(Phase.FRESH))
    if name == "current":
        manager = Site(Kind.MANAGER, at, of.site.name, managed=of, ends=False)
        return run.make(state, manager, Status(Phase.FRESH))
    return state, of


# ---- Functions ----


def _api(run: Run, called: Called, api: Api, state: State) -> Outcome:
    node = called.node
    at, name = position(node), named(node)
    if api in (Api.START_SPAN, Api.CALL_LEAF):
        state = _lend(run, called, state, "context", 1)
        return run.make(state, Site(Kind.SPAN, at, name), Status(Phase.OPEN))
    if api is Api.START_CURRENT:
        state = _lend(run, called, state, "context", 1)
        site = Site(Kind.MANAGER, at, name, starts=True, ends=called.constant(8, "end_on_exit", True))
        return run.make(state, site, Status(Phase.FRESH))
    if api is Api.USE_SPAN:
        return _use_span(run, called, state)
    if api is Api.BUILDER:
        state = _lend(run, called, state)
        return run.make(state, Site(Kind.BUILDER, at, name), Status(Phase.FRESH))
    if api is Api.SET_IN_CONTEXT:
        span = called.argument(0, "span")
        return state, Context(span if isinstance(span, Object) else None)
    if api is Api.SET_VALUE and isinstance(span := called.argument(1, "value"), Object):
        return state, Context(span)
    if api is Api.ATTACH:
        context = called.argument(0, "context")
        if not isinstance(context, Context):  # of some other span, or of none
            state = _lend(run, called, state)
            return run.make(state, Site(Kind.TOKEN, at, ""), Status(Phase.OPEN, owned=False))
        return run.make(state, Site(Kind.TOKEN, at, "", managed=context.span), Status(Phase.OPEN))
    if api is Api.DETACH:
        token = called.argument(0, "token")
        if isinstance(token, Object):
            state = run.detach(state, token)
        return state, None
    if api is Api.CURRENT_SPAN and (current := run.current_span(state)) is not None:
        return state, current
    if api is Api.CURRENT_SPAN:
        return run.make(state, Site(Kind.SPAN, at, "", given=True), Status(Phase.OPEN, owned=False))
    state = _lend(run, called, state)
    return state, None


def _lend(run: Run, called: Called, state: State, keyword: str = "", place: int = -1) -> State:
    """Arguments go elsewhere; but a parent's context is only read."""
    lent = called.argument(place, keyword) if keyword else None
    for value in called.arguments:
        if not (isinstance(value, Context) and value == lent):
            state = run.share(state, value)
    return state


def _use_span(run: Run, called: Called, state: State) -> Outcome:
    node = called.node
    span = called.argument(0, "span")
    of = span if isinstance(span, Object) and span in state.objects else None
    ends = called.constant(1, "end_on_exit", False)
    site = Site(Kind.MANAGER, position(node), of.site.name if of else "", managed=of, ends=ends)
    if of is not None and ends is not False:
        state = state.put(of, state.objects[of]._replace(owned=False))
    return run.make(state, site, Status(Phase.FRESH))


def _entered_by_stack(run: Run, function: ast.expr, of: Object, state: State) -> Outcome:
    """By ExitStack.enter_context(): the stack leaves it, at a time of its own."""
    if of.site.kind in (Kind.SPAN, Kind.LIVE):
        return run.share(state, of), of
    if of.site.kind is not Kind.MANAGER:
        return run.share(state, of), None
    stack = function.value if isinstance(function, ast.Attribute) else None
    if isinstance(stack, ast.Name) and stack.id in dict(run.stacks):
        state, _ = run.make(
            state, Site(Kind.TOKEN, of.site.at, ""), Status(Phase.OPEN)
        )  # until the stack's end
    state, span = run.enter(state, of)
    if span is not None:
        state = state.put(span, state.objects[span]._replace(owned=False))
    return state, span
