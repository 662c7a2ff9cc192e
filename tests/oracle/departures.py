"""Where otlp_lite exports something else than the stock SDK on purpose, as data.

A departure is a rewriting of what the stock SDK is given: with every row applied, and only then, both export
the same. Each row has probes, programs of which the stock SDK by itself makes something else than otlp_lite
does; a row whose probe no longer differs fails.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from opentelemetry.trace import StatusCode
from reference.tracer import DEEPEST, has_text

from . import values
from .calls import (
    AddEvent,
    AddLink,
    Call,
    End,
    LinkTo,
    Outside,
    Program,
    RecordException,
    Scope,
    SetAttribute,
    SetAttributes,
    SetStatus,
    Start,
    UpdateName,
)


class Absent:
    """An attribute key that every SDK refuses and counts as a dropped attribute."""

    def __bool__(self) -> bool:
        return False


def _same(value: Any) -> Any:
    return value


def _same_pair(key: Any, value: Any) -> tuple[Any, Any]:
    return key, value


@dataclasses.dataclass(frozen=True)
class Departure:
    """`text` rewrites strings, `value` other leaves of values, `pair` attributes of spans, events, links."""

    name: str
    reason: str
    probes: tuple[Program, ...]
    text: Callable[[str], str] = _same
    value: Callable[[Any], Any] = _same
    pair: Callable[[Any, Any], tuple[Any, Any]] = _same_pair


def probe(*calls: Call, **start: Any) -> Program:
    return Program((Start(**{"name": "probe", "time": 1, **start}), *calls, End(0, 2)))


def replace_surrogates(text: str) -> str:
    return re.sub("[\ud800-\udfff]", "\ufffd", text) if re.search("[\ud800-\udfff]", text) else text


def show_without_surrogates(value: Any) -> Any:
    return values.Shown(replace_surrogates(value.text)) if isinstance(value, values.Shown) else value


def raising_to_null(value: Any) -> Any:
    return None if isinstance(value, (values.Raising, values.NotText)) else value


def beyond_64_bits(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(map(beyond_64_bits, value.values()))
    if isinstance(value, (list, tuple)):
        return any(map(beyond_64_bits, value))
    return isinstance(value, int) and not -(2**63) <= value < 2**63


def refuse_beyond_64_bits(key: Any, value: Any) -> tuple[Any, Any]:
    return (Absent(), None) if beyond_64_bits(value) else (key, value)


def cut_too_deep(key: Any, value: Any) -> tuple[Any, Any]:
    return key, _cut(value, 0)


def _cut(value: Any, depth: int) -> Any:
    if type(value) not in (list, tuple, dict):
        return value
    if depth == DEEPEST:
        return None
    if type(value) is dict:
        return {key: _cut(member, depth + 1) for key, member in value.items()}
    return type(value)(_cut(element, depth + 1) for element in value)


def show(key: Any, value: Any) -> tuple[Any, Any]:
    return key, _shown(value)


def _shown(value: Any) -> Any:
    if isinstance(value, (str, bytes, int, float)) or value is None or raising_to_null(value) is None:
        return value
    if type(value) is dict:
        return {key: _shown(member) for key, member in value.items()}
    if type(value) in (list, tuple):
        return type(value)(map(_shown, value))
    foreign = not isinstance(value, (Sequence, Mapping)) and has_text(value)
    return str(value) if foreign else value


_LINK = LinkTo(Outside(1, 2), {"k": "a\udc00"})

DEPARTURES = (
    Departure(
        "lone surrogate",
        "UTF-8 cannot carry it. The stock SDK then loses the attribute, or, if it stands in a name, a"
        " description or a scope, the whole batch; here it becomes U+FFFD.",
        text=replace_surrogates,
        value=show_without_surrogates,
        probes=(
            probe(SetAttribute(0, "value", "a\ud800b")),
            probe(SetAttribute(0, "k\ud800", 1)),
            probe(SetAttributes(0, {"nested": [{"a": ["\udfff"]}], "nested key": {"\ud800": 1}})),
            probe(SetAttribute(0, "shown", values.Shown("\udc00"))),
            probe(attributes={"at start": "\ud83d\ude00"}),
            probe(name="name \ud800"),
            probe(UpdateName(0, "\udc00 name")),
            probe(AddEvent(0, "event \ud800", 3)),
            probe(AddEvent(0, "event", 3, {"k": "\ud800"})),
            probe(AddLink(0, _LINK)),
            probe(links=(_LINK,)),
            probe(SetStatus(0, StatusCode.ERROR, "\ud800")),
            probe(RecordException(0, ValueError("\udfff"), 3)),
            dataclasses.replace(probe(), scopes=(Scope("scope \ud800"),)),
            dataclasses.replace(probe(), scopes=(Scope("scope", "1\ud800", "\udc00", {"k": "\ud800"}),)),
            dataclasses.replace(probe(), resource={**Program(()).resource, "k": "\ud800"}),
        ),
    ),
    Departure(
        "__str__ raises",
        "A foreign value is sent as its text. Where that raises, the stock SDK lets the exception out into"
        " the program, which loses the call; here it is null.",
        value=raising_to_null,
        probes=tuple(
            call
            for hostile in values.HOSTILE
            for call in (
                probe(attributes={"k": hostile}),
                probe(SetAttribute(0, "k", hostile)),
                probe(SetAttributes(0, {"before": 1, "k": [1, {"in": hostile}], "after": 2})),
                probe(AddEvent(0, "event", 3, {"k": hostile})),
                probe(AddLink(0, LinkTo(Outside(1, 2), {"k": hostile}))),
                dataclasses.replace(probe(), scopes=(Scope("scope", attributes={"k": hostile}),)),
                dataclasses.replace(probe(), resource={**Program(()).resource, "k": hostile}),
            )
        ),
    ),
    Departure(
        "integer beyond 64 bits",
        "OTLP has no place for it. The stock SDK stores it, perhaps in the place of another attribute, and"
        " loses it without counting when it exports; here it is refused when it is set, and counted.",
        pair=refuse_beyond_64_bits,
        probes=tuple(
            call
            for number in values.TOO_LARGE
            for call in (
                probe(attributes={"k": number, "kept": 1}),
                probe(SetAttribute(0, "k", number)),
                probe(SetAttribute(0, "k", 1), SetAttribute(0, "k", number)),
                probe(SetAttributes(0, {"k": [1, {"in": number}], "kept": 1})),
                probe(AddEvent(0, "event", 3, {"k": number})),
                probe(AddLink(0, LinkTo(Outside(1, 2), {"k": number}))),
            )
        ),
    ),
    Departure(
        "nested too deep",
        "A decoder gives up on a request with 100 messages within each other, so that one value costs the"
        " batch; the stock SDK sends it, or fails to encode it. Here what is neither scalar nor within fewer"
        f" than {DEEPEST} arrays and mappings is null.",
        pair=cut_too_deep,
        probes=(
            probe(SetAttribute(0, "k", values.nested(32))),
            probe(attributes={"k": values.nested(33), "kept": 1}),
            probe(SetAttributes(0, {"k": [1, values.nested(31)]})),
            probe(AddEvent(0, "event", 3, {"k": values.nested(200)})),
            probe(AddLink(0, LinkTo(Outside(1, 2), {"k": values.nested(40)}))),
        ),
    ),
    Departure(
        "a foreign value's text is as long as it likes",
        "The limit of a value's length is there to bound what a span takes. The stock SDK cuts text, and"
        " sends the text of a foreign value whole; here that is cut, too.",
        pair=show,
        probes=tuple(
            dataclasses.replace(call, limits={"max_attribute_length": 3})
            for call in (
                probe(SetAttribute(0, "k", values.Shown("four"))),
                probe(attributes={"k": values.Represented(), "kept": 1}),
                probe(SetAttributes(0, {"k": [1, {"in": values.Shown("four")}]})),
                probe(AddEvent(0, "event", 3, {"k": values.Shown("four")})),
                probe(AddLink(0, LinkTo(Outside(1, 2), {"k": values.Shown("four")}))),
            )
        ),
    ),
)


def depart(program: Program, departures: Iterable[Departure] = DEPARTURES) -> Program:
    """The program to give to the stock SDK, so that it exports what otlp_lite does of the one given here."""
    for departure in departures:
        program = _Rewriting(departure).record(program)
    return program


class _Rewriting:
    def __init__(self, departure: Departure) -> None:
        self.departure = departure

    def record(self, record: Any) -> Any:
        """A program, or one of the dataclasses in it, with each field rewritten."""
        names = [field.name for field in dataclasses.fields(record)]
        changes = {name: self.field(record, name, getattr(record, name)) for name in names}
        if isinstance(record, SetAttribute):
            changes["key"], changes["value"] = self.pair(record.key, record.value)
        return dataclasses.replace(record, **changes)

    def field(self, record: object, name: str, value: Any) -> Any:
        if name == "attributes" and not isinstance(record, Scope) and value is not None:
            return dict(self.pair(key, member) for key, member in value.items())
        if dataclasses.is_dataclass(value):
            return self.record(value)
        if name in ("calls", "scopes", "links"):
            return tuple(map(self.record, value))
        if isinstance(value, BaseException):
            return self.exception(value)
        return self.value(value)

    def pair(self, key: Any, value: Any) -> tuple[Any, Any]:
        key, value = self.departure.pair(key, value)
        return self.value(key), self.value(value)

    def value(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.departure.text(value)
        if isinstance(value, Mapping):
            return {self.value(key): self.value(member) for key, member in value.items()}
        if type(value) in (list, tuple):
            return type(value)(map(self.value, value))
        return self.departure.value(value)

    def exception(self, exception: BaseException) -> BaseException:
        """The same exception with its text rewritten."""
        args = self.value(exception.args)
        if args == exception.args:
            return exception
        copy = type(exception)(*args).with_traceback(exception.__traceback__)
        copy.__cause__, copy.__context__ = exception.__cause__, exception.__context__
        copy.__suppress_context__ = exception.__suppress_context__
        return copy
