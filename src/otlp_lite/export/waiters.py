"""Who waits for the worker: for all that was recorded before, or for what becomes of one record."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

from .unpatched import allocate_lock


class Waiter:
    """Someone who waits until what was recorded before is settled: as many records as `target` have left."""

    one = False
    """For one record: it is answered between two batches, and waits for its whole time."""

    def __init__(self, target: int, deadline: float, last: bool) -> None:
        self.target = target
        self.deadline = deadline
        self.last = last
        """At the end a receiver that cannot be reached is not worth waiting for."""
        self.settled = False
        self.over = allocate_lock()
        self.over.acquire()

    def done(self, settled: int, pending: int) -> bool:
        """With so many records settled so far, and so many left."""
        return pending == 0 or settled >= self.target

    def sleep(self) -> None:
        """Until it is over, or its deadline."""
        self.over.acquire(timeout=max(self.deadline - monotonic(), 0))

    def finish(self, settled: bool) -> None:
        self.settled = settled
        if self.over.locked():
            self.over.release()


class RecordWaiter(Waiter):
    """Someone who waits until `known()` says that it is known what became of a record.

    Nobody tells when it is overwritten: the waiter itself looks every `look` seconds. `wake()` is called when
    it is over, from any thread.
    """

    one = True

    def __init__(
        self,
        known: Callable[[], bool],
        deadline: float,
        look: float,
        wake: Callable[[], None] | None = None,
    ) -> None:
        super().__init__(0, deadline, False)
        self._known = known
        self._look = look
        self._wake = wake

    def done(self, settled: int, pending: int) -> bool:
        return self._known()

    def sleep(self) -> None:
        while not self._known() and (left := self.deadline - monotonic()) > 0:
            if self.over.acquire(timeout=min(left, self._look)):
                break

    def finish(self, settled: bool) -> None:
        super().finish(settled)
        if self._wake is not None:
            self._wake()
