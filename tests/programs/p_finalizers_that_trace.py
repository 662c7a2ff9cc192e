"""Objects that trace when they are collected: by hand, by the collector, and inside calls of the SDK."""

import gc
from typing import Any

from opentelemetry import trace

tracer = trace.get_tracer("finalizers")


class Noisy:
    def __init__(self, name: str, cyclic: bool = False) -> None:
        self.name = name
        self.me = self if cyclic else None

    def __str__(self) -> str:
        return self.name

    def __del__(self) -> None:
        with tracer.start_as_current_span(f"collected {self.name}") as span:
            span.set_attribute("name", self.name)


make: Any = Noisy
gc.disable()
with tracer.start_as_current_span("outer") as outer:
    noisy = Noisy("by hand")
    del noisy
    Noisy("in a cycle", cyclic=True)
    gc.collect()
    outer.set_attribute("object", make("while set as an attribute"))
    outer.set_attributes({"another": make("while set with others")})
    held = {"key": Noisy("replaced")}
    outer.set_attribute("held", "x" * 10)
    held["key"] = Noisy("after the end")
held.clear()
with tracer.start_as_current_span("last"):
    pass
