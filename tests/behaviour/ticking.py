"""A program of asyncio that records for two seconds, flushes, and says how long its loop stood still.

`ticking.py URL executor` flushes in a thread of the loop's executor; `ticking.py URL loop` in the loop, which
stands still meanwhile. With URL "unresolved" the only name server says nothing: run in namespaces, as
hanging_names.py.
"""

from __future__ import annotations

import asyncio
import functools
import json
import sys
import time

from clock import Clock
from hanging_names import NAME, NameServer, raise_loopback, resolve_by

import otlp_lite

LASTS = 2.0


@otlp_lite.traced
async def work(number: int) -> None:
    await asyncio.sleep(0)
    with otlp_lite.span("inner", number=number):
        await asyncio.sleep(0.002)


async def serve(tracer: otlp_lite.Tracer, until: float) -> None:
    number = 0
    while time.monotonic() < until:
        with tracer.start_as_current_span("request", attributes={"number": number}):
            await asyncio.gather(*(work(number) for _ in range(5)))
        number += 1


async def longest_gaps(until: float) -> tuple[float, float]:
    """The longest time between two rounds of the loop: of the wall, and less what a busy machine took."""
    longest, of_own, last = 0.0, 0.0, Clock()
    while time.monotonic() < until:
        await asyncio.sleep(0.001)
        now = Clock()
        longest, of_own, last = max(longest, now.start - last.start), max(of_own, last.own(now)), now
    return longest, of_own


async def flush(where: str) -> bool:
    await asyncio.sleep(0.1)
    call = functools.partial(otlp_lite.force_flush, LASTS - 0.2)
    return call() if where == "loop" else await asyncio.get_running_loop().run_in_executor(None, call)


async def main(url: str, where: str) -> None:
    telemetry = otlp_lite.configure(endpoint=url, schedule_delay=0.05, timeout=30, exit_timeout=0.2)
    tracer = otlp_lite.get_tracer("ticking")
    until = time.monotonic() + LASTS
    serving = asyncio.gather(*(serve(tracer, until) for _ in range(4)))
    (gap, own_gap), flushed, _ = await asyncio.gather(longest_gaps(until), flush(where), serving)
    recorded = telemetry.stats().traces.recorded
    found = {"gap": gap, "own gap": own_gap, "flushed": flushed, "recorded": recorded}
    print(json.dumps(found), flush=True)


if __name__ == "__main__":
    url, where = sys.argv[1:]
    if url == "unresolved":
        raise_loopback()
        resolve_by("nameserver 127.0.0.1\noptions timeout:30 attempts:1\n")
        NameServer()
        url = f"http://{NAME}:4318"
    asyncio.run(main(url, where))
