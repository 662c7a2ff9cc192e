"""Spans that are current, and ended by whoever asks for the current one; spans that others keep."""

from app import job, registry, work
from opentelemetry import trace
from opentelemetry.context import attach, set_value
from opentelemetry.trace import set_span_in_context

from otlp_lite import get_tracer

tracer = get_tracer(__name__)


def ended_by_what_is_called():
    with tracer.start_as_current_span("a", end_on_exit=False):
        work()


def ended_by_who_asks_here():
    with tracer.start_as_current_span("a", end_on_exit=False):
        job.span = trace.get_current_span()


def ended_as_the_current_one():
    with tracer.start_as_current_span("a", end_on_exit=False):
        trace.get_current_span().end()


class Hook:
    def before(self):
        self.token = attach(set_span_in_context(tracer.start_span("a")))

    def after(self):
        trace.get_current_span().end()


def ended_while_another_is_current():
    span = tracer.start_span("a")
    attach(set_span_in_context(span))
    span.end()
    with tracer.start_as_current_span("b"):
        trace.get_current_span().set_attribute("key", 1)


def another_context(context):
    span = tracer.start_span("a")
    with trace.use_span(span, end_on_exit=True):
        attach(context)
        trace.get_current_span().end()


def the_key_of_others():
    span = tracer.start_span("a")
    registry[span] = 1


def one_of_the_names():
    span = tracer.start_span("a")
    return locals()


def a_place_that_is_assigned(spans):
    span = tracer.start_span("a")
    spans += [span]


def added_to_what_others_have(total):
    span = tracer.start_span("a")
    total += span


def one_of_the_variables():
    span = tracer.start_span("a")
    return vars()


def in_another_order():
    span = tracer.start_span("a")
    with trace.use_span(record_exception=True, span=span, end_on_exit=True):
        work()


def with_more_behind_a_star(options):
    span = tracer.start_span("a")
    with trace.use_span(span, *options):
        work()


def behind_a_star(key):
    span = tracer.start_span("a")
    set_value(*key, span)


def the_value_of_another():
    span = tracer.start_span("a")
    other = tracer.start_span("b")
    other.set_attribute("span", span)
    other.end()


def by_the_names_of_parameters():
    span = tracer.start_span("a")
    attach(context=set_span_in_context(span=span))
    trace.get_current_span().end()
