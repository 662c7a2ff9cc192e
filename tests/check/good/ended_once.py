"""Look-alikes of ended_twice.py: one end on each way."""

from contextlib import ExitStack, suppress

from app import work
from opentelemetry import trace as otel
from opentelemetry.trace import use_span

from otlp_lite import SpanBuilder, get_tracer

tracer = get_tracer(__name__)


def straight():
    span = tracer.start_span("a")
    span.end()


def two_spans():
    one, two = tracer.start_span("a"), tracer.start_span("b")
    one.end()
    two.end()


async def in_a_coroutine():
    span = tracer.start_span("a")
    try:
        await work()
    finally:
        span.end()


class Service:
    _tracer: otel.Tracer

    def method(self):
        span = self._tracer.start_span("a")
        try:
            work()
        except Exception:
            span.end()
            raise
        span.end()

    async def method_that_awaits(self):
        async with work() as stream:
            with self._tracer.start_as_current_span("a"):
                await stream.send()


def outer():
    inner = get_tracer("inner")

    def nested():
        span = inner.start_span("a")
        return span.end()

    return nested


def in_a_loop(items):
    for _ in items:
        span = tracer.start_span("a")
        span.end()


def by_the_break_or_after(items):
    span = tracer.start_span("a")
    for item in items:
        if item:
            span.end()
            break
    else:
        span.end()


def in_a_while_loop(items):
    span = tracer.start_span("a")
    while True:
        if not items:
            span.end()
            break
        items = items[1:]


def ended_in_one_round(items):
    span = None
    for item in items:
        if span is None:
            span = tracer.start_span("a")
        if item == "last":
            span.end()
            span = None
    if span is not None:
        span.end()


def in_the_handler_or_after():
    span = tracer.start_span("a")
    try:
        work()
    except Exception:
        span.end()
        return
    span.end()


def in_the_handler_that_raises():
    span = tracer.start_span("a")
    try:
        work()
    except BaseException as error:
        span.record_exception(error)
        span.end()
        raise
    else:
        span.end()


def in_the_block_alone():
    with tracer.start_as_current_span("a") as span:
        work()
        span.set_attribute("key", 1)


def within_a_block_that_leaves_it():
    with tracer.start_as_current_span("a", end_on_exit=False) as span:
        span.end()


def within_a_block_by_a_flag(flag):
    with tracer.start_as_current_span("a", end_on_exit=flag) as span:
        if not flag:
            span.end()


def within_a_block_by_arguments(**options):
    with tracer.start_as_current_span("a", **options) as span:
        if not options.get("end_on_exit"):
            span.end()


def within_the_block_of_use_span():
    span = tracer.start_span("a")
    with use_span(span, False):
        span.end()


def by_use_span():
    span = tracer.start_span("a")
    with use_span(span, end_on_exit=True) as same:
        same.set_attribute("key", 1)


def by_a_stack():
    with ExitStack() as stack:
        span = stack.enter_context(tracer.start_as_current_span("a"))
        span.set_attribute("key", 1)


def by_a_callback_of_a_stack():
    with ExitStack() as stack:
        span = tracer.start_span("a")
        stack.callback(span.end)
        work(span)


def in_a_case(command):
    span = tracer.start_span("a")
    match command:
        case ["stop", *_]:
            span.end()
        case {"stop": True}:
            span.end()
        case _:
            span.end()


def the_same_match_returns(command):
    span = tracer.start_span("a")
    match command:
        case "stop":
            return span.end()
    return span.end()


def at_the_early_return(ready):
    span = tracer.start_span("a")
    if not ready:
        span.end()
        return None
    span.end()
    return ready


def by_walrus():
    if span := tracer.start_span("a"):
        span.end()


def by_another_name():
    one = another = tracer.start_span("a")
    one.set_attribute("key", 1)
    another.end()


def by_a_flag():
    ended = False
    span = tracer.start_span("a")
    try:
        work()
        span.end()
        ended = True
    finally:
        if not ended:
            span.end()


def by_the_name_given_up():
    span = tracer.start_span("a")
    try:
        work()
        span.end()
        span = None
    finally:
        if span is not None:
            span.end()


def by_the_same_test(config):
    span = tracer.start_span("a")
    if config.get("early"):
        span.end()
    if not config.get("early"):
        span.end()


def by_the_opposite_of_none(limit):
    span = tracer.start_span("a")
    if limit is None:
        span.end()
    if limit is not None:
        span.end()


def whether_it_records_is_asked():
    span = tracer.start_span("a")
    try:
        work()
        span.end()
    finally:
        if span.is_recording():
            span.end()


def what_is_swallowed():
    span = tracer.start_span("a")
    with suppress(Exception):
        work()
    span.end()


def of_a_builder():
    with SpanBuilder("a").start() as live:
        live.event("here")


def of_a_builder_whose_receipt_is_wanted():
    with SpanBuilder("a").start() as live:
        return live.end()


def its_block_does_not_end_it_by_position():
    kind = otel.SpanKind.INTERNAL
    with tracer.start_as_current_span("a", None, kind, None, (), None, True, True, False) as span:
        span.end()
