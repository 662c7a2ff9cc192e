"""What a program records, and what it keeps secret, stands in no line of the log and in no repr()."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any, NoReturn

import pytest
from opentelemetry import baggage
from opentelemetry.context import Context
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    Status,
    StatusCode,
    TraceFlags,
    TraceState,
    set_span_in_context,
)
from scripted import Receiver, Start, answer

from otlp_lite import ConfigurationError, Telemetry
from otlp_lite.config import load, refuse_difference
from otlp_lite.traces.processor import SimpleSpanProcessor, SpanProcessor
from otlp_lite.traces.sampling import ALWAYS_OFF

SECRET = "s3ntinel"
HUGE = 1 << 70


def tell(*arguments: object, **named: object) -> NoReturn:
    raise RuntimeError(SECRET)


class Shown:
    def __str__(self) -> str:
        return SECRET

    __repr__ = __str__


class Untold:
    def __repr__(self) -> str:
        return SECRET

    __str__ = tell


class Unread(Sequence[str]):
    __len__ = __getitem__ = tell


def overflow(*arguments: object) -> NoReturn:
    raise OverflowError(SECRET)


class Overflowing(Sequence[str]):
    __len__ = __getitem__ = overflow


class Unlisted(dict[str, str]):
    items = tell


class Failure(Exception):
    __str__ = tell


class Module:
    __str__ = tell


Misplaced = type("Misplaced", (Exception,), {"__module__": Module()})


class State(TraceState):
    to_header = tell


class Processor(SpanProcessor):
    on_start = _on_ending = on_end = force_flush = shutdown = tell


class Exporter:
    export = tell

    def shutdown(self) -> None: ...


class Ids:
    def __init__(self) -> None:
        self.trace_id: Any = 1

    def generate_trace_id(self) -> Any:
        return self.trace_id

    def generate_span_id(self) -> int:
        return 2


def deep() -> Any:
    value: Any = SECRET
    for _ in range(40):
        value = [SECRET, value]
    return value


VALUES: dict[str, Any] = {
    "str": SECRET,
    "bytes": SECRET.encode(),
    "list": [SECRET, {"in": SECRET}],
    "shown": Shown(),
    "untold": Untold(),
    "untold within": [SECRET, {"in": Untold()}],
    "unread": Unread(),
    "overflowing": Overflowing(),
    "unread within": [SECRET, Unread()],
    "deep": deep(),
    "out of range": HUGE,
    "out of range within": [SECRET, HUGE],
    "too large": SECRET * 5000,
    "": SECRET,
}
FEW = {key: value for key, value in VALUES.items() if key not in ("", "too large")}
OF_SCOPE: dict[Any, Any] = {**FEW, Untold(): SECRET}
ODD_PAIRS: dict[Any, Any] = {**VALUES, Shown(): SECRET, Untold(): SECRET, 5: SECRET, None: SECRET}
OUTSIDE = SpanContext(1, 2, False)
NO_IDS = SpanContext(1 << 200, 2, False)
USES: tuple[Callable[[Any], object], ...] = (
    *(lambda span, key=key: span.set_attribute(key, SECRET) for key in ODD_PAIRS),
    *(lambda span, key=key: span.set_attribute(key or "k", VALUES[key]) for key in VALUES),
    lambda span: span.set_attributes(ODD_PAIRS),
    lambda span: span.set_attributes(Unlisted(k=SECRET)),
    lambda span: span.set_attributes(SECRET),
    lambda span: span.add_event("event", ODD_PAIRS),
    lambda span: span.add_event("event", Unlisted(k=SECRET)),
    lambda span: span.add_event("event", {"k": SECRET}, SECRET),
    lambda span: span.add_event("large", {"k": SECRET * 5000}),
    lambda span: span.add_link(OUTSIDE, ODD_PAIRS),
    lambda span: span.add_link(NO_IDS, {"k": SECRET}),
    lambda span: span.set_status(Status(StatusCode.ERROR, SECRET), SECRET),
    lambda span: span.set_status(StatusCode.ERROR, Untold()),
    lambda span: span.record_exception(ValueError(SECRET), ODD_PAIRS),
    lambda span: span.record_exception(Failure(SECRET), {"k": SECRET}, SECRET),
    lambda span: span.set_attribute("after", SECRET),
    lambda span: span.end(SECRET),
)


def start_all(tracer: Any) -> Iterator[Any]:
    """Spans that are begun in each way."""
    yield tracer.start_span("plain", attributes=ODD_PAIRS, links=[Link(OUTSIDE, ODD_PAIRS)])
    yield tracer.start_span("timed", start_time=SECRET, attributes=SECRET)
    yield tracer.start_span("linked", links=[Link(OUTSIDE, {"k": SECRET * 5000})])
    for context in (NO_IDS, SpanContext(1, 2, True, TraceFlags(1), State([("a", "1")]))):
        yield tracer.start_span("child", set_span_in_context(NonRecordingSpan(context)))
    yield tracer.start_span("carrying", baggage.set_baggage("b", SECRET, Context()))
    for error in (ValueError, Failure, Misplaced):
        with suppress(error), tracer.start_as_current_span("left") as span:
            yield span
            raise error(SECRET)


def misuse(telemetry: Telemetry) -> list[Any]:
    """Drives every path on which something is wrong; returns what can be shown."""
    provider: Any = telemetry.tracer_provider
    made = [telemetry, telemetry.config, provider]
    for name in ("", "tracer"):
        tracer = provider.get_tracer(name, attributes=OF_SCOPE)
        made += [tracer, tracer.start_as_current_span("manager", attributes={"k": SECRET})]
        for span in start_all(tracer):
            made.append(span)
            for _ in range(2):  # then it has ended
                for use in USES:
                    use(span)
    return made


def check(caplog: pytest.LogCaptureFixture) -> None:
    for record in caplog.records:
        said = logging.Formatter("%(name)s %(message)s %(args)r").format(record)
        assert SECRET not in said, record.msg


@pytest.mark.parametrize("where", ["nobody", "a receiver that refuses"])
def test_no_line_of_the_log_and_no_repr_shows_a_value(
    start: Start, where: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    ids = Ids()
    with Receiver(default=answer(400, b"no " + SECRET.encode())) as receiver:
        port = 9 if where == "nobody" else receiver.port
        telemetry = start(
            f"http://user:{SECRET}@127.0.0.1:{port}/{'' if where == 'nobody' else 'x'}?key={SECRET}",
            {
                "OTEL_EXPORTER_OTLP_HEADERS": f"one={SECRET},{SECRET},a b={SECRET},two=%0A{SECRET}",
                "OTEL_RESOURCE_ATTRIBUTES": f"a=1,{SECRET},={SECRET}",
            },
            headers={"key": SECRET},
            region_size="64KiB",
            resource_attributes=FEW,
            span_processors=[Processor(), SimpleSpanProcessor(Exporter())],
            id_generator=ids,
        )
        made = misuse(telemetry)
        ids.trace_id = SECRET
        made.append(telemetry.tracer_provider.get_tracer("t").start_span("of no id"))
        telemetry.force_flush(5)
        made.append(telemetry.stats())
        telemetry.shutdown(5)
        made += [*misuse(telemetry), telemetry.stats()]  # after the end of all
    assert len({record.msg for record in caplog.records}) >= 22  # sentences, of which each has been spoken
    outcome = "failed: " if where == "nobody" else "refused "
    assert [outcome in message for message in caplog.messages if "http://***@127.0.0.1" in message][:1] == [
        True
    ]
    check(caplog)
    assert [type(each) for each in made if SECRET in repr(each) + str(each)] == []


def test_no_repr_of_a_span_that_is_not_recorded_shows_a_value(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    for settings in ({"sampler": ALWAYS_OFF}, {"disabled": True}):
        telemetry = start("http://127.0.0.1:9", **settings)
        assert [each for each in misuse(telemetry) if SECRET in repr(each)] == []
    check(caplog)


@pytest.mark.parametrize(
    "arguments",
    [
        {"headers": {"x": f"{SECRET}\r\n"}},
        {"headers": {f"{SECRET} x": SECRET}},
        {"headers": SECRET},
        {"resource_attributes": {"": SECRET}},
        {"resource_attributes": SECRET},
        {"resource_attributes": [(SECRET, SECRET)]},
        {"endpoint": f"gopher://user:{SECRET}@host/?{SECRET}"},
    ],
    ids=str,
)
def test_no_error_of_a_setting_shows_a_value(arguments: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=": expected ") as caught:
        load(arguments, {})
    assert SECRET not in str(caught.value)


def test_no_difference_of_settings_shows_a_value() -> None:
    for name, before, now in (
        ("headers", {"x": SECRET}, {"x": "other"}),
        ("resource_attributes", {"x": SECRET}, {"x": "other"}),
        ("endpoint", f"http://user:{SECRET}@host", "http://host"),
    ):
        with pytest.raises(ConfigurationError, match=name) as caught:
            refuse_difference(load({name: before}, {}), load({name: now}, {}), {name: now})
        assert SECRET not in str(caught.value)
