"""Spans entered in a copied context are not seen outside it, and outlive it."""

import contextvars

from opentelemetry import trace

tracer = trace.get_tracer("copies")
entered: list[object] = []  # kept: a dropped manager would leave its span


def enter(name: str) -> trace.Span:
    manager = tracer.start_as_current_span(name, end_on_exit=False)
    entered.append(manager)
    return manager.__enter__()


def child(name: str) -> None:
    with tracer.start_as_current_span(name):
        pass


with tracer.start_as_current_span("outside"):
    copy = contextvars.copy_context()
    inside = copy.run(enter, "entered in the copy")
    child("outside still")
    copy.run(child, "inside the copy")
    nested = copy.copy()
    inside.end()
    nested.run(child, "below an ended span")
    copy.run(copy.copy().run, child, "copy of the copy")
child("alone")
contextvars.Context().run(child, "empty context")
