"""Each way to give an attribute takes what OTLP can hold, not any object."""

from __future__ import annotations

import otlp_lite
from otlp_lite import span, traced

tracer = otlp_lite.get_tracer("shop")
tracer.leaf("kept", {"a": 1})
tracer.leaf("lost", {"a": object()})  # fails: dict-item, reportArgumentType
span("kept", {"a": 1}, b=2)
span("lost", {"a": object()})  # fails: dict-item, reportArgumentType
span("lost", a=object())  # fails: arg-type, reportArgumentType
traced("lost", attributes={"a": object()})  # fails: dict-item, reportArgumentType
tracer.start_span("lost", attributes={"a": object()})  # fails: dict-item, reportArgumentType
tracer.start_span("a").set_attribute("lost", object())  # fails: arg-type, reportArgumentType
