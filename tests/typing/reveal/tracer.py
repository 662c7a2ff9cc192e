"""Our tracers and spans have the API's own types."""

from __future__ import annotations

from opentelemetry.trace import Span, SpanContext, Tracer, TracerProvider
from typing_extensions import assert_type

import otlp_lite

tracer = otlp_lite.get_tracer("shop")
api: Tracer = tracer
assert_type(tracer, otlp_lite.Tracer)
assert_type(tracer.start_span("a"), Span)
with tracer.start_as_current_span("b") as current:
    assert_type(current, Span)
    assert_type(current.get_span_context(), SpanContext)
with otlp_lite.configure() as telemetry:
    assert_type(telemetry, otlp_lite.Telemetry)
    assert_type(telemetry.tracer_provider, TracerProvider)
