"""Who waits for the worker: for all that was recorded before, or for what becomes of one record."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING

from .unpatched import allocate_lock

if TYPE_CHECKING:
    from _thread import LockType


class Waiter:
    """Someone who waits until what was recorded before is settled: as many records as `target` have left."""

    one = False
    """For one record: it is answered between two batches, and waits for its whole time."""

    def __init__(self, target: int, deadline: float, last: bool) -> None:
        self.target = target
        self.deadline = deadline
        self.last = last
        """At the end a receiver that cannot be reached is not worth waiting for."""
        self.settled: bool = False
        self.over: LockType = allocate_lock()
        self.over.acquire()

    def done(self, settled: int, pending: int) -> bool:
        """With so many records settled so far, and so many left."""
        return pending == 0 or settled >= self.target

    def hopeless(self, resume: float, unreachable: bool) -> bool:
        """When the receiver is asked again at `resume`, and there was no connection just now."""
        return resume >= self.deadline or (self.last and unreachable)

    def sleep(self) -> None:
        """Until it is over, or its deadline."""
        self.over.acquire(timeout=max(self.deadline - monotonic(), 0))

    def finish(self, settled: bool) -> None:
        self.settled = settled
        with suppress(RuntimeError):  # another thread was quicker
            self.over.release()


class RecordWaiter(Waiter):
    """Someone who waits until `known()` says that it is known what became of a record.

    `wake()` is called when it is over, from any thread.
    """

    one = True

    def __init__(
        self,
        known: Callable[[], bool],
        deadline: float,
        wake: Callable[[], None] | None,
        among: Waiters,
    ) -> None:
        super().__init__(0, deadline, False)
        self.known = known
        self._wake = wake
        self._among = among

    def done(self, settled: int, pending: int) -> bool:
        return self.known()

    def hopeless(self, resume: float, unreachable: bool) -> bool:
        return False

    def sleep_at_most(self, look: float) -> None:
        """As sleep(), but looks itself every `look` seconds: nobody tells when a record is overwritten."""
        while not self.known() and (left := self.deadline - monotonic()) > 0:
            if self.over.acquire(timeout=min(left, look)):
                break

    def leave(self) -> None:
        """Nobody waits any more."""
        self._among.forget(self)

    def finish(self, settled: bool) -> None:
        super().finish(settled)
        if self._wake is not None:
            self._wake()


class Waiters:
    """All who wait for one worker. No lock: a fork would inherit it, a signal's handler would wait for it."""

    def __init__(self) -> None:
        self._all: list[Waiter] = []

    def __bool__(self) -> bool:
        return bool(self._all)

    def __iter__(self) -> Iterator[Waiter]:
        return iter(tuple(self._all))

    def add(self, waiter: Waiter) -> None:
        self._all.append(waiter)

    def forget(self, waiter: Waiter) -> None:
        with suppress(ValueError):  # it was answered
            self._all.remove(waiter)

    def answer(self, settled: int, pending: int, resume: float, unreachable: bool) -> None:
        """Ends the wait of who has what they want, and of who cannot get it in time."""
        now = monotonic()
        for waiter in self:
            if waiter.done(settled, pending):
                waiter.finish(True)
            elif now >= waiter.deadline or (resume > now and waiter.hopeless(resume, unreachable)):
                waiter.finish(False)
            else:
                continue
            self.forget(waiter)
