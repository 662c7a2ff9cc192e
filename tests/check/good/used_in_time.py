"""Look-alikes of used_after_end.py: each use comes before the end, or needs no live span."""

import re

from app import finish, log, work
from opentelemetry import trace
from opentelemetry.trace import Link, Span, Tracer, get_current_span, use_span

import otlp_lite
from otlp_lite import SpanBuilder

tracer = trace.get_tracer(__name__)


def straight():
    span = tracer.start_span("a")
    span.set_attribute("key", 1)
    span.end()


def reading_what_an_ended_one_still_tells():
    span = tracer.start_span("a")
    span.end()
    return span.get_span_context().trace_id, span.is_recording()


def a_link_to_an_ended_one():
    first = tracer.start_span("a")
    first.end()
    second = tracer.start_span("b", links=[Link(first.get_span_context())])
    second.end()


def a_child_of_an_ended_one():
    parent = tracer.start_span("a")
    parent.end()
    child = tracer.start_span("b", context=trace.set_span_in_context(parent))
    child.set_attribute("key", 1)
    child.end()


async def in_a_coroutine():
    span = tracer.start_span("a")
    try:
        await work()
    finally:
        span.add_event("last")
        span.end()


class Service:
    def __init__(self, provider):
        self.tracer = trace.get_tracer("service", tracer_provider=provider)

    def method(self):
        span = self.tracer.start_span("a")
        if self.verbose:
            span.set_status(trace.StatusCode.OK)
        span.end()

    async def method_that_awaits(self):
        with self.tracer.start_as_current_span("a") as span:
            await work()
            span.set_attributes({"key": 1})

    def whose_span_is_an_attribute(self):
        self.span = self.tracer.start_span("a")
        self.span.set_attribute("key", 1)

    def condition_that_holds_twice(self):
        span = self.tracer.start_span("a")
        if self.short:
            span.end()
        else:
            span.add_event("long")
        if not self.short:
            span.add_event("longer")
            span.end()


def outer(items):
    span = tracer.start_span("a")

    def nested():
        span.update_name("later")
        span.end()

    return [nested for _ in items]


def in_a_loop(items):
    span = tracer.start_span("a")
    for item in items:
        span.add_event(item)
        if item == "last":
            break
    span.end()


def anew_in_each_round(items):
    for item in items:
        span = tracer.start_span("a")
        span.add_event(item)
        span.end()


def ended_and_left(items):
    span = tracer.start_span("a")
    try:
        for item in items:
            if item is None:
                return
            span.add_event(item)
    finally:
        span.end()


def in_the_handler():
    span = tracer.start_span("a")
    try:
        work()
    except OSError as error:
        span.record_exception(error)
    finally:
        span.end()


def in_the_else():
    span = tracer.start_span("a")
    try:
        work()
    except Exception:
        span.end()
        raise
    else:
        span.set_attribute("key", 1)
        span.end()


def nothing_between_end_and_handler():
    span = tracer.start_span("a")
    try:
        work()
        span.end()
    except Exception as error:
        span.record_exception(error)
        span.end()


def in_its_block():
    with tracer.start_as_current_span("a") as span:
        work()
        span.set_attribute("key", 1)


def after_a_block_that_leaves_it():
    with tracer.start_as_current_span("a", end_on_exit=False) as span:
        span.add_event("inside")
    span.set_attribute("key", 1)
    span.end()


def after_the_block_of_use_span():
    span = tracer.start_span("a")
    try:
        with use_span(span):
            work()
        span.set_attribute("key", 1)
    finally:
        span.end()


def of_ours():
    with otlp_lite.span("a") as span:
        span.set_attribute("key", 1)


def in_a_case(command):
    span = tracer.start_span("a")
    match command:
        case "stop":
            span.add_event("stop")
        case _:
            span.add_event("go")
    span.end()


def a_case_that_returns(command):
    span = tracer.start_span("a")
    match command:
        case "stop":
            span.end()
            return
        case _:
            span.add_event("go")
    span.add_event("went")
    span.end()


def at_the_early_return(ready):
    span = tracer.start_span("a")
    if not ready:
        span.end()
        return None
    span.set_attribute("key", 1)
    span.end()
    return ready


def by_walrus():
    if (span := tracer.start_span("a")) is not None:
        span.set_attribute("key", 1)
        span.end()


def the_same_condition_twice(failed):
    span = tracer.start_span("a")
    if failed:
        span.end()
    if not failed:
        span.set_attribute("key", 1)
        span.end()


def a_flag(items):
    ended = False
    span = tracer.start_span("a")
    for item in items:
        if not ended:
            span.add_event(item)
            span.end()
            ended = True
    if not ended:
        span.end()


def asked_whether_it_records(failed):
    span = tracer.start_span("a")
    if failed:
        span.end()
    if span.is_recording():
        span.set_attribute("key", 1)
        span.end()


def the_name_is_anothers_by_then():
    span = tracer.start_span("a")
    span.end()
    span = tracer.start_span("b")
    span.set_attribute("key", 1)
    span.end()


def in_a_comprehension(pairs):
    span = tracer.start_span("a")
    done = [span.set_attribute(key, value) for key, value in pairs]
    span.end()
    return done


def a_name_of_the_comprehension(spans: list[Span]):
    span = tracer.start_span("a")
    span.end()
    return [span.set_attribute("key", 1) for span in spans]


def in_a_conditional_expression(flag):
    span = tracer.start_span("a")
    _ = span.set_attribute("key", 1) if flag else None
    span.end()


def of_a_parameter(span: Span | None):
    if span is not None:
        span.set_attribute("key", 1)
        span.end()


def of_a_tracer_that_is_given(tracer: Tracer):
    span = tracer.start_span("a")
    span.set_attribute("key", 1)
    span.end()


def of_the_current_span():
    get_current_span().end()
    get_current_span().set_attribute("key", 1)


def ended_by_someone_else_perhaps():
    span = tracer.start_span("a")
    finish(span)
    span.set_attribute("key", 1)


def handed_to_a_callback(future):
    span = tracer.start_span("a")
    future.add_done_callback(lambda _: span.end())
    span.set_attribute("key", 1)


def wrapped_anew():
    span = tracer.start_span("a")
    span.end()
    span = log(span)
    span.set_attribute("key", 1)


def of_a_match_object(text):
    span = re.match("a", text)
    span.end()
    return span.span()


def of_a_builder():
    live = SpanBuilder("a").start()
    live.event("early")
    live.end()


def of_the_receipt_of_a_builder():
    ended = SpanBuilder("a").start().end()
    return ended.wait(1.0)


def children():
    live = SpanBuilder("a").start()
    child = live.child("b").start()
    child.end()
    live.end()


def a_builder_before_its_start():
    builder = SpanBuilder("a")
    builder.with_attribute("early", 1)
    builder.start().end()


def a_builder_for_each(items):
    for item in items:
        builder = SpanBuilder(item)
        builder.start().end()


def what_an_ended_one_of_a_builder_still_tells():
    live = SpanBuilder("a").start()
    live.end()
    return live.get_span_context(), live.is_recording()


def of_another_that_a_function_within_has_set():
    span = tracer.start_span("a")

    def renew():
        nonlocal span
        span = tracer.start_span("b")

    span.end()
    renew()
    span.set_attribute("key", 1)
    span.end()


def of_another_that_the_module_has():
    global current
    current = tracer.start_span("a")
    current.end()
    work()
    current.set_attribute("key", 1)


def of_a_module_that_has_taken_its_name():
    span = tracer.start_span("a")
    span.end()
    import span.more

    span.set_attribute("key", 1)
