"""Look-alikes of not_ended.py and not_ended_if_raises.py: ended on each path, or by someone else."""

import atexit
from contextlib import ExitStack, closing, suppress
from typing import NoReturn, assert_never

import opentelemetry.trace
from app import items, log, registry, work
from opentelemetry.trace import get_tracer as tracer_of

import otlp_lite as ol

tracer = tracer_of(__name__)
of_the_module = tracer.start_span("module")


def at_once():
    tracer.start_span("a").end()


def nothing_between_can_raise():
    span = tracer.start_span("a")
    span.set_attribute("key", len(items))
    log.debug("started")
    span.end()


async def in_a_coroutine(ready):
    span = tracer.start_span("a")
    if ready:
        span.set_attribute("key", 1)
    span.end()


class Service:
    def __init__(self):
        self._tracer = opentelemetry.trace.get_tracer("service")
        self._root = self._tracer.start_span("root")

    def method(self):
        span = self._tracer.start_span("a")
        if self.ready:
            span.set_attribute("ready", True)
        span.end()

    async def method_that_awaits(self):
        span = self._tracer.start_span("a")
        try:
            await work()
        except ValueError:
            return
        finally:
            span.end()

    def stored_in_an_attribute(self):
        span = self._tracer.start_span("a")
        self.span = span

    def the_same_condition_twice(self):
        span = None
        if self.enabled:
            span = self._tracer.start_span("a")
        try:
            work()
        finally:
            if span is not None:
                span.end()

    def started_and_ended_where_enabled(self):
        if self.enabled:
            span = self._tracer.start_span("a")
        for item in items:
            log.debug(item)
        if self.enabled:
            span.end()


def outer():
    def nested(flag):
        span = tracer.start_span("a")
        while flag:
            flag = span.is_recording()
        span.end()

    return nested


def in_a_loop():
    for item in items:
        span = tracer.start_span("a")
        span.set_attribute("item", item)
        span.end()


def ended_before_continue():
    for item in items:
        span = tracer.start_span("a")
        if item is None:
            span.end()
            continue
        span.end()


def ended_after_break():
    while True:
        span = tracer.start_span("a")
        if span.get_span_context().is_valid:
            break
        span.end()
    span.end()


def a_loop_that_runs():
    span = tracer.start_span("a")
    for attempt in range(3):
        span.set_attribute("attempt", attempt)
        span.end()
        break


def a_loop_that_only_breaks_leave():
    span = tracer.start_span("a")
    while True:
        if not items:
            span.end()
            return


def the_last_of_a_loop_goes_on():
    span = tracer.start_span("first")
    for item in items:
        span.end()
        span = tracer.start_span(item)
    span.end()


def by_a_handler_for_all():
    span = tracer.start_span("a")
    try:
        work()
    except Exception:
        span.end()
        raise
    span.end()


def raised_again():
    span = tracer.start_span("a")
    try:
        result = work()
    except Exception as error:
        span.record_exception(error)
        raise
    finally:
        span.end()
    return result


def raised_before_the_end_and_caught():
    span = tracer.start_span("a")
    try:
        if not items:
            raise ValueError("none")
    except ValueError:
        pass
    span.end()


def in_a_handler_that_asks_for_more():
    span = tracer.start_span("a")
    try:
        work()
    except Exception as error:
        span.set_attribute("words", work(error))
        span.end()
        raise
    span.end()


def in_a_finally_that_does_more():
    span = tracer.start_span("a")
    try:
        work()
    finally:
        work("more")
        span.end()


def by_use_span():
    span = tracer.start_span("a")
    with opentelemetry.trace.use_span(span, end_on_exit=True):
        work()


def by_a_block_of_the_span_itself():
    with tracer.start_span("a") as span:
        work(span)


def by_a_block_that_leaves_it():
    with tracer.start_as_current_span("a", end_on_exit=False) as span:
        try:
            work()
        finally:
            span.end()


def in_a_case(command):
    span = tracer.start_span("a")
    match command:
        case "go":
            span.end()
        case other:
            span.set_attribute("other", other)
            span.end()


def at_the_early_return(ready):
    span = tracer.start_span("a")
    if not ready:
        span.end()
        return None
    span.end()
    return ready


def by_the_finally_around_returns(ready):
    span = tracer.start_span("a")
    try:
        if not ready:
            return None
        if ready > 1:
            raise ValueError("too much")
        return work()
    finally:
        span.end()


def at_the_raise(ready):
    span = tracer.start_span("a")
    if not ready:
        span.end()
        raise RuntimeError("not ready")
    span.end()


def by_walrus(flag):
    if flag and (span := tracer.start_span("a")):
        span.end()


def its_name_is_taken_after():
    span = tracer.start_span("a")
    span.end()
    span = tracer.start_span("b")
    span.end()


def its_name_is_taken_but_another_has_it():
    span = first = tracer.start_span("a")
    span = tracer.start_span("b")
    span.end()
    first.end()


def returned():
    span = tracer.start_span("a")
    span.set_attribute("key", 1)
    return span


def returned_with_more():
    span = tracer.start_span("a")
    return {"span": span, "at": 1}


def yielded():
    span = tracer.start_span("a")
    yield span


def passed_away():
    span = tracer.start_span("a")
    registry.add(span)


def passed_on_as_it_is_started():
    registry.add(tracer.start_span("a"))


def stored_in_a_list():
    spans = []
    for item in items:
        span = tracer.start_span(item)
        spans.append(span)
    for span in spans:
        span.end()


def stored_by_key():
    span = tracer.start_span("a")
    registry["a"] = span


def made_in_a_comprehension():
    spans = [tracer.start_span(item) for item in items]
    for span in spans:
        span.end()


def ended_by_its_method_elsewhere():
    span = tracer.start_span("a")
    atexit.register(span.end)


def captured_by_a_function():
    span = tracer.start_span("a")

    def done():
        span.end()

    registry.add(done)


def captured_by_a_lambda():
    span = tracer.start_span("a")
    registry.add(lambda: span.end())


def captured_by_a_generator_expression():
    span = tracer.start_span("a")
    return (span.end() for _ in items)


def of_the_outer_function():
    span = None

    def begin():
        nonlocal span
        span = tracer.start_span("a")

    def end():
        if span is not None:
            span.end()

    return begin, end


def of_the_module_again():
    global of_the_module
    of_the_module = tracer.start_span("again")


def in_a_context_that_is_returned():
    span = tracer.start_span("a")
    return opentelemetry.trace.set_span_in_context(span)


def closed():
    with closing(work(tracer.start_span("a"))):
        pass


def by_a_conditional_expression(flag):
    span = tracer.start_span("a") if flag else None
    if span is not None:
        span.end()


def where_it_does_not_record():
    span = tracer.start_span("a")
    if not span.is_recording():
        return
    span.end()


def an_assertion():
    span = tracer.start_span("a")
    assert span
    span.end()


def someone_elses(span: opentelemetry.trace.Span):
    span.set_attribute("key", 1)


def a_leaf():
    with ol.get_tracer("x").leaf("a") as leaf:
        leaf.set_attribute("key", work())


def of_a_builder(ready):
    live = ol.SpanBuilder("a").start()
    if ready:
        live.set_attribute("key", 1)
    live.end()


def of_a_builder_in_a_chain():
    ol.SpanBuilder("a").with_attribute("key", 1).start().end()


def a_child(parent: ol.LiveSpan):
    child = parent.child("a").start()
    child.end()


def made_current():
    live = ol.SpanBuilder("a").start()
    try:
        with live.current():
            work()
    finally:
        live.end()


def what_is_skipped_by_a_comment():
    span = tracer.start_span("a")  # otlp: ignore[OTL003] -- another process ends it
    span.set_attribute("key", 1)


def what_is_skipped_over_lines():
    span = tracer.start_span(
        "a",
        attributes={"key": 1},
    )  # otlp: ignore[OTL003,OTL004]
    span.set_attribute("key", 1)


def stored_by_setattr(instance):
    manager = tracer.start_as_current_span("a")
    span = manager.__enter__()
    span.set_attribute("key", 1)
    setattr(instance, "_manager", manager)


def a_constructor_between():
    span = tracer.start_span("a")
    scope = Service()
    span.end()
    return scope


def kept_by_a_default():
    span = tracer.start_span("a")

    def done(span=span):
        span.end()

    registry.add(done)


def never_to_return(kind: str) -> NoReturn:
    raise ValueError(kind)


def what_cannot_be(kind):
    span = tracer.start_span("a")
    match kind:
        case "one":
            span.end()
        case "two":
            span.end()
        case _:
            span.end()
            never_to_return(kind)


def what_the_types_exclude(kind):
    span = tracer.start_span("a")
    if kind == "one":
        span.end()
    elif kind == "two":
        span.end()
    else:
        assert_never(kind)


def ended_by_a_stack():
    with ExitStack() as stack:
        span = stack.enter_context(tracer.start_span("a"))
        span.set_attribute("key", work())


def ended_or_not_by_its_block(flag):
    span = tracer.start_span("a")
    with opentelemetry.trace.use_span(span, end_on_exit=flag):
        work()
    if not flag:
        span.end()


def a_loop_over_a_literal():
    span = tracer.start_span("a")
    for _ in (1, 2):
        span.end()
        break


def raised_with_it():
    span = tracer.start_span("a")
    raise LookupError(span)


def raised_where_all_is_caught(ready):
    span = tracer.start_span("a")
    try:
        if not ready:
            raise KeyError("x")
    except LookupError:
        span.end()
        return
    span.end()


def given_to_what_is_called_later(loop):
    span = tracer.start_span("a")
    loop.call_later(1.0, span.end)


def the_opposite_of_a_name(one):
    span = tracer.start_span("a")
    if one is not None:
        span.end()
    if one is None:
        span.end()


def true_and_so_not_none(one):
    span = tracer.start_span("a")
    if one:
        span.end()
    elif one is None:
        span.end()
    else:
        span.end()


def none_and_so_not_true(one):
    span = tracer.start_span("a")
    if one is None:
        span.end()
        if one:
            span.end()
        return
    span.end()


def true_before_it_is_asked_for_none(one):
    span = tracer.start_span("a")
    if one:
        span.end()
        if one is None:
            span.end()
        return
    span.end()


def passed_on_beside_what_may_raise():
    try:
        registry.add(tracer.start_span("a"), work())
    finally:
        log.debug("over")


def passed_on_within_a_block_that_swallows():
    with suppress(ValueError):
        registry.add(tracer.start_span("a"), work())
    log.debug("over")


async def passed_on_beside_an_await():
    try:
        registry.add(tracer.start_span("a"), await work())
    except ValueError:
        log.debug("over")
    else:
        log.debug("done")


def more_care_in_a_handler():
    span = tracer.start_span("a")
    try:
        work()
    except Exception:
        try:
            work("clean")
        except OSError:
            log.debug("not clean")
        span.end()
        raise
    span.end()
