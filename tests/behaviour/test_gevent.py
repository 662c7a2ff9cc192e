"""A program of greenlets: its hub goes on while the worker waits, sends and is flushed."""

from __future__ import annotations

import pytest
from child import well
from scripted import Receiver

FIRST = "from gevent import monkey\nmonkey.patch_all()\nimport otlp_lite\n"
LATER = "import otlp_lite\nfrom gevent import monkey\nmonkey.patch_all()\n"
PROGRAM = """
import gevent, time
telemetry = otlp_lite.configure(schedule_delay=0.2)
tracer = otlp_lite.get_tracer("green")
ticks = 0

def tick():
    global ticks
    while True:
        gevent.sleep(0.01)
        ticks += 1

def work(number):
    with tracer.start_as_current_span(f"work {number}"):
        gevent.sleep(0.05)
        with tracer.start_as_current_span("inner"):
            gevent.sleep(0.05)

ticker = gevent.spawn(tick)
gevent.joinall([gevent.spawn(work, number) for number in range(20)], raise_error=True)
gevent.sleep(1)
assert ticks > 50, ticks
assert telemetry.stats().traces.exported == 40  # by the schedule alone
work(20)
assert telemetry.force_flush(10)
assert telemetry.stats().traces.exported == 42
"""


@pytest.mark.parametrize("order", [FIRST, LATER], ids=["patched first", "patched later"])
def test_the_hub_goes_on(order: str) -> None:
    with Receiver() as receiver:
        well(order + PROGRAM, receiver)
        spans = {span.span_id: span for span in receiver.spans()}
        assert len(spans) == 42
        inner = [span for span in spans.values() if span.name == "inner"]
        parents = {spans[span.parent_span_id].name for span in inner}
        assert parents == {f"work {number}" for number in range(21)}
