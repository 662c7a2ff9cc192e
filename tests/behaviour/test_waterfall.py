"""What `python -m otlp_lite receive` draws of traces, and when."""

from __future__ import annotations

import pytest

from otlp_lite.cli import waterfall
from otlp_lite.cli.otlp import (
    AnyValue,
    ArrayValue,
    Event,
    KeyValue,
    KeyValueList,
    Link,
    Resource,
    ResourceSpans,
    ScopeSpans,
    Span,
    Status,
    StringIndex,
    TracesRequest,
)
from otlp_lite.cli.waterfall import PATIENCE_SECONDS, QUIET_SECONDS, Style, Trace, Traces, draw, duration

START = 1_700_000_000 * 10**9
MS = 10**6
Value = str | bool | int | float | bytes | ArrayValue | KeyValueList | StringIndex | None


def span(number: int, parent: int, name: str, start: int = 0, took: int = 0, kind: int = 0) -> Span:
    """Its times in milliseconds of the trace."""
    return Span(
        trace_id=bytes(range(16)),
        span_id=number.to_bytes(8, "big"),
        parent_span_id=parent.to_bytes(8, "big") if parent else b"",
        name=name,
        kind=kind,
        start_time_unix_nano=START + start * MS,
        end_time_unix_nano=START + (start + took) * MS,
    )


def with_attributes(of: Span, **values: Value) -> Span:
    """A dot in place of each double underscore."""
    of.attributes = [KeyValue(key.replace("__", "."), AnyValue(value)) for key, value in values.items()]
    return of


def with_status(of: Span, code: int, message: str = "") -> Span:
    of.status = Status(message, code)
    return of


def group(spans: list[Span], service: str | None = "shop") -> ResourceSpans:
    attributes = [] if service is None else [KeyValue("service.name", AnyValue(service))]
    return ResourceSpans(Resource(attributes), [ScopeSpans(spans=spans)])


def trace_of(*groups: ResourceSpans) -> Trace:
    traces = Traces()
    traces.add(TracesRequest(list(groups)), 0.0)
    (trace,) = traces.due(float("inf"))
    return trace


# ---- What is drawn ----


def test_a_trace_of_two_services() -> None:
    publish = with_status(span(3, 1, "publish", 1000, 0, 4), 1)
    publish.events, publish.links = [Event(), Event()], [Link()]
    shop = group(
        [
            with_attributes(span(1, 0, "GET /cart", 0, 1500, 2), http__route="/cart", user="ann"),
            with_status(span(2, 1, "SELECT", 500, 250, 3), 2, "no table"),
            publish,
            with_status(span(5, 1, "audit", 2000, 0, 1), 3),
            span(6, 0, "", 1990, 10, 9),
        ]
    )
    mail = group([span(4, 3, "consume", 1200, 800, 5)], "mail")
    rows = [
        ("GET /cart", "server", "███████████████·····", "1.50 s", "@shop  user=ann"),
        ("├─ SELECT", "client", "·····██·············", "250.00 ms", "@shop  ERROR no table"),
        ("├─ publish", "producer", "··········█·········", "0 ns", "@shop  OK  events: 2  links: 1"),
        ("│  └─ consume", "consumer", "············████████", "800.00 ms", "@mail"),
        ("└─ audit", "internal", "···················█", "0 ns", "@shop  status 3"),
        ("(no name)", "kind 9", "···················█", "10.00 ms", "@shop"),
    ]
    assert draw(trace_of(shop, mail), Style(120)) == [
        "trace 000102030405060708090a0b0c0d0e0f  mail, shop  6 spans, 2.00 s, 1 failed",
        *(f"  {name:36} {kind:8} {bar} {took:>10}  {details}" for name, kind, bar, took, details in rows),
    ]


def test_a_narrow_terminal_without_unicode() -> None:
    """The names are cut to 28 columns, the bars to 10, services to 20 and details to 17."""
    spans = [
        with_attributes(span(1, 0, "a name of 29 characters in it", 0, 1000), key="0123456789abcd"),
        span(2, 1, "a name of 25 characters..", 0, 340),
        span(3, 2, "a name that is cut off for its length", 990, 10),
        span(4, 1, "日本語日本語日本語日本語日本語", 1000),
    ]
    rows = [
        ("a name of 29 characters in ~", "==========", "1.00 s", "key=0123456789ab~"),
        ("|- a name of 25 characters..", "===.......", "340.00 ms", ""),
        ("|  `- a name that is cut of~", ".........=", "10.00 ms", ""),
        ("`- 日本語日本語日本語日本語~", ".........=", "0 ns", ""),
    ]
    assert {len(name) + name.count("日本語") * 3 for name, *_ in rows} == {28}
    assert draw(trace_of(group(spans, "services of 21 letter")), Style(80, unicode=False)) == [
        "trace 000102030405060708090a0b0c0d0e0f  services of 21 lett~  4 spans, 1.00 s",
        *(f"  {name} {'':8} {bar} {took:>10}  {details}".rstrip() for name, bar, took, details in rows),
    ]


def test_on_a_terminal_the_head_is_bold_and_what_failed_is_red() -> None:
    spans = [
        with_attributes(span(1, 0, "a", 0, 1000), key="a"),
        with_status(span(2, 1, "b", 0, 1000), 2, "why"),
        span(3, 1, "c", 0, 1000),
    ]
    head, *lines = draw(trace_of(group(spans)), Style(80, unicode=False, colour=True))
    assert head == "\x1b[1mtrace 000102030405060708090a0b0c0d0e0f  shop  3 spans, 1.00 s, 1 failed\x1b[0m"
    assert [line.rpartition("1.00 s")[2] for line in lines] == ["  key=a", "  \x1b[31mERROR why\x1b[0m", ""]


def test_attributes_are_shown_that_were_asked_for() -> None:
    """In that order, also those that are common; without a word all others are."""
    trace = trace_of(
        group([with_attributes(span(1, 0, "s"), http__route="/", b="2", a="1", server__port="80")])
    )
    assert draw(trace, Style(120))[1].endswith("  0 ns  b=2  a=1")
    assert draw(trace, Style(120, attributes=("a", "none", "http.route")))[1].endswith(
        "  0 ns  a=1  http.route=/"
    )


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("text", "text"),
        (True, "true"),
        (False, "false"),
        (None, "(empty)"),
        (7, "7"),
        (0.5, "0.5"),
        (b"\x01\xff", "0x01ff"),
        (ArrayValue([AnyValue("a"), AnyValue(1)]), "[a, 1]"),
        (KeyValueList([KeyValue("k", AnyValue("v")), KeyValue("n", AnyValue(2))]), "{k: v, n: 2}"),
        (StringIndex(3), "string #3"),
    ],
)
def test_values_as_they_are_shown(value: Value, shown: str) -> None:
    trace = trace_of(group([with_attributes(span(1, 0, "s"), key=value)]))
    assert draw(trace, Style(120))[1].endswith(f"  key={shown}")


def test_what_a_head_says() -> None:
    single = trace_of(group([span(1, 0, "s", 0, 1)], None))
    assert draw(single, Style(120))[0].endswith("  unknown  1 span, 1.00 ms")
    odd = span(1, 0, "s")
    odd.trace_id = b""
    assert draw(trace_of(group([odd])), Style(120))[0] == "trace (no id)  shop  1 span, 0 ns"
    odd.trace_id = b"\xab" * 20
    assert draw(trace_of(group([odd])), Style(120))[0] == f"trace {'ab' * 16}  shop  1 span, 0 ns"
    again = trace_of(group([span(1, 0, "s"), span(1, 0, "s"), span(2, 1, "t"), span(1, 0, "s")]))
    assert draw(again, Style(120))[0].endswith("  2 spans, 0 ns, 2 received again")
    long = trace_of(group([span(1, 0, "s")], "x" * 41))
    assert f"  {'x' * 39}…  " in draw(long, Style(120))[0]


def test_a_hundred_spans_are_drawn() -> None:
    for count, last in ((100, "s99"), (101, "… and 1 more spans")):
        spans = [span(1 + each, 0, f"s{each}", each) for each in range(count)]
        lines = draw(trace_of(group(spans)), Style(120))
        assert lines[-1].split("  ")[1] == last and len(lines) == 1 + count


def test_a_span_that_is_its_own_parent_is_drawn_once() -> None:
    assert [line.split()[0] for line in draw(trace_of(group([span(1, 1, "loop")])), Style())[1:]] == ["loop"]


def test_what_a_width_leaves_for_names_bars_and_details() -> None:
    """Details have ten columns at least."""
    widths = {20: (28, 10, 10), 73: (28, 10, 10), 99: (28, 10, 36), 100: (36, 20, 19), 120: (36, 20, 39)}
    assert {width: Style(width).widths() for width in widths} == widths


@pytest.mark.parametrize(
    ("nanoseconds", "shown"),
    [
        (0, "0 ns"),
        (-1, "-1 ns"),
        (999, "999 ns"),
        (1000, "1.00 us"),
        (-2500, "-2.50 us"),
        (999_990, "999.99 us"),
        (10**6, "1.00 ms"),
        (10**9 - 10**7, "990.00 ms"),
        (10**9, "1.00 s"),
        (9999 * 10**9, "9999.00 s"),
        (12 * 10**12, "1.2e+04 s"),
    ],
)
def test_durations_as_they_are_shown(nanoseconds: int, shown: str) -> None:
    assert duration(nanoseconds) == shown


# ---- When ----


def added(traces: Traces, now: float, *spans: Span) -> None:
    traces.add(TracesRequest([group(list(spans))]), now)


def of_trace(number: int, span_id: int = 1, parent: int = 0) -> Span:
    made = span(span_id, parent, "s")
    made.trace_id = number.to_bytes(16, "big")
    return made


def numbers(traces: Traces, now: float) -> list[int]:
    """Of the traces that are due."""
    return [int.from_bytes(trace.trace_id, "big") for trace in traces.due(now)]


def test_a_whole_trace_waits_until_it_is_quiet() -> None:
    traces = Traces()
    added(traces, 0.0, of_trace(1))
    added(traces, 0.1, of_trace(1, 2, 1))
    added(traces, 0.2, of_trace(2))
    assert numbers(traces, QUIET_SECONDS) == []
    assert numbers(traces, 0.1 + QUIET_SECONDS) == [1]
    assert numbers(traces, 0.2 + QUIET_SECONDS) == [2]
    assert numbers(traces, 100.0) == []


@pytest.mark.parametrize("spans", [[of_trace(1, 2, 1)], [of_trace(1), of_trace(1, 3, 2)]])
def test_one_that_lacks_a_span_waits_longer(spans: list[Span]) -> None:
    traces = Traces()
    added(traces, 0.0, *spans)
    assert numbers(traces, PATIENCE_SECONDS - 0.1) == []
    assert numbers(traces, PATIENCE_SECONDS) == [1]


def test_one_whose_parent_has_come_waits_no_longer() -> None:
    traces = Traces()
    added(traces, 0.0, of_trace(1, 2, 1))
    assert numbers(traces, QUIET_SECONDS) == []
    added(traces, QUIET_SECONDS, of_trace(1))
    assert numbers(traces, 2 * QUIET_SECONDS) == [1]


def test_one_that_goes_on_is_drawn_at_last() -> None:
    traces = Traces()
    last = 2 * PATIENCE_SECONDS
    for at in range(int(last)):
        added(traces, float(at), of_trace(1, 2 + at, 1))
    assert numbers(traces, last - 0.1) == []
    assert numbers(traces, last) == [1]


def test_what_was_drawn_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waterfall, "MAX_PENDING_SPANS", 2)
    traces = Traces()
    for at in (0.0, 10.0, 20.0):
        added(traces, at, of_trace(1), of_trace(2))
        assert numbers(traces, at) == []
        assert numbers(traces, at + QUIET_SECONDS) == [1, 2]
    added(traces, 30.0, of_trace(1), of_trace(2), of_trace(3))
    assert numbers(traces, 30.0) == [1]


def test_a_trace_that_was_drawn_before_is_continued(monkeypatch: pytest.MonkeyPatch) -> None:
    """So many are remembered, the last ones."""
    monkeypatch.setattr(waterfall, "MAX_REMEMBERED_TRACES", 2)
    traces = Traces()
    for number in (1, 2, 3):
        added(traces, 0.0, of_trace(number))
        assert numbers(traces, 1.0) == [number]
    added(traces, 2.0, of_trace(1), of_trace(2), of_trace(3))
    heads = [draw(trace, Style())[0] for trace in traces.due(3.0)]
    assert [head.endswith("  1 span, 0 ns, continued") for head in heads] == [False, True, True]


def test_spans_are_counted_by_service() -> None:
    request = TracesRequest(
        [group([of_trace(1), of_trace(2)]), group([of_trace(1, 2)], None), group([of_trace(1, 3)])]
    )
    request.resource_spans[0].scope_spans.append(ScopeSpans(spans=[of_trace(1, 4)]))
    assert Traces().add(request, 0.0) == {"shop": 4, "unknown": 1}
