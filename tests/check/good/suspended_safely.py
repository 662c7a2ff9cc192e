"""Look-alikes of yield_inside.py and await_inside.py: nothing is current then, or it is taken back."""

from contextlib import ExitStack, asynccontextmanager, contextmanager
from functools import wraps

import pytest
from app import items, work
from opentelemetry import context, trace
from opentelemetry.context import attach, detach
from opentelemetry.trace import set_span_in_context, use_span

import otlp_lite
from otlp_lite import SpanBuilder

tracer = trace.get_tracer(__name__)


# ---- Yields ----


def before_and_after():
    yield 0
    with tracer.start_as_current_span("a"):
        work()
    yield 1


def anew_for_each_item():
    for item in items:
        with tracer.start_as_current_span("a"):
            result = work(item)
        yield result


async def in_an_async_generator():
    async for item in work():
        with tracer.start_as_current_span("a"):
            result = await work(item)
        yield result


def of_a_span_that_is_not_current():
    with tracer.start_span("a") as span:
        for item in items:
            span.add_event(item)
            yield item


def of_a_leaf():
    with otlp_lite.get_tracer("x").leaf("a"):
        yield 1


@contextmanager
def a_context_manager():
    with tracer.start_as_current_span("a") as span:
        yield span


@asynccontextmanager
async def an_async_context_manager():
    with tracer.start_as_current_span("a") as span:
        yield span


def made_a_context_manager_later():
    with tracer.start_as_current_span("a"):
        yield


later = contextmanager(made_a_context_manager_later)


@pytest.fixture
def a_fixture():
    with tracer.start_as_current_span("a") as span:
        yield span


@otlp_lite.traced
def traced():
    with tracer.start_as_current_span("a"):
        yield 1


@otlp_lite.traced("name", leaf=False)
async def traced_by_name():
    with tracer.start_as_current_span("a"):
        yield 1


class Service:
    tracer = trace.get_tracer("service")

    def method(self):
        with self.tracer.start_as_current_span("a"):
            found = list(items)
        yield from found

    @contextmanager
    def method_as_manager(self):
        with self.tracer.start_as_current_span("a"):
            yield


def outer():
    with tracer.start_as_current_span("a"):

        def nested():
            yield 1

        return list(nested())


def a_generator_expression():
    with tracer.start_as_current_span("a"):
        return [item for item in items]


def a_lambda_that_yields():
    with tracer.start_as_current_span("a"):
        return list((lambda: (yield 1))())


def attached_between_yields(span: trace.Span):
    yield 0
    token = attach(set_span_in_context(span))
    try:
        work()
    finally:
        detach(token)
    yield 1


def another_context_attached(ctx):
    token = attach(ctx)
    try:
        yield 1
    finally:
        detach(token)


def entered_by_hand_and_left():
    manager = tracer.start_as_current_span("a")
    manager.__enter__()
    manager.__exit__(None, None, None)
    yield 1


def kept_by_a_span_of_a_builder():
    with SpanBuilder("a").start() as live:
        yield live


def in_a_case(command):
    match command:
        case "go":
            with tracer.start_as_current_span("a"):
                result = work()
            yield result


def past_the_early_return():
    with tracer.start_as_current_span("a"):
        if not items:
            return
        result = work()
    yield result


def by_walrus():
    with tracer.start_as_current_span("a"):
        found = list(items)
    while item := (yield):
        work(item, found)


# ---- Awaits ----


async def under_a_block():
    with tracer.start_as_current_span("a"):
        await work()


async def under_use_span(span):
    with use_span(span, end_on_exit=True):
        async for item in work():
            span.add_event(item)


async def attached_with_a_finally(span: trace.Span):
    token = context.attach(trace.set_span_in_context(span))
    try:
        await work()
    finally:
        context.detach(token)


async def attached_with_a_handler_for_all(span: trace.Span):
    token = context.attach(trace.set_span_in_context(span))
    try:
        result = await work()
    except BaseException:
        context.detach(token)
        raise
    context.detach(token)
    return result


async def attached_around_no_await(span: trace.Span):
    token = context.attach(trace.set_span_in_context(span))
    try:
        found = items.copy()
    finally:
        context.detach(token)
    return await work(found)


async def attached_within_a_block(span: trace.Span):
    with tracer.start_as_current_span("a") as inner:
        token = context.attach(trace.set_span_in_context(inner))
        await work(span)
        context.detach(token)


async def attached_within_one_attached_before(span: trace.Span):
    outside = context.attach(trace.set_span_in_context(span))
    try:
        token = context.attach(trace.set_span_in_context(span))
        await work()
        context.detach(token)
    finally:
        context.detach(outside)


async def attached_for_the_whole_task(span: trace.Span):
    context.attach(trace.set_span_in_context(span))
    await work()


async def attached_and_kept(span: trace.Span, session):
    session.token = context.attach(trace.set_span_in_context(span))
    await work()


class Handler:
    async def method(self, span: trace.Span):
        token = context.attach(trace.set_span_in_context(span))
        try:
            if not self.ready:
                return None
            return await work()
        finally:
            context.detach(token)


def around(function):
    @wraps(function)
    async def nested(span: trace.Span):
        token = context.attach(trace.set_span_in_context(span))
        try:
            return await function()
        finally:
            context.detach(token)

    return nested


async def in_a_loop(span: trace.Span):
    for _ in items:
        token = context.attach(trace.set_span_in_context(span))
        try:
            await work()
        finally:
            context.detach(token)


async def entered_by_hand_with_a_finally():
    manager = tracer.start_as_current_span("a")
    manager.__enter__()
    try:
        await work()
    finally:
        manager.__exit__(None, None, None)


async def of_a_builder():
    with SpanBuilder("a").start() as live, live.current():
        await work()


def on_a_stack_that_is_left():
    with ExitStack() as stack:
        stack.enter_context(tracer.start_as_current_span("a"))
        result = work()
    yield result


def on_a_stack_of_spans_that_are_not_current():
    with ExitStack() as stack:
        span = stack.enter_context(tracer.start_span("a"))
        yield span


async def awaited_on_a_stack():
    with ExitStack() as stack:
        stack.enter_context(tracer.start_as_current_span("a"))
        await work()


async def awaited_on_a_stack_that_is_given(stack):
    stack.enter_context(tracer.start_as_current_span("a"))
    await work()


def yielded_on_a_stack_that_is_given(stack):
    stack.enter_context(tracer.start_as_current_span("a"))
    yield 1


def on_another_stack_of_the_name(given):
    with ExitStack() as stack:
        stack.callback(work)
    stack = given
    stack.enter_context(tracer.start_as_current_span("a"))
    yield 1


def on_what_is_no_stack(pool):
    with pool.lease() as stack:
        stack.enter_context(tracer.start_as_current_span("a"))
        yield 1


def detached_by_keyword(span: trace.Span):
    token = attach(set_span_in_context(span))
    try:
        work()
    finally:
        detach(token=token)
    yield 1
