"""Time in tests, on machines that may be busy."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path


def stalled() -> list[float]:
    """Seconds, of all, in which a task waited for a processor, and for a disk; 0 if unknown."""
    return [_pressure("cpu"), _pressure("io")]


def _pressure(resource: str) -> float:
    try:
        some = Path(f"/proc/pressure/{resource}").read_text("ascii").splitlines()[0]
    except OSError:
        return 0.0
    return int(some.rpartition("total=")[2]) / 1e6


class Clock:
    """Seconds since it was made, or since another process printed what that is."""

    def __init__(self, printed: str = "") -> None:
        start, *busy = map(float, printed.split()) if printed else (time.monotonic(), *stalled())
        self.start, self.stalled = start, busy

    def __str__(self) -> str:
        return " ".join(map(str, (self.start, *self.stalled)))

    def __float__(self) -> float:
        return time.monotonic() - self.start

    def quiet(self, end: Clock | None = None) -> float:
        """These seconds, up to `end`, less those in which the machine was busy, by the larger of the two."""
        end = end or Clock()
        busy = max(until - since for until, since in zip(end.stalled, self.stalled, strict=True))
        return end.start - self.start - busy

    def own(self, end: Clock | None = None) -> float:
        """The same, for bounds: a fourth at least. The machine tells of any task that waited, not of ours."""
        end = end or Clock()
        return max(self.quiet(end), (end.start - self.start) / 4)


def until(condition: Callable[[], bool], seconds: float = 5.0) -> bool:
    """Whether it becomes true in so many seconds, or in as many as make up for a busy machine."""
    clock = Clock()
    while not condition() and clock.quiet() < seconds and float(clock) < 10 * seconds:
        time.sleep(0.005)
    return condition()
