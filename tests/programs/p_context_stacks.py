"""Spans as parts of contextlib's stacks, wrappers and suppressors."""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack, ExitStack, contextmanager, nullcontext, suppress

from opentelemetry import trace

tracer = trace.get_tracer("stacks")


@contextmanager
def wrapped(name: str) -> Iterator[trace.Span]:
    with tracer.start_as_current_span(f"{name} wrapper"), tracer.start_as_current_span(name) as span:
        yield span


with ExitStack() as stack:
    for name in ("a", "b", "c"):
        stack.enter_context(tracer.start_as_current_span(name))
    stack.callback(lambda: tracer.start_span("in a callback").end())
with ExitStack() as stack:
    stack.enter_context(tracer.start_as_current_span("moved"))
    later = stack.pop_all()
tracer.start_span("below the moved one").end()
later.close()
with suppress(ValueError), wrapped("suppressed"):
    raise ValueError("suppressed")
with tracer.start_as_current_span("suppresses"), suppress(ValueError):
    raise ValueError("unseen")
with (
    nullcontext(),
    tracer.start_as_current_span("first") as first,
    tracer.start_as_current_span("second") as second,
):
    first.add_event("both open")
    second.add_event("both open")


async def main() -> None:
    async with AsyncExitStack() as stack:
        stack.enter_context(wrapped("async stack"))
        await asyncio.sleep(0)
        stack.push_async_callback(asyncio.sleep, 0)


asyncio.run(main())
never_entered = tracer.start_as_current_span("never entered")
