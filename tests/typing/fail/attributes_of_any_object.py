"""The values of attributes are what OTLP can hold, not any object."""

from __future__ import annotations

import otlp_lite

with otlp_lite.get_tracer("shop").start_as_current_span("a") as span:
    span.add_event("kept", {"a": 1})
    span.add_event("lost", {"a": object()})  # fails: dict-item, reportArgumentType
