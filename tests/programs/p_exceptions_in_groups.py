"""Groups of exceptions, nested, split and of BaseExceptions, where the interpreter has them."""

import builtins
from typing import Any

from opentelemetry import trace

Group: Any = getattr(builtins, "ExceptionGroup", None)
BaseGroup: Any = getattr(builtins, "BaseExceptionGroup", None)
tracer = trace.get_tracer("groups")

with tracer.start_as_current_span("outer") as outer:
    if Group is None:
        outer.record_exception(ValueError("no groups"))
    else:
        inner = Group("inner", [ValueError("a"), OSError(2, "b")])
        try:
            with tracer.start_as_current_span("nested groups"):
                raise Group("outer", [inner, KeyError("c")])
        except Group as group:
            matched, rest = group.split(KeyError)
            outer.record_exception(matched)
            outer.record_exception(rest)
            outer.record_exception(rest.exceptions[0])
        try:
            with tracer.start_as_current_span("a group as context"):
                try:
                    raise inner
                except Group as group:
                    raise Group("second", [TypeError("e")]) from group
        except Group as group:
            print(repr(group), repr(group.__cause__))
        for base in (
            BaseGroup("base", [KeyboardInterrupt(), ValueError("d")]),
            BaseGroup("plain", [ValueError("f")]),
        ):
            try:
                with tracer.start_as_current_span(str(base)):
                    raise base
            except BaseGroup as caught:
                print(repr(caught))
        noted: Any = ValueError("noted")
        noted.add_note("a note\nof two lines")
        outer.record_exception(noted)
