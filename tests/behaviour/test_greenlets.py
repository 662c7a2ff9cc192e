"""Programs of greenlets, gevent's or eventlet's: the hub goes on while the worker waits and sends."""

from __future__ import annotations

import sys
from typing import NamedTuple

import pytest
from child import CRASH, run
from scripted import Receiver


class Library(NamedTuple):
    patch: str
    spawn: str
    """Defines spawn(function, *arguments) and join(greenlets), which raises what they raise."""


LIBRARIES = {
    "gevent": Library(
        "from gevent import monkey; monkey.patch_all()",
        """
import gevent
spawn = gevent.spawn
def join(greenlets):
    gevent.joinall(greenlets, raise_error=True)
""",
    ),
    "eventlet": Library(
        "import eventlet; eventlet.monkey_patch()",
        """
spawn = eventlet.spawn
def join(greenlets):
    for greenlet in greenlets:
        greenlet.wait()
""",
    ),
}
PROGRAM = """
import time
telemetry = otlp_lite.configure(schedule_delay=0.2)
tracer = otlp_lite.get_tracer("green")
ticks = 0

def tick():
    global ticks
    while True:
        time.sleep(0.01)
        ticks += 1

def work(number):
    with tracer.start_as_current_span(f"work {number}"):
        time.sleep(0.05)
        with tracer.start_as_current_span("inner"):
            time.sleep(0.05)

spawn(tick)
join([spawn(work, number) for number in range(20)])
while telemetry.stats().traces.exported < 40 or ticks < 50:  # by the schedule alone
    time.sleep(0.05)
work(20)
assert telemetry.force_flush(10)
assert telemetry.stats().traces.exported == 42
"""


@pytest.mark.parametrize("patched", ["first", "later"])
@pytest.mark.parametrize("name", LIBRARIES)
def test_the_hub_goes_on(name: str, patched: str) -> None:
    library = LIBRARIES[name]
    head = [library.patch, "import otlp_lite"]
    program = "\n".join(head if patched == "first" else reversed(head))
    with Receiver() as receiver:
        ended = run(program + library.spawn + PROGRAM, receiver)
        assert ended.status == 0 and not any(word in ended.err for word in CRASH), ended
        # No lock of ours is one that eventlet complains of. (Of CPython 3.14's own it does in any case.)
        assert "not greened" not in ended.err or sys.version_info >= (3, 14), ended
        spans = {span.span_id: span for span in receiver.spans()}
        assert len(spans) == 42
        inner = [span for span in spans.values() if span.name == "inner"]
        parents = {spans[span.parent_span_id].name for span in inner}
        assert parents == {f"work {number}" for number in range(21)}
