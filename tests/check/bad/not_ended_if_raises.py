"""Spans that are ended, but not when something between raises."""

from asyncio import CancelledError

from app import items, work
from opentelemetry import trace

from otlp_lite import SpanBuilder

tracer = trace.get_tracer(__name__)


def straight():
    span = tracer.start_span("a")  # bad: OTL004
    work()
    span.end()


async def in_a_coroutine():
    span = tracer.start_span("a")  # bad: OTL004
    result = await work()
    span.end()
    return result


async def when_it_is_cancelled():
    span = tracer.start_span("a")  # bad: OTL004
    try:
        await work()
    except Exception as error:
        span.record_exception(error)
        span.end()
        raise
    span.end()


class Service:
    def __init__(self, tracer: trace.Tracer):
        self.tracer = tracer

    def method(self):
        span = self.tracer.start_span("a")  # bad: OTL004
        work(self)
        span.end()

    async def method_that_awaits(self):
        span = self.tracer.start_span("a")  # bad: OTL004
        async for item in work():
            span.add_event(item)
        span.end()


def outer():
    def nested():
        span = tracer.start_span("a")  # bad: OTL004
        nested()
        span.end()

    return nested


def in_a_loop():
    for item in items:
        span = tracer.start_span("a")  # bad: OTL004
        work(item)
        span.end()


def handled_in_part():
    span = tracer.start_span("a")  # bad: OTL004
    try:
        work()
    except ValueError:
        span.end()
        return
    span.end()


def before_the_finally():
    span = tracer.start_span("a")  # bad: OTL004
    extra = work()
    try:
        work(extra)
    finally:
        span.end()


def within_another_block():
    with open("file") as file:
        span = tracer.start_span("a")  # bad: OTL004
        work(file)
        span.end()


def within_use_span():
    span = tracer.start_span("a")  # bad: OTL004
    with trace.use_span(span):
        work()
    span.end()


def in_a_case(command):
    span = tracer.start_span("a")  # bad: OTL004
    match command:
        case "go":
            work()
    span.end()


def before_the_early_return(ready):
    span = tracer.start_span("a")  # bad: OTL004
    if not ready:
        work()
        span.end()
        return
    span.end()


def by_walrus():
    if (span := tracer.start_span("a")).is_recording():  # bad: OTL004
        span.set_attribute("size", work())
    span.end()


def a_generator():
    span = tracer.start_span("a")  # bad: OTL004
    yield 1
    span.end()


def of_a_builder():
    live = SpanBuilder("a").start()  # bad: OTL004
    work()
    live.end()


async def cancelled_where_only_a_close_is_handled():
    span = tracer.start_span("a")  # bad: OTL004
    try:
        await items()
    except (Exception, GeneratorExit):
        span.end()
        raise
    span.end()


def closed_where_only_a_cancellation_is_handled():
    span = tracer.start_span("a")  # bad: OTL004
    try:
        yield 1
    except (Exception, CancelledError):
        span.end()
        raise
    span.end()


def at_an_assertion(ready):
    span = tracer.start_span("a")  # bad: OTL004
    assert ready
    span.end()


def at_an_import():
    span = tracer.start_span("a")  # bad: OTL004
    import late
    span.end()


async def as_a_block_is_entered(lock):
    span = tracer.start_span("a")  # bad: OTL004
    async with lock:
        span.end()


async def as_a_block_is_left(lock):
    async with lock:
        span = tracer.start_span("a")  # bad: OTL004
    span.end()
