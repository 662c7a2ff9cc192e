"""What a million spans leave behind: no allocated block, no growth of memory, no loss."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from opentelemetry.trace import Tracer

from otlp_lite.testing import collect
from otlp_lite.traces.sampling import ALWAYS_OFF

SPANS = 1_000_000
"""A kind; ten times as many where memory is watched."""
BURST = 1000


def current(tracer: Tracer) -> None:
    for _ in range(BURST):
        with tracer.start_as_current_span("current") as span:
            span.set_attribute("key", "value")


def leaf_like(tracer: Tracer) -> None:
    for _ in range(BURST):
        tracer.start_span("leaf").end()


def leaking(tracer: Tracer, kept: list[object] = []) -> None:  # noqa: B006 - what is planted is a leak
    for _ in range(BURST):
        kept.append(tracer.start_span("kept"))


def blocks_grown(
    record: Callable[[Tracer], None], spans: int = SPANS, drain: bool = True, **settings: Any
) -> int:
    """Blocks that are allocated after `spans` more than before, warm-up aside."""
    with collect(**settings) as collected:
        tracer = collected.tracer_provider.get_tracer("cost")
        bursts = [20, spans // BURST]
        before = 0
        for count in bursts:
            before = sys.getallocatedblocks()
            for _ in range(count):
                record(tracer)
                if drain:
                    collected.requests()
        grown = sys.getallocatedblocks() - before
        region = collected.tracer_provider.region
        if not drain:
            assert region is not None and region.stats().dropped["overwritten"] > spans // 2
        return grown


KINDS: dict[str, Callable[[], int]] = {
    "current": lambda: blocks_grown(current),
    "leaf-like": lambda: blocks_grown(leaf_like),
    "unsampled": lambda: blocks_grown(current, sampler=ALWAYS_OFF),
    "dropped": lambda: blocks_grown(current, drain=False, region_size=64 << 10),
    "leaking": lambda: blocks_grown(leaking, 10 * BURST),
}


def in_a_process_of_its_own(kind: str) -> int:
    """Here threads of other tests may still be at work."""
    return int(subprocess.run([sys.executable, __file__, kind], capture_output=True, check=True).stdout)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "leaking"])
def test_spans_leave_no_block(kind: str) -> None:
    assert in_a_process_of_its_own(kind) < 10


def test_a_planted_leak_is_seen() -> None:
    assert in_a_process_of_its_own("leaking") > BURST


class Sink(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


def resident() -> int:
    with open("/proc/self/smaps_rollup") as file:
        return next(int(line.split()[1]) << 10 for line in file if line.startswith("Rss:"))


def test_memory_does_not_grow_while_bursts_are_sent() -> None:
    """From the first to the last tenth of the spans: a real receiver, each burst flushed, none lost."""
    import otlp_lite.assemble as assemble
    from otlp_lite.config import load

    server = ThreadingHTTPServer(("127.0.0.1", 0), Sink)
    Thread(target=server.serve_forever, daemon=True).start()
    config = load({"endpoint": f"http://127.0.0.1:{server.server_port}"}, {})
    telemetry = assemble.build(config)
    tracer = telemetry.tracer_provider.get_tracer("cost")
    marks = []
    for burst in range(10 * SPANS // BURST):
        current(tracer)
        assert telemetry.force_flush(10)
        if burst in (SPANS // BURST, 10 * SPANS // BURST - 1):
            marks.append(resident())
    stats = telemetry.stats().traces
    telemetry.shutdown()
    server.shutdown()
    assert stats.exported == stats.recorded == 10 * SPANS
    assert marks[1] - marks[0] < 256 << 10


if __name__ == "__main__":
    print(KINDS[sys.argv[1]]())
