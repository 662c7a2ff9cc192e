"""The wall clock is set while a program runs: what has not left is corrected, and what was given is not."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import textwrap
import time
from pathlib import Path

import pytest
from child import well
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from scripted import Receiver, answer

SECOND = 1_000_000_000
TOLERANCE = 0.3 * SECOND
"""For a machine that is busy elsewhere between two readings of a clock."""
GIVEN = 1_234_567_890 * SECOND
BEFORE = """
import json, mmap, os, time
import otlp_lite

telemetry = otlp_lite.configure(schedule_delay=60)
tracer = otlp_lite.get_tracer("steps")
with open(os.environ["STEPPED_CLOCK"], "r+b") as file:
    clock = mmap.mmap(file.fileno(), 8)
truth = {}
print(time.time())

def step(seconds):
    clock[:] = int(seconds * 1e9).to_bytes(8, "little", signed=True)

def times(name):
    truth.setdefault(name, []).append(time.monotonic_ns())

def span(name, event=None, start=None, end=None, **attributes):
    times(name)
    one = tracer.start_span(name, attributes=attributes, start_time=start)
    time.sleep(0.02)
    times(name)
    one.add_event("event", timestamp=event)
    time.sleep(0.02)
    times(name)
    one.end(end)
"""
MANY = """
given = {given}
span("before")
span("start given", start=given)
span("end given", end=given)
span("event given", event=given)
for name in ("across", "across, twice"):
    times(name)
across, twice = tracer.start_span("across"), tracer.start_span("across, twice")
time.sleep(0.02)
step({between})
span("between")
for name in ("across", "across, twice"):
    times(name)
across.add_event("event")
twice.add_event("event")
times("across")
across.end()
step(0)
span("after")
times("across, twice")
twice.end()
assert telemetry.force_flush(20)
print(json.dumps(truth))
"""
HELD = """
span("one", text="x" * {size})
assert not telemetry.force_flush(0.3)
step(0)
assert telemetry.force_flush(20)
print(json.dumps(truth))
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    built = tmp_path_factory.mktemp("stepped") / "stepped.so"
    source = Path(__file__).with_name("stepped.c")
    subprocess.run(
        ["cc", "-O1", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o", built, source], check=True
    )
    return built


class World:
    """A program whose clock is off, and what becomes of its spans' times."""

    def __init__(self, library: Path, file: Path, off: float) -> None:
        self.off = int(off * SECOND)
        file.write_bytes(struct.pack("<q", self.off))
        preloaded = [value for value in (os.environ.get("LD_PRELOAD"), str(library)) if value]
        self.env = {"LD_PRELOAD": " ".join(preloaded), "STEPPED_CLOCK": str(file)}
        self.truth: dict[str, list[int]] = {}
        """By name, the monotonic clock at its start, event and end."""
        self.to_wall = time.time_ns() - time.monotonic_ns()

    def run(self, program: str, receiver: Receiver, **env: str) -> None:
        first, last = well(BEFORE + textwrap.dedent(program), receiver, self.env | env).splitlines()
        assert abs(float(first) * SECOND - time.time_ns() - self.off) < 60 * SECOND  # it was off
        self.truth = json.loads(last)

    def errors(self, span: Span) -> list[float]:
        """Of start, event and end, in ns."""
        (event,) = span.events
        got = (span.start_time_unix_nano, event.time_unix_nano, span.end_time_unix_nano)
        true = self.truth[span.name]
        return [is_ - was - self.to_wall for is_, was in zip(got, true, strict=True)]


def right(errors: list[float], off: float = 0) -> bool:
    return all(abs(error - off) < TOLERANCE for error in errors)


@pytest.mark.parametrize("compression", ["none", "gzip"])
@pytest.mark.parametrize(
    ("off", "between"),
    [(100 - time.time(), -3600.0), (86400.0, 2.0), (-2.0, 3.0)],
    ids=["from 1970", "a day back", "back and forth"],
)
def test_unsent_spans_are_corrected_and_given_times_are_not(
    library: Path, tmp_path: Path, off: float, between: float, compression: str
) -> None:
    with Receiver() as receiver:
        world = World(library, tmp_path / "clock", off)
        world.run(
            MANY.format(given=GIVEN, between=between), receiver, OTEL_EXPORTER_OTLP_COMPRESSION=compression
        )
        spans = {span.name: span for span in receiver.spans()}
        assert spans.keys() == world.truth.keys() and len(spans) == 8 == len(receiver.spans())
        for name, span in spans.items():
            errors = world.errors(span)
            assert right(errors) or name.endswith("given"), (name, errors)
        # A time that was given is sent as it is, and the times beside it too: no span may turn round.
        start, end, event = (spans[f"{what} given"] for what in ("start", "end", "event"))
        assert (start.start_time_unix_nano, end.end_time_unix_nano) == (GIVEN, GIVEN)
        assert event.events[0].time_unix_nano == GIVEN
        assert right(world.errors(start)[1:], world.off)
        assert right(world.errors(end)[:2], world.off)
        assert right(world.errors(event)[::2], world.off)


def test_a_step_of_less_than_a_second_is_no_correction(library: Path, tmp_path: Path) -> None:
    with Receiver() as receiver:
        world = World(library, tmp_path / "clock", -0.8)
        world.run(
            "span('one')\nstep(0)\nassert telemetry.force_flush(20)\nprint(json.dumps(truth))", receiver
        )
        (span,) = receiver.spans()
        assert right(world.errors(span), world.off), world.errors(span)


@pytest.mark.parametrize("size", [10, 100_000], ids=["small", "over many chunks"])
def test_what_is_sent_again_after_the_step_is_corrected(library: Path, tmp_path: Path, size: int) -> None:
    with Receiver(answer(503, b"", "Retry-After: 1")) as receiver:
        world = World(library, tmp_path / "clock", 100 - time.time())
        world.run(HELD.format(size=size), receiver)
        first, second = receiver.spans()
        assert first.span_id == second.span_id
        assert right(world.errors(first), world.off), world.errors(first)
        assert right(world.errors(second)), world.errors(second)
