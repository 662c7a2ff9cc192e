"""One process, one peer, one scenario: `worker.py SCENARIO PEER ENDPOINT [option=value ...]` prints JSON.

It imports little, since what it imports no peer is charged for; `json` comes after the measurement.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from importlib import import_module
from typing import Any, NamedTuple

from opentelemetry import trace
from peers import OURS, PEERS, Peer
from workload import BURST, SHAPES, Burst, Shape, Work, fresh

_TICK = 0.001  # seconds between the looks of the paced loop
_SETTLE = 0.5  # seconds that the drain runs before its window opens
_WARM_UP = 2  # bursts
TWIN = ".twin"  # as in rows.py, which is not imported here
_WAKING = 0.01  # seconds of what is not measured, before a sweep: others have had the caches
_FIRST = 24  # bursts before the first row: each page of the default region has been written to by then


class Run(NamedTuple):
    """What a worker was asked for."""

    peer: Peer
    endpoint: str
    options: dict[str, str]
    early: dict[str, trace.Tracer]  # tracers taken before set-up, by row

    def number(self, name: str) -> int:
        return int(self.options[name])


Report = dict[str, Any]


def _kinds(run: Run) -> list[str]:
    """The suffixes of its rows: twins only where asked for."""
    return ["", TWIN][: 1 + run.number("twins")]


def _work(shape: Shape, kind: str) -> tuple[Burst, Work]:
    return (shape.twin, fresh(BURST)) if kind == TWIN else (shape.plain, range(BURST))


def _wait_for_turn(run: Run) -> None:
    """Until the others of its group have had theirs, if it takes any."""
    if run.number("turns"):
        print("turn", flush=True)
        if not sys.stdin.readline():
            sys.exit("nobody gives turns any more")


def calls(run: Run) -> Report:
    """Microseconds a span takes of the calling thread, and on the wall, burst by burst.

    The rows take turns, burst by burst, and their twins after them; the workers of a group, sweep by sweep of
    all rows: what slows the machine for a while slows all. Each sweep begins with another row.
    """
    session = run.peer.setup(run.endpoint)
    direct = trace.get_tracer("bench")
    figures: dict[str, dict[str, list[float]]] = {}
    for _ in range(_FIRST):
        SHAPES["current5"].plain(direct, range(BURST))
        session.flush()
    spans = _FIRST * BURST
    rows = run.options["rows"].split(",")
    for number in range(_WARM_UP + run.number("bursts")):
        _wait_for_turn(run)
        awake = time.perf_counter() + _WAKING
        while time.perf_counter() < awake:
            SHAPES["current5"].plain(direct, range(BURST))
            session.flush()
            spans += BURST
        first = number % len(rows)
        for kind in _kinds(run):
            for row in rows[first:] + rows[:first]:
                tracer = run.early.get(row, direct)
                shape = SHAPES[row.removeprefix("unsampled_").partition("_via_")[0]]
                burst, work = _work(shape, kind)
                wall_start, thread_start = time.perf_counter(), time.thread_time()
                burst(tracer, work)
                thread_end, wall_end = time.thread_time(), time.perf_counter()
                session.flush()
                spans += shape.spans
                if number >= _WARM_UP:
                    calls = BURST * shape.times
                    figure = figures.setdefault(row + kind, {"thread": [], "wall": []})
                    figure["thread"].append((thread_end - thread_start) * 1e6 / calls)
                    figure["wall"].append((wall_end - wall_start) * 1e6 / calls)
    losses = session.losses()
    session.shutdown()
    return {"figures": figures, "spans": spans, "losses": losses}


def filed(run: Run) -> Report:
    """As calls(), into a file of the folder that was given."""
    os.environ["OTLP_LITE_REGION_DIR"] = run.options["folder"]
    os.environ["OTLP_LITE_OPEN_SPANS"] = "0"
    return calls(run)


def opened(run: Run) -> Report:
    """As filed(), with the table of open spans."""
    os.environ["OTLP_LITE_REGION_DIR"] = run.options["folder"]
    return calls(run)


def cpu(run: Run) -> Report:
    """Microseconds of all threads for an exported span, flush included, set-up and warm-up not."""
    session = run.peer.setup(run.endpoint)
    tracer = trace.get_tracer("bench")
    figures: dict[str, float] = {}
    spans = 0
    for kind in _kinds(run):
        used = 0.0
        for number in range(_WARM_UP + run.number("bursts")):
            burst, work = _work(SHAPES["current5"], kind)
            start = time.process_time()
            burst(tracer, work)
            session.flush()
            used += time.process_time() - start if number >= _WARM_UP else 0.0
            spans += BURST
        figures["cpu" + kind] = used * 1e6 / (run.number("bursts") * BURST)
    losses = session.losses()
    session.shutdown()
    return {"figures": figures, "spans": spans, "losses": losses}


def paced(run: Run) -> Report:
    """Records for `seconds` what is due at each tick; `held` tells whether the loop kept the pace."""
    session = run.peer.setup(run.endpoint)
    tracer = trace.get_tracer("bench")
    rate, seconds = run.number("rate"), run.number("seconds")
    burst, total, done = SHAPES["current5"].plain, rate * seconds, 0
    start = time.perf_counter()
    while done < total:
        due = min(total, int((time.perf_counter() - start) * rate))
        burst(tracer, range(due - done))
        done = due
        time.sleep(_TICK)
    elapsed = time.perf_counter() - start
    session.flush()
    losses = session.losses()
    session.shutdown()
    return {"spans": done, "elapsed": elapsed, "held": elapsed < seconds * 1.02, "losses": losses}


def drain(run: Run) -> Report:
    """Records in a tight loop, holding the GIL; the receiver counts what arrives in the window."""
    session = run.peer.setup(run.endpoint)
    tracer = trace.get_tracer("bench")
    burst, work, bursts = SHAPES["current5"].plain, range(100), 0
    start = time.monotonic()
    opens, closes = start + _SETTLE, start + _SETTLE + run.number("seconds")
    while time.monotonic() < closes:
        burst(tracer, work)
        bursts += 1
    end = time.monotonic()
    session.shutdown()
    return {"spans": bursts * len(work), "elapsed": end - start, "opens": opens, "closes": closes}


def memory(run: Run) -> Report:
    """Resident bytes after `spans` spans in bursts that are flushed; without any, of the API alone."""
    spans = run.number("spans")
    losses: dict[str, int] = {}
    if spans:
        session = run.peer.setup(run.endpoint)
        tracer, burst, work = trace.get_tracer("bench"), SHAPES["current5"].plain, range(BURST)
        for _ in range(spans // BURST):
            burst(tracer, work)
            session.flush()
        resident = _resident()
        losses = session.losses()
        session.shutdown()
    else:
        resident = _resident()
    return {"spans": spans // BURST * BURST, "resident": resident, "peak": _peak(), "losses": losses}


def _resident() -> int:
    """Counted from the page tables; /proc/self/statm reads counters that lag by up to 32 pages a core."""
    return _kilobytes("/proc/self/smaps_rollup", b"Rss:")


def _peak() -> int:
    """As getrusage's ru_maxrss, but of this program alone: that one keeps the parent's peak across exec."""
    return _kilobytes("/proc/self/status", b"VmHWM:")


def _kilobytes(path: str, field: bytes) -> int:
    with open(path, "rb") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith(field))


def setup(run: Run) -> Report:
    """Milliseconds to import what the peer needs over the API, to set it up, and to have sent a span."""
    start = time.perf_counter()
    for module in run.peer.modules:
        import_module(module)
    imported = time.perf_counter()
    session = run.peer.setup(run.endpoint)
    tracer = trace.get_tracer("bench")
    ready = time.perf_counter()
    tracer.start_span("first").end()
    session.flush()
    arrived = time.perf_counter()
    losses = session.losses()
    session.shutdown()
    figures = {"import": imported - start, "setup": ready - imported}
    figures |= {"ready": ready - start, "first_span": arrived - start}
    return {
        "figures": {row: seconds * 1e3 for row, seconds in figures.items()},
        "spans": 1,
        "losses": losses,
    }


SCENARIOS: dict[str, Callable[[Run], Report]] = {
    "calls": calls,
    "unsampled": calls,
    "filed": filed,
    "opened": opened,
    "cpu": cpu,
    "paced": paced,
    "drain": drain,
    "memory": memory,
    "setup": setup,
}


def main() -> None:
    scenario, peer, endpoint, *pairs = sys.argv[1:]
    options = dict(pair.split("=", 1) for pair in pairs)
    rows = options.get("rows", "")
    early: dict[str, trace.Tracer] = {}
    if "current_via_proxy" in rows:
        early["current_via_proxy"] = trace.get_tracer("bench.early")
    if "current_via_early" in rows and peer == OURS:
        early["current_via_early"] = import_module(OURS).get_tracer("bench.early")
    report = SCENARIOS[scenario](Run(PEERS[peer], endpoint, options, early))
    print(import_module("json").dumps(report))


if __name__ == "__main__":
    main()
