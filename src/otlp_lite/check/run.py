"""What may happen to spans, managers and tokens on the way through a function, and what is wrong then."""

from __future__ import annotations

import ast
import enum
from typing import Final, NamedTuple

from . import codes
from .facts import Facts, forget, forget_all
from .names import Names
from .scopes import Scope
from .state import Constant, Kind, Object, Phase, Position, Site, State, Status, Value, holds, position
from .texts import last

STATES_MAX: Final = 256
"""Ways to one point of a function that are told apart; with more the function is given up on."""


CANCELLED: Final = "CancelledError"
CLOSED: Final = "GeneratorExit"
"""What an await and a yield may raise that is no Exception."""


STEPS_MAX: Final = 50_000
"""Statements that are gone through, each in each state, until a function is given up on."""


class GivenUp(Exception):
    """More ways through a function than are followed."""


class Finding(NamedTuple):
    """What is wrong, and where."""

    code: str
    at: Position
    message: str


class How(enum.Enum):
    """How control may leave an expression otherwise than by its value."""

    RAISE = enum.auto()
    """A raise statement."""
    CALL = enum.auto()
    """Whatever is called may raise."""
    SUSPEND = enum.auto()
    """An await may be cancelled, a generator closed at its yield: what is raised is no Exception."""


class Raised(NamedTuple):
    """A state in which an exception is on its way."""

    state: State
    how: How
    name: str | None
    """The class's, where a raise statement tells it. Of SUSPEND the one that it may be; None: either."""


Sink = dict[Raised, Position]
"""Where each was raised, the first time."""

_TEXT: Final = {
    Kind.SPAN: "span",
    Kind.LIVE: "span",
    Kind.BUILDER: "builder",
    Kind.MANAGER: "span",
    Kind.TOKEN: "token",
}


def called(site: Site) -> str:
    """As messages call an object."""
    return f"{_TEXT[site.kind]} {site.name}".strip()


class Run:
    """What is known of one function, whichever way through it is taken."""

    def __init__(self, names: Names, scope: Scope) -> None:
        self.names: Names = names
        self.facts: Facts = Facts(())
        self.scope: Scope = scope
        self.findings: dict[tuple[str, Position], Finding] = {}
        self.sink: Sink = {}
        self.held: list[Object] = []
        """Spans of the `with` blocks around the current place."""
        self.current: list[Position] = []
        """Of these blocks, those that make a span current."""
        self.lent: list[tuple[Object | None, frozenset[Object]]] = []
        """The spans that these make current (None: some other), and what there was before each."""
        self.stacks: list[tuple[str, frozenset[Object]]] = []
        """Names of the exit stacks among them, and what there was before each."""
        self.sites: set[Site] = set()
        self.calm: bool = False
        """In a handler or a `finally`: that one exception more comes is not asked for."""
        self._leaks: dict[Site, str] = {}
        self._leaks_if: dict[Site, str] = {}
        self._ended: set[Site] = set()
        self._used: set[Site] = set()
        self._shared: set[Site] = set()
        self._yields: set[Position] = set()
        """Spans that are current while the function yields, and told of."""
        whole = isinstance(scope.node, (ast.Module, ast.ClassDef))
        self._shared_names = set(scope.names) if whole else scope.captured() | scope.elsewhere
        rebound = scope.rebound()
        self._lost_names = rebound | scope.elsewhere
        constant = (
            name
            for name in scope.elsewhere
            if any(isinstance(how.value, ast.Constant) for how in scope.names.get(name, ()))
        )
        self.fickle: set[str] = rebound.union(constant)
        """Names that code of others may bind anew: those of functions within, the module's flags."""

    def find(self, code: str, at: Position, message: str) -> None:
        self.findings.setdefault((code, at), Finding(code, at, message))

    # ---- Objects ----

    def make(self, state: State, site: Site, status: Status) -> tuple[State, Object]:
        self.sites.add(site)
        made = state.fresh(site)
        return state.drop([made]).put(made, status), made

    def share(self, state: State, value: Value) -> State:
        """Someone else holds it now: to end it is no longer this function's duty alone."""
        while (of := holds(value)) is not None and of in state.objects:
            self._used.add(of.site)
            self._shared.add(of.site)
            state = state.put(of, state.objects[of]._replace(owned=False))
            value = of.site.managed
        return state

    def bind(self, state: State, name: str, value: Value) -> State:
        if name in self._shared_names:
            state = self.share(state, value)
        if name in self._lost_names or (isinstance(value, Constant) and name not in self.facts.names):
            value = None
        return forget(state.bind(name, value), name)

    def others(self, state: State) -> State:
        """Code of others runs, which may bind what is fickle."""
        return forget_all(state, self.fickle) if self.fickle else state

    def use(self, state: State, of: Object, what: str, at: Position) -> State:
        """A method that needs a live span, or a builder that is not started."""
        status = state.objects[of]
        if status.phase is Phase.DONE and status.at is not None:
            done = "start" if of.site.kind is Kind.BUILDER else "end"
            message = f"{called(of.site)} is used after its {done}, of line {status.at.line}: {what}"
            self.find(codes.USED_AFTER_END, at, message)
        return state

    def end(self, state: State, of: Object, at: Position) -> State:
        status = state.objects[of]
        self._ended.add(of.site)
        if status.phase is Phase.DONE and status.at is not None:
            before = "in a later round" if status.at == at else f"its end is that of line {status.at.line}"
            self.find(codes.ENDED_TWICE, at, f"{called(of.site)} is ended again: {before}")
            return state
        return state.put(of, state.objects[of]._replace(phase=Phase.DONE, at=at))

    def current_span(self, state: State) -> Object | None:
        """The span that is current, where this function made it so."""
        span, before = self.lent[-1] if self.lent else (None, frozenset())
        later = [of for of in state.attached() if of not in before]
        if later:
            span = later[-1].site.managed
        return span if span in state.objects else None

    def lend(self, state: State) -> State:
        """What is called may end the span of a block that does not end it, where it has no name."""
        for span, _ in self.lent:
            status = _GONE if span is None else state.objects.get(span, _GONE)
            if status.owned and not status.named:
                state = self.share(state, span)
        return state

    # ---- Managers ----

    def enter(self, state: State, manager: Object, by_hand: bool = False) -> tuple[State, Object | None]:
        """What happens as a manager is entered, and the span that it gives."""
        site = manager.site
        self._used.add(site)
        if manager in state.objects:
            state = state.put(
                manager, state.objects[manager]._replace(phase=Phase.OPEN if by_hand else Phase.DONE)
            )
        if site.starts:
            inside = Site(Kind.SPAN, site.at, site.name)
            return self.make(state, inside, Status(Phase.OPEN, owned=site.ends is False))
        span = site.managed
        if span is None:
            return self.make(state, Site(Kind.SPAN, site.at, "", given=True), Status(Phase.OPEN, owned=False))
        return (state, span) if span in state.objects else (state, None)

    def leave(self, state: State, manager: Object, span: Object | None, at: Position) -> State:
        """What happens as it is left, whichever way."""
        if manager in state.objects:
            state = state.put(manager, state.objects[manager]._replace(phase=Phase.DONE))
        if span is None or span not in state.objects or manager.site.ends is False:
            return state
        self._ended.add(span.site)
        if manager.site.ends is None:
            return state.put(span, state.objects[span]._replace(phase=Phase.UNKNOWN))
        return self.end_of_block(state, span, at)

    def detach(self, state: State, before: Object | frozenset[Object]) -> State:
        """A token takes back the context that was there before it, and so what was attached since."""
        later = False
        for of, status in list(state.objects.items()):
            later = later or (of not in before if isinstance(before, frozenset) else of == before)
            if later and of.site.kind is Kind.TOKEN and status.phase is Phase.OPEN:
                state = state.put(of, state.objects[of]._replace(phase=Phase.DONE))
        return state

    def end_of_block(self, state: State, span: Object, at: Position, own: bool = False) -> State:
        """A `with` ends its span: another end within is one too many, but in a live span's `own`."""
        status = state.objects[span]
        self._ended.add(span.site)
        if status.phase is Phase.DONE and status.at is not None and status.at != at and not own:
            self.find(
                codes.ENDED_TWICE,
                status.at,
                f"{called(span.site)} is ended here, and again by the `with` of line {at.line}",
            )
        return state.put(span, state.objects[span]._replace(phase=Phase.DONE, at=at))

    # ---- Ways out ----

    def may_raise(
        self, state: State, node: ast.expr | ast.stmt, how: How = How.CALL, name: str | None = None
    ) -> None:
        made = state.objects.keys() - state.referred() - set(self.held)
        # What the interrupted statement had made, nothing refers to: it is not asked for.
        state = state.drop(
            of for of in made if of.site.kind is not Kind.TOKEN and not state.objects[of].named
        )
        self.raised(Raised(state, how, name), position(node))

    def raised(self, raised: Raised, at: Position) -> None:
        """To whoever is around, once for all places that raise alike."""
        if self.calm and raised.how is How.CALL:
            return
        self.sink.setdefault(raised, at)
        if len(self.sink) > 4 * STATES_MAX:
            raise GivenUp

    def suspend(self, state: State, node: ast.expr | ast.stmt) -> None:
        """An await, or what awaits: `async for`, `async with`."""
        self.may_raise(state, node, How.SUSPEND, CANCELLED)

    def yielded(self, state: State, node: ast.Yield | ast.YieldFrom) -> None:
        at = position(node)
        inside = self.current[-1] if self.current else None
        for of, status in state.objects.items():
            by_hand = of.site.kind in (Kind.TOKEN, Kind.MANAGER) and status.phase is Phase.OPEN
            if by_hand and status.owned:
                inside = of.site.at
        if inside is not None and inside not in self._yields and not context_is_kept(self.names, self.scope):
            self._yields.add(inside)
            self.find(
                codes.YIELD_INSIDE,
                at,
                f"the generator yields while the span of line {inside.line} is current: so it is for whoever "
                "iterates, too",
            )
        thrown_in = isinstance(self.scope.node, ast.AsyncFunctionDef)  # as asynccontextmanager does
        self.may_raise(state, node, How.SUSPEND, None if thrown_in else CLOSED)

    def settle(self, state: State, at: Position) -> State:
        """Objects that nothing refers to any more: who is still due will never be ended."""
        gone = [
            of
            for of in state.objects.keys() - state.referred() - set(self.held)
            if of.site.kind is not Kind.TOKEN or state.objects[of].phase is not Phase.OPEN
        ]
        for of in gone:
            status, site = state.objects[of], of.site
            if not status.owned:
                continue
            if site.kind in (Kind.SPAN, Kind.LIVE) and status.phase is Phase.OPEN:
                if status.named:
                    self._leaks.setdefault(site, f"its name is given to something else at line {at.line}")
                else:
                    self.find(codes.THROWN_AWAY, site.at, f"{called(site)} is started and thrown away")
            elif site.kind is Kind.BUILDER and status.phase is Phase.FRESH and not status.named:
                self.find(codes.THROWN_AWAY, site.at, f"{called(site)} is made and thrown away, not started")
            elif site.kind is Kind.MANAGER and not status.named:
                if status.phase is Phase.FRESH:
                    self.find(
                        codes.NOT_ENTERED, site.at, f"{called(site)} never becomes current: `with` is missing"
                    )
                elif status.phase is Phase.OPEN:
                    self.find(
                        codes.NOT_ENTERED,
                        site.at,
                        f"{called(site)} is entered, but what would leave it is thrown away",
                    )
            elif site.kind is Kind.MANAGER and status.phase is Phase.OPEN and site.ends:
                self._leaks.setdefault(site, f"its name is given to something else at line {at.line}")
        return state.drop(gone)

    def leaves(self, state: State, words: str) -> None:
        """Out of the function, by a way that its text tells."""
        current = self.current_span(state)  # and stays so: whoever is called next may end it
        for of, status in state.objects.items():
            if status.owned and status.phase is Phase.OPEN and _due(of.site) and of != current:
                self._leaks.setdefault(of.site, words)

    def leaves_by_chance(self, raised: Raised, at: Position) -> None:
        """Out of the function because something raised."""
        for of, status in raised.state.objects.items():
            if not status.owned or status.phase is not Phase.OPEN or not status.named:
                continue
            if _due(of.site):
                why = "is cancelled or closed" if raised.how is How.SUSPEND else "raises"
                self._leaks_if.setdefault(of.site, f"if what stands at line {at.line} {why}")
            by_hand = of.site.kind in (Kind.TOKEN, Kind.MANAGER)
            if raised.how is How.SUSPEND and by_hand and isinstance(self.scope.node, ast.AsyncFunctionDef):
                self.find(
                    codes.AWAIT_INSIDE,
                    at,
                    f"a cancellation here leaves the span of line {of.site.at.line} current for the rest of "
                    "the task: no `finally` takes it back",
                )

    def conclude(self) -> None:
        """What could only be told once each way had been taken."""
        for site, words in self._leaks.items():
            never = site not in self._ended | self._shared
            told = "is never ended" if never else f"is not ended on each path: {words}"
            self.find(codes.NOT_ENDED, site.at, f"{called(site)} {told}")
        for site, words in self._leaks_if.items():
            if site not in self._leaks:
                self.find(codes.NOT_ENDED_IF_RAISES, site.at, f"{called(site)} is not ended {words}")
        for site in self.sites - self._used:
            if site.kind is Kind.MANAGER:
                self.find(
                    codes.NOT_ENTERED, site.at, f"{called(site)} never becomes current: nothing enters it"
                )
            elif site.kind is Kind.BUILDER and (codes.THROWN_AWAY, site.at) not in self.findings:
                self.find(codes.THROWN_AWAY, site.at, f"{called(site)} is never started")

    def started(self, builder: Object) -> None:
        self._used.add(builder.site)


def _due(site: Site) -> bool:
    return site.kind in (Kind.SPAN, Kind.LIVE) or (site.kind is Kind.MANAGER and bool(site.ends))


_GONE: Final = Status(Phase.UNKNOWN, owned=False)
_SAFE_DECORATORS: Final = frozenset(
    ("staticmethod", "classmethod", "wraps", "override", "abstractmethod", "final")
)
"""Those that leave a generator function what it is."""


def context_is_kept(names: Names, scope: Scope) -> bool:
    """Whether some decorator may drive a generator in a context of its own, or as a context manager."""
    node = scope.node
    if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return False
    if node.name == "__await__":  # who awaits runs it, in its own task
        return True
    for decorator in node.decorator_list:
        function = decorator.func if isinstance(decorator, ast.Call) else decorator
        if names.dotted(function, scope) == "otlp_lite.traced":
            keywords = decorator.keywords if isinstance(decorator, ast.Call) else []
            leaf = [each.value for each in keywords if each.arg == "leaf"]
            if not leaf or (isinstance(leaf[0], ast.Constant) and leaf[0].value is False):
                return True
        elif last(function) not in _SAFE_DECORATORS:
            return True
    return node.name in names.managed
