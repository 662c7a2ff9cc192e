"""Ways through functions that are rarely gone."""

import contextlib

from app import items, log, work
from opentelemetry import context, trace
from opentelemetry.context import attach, detach
from opentelemetry.trace import set_span_in_context, use_span

import otlp_lite

tracer = trace.get_tracer(__name__)


def raised_through_a_finally():
    span = tracer.start_span("a")  # bad: OTL003
    try:
        if items:
            raise ValueError("some")
    finally:
        log.debug("over")
    span.end()


def raised_by_chance_through_a_finally():
    span = tracer.start_span("a")  # bad: OTL004
    try:
        work()
    finally:
        log.debug("over")
    span.end()


def returned_through_a_finally(ready):
    span = tracer.start_span("a")  # bad: OTL003
    try:
        if ready:
            return
    finally:
        log.debug("over")
    span.end()


def left_through_a_finally():
    for item in items:
        span = tracer.start_span("a")  # bad: OTL003
        try:
            if item:
                continue
            if item is None:
                break
        finally:
            log.debug("over")
        span.end()


def a_finally_that_returns():
    span = tracer.start_span("a")  # bad: OTL003
    try:
        work()
        span.end()
    finally:
        return log


def raised_through_a_block():
    span = tracer.start_span("a")  # bad: OTL003
    with tracer.start_as_current_span("b"):
        if items:
            raise ValueError("some")
    span.end()


def ended_in_a_block_and_after_it():
    span = tracer.start_span("a")  # bad: OTL004
    with open("file"):
        span.end()
    span.end()  # bad: OTL002


def raised_and_not_caught(ready):
    span = tracer.start_span("a")  # bad: OTL003
    try:
        if not ready:
            raise KeyError("x")
    except ValueError:
        span.end()
        return
    span.end()


def raised_and_caught():
    span = tracer.start_span("a")  # bad: OTL003
    try:
        raise KeyError("x")
    except LookupError:
        return
    except Exception:
        span.end()


def raised_and_caught_by_name():
    span = tracer.start_span("a")  # bad: OTL003
    try:
        raise Strange("x")
    except Strange:
        return
    finally:
        log.debug("over")


def raised_to_leave_the_program():
    span = tracer.start_span("a")  # bad: OTL003
    try:
        raise SystemExit(1)
    except Exception:
        span.end()


def in_the_else_of_a_loop():
    span = tracer.start_span("a")  # bad: OTL003
    for item in items:
        if item:
            break
    else:
        span.end()


def in_the_else_of_a_while():
    span = tracer.start_span("a")
    while items:
        if items[0]:
            span.end()
            break
    else:
        span.end()
    span.end()  # bad: OTL002


def by_and():
    span = tracer.start_span("a")
    _ = span and span.end()
    span.set_attribute("late", 1)  # bad: OTL001


def by_or(flag):
    span = tracer.start_span("a")
    _ = flag or span.end()
    span.set_attribute("late", 1)  # bad: OTL001
    if flag:
        span.end()


def of_an_alternative(other=None):
    span = tracer.start_span("a") or other
    span.end()
    span.set_attribute("late", 1)  # bad: OTL001


def in_a_long_sum():
    span = tracer.start_span("a")
    span.end()
    return 1 + len(items) + len([span.set_attribute("late", 1)]) + 2  # bad: OTL001


def in_an_argument():
    span = tracer.start_span("a")
    span.end()
    log.debug("%s", span.set_attribute("late", 1), extra=span.add_event("late"))  # bad: OTL001


def in_a_generator_that_runs_at_once():
    span = tracer.start_span("a")
    any(span.end() for _ in items)  # bad: OTL002
    span.set_attribute("late", 1)  # bad: OTL001
    if span.is_recording():
        span.end()


def in_a_dict():
    span = tracer.start_span("a")
    span.end()
    return {key: span.set_attribute(key, 1) for key in items if key}  # bad: OTL001


def in_a_slice():
    span = tracer.start_span("a")
    span.end()
    return items[: span.set_attribute("late", 1)]  # bad: OTL001


def in_a_lambda_that_is_not_one(text):
    span = tracer.start_span("a")
    span.end()
    return f"{span.set_attribute('late', text)}"  # bad: OTL001


def assigned_to_an_element(table):
    span = tracer.start_span("a")
    span.end()
    table[span.set_attribute("late", 1)] = 1  # bad: OTL001


def added_to():
    total = 0
    span = tracer.start_span("a")
    span.end()
    total += span.set_attribute("late", 1)  # bad: OTL001
    return total


def asserted():
    span = tracer.start_span("a")
    span.end()
    assert items, span.set_attribute("late", 1)  # bad: OTL001


def deleted(table):
    span = tracer.start_span("a")
    span.end()
    del table[span.set_attribute("late", 1)]  # bad: OTL001


def starred():
    span = tracer.start_span("a")  # bad: OTL003
    first, *span = items
    return first, span


def its_name_is_that_of_a_loop():
    span = tracer.start_span("a")  # bad: OTL003
    for span in items:
        log.debug(span)


def its_name_is_that_of_an_import():
    span = tracer.start_span("a")  # bad: OTL003
    from app import span

    return span


def its_name_is_that_of_an_error():
    span = tracer.start_span("a")  # bad: OTL003
    try:
        work()
    except Exception as span:
        log.debug(span)
        return
    span.end()


def its_name_is_that_of_a_capture(command):
    span = tracer.start_span("a")  # bad: OTL003
    match command:
        case [span, *_]:
            log.debug(span)
        case _:
            span.end()


def its_name_is_that_of_a_function():
    span = tracer.start_span("a")  # bad: OTL003

    def span():
        return 1

    return span


def by_a_capture():
    span = tracer.start_span("a")
    match span:
        case same:
            same.end()
    span.set_attribute("late", 1)  # bad: OTL001


def a_guard(command):
    span = tracer.start_span("a")  # bad: OTL003
    match command:
        case _ if items:
            span.end()


def the_first_of_two_rounds():
    before = None
    for item in items:
        span = tracer.start_span(item)
        if before is not None:
            before.end()
            before.set_attribute("late", 1)  # bad: OTL001
        before = span
    if before is not None:
        before.end()


def swallowed():
    span = tracer.start_span("a")  # bad: OTL003
    with contextlib.suppress(Exception):
        work()
        span.end()


def not_swallowed():
    span = tracer.start_span("a")  # bad: OTL004
    with contextlib.suppress(ValueError):
        work()
    span.end()


def by_position():
    span = tracer.start_span("a")
    with use_span(span, True):
        work()
    span.set_attribute("late", 1)  # bad: OTL001


def of_a_span_that_was_ended_before():
    span = tracer.start_span("a")
    span.end()  # bad: OTL002
    with use_span(span, end_on_exit=True):
        work()


def left_by_hand():
    manager = tracer.start_as_current_span("a")
    span = manager.__enter__()
    manager.__exit__(None, None, None)
    span.set_attribute("late", 1)  # bad: OTL001


def entered_by_hand_and_never_left():
    manager = tracer.start_as_current_span("a")  # bad: OTL003
    manager.__enter__()


def the_methods_of_with_by_hand():
    span = tracer.start_span("a")
    same = span.__enter__()
    span.__exit__(None, None, None)
    same.set_attribute("late", 1)  # bad: OTL001


def ended_as_another():
    live = otlp_lite.SpanBuilder("a").start()
    with live as same:
        work(same)
    live.set_attribute("late", 1)  # bad: OTL001


def in_the_context_of_a_child():
    span = tracer.start_span("a")  # bad: OTL003
    parent = set_span_in_context(span)
    with tracer.start_as_current_span("b", context=parent):
        log.debug("inside")


def in_the_context_of_a_child_by_position():
    span = tracer.start_span("a")  # bad: OTL003
    tracer.start_span("b", set_span_in_context(span)).end()


def attached_and_never_ended():
    span = tracer.start_span("a")  # bad: OTL003
    token = context.attach(set_span_in_context(span))
    context.detach(token)


async def attached_again(span: trace.Span):
    token = attach(set_span_in_context(span))
    detach(token)
    token = attach(set_span_in_context(span))
    await work()  # bad: OTL008
    detach(token)


async def gathered(span: trace.Span):
    token = attach(set_span_in_context(span))
    found = [item async for item in work()]  # bad: OTL008
    detach(token)
    return found


def yielded_on_one_way(flag, span: trace.Span):
    if flag:
        attach(set_span_in_context(span))
    yield 1  # bad: OTL007


def ended_on_a_way_of_many(a, b, c, d):
    span = tracer.start_span("a")
    if a:
        log.debug("a")
    if b:
        log.debug("b")
    if c:
        span.end()
    if d:
        log.debug("d")
    if c and d:
        span.set_attribute("late", 1)  # bad: OTL001
    if not c:
        span.end()


def entered_by_hand_and_its_name_taken():
    manager = tracer.start_as_current_span("a")  # bad: OTL003
    manager.__enter__()
    manager = None
    return manager


def ended_or_not_by_its_block(flag):
    span = tracer.start_span("a")
    with use_span(span, end_on_exit=flag):
        log.debug("inside")
    span.end()
    span.end()  # bad: OTL002


def a_loop_over_what_may_be_empty():
    span = tracer.start_span("a")  # bad: OTL003
    for _ in (*items,):
        span.end()
        break


def a_loop_over_nothing():
    span = tracer.start_span("a")  # bad: OTL003
    for _ in range(0):
        span.end()
        break


def thrown_away_in_a_decorator():
    @log.debug(tracer.start_span("a").is_recording())  # bad: OTL005
    def inner():
        return 1

    return inner


def ended_before_a_stack_ends_it():
    with contextlib.ExitStack() as stack:
        span = stack.enter_context(tracer.start_as_current_span("a"))
        span.end()
        span.set_attribute("late", 1)  # bad: OTL001


def raised_again_after_more(ready):
    span = tracer.start_span("a")  # bad: OTL003
    try:
        if not ready:
            raise ValueError("x")
    except (KeyError, ValueError) as error:
        raise RuntimeError("y") from error
    span.end()


def a_test_of_a_test(one):
    span = tracer.start_span("a")
    if not (not one):
        span.end()
    if one:
        span.set_attribute("late", 1)  # bad: OTL001
    else:
        span.end()


def while_the_test_changes():
    span = tracer.start_span("a")
    while items:
        log.debug("more")
    while items:
        span.end()  # bad: OTL002
    if span.is_recording():
        span.end()


def a_mapping(command):
    span = tracer.start_span("a")  # bad: OTL003
    match command:
        case {"a": 1, **span}:
            log.debug(span)
        case _:
            span.end()


def not_called():
    span = tracer.start_span("a")  # bad: OTL003
    span.set_attribute("key", 1)
    span.end


def by_a_value_of_the_context(span: trace.Span):
    token = attach(context.set_value("current-span", span))
    yield 1  # bad: OTL007
    detach(token)
