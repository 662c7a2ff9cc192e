"""A flush in the middle of a trace: what ended before goes out, what is open goes out later."""

from typing import Any

from opentelemetry import trace

tracer = trace.get_tracer("flush")
provider: Any = trace.get_tracer_provider()

with tracer.start_as_current_span("outer") as outer:
    with tracer.start_as_current_span("first"):
        pass
    print(provider.force_flush())
    outer.set_attribute("after the flush", True)
    with tracer.start_as_current_span("second"):
        pass
print(provider.force_flush())
with tracer.start_as_current_span("third"):
    pass
