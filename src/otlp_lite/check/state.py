"""What is known at one point of a function: which name holds which object, and how far each has come."""

from __future__ import annotations

import ast
import enum
from collections.abc import Iterable, Mapping
from typing import NamedTuple


class Position(NamedTuple):
    """Where something stands: lines from 1, columns from 0, in bytes, as `ast` counts them."""

    line: int
    column: int
    end_line: int


def position(node: ast.expr | ast.stmt | ast.arg) -> Position:
    return Position(node.lineno, node.col_offset, node.end_lineno or node.lineno)


class Kind(enum.Enum):
    """What an object is."""

    SPAN = enum.auto()
    LIVE = enum.auto()
    """A span of a builder: each of its methods is refused after the end."""
    BUILDER = enum.auto()
    MANAGER = enum.auto()
    """Makes a span current: start_as_current_span(), use_span(), live.current()."""
    TOKEN = enum.auto()
    """Of attach()."""


class Site(NamedTuple):
    """Where objects come from, and what those are."""

    kind: Kind
    at: Position
    name: str
    """As messages call it: 'span "checkout"'."""
    given: bool = False
    """Someone else started it: a parameter, the current span."""
    optional: bool = False
    """It may be None."""
    starts: bool = False
    """Of a manager: it starts its span as it is entered."""
    managed: Object | None = None
    """Of a manager or a token: the span that it was given, where that is known."""
    ends: bool | None = None
    """Of a manager: it ends its span as it is left; None: who knows."""


class Object(NamedTuple):
    """One object: the same place may make another while the first is still there."""

    site: Site
    turn: int = 0


class Constant(enum.Enum):
    """Values of names that steer branches."""

    NONE = enum.auto()
    FALSE = enum.auto()
    TRUE = enum.auto()


class Context(NamedTuple):
    """A context that holds a span; which one, where that is known."""

    span: Object | None


Value = Object | Constant | Context | None
"""What an expression gives; None: nothing that is followed."""


class Phase(enum.Enum):
    """How far an object has come."""

    FRESH = enum.auto()
    """A builder not started, a manager not entered."""
    OPEN = enum.auto()
    """A live span, a manager entered by hand, a token that is attached."""
    DONE = enum.auto()
    UNKNOWN = enum.auto()


class Status(NamedTuple):
    """Of an object in a state."""

    phase: Phase
    owned: bool = True
    """To end it is this function's duty: no one else holds it."""
    at: Position | None = None
    """Where it was ended."""
    named: bool = False
    """A name has held it."""


class State:
    """Immutable: each change gives another. Equal where all that is known is equal."""

    __slots__ = ("_key", "facts", "names", "objects")

    def __init__(
        self, names: Mapping[str, Value], objects: Mapping[Object, Status], facts: Mapping[str, bool]
    ) -> None:
        self.names: Mapping[str, Value] = names
        self.objects: Mapping[Object, Status] = objects
        self.facts: Mapping[str, bool] = facts
        """Conditions that were decided on the way here."""
        self._key = (frozenset(names.items()), frozenset(objects.items()), frozenset(facts.items()))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, State) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)

    def put(self, of: Object, status: Status) -> State:
        return State(self.names, {**self.objects, of: status}, self.facts)

    def drop(self, gone: Iterable[Object]) -> State:
        left = set(gone)
        if not left:
            return self
        names = {name: value for name, value in self.names.items() if holds(value) not in left}
        objects = {of: status for of, status in self.objects.items() if of not in left}
        return State(names, objects, self.facts)

    def bind(self, name: str, value: Value) -> State:
        names = {other: held for other, held in self.names.items() if other != name}
        objects = self.objects
        if value is not None:
            names[name] = value
            held = holds(value)
            if held is not None and held in objects:
                objects = {**objects, held: objects[held]._replace(named=True)}
        return State(names, objects, self.facts)

    def know(self, facts: Mapping[str, bool]) -> State:
        return State(self.names, self.objects, facts)

    def fresh(self, site: Site) -> Object:
        """An object of this place that is not there yet; of three at a time the first is forgotten."""
        return next((of for of in (Object(site, 0), Object(site, 1)) if of not in self.objects), Object(site))

    def referred(self) -> frozenset[Object]:
        """Objects that names hold, the spans of managers that are held, those that are current by a token."""
        held = {of for value in self.names.values() if (of := holds(value)) is not None}
        holding = held | set(self.attached())
        return frozenset(held) | {of.site.managed for of in holding if of.site.managed is not None}

    def attached(self) -> list[Object]:
        """Tokens of contexts that are current, the innermost last."""
        return [
            of
            for of, status in self.objects.items()
            if of.site.kind is Kind.TOKEN and status.phase is Phase.OPEN
        ]


EMPTY = State({}, {}, {})


def holds(value: Value) -> Object | None:
    """The object that a value is or refers to."""
    if isinstance(value, Context):
        return value.span
    return value if isinstance(value, Object) else None
