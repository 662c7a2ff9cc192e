"""Deterministic programs, one family a promise: a seed varies the content, never what is exercised."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

from opentelemetry.trace import SpanKind, StatusCode

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
from .sdks import SAMPLERS

SEEDS = range(50)
TIME = 1_700_000_000_000_000_000


def failure(depth: int, text: str, cause: BaseException | None = None) -> BaseException:
    """An exception that was raised `depth` calls deep, or never (0)."""

    def fail(depth: int) -> None:
        if depth > 1:
            fail(depth - 1)
        raise ValueError(text) from cause

    if not depth:
        return LookupError(text)
    try:
        fail(depth)
    except ValueError as error:
        return error
    raise AssertionError


def strings(seed: int) -> Iterator[Program]:
    """Every width at every edge length, as values; one of them also in each other place that holds text."""
    rng = random.Random(seed)
    attributes = {
        f"{width} {length}": values.make_text(width, length, rng)
        for width in values.WIDTHS
        for length in values.EDGES
    }

    def text() -> str:
        return values.make_text(rng.choice(values.WIDTHS), rng.choice(values.EDGES), rng)

    calls = (
        Start(text(), TIME, attributes={text(): text()}),
        SetAttributes(0, attributes),
        SetAttribute(0, text(), [text(), {text(): text()}]),
        AddEvent(0, text(), TIME + 1, {text(): text()}),
        AddLink(0, LinkTo(Outside(5, 6), {text(): text()})),
        RecordException(0, failure(2, text()), TIME + 2),
        SetStatus(0, StatusCode.ERROR, text()),
        End(0, TIME + 3),
    )
    resource = {**Program(()).resource, text(): text()}
    yield Program(calls, (Scope(text(), text(), text(), {text(): text()}),), resource=resource, seed=seed)


def types(seed: int) -> Iterator[Program]:
    """Every type of the wire and foreign objects, on spans, events, links, scopes and resources."""
    rng = random.Random(seed)
    members: list[Any] = [
        *(
            None,
            True,
            False,
            rng.choice(values.INTEGERS),
            rng.choice(values.DOUBLES),
            rng.choice(values.BYTES),
        ),
        *(rng.getrandbits(63) - 2**62, rng.uniform(-1e9, 1e9), rng.randbytes(rng.randrange(300))),
        *([], {}, [1, "a", None], [[[1]]], {"a": {"b": {"c": b"d"}}}, values.nested(30)),
        *(rng.choice(values.CONTAINERS)() for _ in range(6)),
        *rng.sample(values.FOREIGN_TEXT, 2),
        *rng.sample(values.SUBCLASSES, 2),
        rng.choice(values.FOREIGN_NULL),
    ]

    def some(count: int) -> dict[str, Any]:
        return {f"key {n}": value for n, value in enumerate(rng.sample(members, count))}

    calls: tuple[Call, ...] = (
        Start("types", TIME, attributes=some(5), links=(LinkTo(Outside(7, 8), some(3)),)),
        *(SetAttribute(0, f"set {n}", value) for n, value in enumerate(members)),
        SetAttribute(0, rng.choice(values.ODD_KEYS), 1),
        SetAttributes(0, {key: n for n, key in enumerate(values.ODD_KEYS)}),
        SetAttributes(0, {f"key {rng.randrange(5)}": "again", "set 0": "again"}),
        AddEvent(0, "event", TIME, some(4)),
        AddLink(0, LinkTo(Outside(9, 10), {rng.choice(values.ODD_KEYS): 1, **some(2)})),
        End(0, TIME),
    )
    resource = {**Program(()).resource, **some(3)}
    yield Program(calls, (Scope("types", attributes=some(3)),), resource=resource, seed=seed)


def limits(seed: int) -> Iterator[Program]:
    """Each setting alone, exceeded; then all of them, and the general ones below the particular ones."""
    rng = random.Random(seed)
    everything = {f"key {n}": values.make_text(rng.choice(values.WIDTHS), 6, rng) for n in range(6)}
    link = LinkTo(Outside(11, 12), everything)
    calls: tuple[Call, ...] = (
        Start("limits", TIME, attributes={**everything, "": 0}, links=(link,) * rng.randint(1, 3)),
        SetAttribute(0, "key 2", [everything["key 0"], {"in": everything["key 1"]}]),
        SetAttributes(0, {"key 1": 1, "new": 2, 3: 4, "": 5}),
        *(AddEvent(0, f"event {n}", TIME + n, everything) for n in range(4)),
        RecordException(
            0, failure(1, "too many"), TIME, {"more": everything["key 0"], "exception.message": "other"}
        ),
        *(AddLink(0, link) for _ in range(4)),
        End(0, TIME),
    )
    counts = ("max_attributes", "max_span_attributes", "max_event_attributes", "max_link_attributes")
    every = (*counts, "max_events", "max_links", "max_attribute_length", "max_span_attribute_length")
    for setting in every:
        yield Program(calls, limits={setting: rng.randrange(4)}, seed=seed)
    yield Program(calls, limits={setting: rng.randrange(4) for setting in every}, seed=seed)
    yield Program(calls, limits={setting: rng.choice([-1, 1, 3]) for setting in every}, seed=seed)


def defaults(seed: int) -> Iterator[Program]:
    """More than the 128 of everything that is allowed without a setting."""
    rng = random.Random(seed)
    attributes = {f"key {n}": n for n in range(128 + rng.randint(1, 9))}
    calls: tuple[Call, ...] = (
        Start("defaults", TIME, attributes=attributes, links=(LinkTo(Outside(1, 1), attributes),) * 2),
        AddEvent(0, "first", TIME),
        *(AddEvent(0, f"event {n}", TIME + n) for n in range(127)),
        AddEvent(0, "last", TIME, attributes),
        *(AddLink(0, LinkTo(Outside(n + 1, 2))) for n in range(127)),
        AddLink(0, LinkTo(Outside(1, 3), attributes)),
        End(0, TIME),
    )
    yield Program(calls, limits=rng.choice([{}, {"max_attributes": -1}]), seed=seed)


def contexts(seed: int) -> Iterator[Program]:
    """Parents near and far, every kind and status, every sampler, spans ended twice, late and never."""
    rng = random.Random(seed)
    state = tuple((f"k{n}", "v" * rng.randint(1, 40)) for n in range(rng.choice([1, 2, 32])))
    remote = Outside(rng.getrandbits(128) | 1, rng.getrandbits(64) | 1, state=state)
    unsampled = Outside(3, 4, sampled=False, state=state)
    near = Outside(2**128 - 1, 2**64 - 1, remote=False)
    starts = (
        Start("root", TIME, kind=SpanKind.SERVER),
        Start("remote", 0, kind=SpanKind.CLIENT, parent=Outside(13, 14)),
        Start("remote with state", 2**64 - 1, kind=SpanKind.PRODUCER, parent=remote, scope=1),
        Start("remote, unsampled", TIME, parent=unsampled),
        Start("drop", TIME, kind=SpanKind.CONSUMER, parent=near),
        Start("record only", TIME, kind=SpanKind.CONSUMER, parent=remote),
        Start("local", TIME, kind=SpanKind.CONSUMER, parent=0),
        Start("grandchild", TIME, parent=6, links=(LinkTo(unsampled), LinkTo(Outside(0, 0)))),
        Start("child of another's span", TIME, parent=near, scope=1),
        Start("child of the unsampled", TIME, parent=3),
        Start("child of no valid parent", TIME, parent=Outside(0, 5, state=state)),
    )
    order = rng.sample(range(len(starts)), len(starts))
    ends: Iterator[Call] = (End(n, rng.choice([0, TIME - 5, TIME + n, 2**64 - 1])) for n in order[1:])
    calls = (
        *starts,
        SetStatus(0, StatusCode.ERROR, "first"),
        SetStatus(0, StatusCode.OK, "not kept"),
        SetStatus(0, StatusCode.ERROR, "too late"),
        SetStatus(1, StatusCode.ERROR, "the description", whole=True),
        SetStatus(1, StatusCode.UNSET, "no change"),
        SetStatus(2, StatusCode.OK, whole=True),
        SetStatus(6, StatusCode.ERROR, rng.choice([None, ""])),
        AddLink(7, LinkTo(Outside(0, 0), {"kept": 1})),
        AddLink(7, LinkTo(Outside(0, 6, state=state))),
        AddLink(7, LinkTo(remote)),
        AddLink(7, LinkTo(near)),
        UpdateName(8, "renamed"),
        *ends,
        *(call for n in order[:3] for call in (SetAttribute(n, "late", 1), UpdateName(n, "late"), End(n, 1))),
        *(call for n in order[1:3] for call in (AddEvent(n, "late", 1), SetStatus(n, StatusCode.OK))),
        Start("child of an ended span", TIME, parent=order[1]),
        End(len(starts), TIME),
    )
    scopes = (Scope("a", "1", "https://schema"), Scope("b", attributes={"in": "scope"}))
    for sampler in SAMPLERS:
        yield Program(calls, scopes, sampler=sampler, seed=seed)


def exceptions(seed: int) -> Iterator[Program]:
    """Exceptions raised and not, chained, with attributes that add to and override what is recorded."""
    rng = random.Random(seed)
    text = values.make_text(rng.choice(values.WIDTHS), rng.choice(values.EDGES), rng)
    causes = failure(2, text, cause=failure(1, "the cause"))
    calls = (
        Start("exceptions", TIME),
        RecordException(0, failure(0, text), TIME),
        RecordException(0, failure(3, text), TIME + 1, {"more": 1, "exception.type": "Other"}),
        RecordException(0, causes, TIME + 2, {}, escaped=True),
        RecordException(0, type("Local", (Exception,), {"__module__": None})("no module"), TIME + 3),
        RecordException(0, KeyboardInterrupt(), 0),
        End(0, TIME),
    )
    yield Program(calls, limits=rng.choice([{}, {"max_attribute_length": 20}]), seed=seed)


def departing(seed: int) -> Iterator[Program]:
    """What otlp_lite does otherwise than the stock SDK, amid what it does alike."""
    rng = random.Random(seed)

    def text() -> str:
        width, length = rng.choice(values.WIDTHS), rng.choice(values.EDGES)
        return values.with_surrogates(values.make_text(width, length, rng), rng)

    def bad(key: str) -> dict[str, Any]:
        return {
            f"{key} text": text(),
            f"{key} \udfff": 1,
            f"{key} nested": [1, {"in": text(), "\ud800": 2}],
            f"{key} hostile": rng.choice(values.HOSTILE),
            f"{key} hostile within": [1, {"in": rng.choice(values.HOSTILE)}],
            f"{key} large": rng.choice(values.TOO_LARGE),
            f"{key} large within": {"in": [rng.choice(values.TOO_LARGE)]},
            f"{key} shown": values.Shown(text()),
            f"{key} deep": values.nested(rng.randint(32, 60)),
        }

    calls = (
        Start(text(), TIME, attributes=bad("a"), links=(LinkTo(Outside(1, 2), bad("b")),)),
        SetAttribute(0, "kept", 1),
        SetAttribute(0, "kept", rng.choice(values.TOO_LARGE)),
        SetAttribute(0, text()[:3] + "\ud800", rng.choice(values.HOSTILE)),
        SetAttributes(0, bad("a")),
        SetAttributes(0, bad("c")),
        AddEvent(0, text(), TIME, bad("d")),
        RecordException(0, failure(2, text()), TIME, bad("e")),
        AddLink(0, LinkTo(Outside(3, 4), bad("f"))),
        SetStatus(0, StatusCode.ERROR, text()),
        End(0, TIME),
    )
    scopes = (Scope(text(), text(), text(), {"k": text(), "h": values.HOSTILE[0]}),)
    settings = ("max_attributes", "max_span_attributes", "max_attribute_length", "max_span_attribute_length")
    resource = {**Program(()).resource, "text": text(), "hostile": rng.choice(values.HOSTILE)}
    yield Program(calls, scopes, resource=resource, seed=seed)
    yield Program(calls, scopes, {rng.choice(settings): rng.randrange(12)}, resource=resource, seed=seed)


def large(seed: int) -> Iterator[Program]:
    """Records larger than a chunk, by one value, by many, by events; and usual ones before and after."""
    rng = random.Random(seed)
    width = values.WIDTHS[seed % len(values.WIDTHS)]
    one = values.make_text(width, rng.randrange(16_000, 60_000), rng)
    many = {f"key {n}": one[n : n + 300] for n in range(100)}
    usual = (Start("usual", TIME), End(1, TIME))
    for calls in (
        (SetAttribute(0, "one", one),),
        (SetAttribute(0, "bytes", rng.randbytes(20_000)),),
        (SetAttributes(0, many),),
        tuple(AddEvent(0, f"event {n}", TIME, {"text": one[n : n + 400]}) for n in range(60)),
    ):
        yield Program(
            (Start("large", TIME), *calls, *usual, End(0, TIME), *usual[:1], End(2, TIME)), seed=seed
        )


FAMILIES: dict[str, Callable[[int], Iterator[Program]]] = {
    family.__name__: family
    for family in (strings, types, limits, defaults, contexts, exceptions, departing, large)
}
