"""Spans that are ended twice."""

from app import NotAllowed, NotFound, work
from opentelemetry import trace as otel
from opentelemetry.trace import use_span

from otlp_lite import SpanBuilder, get_tracer

tracer = get_tracer(__name__)


def straight():
    span = tracer.start_span("a")
    span.end()
    span.end()  # bad: OTL002


async def in_a_coroutine():
    span = tracer.start_span("a")
    try:
        await work()
        span.end()
    finally:
        span.end()  # bad: OTL002


class Service:
    _tracer: otel.Tracer

    def method(self):
        span = self._tracer.start_span("a")
        try:
            work()
        except Exception:
            span.end()
        span.end()  # bad: OTL002

    async def method_that_awaits(self):
        async with work() as stream:
            span = self._tracer.start_span("a")
            stream.size = 1
            span.end()
            span.end()  # bad: OTL002


def outer():
    inner = get_tracer("inner")

    def nested():
        span = inner.start_span("a")
        span.end()
        return span.end()  # bad: OTL002

    return nested


def in_a_loop(items):
    span = tracer.start_span("a")
    for _ in items:
        span.end()  # bad: OTL002
    if span.is_recording():
        span.end()


def after_a_loop(items):
    span = tracer.start_span("a")
    for item in items:
        if item:
            span.end()
            break
    span.end()  # bad: OTL002


def in_the_handler():
    span = tracer.start_span("a")
    try:
        span.end()
        work()
    except ValueError:
        span.end()  # bad: OTL002
        raise


def in_try_and_finally():
    span = tracer.start_span("a")
    try:
        work()
        span.end()
    finally:
        span.end()  # bad: OTL002


def within_its_block():
    with tracer.start_as_current_span("a") as span:
        work()
        span.end()  # bad: OTL002


def within_its_block_on_one_branch(failed):
    with tracer.start_as_current_span("a") as span:
        if failed:
            span.end()  # bad: OTL002
            return
        work()


def within_the_block_of_the_span_itself():
    with tracer.start_span("a") as span:
        span.end()  # bad: OTL002


def within_the_block_of_use_span():
    span = tracer.start_span("a")
    with use_span(span, True):
        span.end()  # bad: OTL002


def after_its_block():
    with tracer.start_as_current_span("a") as span:
        work()
    span.end()  # bad: OTL002


def in_a_case(command):
    span = tracer.start_span("a")
    match command:
        case ["stop", *_]:
            span.end()
        case {"stop": True}:
            pass
    span.end()  # bad: OTL002


def past_the_early_return(ready):
    span = tracer.start_span("a")
    try:
        if not ready:
            span.end()
            return None
        return work()
    finally:
        span.end()  # bad: OTL002


def by_walrus():
    if span := tracer.start_span("a"):
        span.end()
    span.end()  # bad: OTL002


def by_another_name():
    one = another = tracer.start_span("a")
    one.end()
    another.end()  # bad: OTL002


def by_a_flag_that_is_wrong():
    ended = False
    span = tracer.start_span("a")
    try:
        work()
        span.end()
    finally:
        if not ended:
            span.end()  # bad: OTL002


def of_a_builder():
    live = SpanBuilder("a").start()
    with use_span(live, end_on_exit=True):
        live.end()  # bad: OTL002


def by_the_second_handler(url):
    span = tracer.start_span("a")
    try:
        raise NotAllowed(url)
    except NotFound:
        span.end()
    except NotAllowed:
        span.end()
        span.end()  # bad: OTL002


def of_one_that_may_be_none(span: otel.Span | None):
    if span is not None:
        span.end()
        span.end()  # bad: OTL002


def of_one_that_is_there(span: otel.Span | None):
    if span:
        span.end()
        span.end()  # bad: OTL002
