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


async def longest_gap(until: float) -> float:
    longest, last = 0.0, time.monotonic()
    while last < until:
        await asyncio.sleep(0.001)
        now = time.monotonic()
        longest, last = max(longest, now - last), now
    return longest


async def flush(where: str) -> bool:
    await asyncio.sleep(0.1)
    call = functools.partial(otlp_lite.force_flush, LASTS - 0.2)
    return call() if where == "loop" else await asyncio.get_running_loop().run_in_executor(None, call)


async def main(url: str, where: str) -> None:
    telemetry = otlp_lite.configure(endpoint=url, schedule_delay=0.05, timeout=30, exit_timeout=0.2)
    tracer = otlp_lite.get_tracer("ticking")
    until = time.monotonic() + LASTS
    gap, flushed, *_ = await asyncio.gather(
        longest_gap(until), flush(where), *(serve(tracer, until) for _ in range(4))
    )
    recorded = telemetry.stats().traces.recorded
    print(json.dumps({"gap": gap, "flushed": flushed, "recorded": recorded}), flush=True)


if __name__ == "__main__":
    url, where = sys.argv[1:]
    if url == "unresolved":
        raise_loopback()
        resolve_by("nameserver 127.0.0.1\noptions timeout:30 attempts:1\n")
        NameServer()
        url = f"http://{NAME}:4318"
    asyncio.run(main(url, where))
