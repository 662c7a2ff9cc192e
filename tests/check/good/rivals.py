"""Tracers of another library, whose methods bear the same names."""

from app import work
from opentelemetry.shim import opentracing_shim
from opentracing import global_tracer

tracer = global_tracer()


def thrown_away():
    tracer.start_span("a")


def never_ended():
    span = tracer.start_span("a")
    span.set_attribute("key", 1)


def finished():
    span = tracer.start_span("a")
    span.finish()
    span.set_attribute("key", 1)


def by_the_shim(provider):
    tracer = opentracing_shim.create_tracer(provider)
    tracer.start_span("a")
    work()


def of_a_parameter(tracer):
    tracer.start_span("a")
    tracer.start_as_current_span("a")
