"""Spans that are not ended on each path."""

import sys
from typing import NoReturn

import opentelemetry.trace
from app import items, log, work
from opentelemetry.trace import get_tracer as tracer_of

import otlp_lite as ol

try:
    from opentelemetry import trace as optional
except ImportError:
    optional = None

tracer = tracer_of(__name__)


def never():
    span = tracer.start_span("a")  # bad: OTL003
    span.set_attribute("key", 1)


async def in_a_coroutine(ready):
    span = tracer.start_span("a")  # bad: OTL003
    if ready:
        span.end()


class Service:
    def __init__(self):
        self._tracer = opentelemetry.trace.get_tracer("service")

    def method(self):
        span = self._tracer.start_span("a")  # bad: OTL003
        if self.ready:
            span.end()

    async def method_that_awaits(self):
        span = self._tracer.start_span("a")  # bad: OTL003
        try:
            await work()
        except ValueError:
            return
        except BaseException:
            span.end()
            raise
        span.end()


def outer():
    def nested(flag):
        span = tracer.start_span("a")  # bad: OTL003
        while flag:
            flag = span.is_recording()

    return nested


def in_a_loop():
    for item in items:
        span = tracer.start_span("a")  # bad: OTL003
        span.set_attribute("item", item)


def skipped_by_continue():
    for item in items:
        span = tracer.start_span("a")  # bad: OTL003
        if item is None:
            continue
        span.end()


def left_by_break():
    while True:
        span = tracer.start_span("a")  # bad: OTL003
        if span.get_span_context().is_valid:
            break
        span.end()


def ended_by_a_loop_that_may_not_run():
    span = tracer.start_span("a")  # bad: OTL003
    for item in items:
        span.set_attribute("first", item)
        span.end()
        break


def in_the_handler():
    span = tracer.start_span("a")  # bad: OTL003
    try:
        work()
    except ValueError:
        return None
    except Exception:
        span.end()
        raise
    span.end()


def raised_again():
    span = tracer.start_span("a")  # bad: OTL003
    try:
        result = work()
    except Exception as error:
        span.record_exception(error)
        raise
    span.end()
    return result


def in_the_else_alone():
    span = tracer.start_span("a")  # bad: OTL003
    try:
        work()
    except Exception:
        pass
    else:
        span.end()


def in_a_finally_that_asks():
    span = tracer.start_span("a")  # bad: OTL003
    done = False
    try:
        if items:
            done = True
    finally:
        if done:
            span.end()


def not_by_use_span():
    span = tracer.start_span("a")  # bad: OTL003
    with opentelemetry.trace.use_span(span):
        span.set_attribute("key", 1)


def not_by_a_block_that_leaves_it():
    with tracer.start_as_current_span("a", end_on_exit=False) as span:  # bad: OTL003
        span.set_attribute("key", 1)


def in_a_case(command):
    span = tracer.start_span("a")  # bad: OTL003
    match command:
        case "go":
            span.end()
        case "stop":
            pass


def at_the_early_return(ready):
    span = tracer.start_span("a")  # bad: OTL003
    if not ready:
        return None
    span.end()
    return ready


def at_the_raise(ready):
    span = tracer.start_span("a")  # bad: OTL003
    if not ready:
        raise RuntimeError("not ready")
    span.end()


def by_walrus(flag):
    if flag and (span := tracer.start_span("a")):  # bad: OTL003
        span.set_attribute("key", 1)


def its_name_is_taken():
    span = tracer.start_span("a")  # bad: OTL003
    span = tracer.start_span("b")
    span.end()


def deleted():
    span = tracer.start_span("a")  # bad: OTL003
    del span


def only_its_context_is_returned():
    span = tracer.start_span("a")  # bad: OTL003
    return span.get_span_context()


def a_leaf():
    leaf = ol.get_tracer("x").leaf("a")  # bad: OTL003
    leaf.set_attribute("key", 1)


def of_a_builder(ready):
    live = ol.SpanBuilder("a").start()  # bad: OTL003
    if ready:
        live.end()


def a_child(parent: ol.LiveSpan):
    child = parent.child("a").start()  # bad: OTL003
    child.event("here")


def made_current_alone():
    live = ol.SpanBuilder("a").start()  # bad: OTL003
    with live.current():
        live.event("here")


def a_conditional_expression(flag):
    span = tracer.start_span("a") if flag else None  # bad: OTL003
    if span is not None:
        span.set_attribute("key", log is not None)


def in_a_tuple():
    span, count = tracer.start_span("a"), 0  # bad: OTL003
    span.set_attribute("count", count)


def at_the_exit_of_the_program(ready):
    span = tracer.start_span("a")  # bad: OTL003
    if not ready:
        sys.exit(1)
    span.end()


def of_an_import_that_may_fail():
    span = optional.get_tracer("x").start_span("a")  # bad: OTL003
    span.set_attribute("key", 1)


def give_up(reason: str) -> NoReturn:
    raise RuntimeError(reason)


def at_a_call_that_never_returns(ready):
    span = tracer.start_span("a")  # bad: OTL003
    if not ready:
        give_up("not ready")
    span.end()


class Stop(Exception):
    pass


def handled_by_another_class():
    span = tracer.start_span("a")  # bad: OTL003
    try:
        raise Stop
    except OSError:
        span.end()


def whose_event_is_returned():
    live = ol.SpanBuilder("a").start()  # bad: OTL003
    return live.event("b")


def that_is_a_parent():
    span = tracer.start_span("a")  # bad: OTL003
    tracer.start_span("b", opentelemetry.trace.set_span_in_context(span)).end()


def that_is_a_parent_by_keyword():
    span = tracer.start_span("a")  # bad: OTL003
    tracer.start_span("b", context=opentelemetry.trace.set_span_in_context(span)).end()


def that_is_a_parent_of_the_current_one():
    span = tracer.start_span("a")  # bad: OTL003
    with tracer.start_as_current_span("b", opentelemetry.trace.set_span_in_context(span)):
        span.set_attribute("key", 1)


def that_is_a_parent_of_the_current_one_by_keyword():
    span = tracer.start_span("a")  # bad: OTL003
    with tracer.start_as_current_span("b", context=opentelemetry.trace.set_span_in_context(span)):
        span.set_attribute("key", 1)


def as_the_exit_goes_by():
    span = tracer.start_span("a")  # bad: OTL003
    try:
        sys.exit(1)
    except ValueError:
        span.end()


def annotated():
    span: opentelemetry.trace.Span = tracer.start_span("a")  # bad: OTL003
    span.set_attribute("key", 1)


def at_a_return_in_a_loop():
    span = tracer.start_span("a")  # bad: OTL003
    for item in items:
        if item:
            return
    span.end()


def where_a_loop_is_left_by_a_finally():
    for _ in items:
        span = tracer.start_span("a")  # bad: OTL003
        try:
            break
        finally:
            log()


def where_a_loop_goes_on_by_a_finally():
    for _ in items:
        span = tracer.start_span("a")  # bad: OTL003
        try:
            continue
        finally:
            log()


def whose_name_is_read():
    span = tracer.start_span("a")  # bad: OTL003
    log(span.name)


def that_a_manager_holds_alone():
    manager = opentelemetry.trace.use_span(tracer.start_span("a"))  # bad: OTL003
    with manager:
        log()
