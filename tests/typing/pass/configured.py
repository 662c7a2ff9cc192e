"""What the documents show, and every kind of argument that configure() takes."""

from __future__ import annotations

from opentelemetry.trace import SpanKind, Status, StatusCode, set_tracer_provider

import otlp_lite
from otlp_lite import SpanLimits, Telemetry
from otlp_lite.traces.processor import SpanProcessor
from otlp_lite.traces.sampling import TraceIdRatioBased


def configured() -> Telemetry:
    return otlp_lite.configure(
        service_name="shop",
        endpoint="http://localhost:4318",
        headers={"authorization": "secret"},
        sampler=TraceIdRatioBased(0.1),
        region_size="8MiB",
        on_full="drop",
        resource_attributes={"deployment.environment.name": "test", "rack": 4},
        limits=SpanLimits(max_events=16),
        timeout=2,
        span_processors=[SpanProcessor()],
    )


def traced(telemetry: Telemetry) -> bool:
    set_tracer_provider(telemetry.tracer_provider)
    tracer = otlp_lite.get_tracer("shop", "1.0", attributes={"team": "cart"})
    with telemetry, tracer.start_as_current_span("checkout", kind=SpanKind.SERVER) as span:
        span.set_attribute("items", [1, 2, 3])
        span.set_attributes({"total": 9.5, "paid": True, "note": None, "raw": b"\x00"})
        span.add_event("packed", {"box": "small"}, timestamp=1)
        span.set_status(Status(StatusCode.ERROR, "no stock"))
        span.record_exception(ValueError("no stock"))
    return telemetry.force_flush(1) and otlp_lite.force_flush() and telemetry.shutdown(timeout=0.5)
