"""Look-alikes of thrown_away.py and not_entered.py: kept, entered, or none of OpenTelemetry's."""

import functools
from contextlib import AsyncExitStack, ExitStack

from app import items, registry, work
from opentelemetry import trace
from opentelemetry.trace import use_span as use

import otlp_lite
from otlp_lite import SpanBuilder

tracer = trace.get_tracer(__name__)
bound = otlp_lite.get_tracer("bound").bind_leaf(work)


class Recorder:
    """A class of this program's own, whose methods bear the API's names."""

    def start_span(self, name):
        registry.add(name)

    def start_as_current_span(self, name):
        registry.add(name)

    def record(self):
        self.start_span("a")
        self.start_as_current_span("a")


recorder = Recorder()


def of_another_class():
    recorder.start_span("a")
    recorder.start_as_current_span("a")


def of_another_class_by_a_local_name():
    tracer = Recorder()
    tracer.start_span("a")
    tracer.start_as_current_span("a")


def of_another_class_by_annotation(tracer: Recorder):
    tracer.start_span("a")
    tracer.start_as_current_span("a")


def of_no_tracer(clock):
    clock.start_span("a")


def of_text(tracer: str):
    tracer.start_span("a")


def entered():
    with tracer.start_as_current_span("a"):
        work()


async def entered_in_a_coroutine():
    with tracer.start_as_current_span("a"):
        await work()


class Service:
    @property
    def tracer(self) -> trace.Tracer:
        return trace.get_tracer("service")

    def method(self):
        with self.tracer.start_as_current_span("a"):
            return work()

    async def method_that_awaits(self):
        manager = self.tracer.start_as_current_span("a")
        with manager:
            await work()

    @tracer.start_as_current_span("decorated")
    def decorated(self):
        return work()

    def kept_in_an_attribute(self):
        self.manager = self.tracer.start_as_current_span("a")
        self.manager.__enter__()


@tracer.start_as_current_span("decorated")
def a_decorator():
    return work()


@otlp_lite.span("decorated")
async def a_decorator_of_ours():
    return await work()


def decorated_by_hand():
    return tracer.start_as_current_span("a")(work)()


def decorated_later():
    manager = tracer.start_as_current_span("a")
    return manager(work)


def outer():
    @tracer.start_as_current_span("nested")
    def nested():
        return work()

    return nested


def in_a_loop():
    for item in items:
        with tracer.start_as_current_span("a") as span:
            span.add_event(item)


def in_the_finally():
    try:
        work()
    finally:
        with tracer.start_as_current_span("a"):
            work()


def within_a_block():
    with tracer.start_as_current_span("a"), tracer.start_as_current_span("b"):
        work()


def in_a_case(command):
    match command:
        case "go":
            with tracer.start_as_current_span("a"):
                work()


def on_one_branch_alone(flag):
    manager = tracer.start_as_current_span("a")
    if not flag:
        return
    with manager:
        work()


def returned():
    return tracer.start_as_current_span("a")


def returned_by_a_condition(flag):
    return tracer.start_as_current_span("a") if flag else None


def by_a_lambda():
    return lambda: tracer.start_as_current_span("a")


def by_walrus():
    with (manager := tracer.start_as_current_span("a")):
        work(manager)


def on_a_stack():
    with ExitStack() as stack:
        stack.enter_context(tracer.start_as_current_span("a"))
        work()


async def on_an_async_stack():
    async with AsyncExitStack() as stack:
        stack.enter_context(tracer.start_as_current_span("a"))
        await work()


def passed_on():
    registry.add(tracer.start_as_current_span("a"))


def bound_for_later():
    return functools.partial(tracer.start_as_current_span, "a")


def entered_by_hand():
    manager = tracer.start_as_current_span("a")
    manager.__enter__()
    try:
        work()
    finally:
        manager.__exit__(None, None, None)


def of_use_span(span):
    with use(span):
        work()


def of_use_span_kept():
    span = tracer.start_span("a")
    activation = use(span, end_on_exit=True)
    activation.__enter__()
    registry["a"] = activation, span


def a_bound_leaf():
    with bound("a") as leaf:
        leaf.rows = 1


def a_bound_leaf_at_once():
    bound("a").end()


def a_builder():
    builder = SpanBuilder("a").with_kind(trace.SpanKind.CLIENT)
    builder.with_attribute("key", 1)
    live = builder.start()
    live.end()


def a_builder_started_on_one_branch(flag):
    builder = SpanBuilder("a")
    if flag:
        builder.start().end()


def a_builder_passed_on():
    registry.add(SpanBuilder("a"))


def a_builder_returned():
    return SpanBuilder("a").with_attribute("key", 1)


def a_builder_in_a_block():
    with SpanBuilder("a").start() as live:
        live.set_attribute("key", 1)


def current_in_a_block():
    with SpanBuilder("a").start() as live, live.current():
        work()


def in_a_string():
    return "tracer.start_span('a')"


def made_current_whatever_it_is():
    with use(work()):
        registry.clear()


def made_current_and_named_whatever_it_is():
    with use(work()) as span:
        span.add_event("b")
