"""Spans that are used after their end."""

from app import log, work
from opentelemetry import trace
from opentelemetry.trace import Span, Tracer, get_current_span, use_span

import otlp_lite
from otlp_lite import SpanBuilder

tracer = trace.get_tracer(__name__)


def straight():
    span = tracer.start_span("a")
    span.end()
    span.set_attribute("late", 1)  # bad: OTL001


async def in_a_coroutine():
    span = tracer.start_span("a")
    try:
        await work()
    finally:
        span.end()
    span.add_event("late")  # bad: OTL001


class Service:
    def __init__(self, provider):
        self.tracer = trace.get_tracer("service", tracer_provider=provider)

    def method(self):
        span = self.tracer.start_span("a")
        span.end()
        if self.verbose:
            span.set_status(trace.StatusCode.OK)  # bad: OTL001

    async def method_that_awaits(self):
        with self.tracer.start_as_current_span("a") as span:
            await work()
        span.set_attributes({"late": 1})  # bad: OTL001


def outer(items):
    def nested():
        span = tracer.start_span("a")
        span.end()
        span.update_name("late")  # bad: OTL001

    return [nested for _ in items]


def in_a_loop(items):
    span = tracer.start_span("a")
    for item in items:
        span.add_event(item)  # bad: OTL001
        if item == "last":
            span.end()  # bad: OTL002
    if span.is_recording():
        span.end()


def ended_before_a_loop(items):
    span = tracer.start_span("a")
    span.end()
    while items:
        span.add_event(items.pop())  # bad: OTL001


def in_the_handler():
    span = tracer.start_span("a")
    try:
        span.end()
        work()
    except OSError as error:
        span.record_exception(error)  # bad: OTL001


def in_the_else():
    span = tracer.start_span("a")
    try:
        work()
    except Exception:
        span.end()
        return
    else:
        span.end()
        span.set_attribute("late", 1)  # bad: OTL001


def in_the_finally():
    span = tracer.start_span("a")
    try:
        span.end()
    finally:
        span.set_attribute("late", 1)  # bad: OTL001


def after_its_block():
    with tracer.start_as_current_span("a") as span:
        work()
    span.set_attribute("late", 1)  # bad: OTL001


def after_the_block_of_the_span_itself():
    with tracer.start_span("a") as span:
        work()
    span.set_attribute("late", 1)  # bad: OTL001


def after_the_block_of_use_span():
    span = tracer.start_span("a")
    with use_span(span, end_on_exit=True):
        work()
    span.set_attribute("late", 1)  # bad: OTL001


def of_ours():
    with otlp_lite.span("a") as span:
        work()
    span.set_attribute("late", 1)  # bad: OTL001


def in_a_case(command):
    span = tracer.start_span("a")
    match command:
        case "stop":
            span.end()
            span.add_event("late")  # bad: OTL001
        case _:
            span.end()


def after_a_match(command):
    span = tracer.start_span("a")
    match command:
        case "stop":
            span.end()
        case _:
            span.add_event("early")
    span.add_event("late")  # bad: OTL001
    span.end()  # bad: OTL002


def past_the_early_return(ready):
    span = tracer.start_span("a")
    if not ready:
        span.end()
        return None
    span.end()
    span.set_attribute("late", 1)  # bad: OTL001
    return work()


def by_walrus():
    if (span := tracer.start_span("a")) is not None:
        span.end()
    span.set_attribute("late", 1)  # bad: OTL001


def on_one_branch(failed):
    span = tracer.start_span("a")
    if failed:
        span.end()
    span.set_attribute("failed", failed)  # bad: OTL001
    if not failed:
        span.end()


def by_another_name():
    span = tracer.start_span("a")
    same = span
    same.end()
    span.set_attribute("late", 1)  # bad: OTL001


def in_a_comprehension(pairs):
    span = tracer.start_span("a")
    span.end()
    return [span.set_attribute(key, value) for key, value in pairs]  # bad: OTL001


def in_a_conditional_expression(flag):
    span = tracer.start_span("a")
    span.end()
    return span.set_attribute("late", 1) if flag else None  # bad: OTL001


def of_a_parameter(span: Span):
    span.end()
    span.set_attribute("late", 1)  # bad: OTL001


def of_a_tracer_that_is_given(tracer: Tracer):
    span = tracer.start_span("a")
    span.end()
    span.set_attribute("late", 1)  # bad: OTL001


def of_the_current_span():
    span = get_current_span()
    span.end()
    span.set_attribute("late", 1)  # bad: OTL001


def though_it_was_passed_on():
    span = tracer.start_span("a")
    log(span)
    span.end()
    span.set_attribute("late", 1)  # bad: OTL001


def of_a_builder():
    live = SpanBuilder("a").start()
    live.end()
    live.event("late")  # bad: OTL001


def a_child_of_an_ended_one():
    live = SpanBuilder("a").start()
    live.end()
    child = live.child("late")  # bad: OTL001
    child.start().end()


def current_again():
    live = SpanBuilder("a").start()
    live.end()
    with live.current():  # bad: OTL001
        work()


def a_builder_after_its_start():
    builder = SpanBuilder("a")
    builder.start().end()
    builder.with_attribute("late", 1)  # bad: OTL001


def a_builder_that_starts_again(items):
    builder = SpanBuilder("a")
    for _ in items:
        builder.start().end()  # bad: OTL001


def of_a_span_that_was_made_current_by_hand():
    span = tracer.start_span("a")
    manager = use_span(span, end_on_exit=True)
    manager.__enter__()
    manager.__exit__(None, None, None)
    span.set_attribute("late", 1)  # bad: OTL001


def of_a_block_that_a_loop_breaks(items):
    for _ in items:
        with tracer.start_as_current_span("a") as span:
            break
    span.set_attribute("late", 1)  # bad: OTL001


def of_a_block_that_a_loop_goes_on_in(items):
    for _ in items:
        with tracer.start_as_current_span("a") as span:
            continue
    span.set_attribute("late", 1)  # bad: OTL001


def once_for_each_of_perhaps_none(items):
    span = tracer.start_span("a")  # bad: OTL003
    [span.end() for _ in items]  # bad: OTL002
    span.set_attribute("late", 1)  # bad: OTL001
