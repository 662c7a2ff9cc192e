"""Generators that yield while their span is current."""

from contextlib import ExitStack

from app import items, work
from opentelemetry import context, trace
from opentelemetry.context import attach, detach, set_value
from opentelemetry.trace import set_span_in_context, use_span

import otlp_lite

tracer = trace.get_tracer(__name__)


def straight():
    with tracer.start_as_current_span("a"):
        yield 1  # bad: OTL007


async def in_an_async_generator():
    with tracer.start_as_current_span("a"):
        yield await work()  # bad: OTL007


class Service:
    def __init__(self, tracer: trace.Tracer | None = None):
        self.tracer = tracer or trace.get_tracer("service")

    def method(self):
        with self.tracer.start_as_current_span("a"):
            yield from items  # bad: OTL007

    @classmethod
    async def method_of_a_class(cls):
        with otlp_lite.span("a"):
            async for item in work():
                yield item  # bad: OTL007


def outer():
    def nested():
        with tracer.start_as_current_span("a"):
            yield 1  # bad: OTL007

    return nested


def in_a_loop():
    with tracer.start_as_current_span("a") as span:
        for item in items:
            span.add_event(item)
            yield item  # bad: OTL007


def in_the_finally():
    with tracer.start_as_current_span("a"):
        try:
            work()
        finally:
            yield 1  # bad: OTL007


def within_more_blocks():
    with open("file") as file, tracer.start_as_current_span("a"), work():
        yield file  # bad: OTL007


def in_a_case(command):
    with tracer.start_as_current_span("a"):
        match command:
            case "go":
                yield 1  # bad: OTL007


def before_the_early_return():
    with tracer.start_as_current_span("a"):
        if items:
            yield 1  # bad: OTL007
            return
        work()


def by_walrus():
    with tracer.start_as_current_span("a"):
        while item := (yield):  # bad: OTL007
            work(item)


def in_an_expression():
    with tracer.start_as_current_span("a"):
        return [1, (yield 2)]  # bad: OTL007


def of_a_manager_with_a_name():
    manager = tracer.start_as_current_span("a")
    with manager:
        yield 1  # bad: OTL007


def of_use_span(span):
    with use_span(span, end_on_exit=True):
        yield 1  # bad: OTL007


def of_a_builder():
    with otlp_lite.SpanBuilder("a").start() as live, live.current():
        yield 1  # bad: OTL007


def attached_by_hand(span: trace.Span):
    token = context.attach(trace.set_span_in_context(span))
    try:
        yield 1  # bad: OTL007
    finally:
        context.detach(token)


async def attached_by_hand_in_an_async_generator(span: trace.Span):
    holding = set_span_in_context(span)
    token = attach(holding)
    try:
        yield 1  # bad: OTL007
    finally:
        detach(token)


def attached_and_left_so(span: trace.Span):
    attach(set_span_in_context(span))
    yield 1  # bad: OTL007


def entered_by_hand():
    manager = tracer.start_as_current_span("a")
    manager.__enter__()
    try:
        yield 1  # bad: OTL007
    finally:
        manager.__exit__(None, None, None)


@otlp_lite.traced(leaf=True)
def traced_as_a_leaf():
    with tracer.start_as_current_span("a"):
        yield 1  # bad: OTL007


def on_a_stack():
    with ExitStack() as stack:
        stack.enter_context(tracer.start_as_current_span("a"))
        yield 1  # bad: OTL007
    yield 2


def on_the_outer_of_two_stacks():
    with ExitStack() as outside, ExitStack() as inside:
        outside.enter_context(tracer.start_as_current_span("a"))
        inside.enter_context(open("file"))
        yield 1  # bad: OTL007


def attached_by_keywords(span: trace.Span):
    token = attach(context=set_span_in_context(span=span))
    try:
        yield 1  # bad: OTL007
    finally:
        detach(token=token)
    yield 2


def attached_as_a_value(span: trace.Span):
    token = attach(set_value("key", value=span))
    try:
        yield 1  # bad: OTL007
    finally:
        detach(token)


def the_outer_is_still_attached(span: trace.Span):
    outer = attach(set_span_in_context(span))
    inner = attach(set_span_in_context(span))
    detach(inner)
    try:
        yield 1  # bad: OTL007
    finally:
        detach(outer)


def told_of_once():
    with tracer.start_as_current_span("a"):
        yield 1  # bad: OTL007
        yield 2
