"""Look-alikes of the other ways.py: ways that are rarely gone, and right."""

import contextlib
import os
import sys

from app import items, log, work
from opentelemetry import trace
from opentelemetry.trace import set_span_in_context, use_span

import otlp_lite

tracer = trace.get_tracer(__name__)


def raised_through_a_finally():
    span = tracer.start_span("a")
    try:
        if items:
            raise ValueError("some")
    finally:
        span.end()
        log.debug("over")


def left_through_a_finally():
    for item in items:
        span = tracer.start_span("a")
        try:
            if item:
                continue
            if item is None:
                break
        finally:
            span.end()


def a_finally_that_returns():
    span = tracer.start_span("a")
    try:
        work()
    finally:
        span.end()
        return log


def raised_through_a_block():
    with tracer.start_span("a"), tracer.start_as_current_span("b"):
        if items:
            raise ValueError("some")


def raised_and_not_caught_here(ready):
    span = tracer.start_span("a")
    try:
        if not ready:
            raise KeyError("x")
    except ValueError:
        log.debug("never")
    except KeyError:
        span.end()
        raise
    span.end()


def raised_to_leave_the_program():
    span = tracer.start_span("a")
    try:
        raise SystemExit(1)
    except Exception:
        log.debug("never")
    except BaseException:
        span.end()
        raise


def in_the_else_of_a_loop():
    span = tracer.start_span("a")
    for item in items:
        if item:
            span.end()
            break
    else:
        span.end()


def a_condition_that_stays(flag):
    span = tracer.start_span("a")
    if flag:
        span.end()
    other = len(items)
    if not flag:
        span.set_attribute("key", other)
        span.end()


class Service:
    def an_attribute_that_stays(self):
        span = tracer.start_span("a")
        if self.flag:
            span.end()
        self.other = len(items)
        if not self.flag:
            span.set_attribute("key", 1)
            span.end()


def conditions_of_more_parts(one, two):
    span = tracer.start_span("a")
    if one and two:
        span.end()
    if not (one and two):
        span.set_attribute("key", 1)
        span.end()


def either_of_two(one, two):
    span = tracer.start_span("a")
    if one or two:
        span.end()
    if not one and not two:
        span.set_attribute("key", 1)
        span.end()


def other_values(state):
    span = tracer.start_span("a")
    if state == 1:
        span.end()
    if state != 1:
        span.set_attribute("key", 1)
        span.end()


def by_and(flag):
    span = flag and tracer.start_span("a")
    _ = span and span.end()


def of_an_alternative(other=None):
    span = tracer.start_span("a") or other
    span.set_attribute("key", 1)
    span.end()


def in_a_long_sum():
    span = tracer.start_span("a")
    total = 1 + len(items) + len([span.set_attribute("key", 1)]) + 2
    span.end()
    return total


def in_a_generator_that_runs_at_once():
    span = tracer.start_span("a")
    all(span.set_attribute(item, 1) for item in items)
    span.end()


def starred():
    span = tracer.start_span("a")
    first, *rest = items
    span.end()
    return first, rest


def its_name_is_that_of_a_loop():
    span = tracer.start_span("a")
    span.end()
    for span in items:
        log.debug(span)


def its_name_is_that_of_an_import():
    span = tracer.start_span("a")
    span.end()
    from app import span

    span.set_attribute("key", 1)


def its_name_is_that_of_an_error():
    span = tracer.start_span("a")
    span.end()
    try:
        work()
    except Exception as span:
        span.set_attribute("key", 1)


def its_name_is_that_of_a_capture(command):
    span = tracer.start_span("a")
    span.end()
    match command:
        case [span, *_]:
            span.set_attribute("key", 1)


def by_a_capture():
    span = tracer.start_span("a")
    match span:
        case same:
            same.set_attribute("key", 1)
            same.end()


def a_guard(command):
    span = tracer.start_span("a")
    match command:
        case _ if items:
            span.end()
        case _:
            span.end()


def the_first_of_two_rounds():
    before = None
    for item in items:
        span = tracer.start_span(item)
        if before is not None:
            before.set_attribute("key", 1)
            before.end()
        before = span
    if before is not None:
        before.end()


def swallowed():
    span = tracer.start_span("a")
    with contextlib.suppress(Exception):
        work()
    span.end()


def left_by_hand():
    manager = tracer.start_as_current_span("a")
    span = manager.__enter__()
    span.set_attribute("key", 1)
    manager.__exit__(None, None, None)


def the_methods_of_with_by_hand():
    span = tracer.start_span("a")
    same = span.__enter__()
    same.set_attribute("key", 1)
    span.__exit__(None, None, None)


def in_the_context_of_a_child():
    span = tracer.start_span("a")
    with tracer.start_as_current_span("b", context=set_span_in_context(span)):
        log.debug("inside")
    span.end()


def by_a_flag_in_a_variable():
    leaves = False
    with use_span(tracer.start_span("a"), end_on_exit=True) as span:
        span.set_attribute("key", leaves)


def of_a_schema():
    rows = otlp_lite.get_tracer("x").bind_leaf(work)
    with rows("a") as leaf:
        leaf.set_attribute("key", 1)


class Flags:
    def in_an_attribute(self):
        span = tracer.start_span("a")
        self.ended = False
        if items:
            span.end()
            self.ended = True
        if not self.ended:
            span.end()

    def given_up(self):
        span = tracer.start_span("a")
        self.holder = 1
        if items:
            span.end()
            self.holder = None
        if self.holder is not None:
            span.end()


def a_flag_in_a_dict(state):
    span = tracer.start_span("a")
    state["ended"] = False
    if items:
        span.end()
        state["ended"] = True
    if not state["ended"]:
        span.end()


def a_flag_of_the_outer_function():
    ended = False

    def inner():
        nonlocal ended
        span = tracer.start_span("a")
        ended = False
        if items:
            span.end()
            ended = True
        if not ended:
            span.end()

    return inner


def a_word():
    span = tracer.start_span("a")
    outcome = "good"
    if items:
        outcome = "bad"
        span.end()
    if outcome == "good":
        span.end()


def a_number(count: int):
    span = tracer.start_span("a")
    if count == 1:
        span.end()
    if count == 2:
        span.end()
    if count != 1 and count != 2:
        span.end()


def a_word_that_is_annotated():
    span = tracer.start_span("a")
    outcome: str = "good"
    try:
        work()
    except Exception:
        outcome = "bad"
        span.end()
    if outcome != "bad":
        span.end()


def in_a_tuple_of_one():
    span = tracer.start_span("a")
    spans = (span,)
    return spans


def the_process_ends_at_once(ready):
    span = tracer.start_span("a")
    if not ready:
        os._exit(1)
    span.end()


def the_process_is_aborted(ready):
    span = tracer.start_span("a")
    if not ready:
        os.abort()
    span.end()


def by_who_takes_the_exit():
    span = tracer.start_span("a")
    try:
        sys.exit(1)
    except SystemExit:
        span.end()


def a_stack_without_a_name():
    with contextlib.ExitStack():
        span = tracer.start_span("a")
        span.end()


def a_loop_of_one_round():
    span = tracer.start_span("a")
    for _ in range(1):
        span.end()
        break


def annotated_and_ended():
    span: trace.Span = tracer.start_span("a")
    span.end()
