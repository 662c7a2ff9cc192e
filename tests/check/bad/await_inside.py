"""Awaits while a span is current by hand, and nothing takes that back when they are cancelled."""

from app import items, work
from opentelemetry import context, trace
from opentelemetry.context import attach as make_current

from otlp_lite import SpanBuilder

tracer = trace.get_tracer(__name__)


async def straight(span: trace.Span):
    token = context.attach(trace.set_span_in_context(span))
    await work()  # bad: OTL008
    context.detach(token)


class Service:
    async def method(self, span: trace.Span):
        token = make_current(trace.set_span_in_context(span))
        await self.call()  # bad: OTL008
        context.detach(token)


def outer():
    async def nested(span: trace.Span):
        token = context.attach(trace.set_span_in_context(span))
        await work()  # bad: OTL008
        context.detach(token)

    return nested


async def in_a_loop(span: trace.Span):
    for _ in items:
        token = context.attach(trace.set_span_in_context(span))
        await work()  # bad: OTL008
        context.detach(token)


async def an_async_loop(span: trace.Span):
    token = context.attach(trace.set_span_in_context(span))
    async for item in work():  # bad: OTL008
        span.add_event(item)
    context.detach(token)


async def an_async_block(span: trace.Span):
    token = context.attach(trace.set_span_in_context(span))
    async with work():  # bad: OTL008
        span.add_event("in")
    context.detach(token)


async def caught_but_for_the_cancellation(span: trace.Span):
    token = context.attach(trace.set_span_in_context(span))
    try:
        await work()  # bad: OTL008
    except Exception:
        context.detach(token)
        raise
    context.detach(token)


async def before_the_finally(span: trace.Span):
    token = context.attach(trace.set_span_in_context(span))
    await work()  # bad: OTL008
    try:
        await work()
    finally:
        context.detach(token)


async def in_a_case(command, span: trace.Span):
    token = context.attach(trace.set_span_in_context(span))
    match command:
        case "go":
            await work()  # bad: OTL008
    context.detach(token)


async def before_the_early_return(span: trace.Span):
    token = context.attach(trace.set_span_in_context(span))
    if items:
        result = await work()  # bad: OTL008
        context.detach(token)
        return result
    context.detach(token)


async def by_walrus(span: trace.Span):
    token = context.attach(trace.set_span_in_context(span))
    if result := await work():  # bad: OTL008
        span.set_attribute("result", result)
    context.detach(token)


async def entered_by_hand():
    manager = tracer.start_as_current_span("a")  # bad: OTL004
    span = manager.__enter__()
    span.set_attribute("result", await work())  # bad: OTL008
    manager.__exit__(None, None, None)


async def of_a_builder():
    with SpanBuilder("a").start() as live:
        manager = live.current()
        manager.__enter__()
        await work()  # bad: OTL008
        manager.__exit__(None, None, None)
