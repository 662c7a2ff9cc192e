# late
"""A tracer taken before there is a provider records once there is one, its decorators too."""

import asyncio

from opentelemetry import trace

tracer = trace.get_tracer("early", "1", schema_url="https://example.org/early", attributes={"early": True})
before = tracer.start_span("lost")
before.end()
print(before.is_recording(), before.get_span_context().is_valid)
with tracer.start_as_current_span("lost too") as lost:
    print(lost.is_recording())


@tracer.start_as_current_span("decorated early")
def decorated() -> bool:
    return trace.get_current_span().is_recording()


@tracer.start_as_current_span("decorated early, async")
async def decorated_async() -> bool:
    await asyncio.sleep(0)
    return trace.get_current_span().is_recording()


def main() -> None:
    with tracer.start_as_current_span("recorded", attributes={"a": 1}) as span:
        print(span.is_recording(), decorated(), asyncio.run(decorated_async()))
        tracer.start_span("child", kind=trace.SpanKind.CLIENT).end()
    before.set_attribute("still", "silent")
    with trace.use_span(before):
        tracer.start_span("below a span from before").end()
    try:
        with tracer.start_as_current_span("fails", record_exception=False):
            raise ValueError("seen through the proxy")
    except ValueError as error:
        print(error)
