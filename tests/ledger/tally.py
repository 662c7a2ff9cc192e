"""What a process of the ledger keeps: numbered spans, their count, which outlives it, and its account."""

from __future__ import annotations

import atexit
import json
import math
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from mmap import mmap
from pathlib import Path
from random import Random
from typing import Any

from opentelemetry.trace import Span

import otlp_lite
from otlp_lite.traces.processor import SpanProcessor

FOLDER = Path(os.environ["LEDGER_FOLDER"])
SEED = os.environ["LEDGER_SEED"]
KIND = bool(os.environ.get("LEDGER_KIND"))
"""The receiver takes all, at once: so that nothing may be lost."""
THREADS = 8

_numbers = count()
_tallies: list[Tally] = []


class Account(SpanProcessor):
    """For the sake of its end: it is called, whichever way that comes, once the rest is sent or dropped."""

    def shutdown(self) -> None:
        patience = time.monotonic() + 2
        while otlp_lite.stats().traces.pending and time.monotonic() < patience:
            time.sleep(0.005)  # a worker that was interrupted drops the rest as it gets out
        ended = _counted(1)
        stats = otlp_lite.stats().traces
        counters = {**stats._asdict(), "dropped": dict(stats.dropped)}
        _say(ended=ended, begun=_counted(0), **counters)


def _configure() -> otlp_lite.Telemetry:
    random = Random(f"{SEED} settings")
    return otlp_lite.configure(
        service_name="ledger",
        span_processors=[Account()],
        schedule_delay=random.uniform(0.01, 0.1),
        region_size="64MiB" if KIND else random.choice(("64KiB", "256KiB", "4MiB")),
        on_full=random.choice(("overwrite", "overwrite", "drop")),
        max_export_batch_size=random.choice((None, 50)),
        compression=random.choice(("none", "none", "gzip")),
        exit_timeout=20.0 if KIND else 1.0,
    )


class Tally:
    """Of one thread: how many spans it was about to end, and how many have ended, in a file's memory."""

    def __init__(self) -> None:
        self._pid = os.getpid()
        self._name = f"{self._pid}.{next(_numbers)}"
        self._next = 0
        with open(FOLDER / f"{self._name}.tally", "w+b") as file:
            file.truncate(16)
            self.counts = memoryview(mmap(file.fileno(), 16)).cast("Q")
        _tallies.append(self)

    def start(self, pad: str = "") -> Span:
        """A span that is not current."""
        return tracer.start_span(self._number(), attributes={"number": self._next, "pad": pad})

    @contextmanager
    def current(self) -> Iterator[None]:
        with tracer.start_as_current_span(
            self._number(), attributes={"number": self._next}, end_on_exit=False
        ) as span:
            try:
                yield
            finally:
                self.end(span)

    def end(self, span: Span) -> None:
        if self._pid != os.getpid():
            span.end()  # it is its parent's, which sends it
            return
        self.counts[0] += 1
        span.end()
        self.counts[1] += 1

    def _number(self) -> str:
        self._next += 1
        return f"{self._name}.{self._next}"


def record(seconds: float = math.inf) -> None:
    """Numbered spans of some kinds and sizes, in bursts."""
    tally = Tally()
    random = Random()
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with tally.current():
            for _ in range(random.randrange(10)):
                size = random.choices((0, 100, 1000, 6000), (80, 10, 9, 1))[0]
                tally.end(tally.start("x" * size))
        time.sleep(random.uniform(0, 0.01))


def flush(seconds: float = math.inf) -> None:
    """Each flush is an attempt at once, whatever the receiver did before."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        otlp_lite.force_flush(0.05)
        time.sleep(0.02)


def start_threads(daemon: bool, seconds: float = math.inf) -> list[threading.Thread]:
    """Eight that record, each for a while of its own of up to so many seconds, and one that flushes."""
    random = Random()
    whiles = [random.uniform(seconds / 4, seconds) if seconds < math.inf else seconds for _ in range(THREADS)]
    threads = [threading.Thread(target=record, args=(each,), daemon=daemon) for each in whiles]
    threads.append(threading.Thread(target=flush, args=(max(whiles),), daemon=daemon))
    for thread in threads:
        thread.start()
    return threads


def ask() -> None:
    """The end is asked for: what has ended by now is to be sent, unless SIGTERM was first to ask."""
    ended = _counted(1)
    if not telemetry.tracer_provider.closed:
        _say(asked=ended)


def _counted(which: int) -> int:
    return sum(tally.counts[which] for tally in tuple(_tallies))


def _say(**facts: object) -> None:
    line = json.dumps({"pid": os.getpid(), **facts}) + "\n"
    account = os.open(FOLDER / "account", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    written = os.write(account, line.encode())
    os.close(account)
    if written != len(line):
        sys.exit("the account was cut short")


telemetry: Any = _configure()
atexit.register(ask)  # comes before what configure() has registered
os.register_at_fork(after_in_child=_tallies.clear)
tracer = otlp_lite.get_tracer("ledger")
