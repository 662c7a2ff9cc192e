"""An attribute's value is what OTLP can hold, not any object."""

from __future__ import annotations

import otlp_lite

with otlp_lite.get_tracer("shop").start_as_current_span("a") as span:
    span.set_attribute("kept", "text")
    span.set_attribute("lost", object())  # fails: arg-type, reportArgumentType
