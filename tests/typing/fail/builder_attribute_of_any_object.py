"""What a builder and its span take is what OTLP can hold, not any object."""

from __future__ import annotations

from otlp_lite import SpanBuilder

builder = SpanBuilder("a").with_attribute("kept", [1, 2])
builder.with_attribute("lost", object())  # fails: arg-type, reportArgumentType
builder.with_attributes({"lost": object()})  # fails: dict-item, reportArgumentType
live = builder.start()
live.set_attribute("lost", object())  # fails: arg-type, reportArgumentType
live.event("lost", {"a": object()})  # fails: dict-item, reportArgumentType
