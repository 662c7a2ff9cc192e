"""Where spans go by OTEL_TRACES_EXPORTER and OTEL_EXPORTER_OTLP_PROTOCOL."""

from __future__ import annotations

from child import CRASH, run, well
from scripted import Receiver

PROGRAM = """
    import otlp_lite

    class Seen:
        names = []
        def on_start(self, span, parent_context=None): pass
        def on_end(self, span): self.names.append(span.name)
        def shutdown(self): self.names.append("shut down")
        def force_flush(self, timeout_millis=30000): return True

    telemetry = otlp_lite.configure(span_processors=[Seen()])
    for again in range(2):
        with otlp_lite.span("a"):
            otlp_lite.get_tracer("t").start_span("b").end()
        assert telemetry.force_flush() is True
        assert telemetry.shutdown() is True
        otlp_lite.get_tracer("t").start_span("late").end()
        traces = telemetry.stats().traces
        print(Seen.names, traces.recorded, traces.exported, dict(traces.dropped), traces.pending)
        otlp_lite.configure(span_processors=telemetry.config.span_processors)
"""


def test_none_is_for_the_processors_alone() -> None:
    with Receiver() as receiver:
        out = well(PROGRAM, receiver, {"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"})
        assert not receiver.connections
    assert out.splitlines() == [
        "['b', 'a', 'shut down'] 0 0 {} 0",
        "['b', 'a', 'shut down', 'b', 'a', 'shut down'] 0 0 {} 0",
    ]


def test_otlp_sends() -> None:
    with Receiver() as receiver:
        out = well(PROGRAM, receiver, {"OTEL_TRACES_EXPORTER": "otlp"})
        assert sorted(receiver.names()) == ["a", "a", "b", "b"]
    assert out.splitlines()[0] == "['b', 'a', 'shut down'] 3 2 {'shutdown': 1} 0"


def test_another_protocol_is_one_error_and_every_span_is_counted() -> None:
    for protocol in ("grpc", "http/json"):
        with Receiver() as receiver:
            ended = run(PROGRAM, receiver, {"OTEL_EXPORTER_OTLP_PROTOCOL": protocol})
            assert not receiver.connections
        assert ended.status == 0 and not any(word in ended.err for word in CRASH), ended
        assert ended.out.splitlines()[0].endswith("3 0 {'shutdown': 1, 'unsupported_protocol': 2} 0")
        said = [line for line in ended.err.splitlines() if "PROTOCOL" in line]
        assert len(said) == 3, ended.err  # configured three times
        assert all(
            f"OTEL_EXPORTER_OTLP_PROTOCOL={protocol}" in line and "http/protobuf" in line for line in said
        )
