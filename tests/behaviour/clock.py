"""Time in tests, on machines that may be busy."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path


def stalled() -> float:
    """Seconds since the machine's start in which a task waited for a processor or a disk; 0 if unknown."""
    seconds = 0.0
    for resource in ("cpu", "io"):
        try:
            some = Path(f"/proc/pressure/{resource}").read_text("ascii").splitlines()[0]
        except OSError:
            continue
        seconds += int(some.rpartition("total=")[2]) / 1e6
    return seconds


class Clock:
    """Seconds since it was made."""

    def __init__(self) -> None:
        self.start, self.stalled = time.monotonic(), stalled()

    def __float__(self) -> float:
        return time.monotonic() - self.start

    def quiet(self, end: Clock | None = None) -> float:
        """These seconds, up to `end`, less those in which the machine was busy."""
        end = end or Clock()
        return end.start - self.start - (end.stalled - self.stalled)

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
