"""The kind of a span is a SpanKind."""

from __future__ import annotations

from opentelemetry.trace import SpanKind

import otlp_lite

tracer = otlp_lite.get_tracer("shop")
tracer.start_span("a", kind=SpanKind.SERVER)
tracer.start_span("a", kind="server")  # fails: arg-type, reportArgumentType
