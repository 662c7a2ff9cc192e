"""Spans that are started, and builders that are made, and thrown away."""

from app import items, work
from opentelemetry import trace

import otlp_lite
from otlp_lite import SpanBuilder

tracer = trace.get_tracer(__name__)
bound = otlp_lite.get_tracer("bound").bind_leaf(work)


def straight():
    tracer.start_span("a")  # bad: OTL005


async def in_a_coroutine():
    await work()
    tracer.start_span("a")  # bad: OTL005


class Service:
    def __init__(self, provider: trace.TracerProvider):
        self._tracer = provider.get_tracer("service")

    def method(self):
        self._tracer.start_span("a").set_attribute("key", 1)  # bad: OTL005

    async def method_that_awaits(self):
        async with work():
            self._tracer.start_span("a")  # bad: OTL005


def outer():
    def nested():
        tracer.start_span("a")  # bad: OTL005

    return nested


def in_a_loop():
    for _ in items:
        tracer.start_span("a")  # bad: OTL005


def in_the_finally():
    try:
        work()
    finally:
        tracer.start_span("a")  # bad: OTL005


def within_a_block():
    with tracer.start_as_current_span("a"):
        tracer.start_span("b")  # bad: OTL005


def in_a_case(command):
    match command:
        case "go":
            tracer.start_span("a")  # bad: OTL005


def before_the_early_return():
    if items:
        tracer.start_span("a")  # bad: OTL005
        return


def asked_alone():
    if tracer.start_span("a").is_recording():  # bad: OTL005
        work()


def only_its_context():
    return tracer.start_span("a").get_span_context()  # bad: OTL005


def by_walrus(flag):
    return flag and (context := tracer.start_span("a").get_span_context()) and context  # bad: OTL005


def a_leaf():
    otlp_lite.get_tracer("x").leaf("a")  # bad: OTL005


def a_bound_leaf():
    bound("a")  # bad: OTL005


def of_a_builder():
    SpanBuilder("a").start()  # bad: OTL005


def a_builder():
    SpanBuilder("a")  # bad: OTL005


def a_builder_with_all_it_takes():
    SpanBuilder("a").with_kind(trace.SpanKind.CLIENT).with_attribute("key", 1)  # bad: OTL005


def a_builder_that_is_never_started():
    builder = SpanBuilder("a")  # bad: OTL005
    builder.with_attribute("key", 1)


def a_list_of_them(names):
    [tracer.start_span(name) for name in names]  # bad: OTL005


def a_tuple_of_one():
    tracer.start_span("a"), 1  # bad: OTL005


def after_a_loop_that_runs():
    for _ in (1, 2):
        work()
    tracer.start_span("a")  # bad: OTL005


def in_a_handler_that_perhaps_takes_it():
    try:
        raise Missing
    except LookupError:
        tracer.start_span("a")  # bad: OTL005


def in_a_handler_for_all():
    try:
        raise ValueError
    except BaseException:
        tracer.start_span("a")  # bad: OTL005


def in_a_handler_of_the_class():
    try:
        raise ValueError
    except ValueError:
        tracer.start_span("a")  # bad: OTL005


def in_a_handler_of_what_is_in_a_name(error):
    try:
        raise error
    except ValueError:
        tracer.start_span("a")  # bad: OTL005


def as_the_generator_is_closed():
    try:
        yield 1
    except GeneratorExit:
        tracer.start_span("a")  # bad: OTL005


def as_something_is_thrown_into_it():
    try:
        yield 1
    except ValueError:
        tracer.start_span("a")  # bad: OTL005
