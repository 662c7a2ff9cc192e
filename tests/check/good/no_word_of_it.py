"""A tracer of which only the name is known, in a module that has nothing of OpenTelemetry but a method's name."""

from app import work


def thrown_away(tracer):
    tracer.start_span("a")


def entered(tracer):
    with tracer.start_as_current_span("a"):
        work()
