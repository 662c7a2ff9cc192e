"""What would make a span current, and is never entered."""

from app import items, work
from opentelemetry import trace
from opentelemetry.trace import use_span as use

import otlp_lite

tracer = trace.get_tracer(__name__)


def straight():
    tracer.start_as_current_span("a")  # bad: OTL006
    work()


async def in_a_coroutine():
    tracer.start_as_current_span("a")  # bad: OTL006
    await work()


class Service:
    @property
    def tracer(self) -> trace.Tracer:
        return trace.get_tracer("service")

    def method(self):
        self.tracer.start_as_current_span("a")  # bad: OTL006

    async def method_that_awaits(self):
        manager = self.tracer.start_as_current_span("a")  # bad: OTL006
        await work()
        del manager


def outer():
    def nested():
        tracer.start_as_current_span("a")  # bad: OTL006

    return nested


def in_a_loop():
    for _ in items:
        tracer.start_as_current_span("a")  # bad: OTL006


def taken_for_a_span():
    span = tracer.start_as_current_span("a")  # bad: OTL006
    try:
        work()
    finally:
        span.end()


def in_the_finally():
    try:
        work()
    finally:
        tracer.start_as_current_span("a")  # bad: OTL006


def within_a_block():
    with tracer.start_as_current_span("a"):
        tracer.start_as_current_span("b")  # bad: OTL006


def in_a_case(command):
    match command:
        case "go":
            tracer.start_as_current_span("a")  # bad: OTL006


def before_the_early_return():
    if items:
        span = tracer.start_as_current_span("a")  # bad: OTL006
        span.set_attribute("key", 1)
        return
    work()


def by_walrus():
    if span := tracer.start_as_current_span("a"):  # bad: OTL006
        span.set_attribute("key", 1)


def of_ours():
    otlp_lite.span("a")  # bad: OTL006


def of_use_span():
    span = tracer.start_span("a")
    use(span, end_on_exit=True)  # bad: OTL006
    work()


def of_a_builder():
    with otlp_lite.SpanBuilder("a").start() as live:
        live.current()  # bad: OTL006
        work()


def whose_tracer_comes_from_elsewhere(app):
    app.telemetry.start_as_current_span("a")  # bad: OTL006


def entered_but_not_kept():
    tracer.start_as_current_span("a").__enter__()  # bad: OTL006
    work()
