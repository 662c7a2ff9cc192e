"""Tracers of another library that is imported as a module."""

import ddtrace.opentracer
import opentelemetry.trace

tracer = ddtrace.opentracer.Tracer()


def thrown_away():
    tracer.start_span("a")


def known_all_the_same():
    opentelemetry.trace.get_tracer("x").start_span("a").end()
