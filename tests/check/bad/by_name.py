"""A tracer of which only the name is known, beside a module of OpenTelemetry's."""

import opentelemetry.trace


def thrown_away(tracer):
    tracer.start_span("a")  # bad: OTL005


def of_the_module():
    opentelemetry.trace.get_tracer("x").start_span("a")  # bad: OTL005
