"""Spans ended twice, never, in another thread, and used after their end."""

import threading

from opentelemetry import trace
from opentelemetry.trace import StatusCode

tracer = trace.get_tracer("ends")

twice = tracer.start_span("twice")
twice.end(1_700_000_000_000_000_000)
twice.end(1_800_000_000_000_000_000)
twice.end()
with tracer.start_as_current_span("ended inside") as inside:
    inside.end()
    print(inside.is_recording())
    with tracer.start_as_current_span("child of the ended"):
        pass
never = tracer.start_span("never")
with trace.use_span(never), tracer.start_as_current_span("child of the never ended"):
    tracer.start_span("grandchild").end()
with trace.use_span(never), tracer.start_as_current_span("second child of the never ended"):
    pass
after = tracer.start_span("used after its end", attributes={"before": 1})
after.end()
after.set_attribute("after", 1)
after.set_attributes({"after": 2})
after.add_event("after")
after.add_link(twice.get_span_context())
after.update_name("renamed")
after.set_status(StatusCode.ERROR, "after")
after.record_exception(ValueError("after"))
print(after.is_recording(), after.get_span_context().is_valid)
elsewhere = tracer.start_span("ended in a thread")
thread = threading.Thread(target=elsewhere.end)
thread.start()
thread.join()
with tracer.start_span("as its own context manager") as own:
    print(trace.get_current_span() is own)
    own.end()
dropped = tracer.start_span("dropped")
del dropped
