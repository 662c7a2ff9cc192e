"""start_as_current_span() gives a context manager; the span is what it enters."""

from __future__ import annotations

import otlp_lite

tracer = otlp_lite.get_tracer("shop")
tracer.start_as_current_span("a")
tracer.start_as_current_span("a").set_attribute("b", 1)  # fails: attr-defined, reportAttributeAccessIssue
