"""Python span processors and exporters, ours and the stock SDK's, over our spans."""

from __future__ import annotations

import gc
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from child import python
from clock import Clock
from opentelemetry.context import Context
from opentelemetry.sdk.trace.export import SimpleSpanProcessor as StockSimple
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import otlp_lite
from otlp_lite.assemble import build
from otlp_lite.config import load
from otlp_lite.export.memory import Memory
from otlp_lite.testing import collect
from otlp_lite.traces.processor import BatchSpanProcessor, SimpleSpanProcessor, SpanProcessor


class Keeping:
    """An exporter as a user would write it."""

    def __init__(self, delay: float = 0.0) -> None:
        self.batches: list[list[str]] = []
        self.closed = 0
        self._delay = delay

    def export(self, spans: Sequence[Any]) -> None:
        time.sleep(self._delay)
        self.batches.append([span.name for span in spans])

    def shutdown(self) -> None:
        self.closed += 1


def traced(processor: object, names: list[str]) -> otlp_lite.Telemetry:
    telemetry = build(
        load({"span_processors": [processor], "sampler": "always_on"}, {}), lambda config: Memory()
    )
    for name in names:
        telemetry.tracer_provider.get_tracer("t").start_span(name).end()
    return telemetry


@pytest.mark.parametrize("kind", [SimpleSpanProcessor, StockSimple])
@pytest.mark.parametrize("exporter", [Keeping, InMemorySpanExporter])
def test_simple_processors_of_either_make(kind: Callable[[Any], object], exporter: Any) -> None:
    kept = exporter()
    telemetry = traced(kind(kept), ["a", "b"])
    if exporter is Keeping:
        assert kept.batches == [["a"], ["b"]]
    else:
        assert [span.name for span in kept.get_finished_spans()] == ["a", "b"]
        assert kept.get_finished_spans()[0].resource.attributes["telemetry.sdk.name"] == "otlp_lite"
    assert telemetry.shutdown(1)
    assert telemetry.stats().traces.exported == 2


def test_a_processor_sees_start_ending_and_end_and_may_raise() -> None:
    seen = []

    class Hooks(SpanProcessor):
        def on_start(self, span: Any, parent_context: Context | None = None) -> None:
            seen.append(("start", span.name, span.is_recording()))
            span.set_attribute("by", "hook")

        def on_end(self, span: Any) -> None:
            seen.append(("end", span.attributes["by"], span.is_recording()))
            raise RuntimeError("of the user's")

    telemetry = traced(Hooks(), ["a"])
    assert seen == [("start", "a", True), ("end", "hook", False)]
    assert telemetry.shutdown(1)


def test_the_batch_processor_batches_flushes_and_drops_the_oldest() -> None:
    exporter = Keeping()
    processor = BatchSpanProcessor(
        exporter, max_queue_size=1000, schedule_delay_millis=60_000, max_export_batch_size=10
    )
    telemetry = traced(processor, [f"s{i}" for i in range(25)])
    assert processor.force_flush(5000)
    assert [name for batch in exporter.batches for name in batch] == [f"s{i}" for i in range(25)]
    assert max(map(len, exporter.batches)) == 10 and processor.dropped == 0
    assert telemetry.shutdown(1) and exporter.closed == 1
    telemetry.tracer_provider.get_tracer("t").start_span("late").end()
    assert sum(map(len, exporter.batches)) == 25

    slow = Keeping(delay=0.3)
    processor = BatchSpanProcessor(
        slow, max_queue_size=4, schedule_delay_millis=60_000, max_export_batch_size=4
    )
    traced(processor, [f"s{i}" for i in range(50)])
    clock = Clock()
    assert processor.force_flush(50) is False and clock.own() < 0.25
    assert processor.force_flush(5000) is True
    names = [name for batch in slow.batches for name in batch]
    assert len(names) + processor.dropped == 50 and names[-4:] == ["s46", "s47", "s48", "s49"]


def test_processors_work_without_the_stock_sdk() -> None:
    python(
        """
        import sys
        class Absent:
            def find_spec(self, name, path=None, target=None):
                if name.startswith(("opentelemetry.sdk", "opentelemetry.proto", "google")):
                    raise ImportError(name)
        sys.meta_path.insert(0, Absent())
        import otlp_lite
        from otlp_lite.traces.processor import SimpleSpanProcessor
        names = []
        class Exporter:
            def export(self, spans): names.extend((s.name, s.instrumentation_scope.name) for s in spans)
            def shutdown(self): names.append("shutdown")
        otlp_lite.configure(endpoint="http://127.0.0.1:1", span_processors=[SimpleSpanProcessor(Exporter())])
        with otlp_lite.get_tracer("t").start_as_current_span("a"):
            pass
        otlp_lite.shutdown(0.5)
        assert names == [("a", "t"), "shutdown"], names
        """
    )


def test_one_that_is_added_after_a_shutdown_sees_what_follows_a_restart() -> None:
    seen = []

    class Seeing:
        def on_end(self, span: Any) -> None:
            seen.append((self, span.name))

    telemetry = build(load({}, {}), lambda _: Memory())
    provider: Any = telemetry.tracer_provider
    one, other = Seeing(), Seeing()
    provider.add_span_processor(one)
    assert telemetry.shutdown(float("inf"))
    provider.add_span_processor(other)
    telemetry._restart()
    provider.get_tracer("t").start_span("again").end()
    assert seen == [(one, "again"), (other, "again")]


def test_the_longest_shutdown_there_is_ends_a_batch_processor() -> None:
    exporter = InMemorySpanExporter()
    processor = BatchSpanProcessor(exporter)
    telemetry = build(load({"span_processors": [processor]}, {}), lambda _: Memory())
    telemetry.tracer_provider.get_tracer("t").start_span("s").end()
    assert telemetry.shutdown(float("inf"))
    assert [span.name for span in exporter.get_finished_spans()] == ["s"]


@pytest.mark.parametrize(("slow", "said"), [(False, False), (True, True)])
def test_a_shutdown_says_what_a_batch_processor_kept(
    slow: bool, said: bool, caplog: pytest.LogCaptureFixture
) -> None:
    class Exporter(InMemorySpanExporter):
        def export(self, spans: Any) -> Any:
            time.sleep(0.5 if slow else 0)
            return super().export(spans)

    processor = BatchSpanProcessor(Exporter(), max_export_batch_size=1)
    telemetry = build(load({"span_processors": [processor]}, {}), lambda _: Memory())
    for _ in range(3):
        telemetry.tracer_provider.get_tracer("t").start_span("s").end()
    telemetry.shutdown(0.1 if slow else 5)
    assert ("spans were not exported before the shutdown" in caplog.text) is said


@pytest.mark.parametrize("built", [False, True])
def test_a_provider_that_nobody_shut_down_is_freed_with_the_spans_its_exporter_keeps(built: bool) -> None:
    freed = []
    for _ in range(5):
        exporter = InMemorySpanExporter()
        telemetry = build(load({"span_processors": [SimpleSpanProcessor(exporter)]}, {}), lambda _: Memory())
        tracer = telemetry.tracer_provider.get_tracer("kept")
        if built:
            otlp_lite.SpanBuilder("kept", tracer=tracer).with_attribute("a", 1).start().end()
        else:
            tracer.start_span("kept", attributes={"a": 1}).end()
        (span,) = exporter.get_finished_spans()
        assert span.attributes == {"a": 1} and span.resource.attributes["telemetry.sdk.name"] == "otlp_lite"
        assert span.end_time is not None
        freed.append(weakref.ref(exporter))
    del exporter, telemetry, tracer, span
    gc.collect()
    assert [each() for each in freed] == [None] * 5


@pytest.mark.parametrize("within", ["_on_ending", "on_end"])
def test_a_signal_that_raises_within_a_processor_leaves_no_provider_behind(within: str) -> None:
    """The span is ended and recorded; and who keeps it keeps nothing else."""

    class Interrupted(SpanProcessor):
        def __init__(self) -> None:
            self.kept: list[Any] = []

        def on_start(self, span: Any, parent_context: Context | None = None) -> None:
            self.kept.append(span)

        def _on_ending(self, span: Any) -> None:
            if within == "_on_ending":
                raise KeyboardInterrupt

        def on_end(self, span: Any) -> None:
            if within == "on_end":
                raise KeyboardInterrupt

    freed = []
    for _ in range(3):
        processor = Interrupted()
        telemetry = build(load({"span_processors": [processor]}, {}), lambda _: Memory())
        span = telemetry.tracer_provider.get_tracer("kept").start_span("kept")
        with pytest.raises(KeyboardInterrupt):
            span.end()
        assert telemetry.stats().traces.recorded == 1 and not span.is_recording()
        telemetry.shutdown()
        freed.append(weakref.ref(processor))
    del processor, telemetry, span
    gc.collect()
    assert [each() for each in freed] == [None] * 3


def test_after_its_shutdown_a_processor_exports_nothing_until_it_is_opened_again() -> None:
    class Exporter(InMemorySpanExporter):
        def shutdown(self) -> None:
            """It would refuse by itself."""

    exporter = Exporter()
    processor = SimpleSpanProcessor(exporter)
    with collect() as collected:
        tracer = collected.tracer_provider.get_tracer("t")
        for name in ("open", "shut", "opened again"):
            with tracer.start_as_current_span(name) as span:
                pass
            processor.on_end(span)
            if name == "open":
                processor.shutdown()
            else:
                processor.reopen()
    assert [span.name for span in exporter.get_finished_spans()] == ["open", "opened again"]


def test_a_shutdown_without_time_waits_for_no_exporter() -> None:
    over = threading.Event()

    class Exporter(InMemorySpanExporter):
        def export(self, spans: Any) -> Any:
            over.wait(30)
            return super().export(spans)

    processor = BatchSpanProcessor(Exporter(), max_export_batch_size=1)
    telemetry = build(load({"span_processors": [processor]}, {}), lambda _: Memory())
    telemetry.tracer_provider.get_tracer("t").start_span("s").end()
    try:
        clock = Clock()
        assert [processor.shutdown_within(seconds) for seconds in (0, -1, 0)] == [False] * 3
        assert clock.own() < 1.5
    finally:
        over.set()
