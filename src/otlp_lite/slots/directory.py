"""A directory of slots: one to record into for each process, and the others, which the dead have left."""

from __future__ import annotations

import errno
import logging
import os
import stat
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from time import monotonic
from typing import NamedTuple

from .._native import core
from ..counters import DropReason
from ..errors import ConfigurationError
from .lock import Refused, close_copies
from .slot import Claim, Slot, claim, names_in

OPEN_EVERY = 4096
"""Bytes of a region for one open span at most: as the core has it, which has room for OPEN_MAX."""
OPEN_MAX = 4096
LOOK_EVERY = 60.0
"""Seconds between two looks for what the dead have left."""

_log = logging.getLogger(__name__)
_prepared: list[Slots] = []


class Sums(NamedTuple):
    """What became of records in regions that this process does not record into."""

    adopted: int = 0
    exported: int = 0
    rejected: int = 0
    unanswered: int = 0
    resent: int = 0
    dropped: Mapping[str, int] = {}
    pending: int = 0

    def plus(self, region: core.Region, pending: int | None = None, evicted: int = 0) -> Sums:
        """With all of a region; `pending` 0: what is unsent stays there, and is no longer this process's."""
        now = region.stats()
        dropped = Counter(now.dropped)
        if evicted:
            dropped[DropReason.EVICTED] += evicted
        pending = now.pending if pending is None else pending
        return self.joined(
            Sums(
                now.adopted - now.pending + pending + evicted,
                now.exported,
                now.rejected,
                now.unanswered,
                region.resent,
                dropped,
                pending,
            )
        )

    def joined(self, other: Sums) -> Sums:
        """With all of others."""
        dropped = Counter(self.dropped)
        dropped.update(other.dropped)
        return Sums(
            self.adopted + other.adopted,
            self.exported + other.exported,
            self.rejected + other.rejected,
            self.unanswered + other.unanswered,
            self.resent + other.resent,
            dropped,
            self.pending + other.pending,
        )


class Process:
    """What one process has of a directory."""

    def __init__(self) -> None:
        self.recording: list[Slot | None] = []
        """The slot that it records into is the first. None: it could have none."""
        self.unused: list[Slot] = []
        """One that was taken before anything was recorded."""
        self.left: bool = False
        """The dead had left others then."""
        self.draining: list[Slot] = []
        """Slots of the dead that it sends from."""
        self.settled: Sums = Sums()
        """Of those that it is done with."""


class Census(NamedTuple):
    """How many files there are."""

    living: int
    dead: int
    aside: int


class Slots:
    """A directory, as one provider uses it in each of its processes.

    There are at most `limit` files. Those of running processes count, but are never refused, nor taken away.
    """

    def __init__(self, folder: str, size: int, limit: int, on_full: str, open_spans: int) -> None:
        self._folder = folder
        self._size = size
        self._limit = limit
        self._on_full = on_full
        self._open_spans = min(open_spans, size // OPEN_EVERY, OPEN_MAX)
        self._processes: dict[int, Process] = {}

    def _here(self) -> Process:
        return self._processes.setdefault(core.process_number(), Process())

    @contextmanager
    def _opened(self) -> Iterator[int]:
        """Refused: others than this user and root may put files there, or take ours away."""
        try:
            folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except FileNotFoundError:
            try:
                os.mkdir(self._folder, 0o700)
            except FileExistsError:
                pass
            except FileNotFoundError as error:
                raise Refused(f"{error.strerror}: {os.path.dirname(self._folder)!r}, to make it in") from None
            folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            facts = os.fstat(folder)
            if facts.st_uid not in (0, os.geteuid()):
                raise Refused(
                    f"it belongs to user {facts.st_uid}: expected a directory of user {os.geteuid()} or root"
                )
            if facts.st_mode & 0o022 and not facts.st_mode & stat.S_ISVTX:
                raise Refused(
                    f"others can write to it (mode {facts.st_mode & 0o7777:o}): expected a directory that "
                    f"user {os.geteuid()} alone can, such as {self._folder}/otlp_lite, which would be made"
                )
            yield folder
        finally:
            os.close(folder)

    def _why(self, error: Exception) -> str:
        if not isinstance(error, OSError):
            return str(error)
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            return f"no room for a file of region_size={self._size} bytes: {error.strerror}"
        return f"{error.strerror}: {error.filename!r}" if error.filename else str(error.strerror)

    def _say(self, level: int, message: str, *arguments: object) -> None:
        with suppress(Exception):  # a log handler's, which ends nothing
            core.say(_log, level, f"region_dir=%r: {message}", (self._folder, *arguments))

    # ---- One to record into ----

    def prepare(self) -> None:
        """Takes one for this process. ConfigurationError where that cannot be."""
        try:
            self._here().unused.append(self._take())
        except (Refused, OSError, MemoryError) as error:
            raise ConfigurationError(f"region_dir={self._folder!r}: {self._why(error)}") from None
        _prepared.append(self)

    def region(self) -> core.Region | None:
        """This process's, to record into. None where it can have none, which is said."""
        here = self._here()
        if not here.recording:
            slot: Slot | None
            try:
                slot = here.unused.pop()
            except IndexError:
                slot = self._take_or_say()
            here.recording.append(slot)
            if here.recording[0] is not slot and slot is not None:
                self.leave(slot)  # another thread was quicker
        first = here.recording[0]
        return None if first is None else first.region

    def _take_or_say(self) -> Slot | None:
        try:
            return self._take()
        except Exception as error:
            self._say(logging.ERROR, "%s; what this process records will not outlive it", self._why(error))
            return None

    def present(self) -> core.Region | None:
        """This process's, recorded into or not."""
        here = self._here()
        for slot in (*here.recording[:1], *here.unused):
            if slot is not None:
                return slot.region
        return None

    def waiting(self) -> bool:
        """Whether there is something to send, though nothing was recorded."""
        here = self._here()
        return any(
            slot.region is not None and (here.left or slot.region.stats().pending) for slot in here.unused
        )

    def give_back_unused(self) -> None:
        """A server's first process may never record, but its children may: before a fork."""
        unused = self._here().unused
        while unused:
            self.leave(unused.pop())

    def succeed(self, other: Slots) -> None:
        """Takes the place of one that nothing was recorded into: what it counted stays counted."""
        other.give_back_unused()
        here = self._here()
        here.settled = here.settled.joined(other.sums())

    def file(self) -> str:
        """Of this process's region, for messages."""
        first = next(iter(self._here().recording), None)
        return self._folder if first is None else f"{self._folder}/{first.name}"

    def _take(self) -> Slot:
        close_copies()
        with self._opened() as folder:
            left = [number for number in sorted(names_in(folder).regions) if self._is_left(folder, number)]
            self._here().left = len(left) > 1
            slot = self._adopted(folder, left) or self._created(folder)
            try:
                self._evict(folder)
            except (Refused, OSError) as error:
                message = "what is over region_dir_limit is not removed: %s"
                self._say(logging.WARNING, message, self._why(error))
            except BaseException:  # a signal's handler
                slot.give_back()
                raise
        return slot

    def _is_left(self, folder: int, number: int) -> bool:
        with claim(folder, number) as slot:
            return slot is not None and self._usable(folder, slot)

    def _adopted(self, folder: int, left: list[int]) -> Slot | None:
        for number in left:
            with claim(folder, number) as slot:
                if slot is None or not self._usable(folder, slot):
                    continue  # any more
                if slot.found(folder).open_spans == self._open_spans:
                    slot.adopt(folder, self._on_full)
                    return slot.keep()
                self._here().left = True  # with another table of open spans: it is sent, and removed
        return None

    def _usable(self, folder: int, slot: Slot) -> bool:
        """Whether recording can go on in what a dead process left; what cannot be is moved aside."""
        status, _, size = slot.found(folder)
        if status == "foreign":
            raise _foreign(slot)
        if status == "absent" or (status == "ok" and size == self._size):
            return status == "ok"
        if status == "ok" and slot.is_empty(folder):
            slot.remove(folder)
            return False
        why = f"it has {size} bytes, not region_size={self._size}" if status == "ok" else f"it is {status}"
        if status == "another version":
            why = "it is of another version, or machine"
        message = "%s, which a process left, is moved aside as %s, for `otlp-lite recover`: %s"
        self._say(logging.WARNING, message, slot.name, slot.move_aside(folder), why)
        return False

    def _created(self, folder: int) -> Slot:
        """A slot of the first number that is free."""
        for number in range(1 << 30):
            with claim(folder, number) as slot:
                if slot is not None and slot.found(folder).status == "absent":
                    slot.create(folder, self._size, self._on_full, self._open_spans)
                    return slot.keep()
        raise AssertionError("no number is free")

    # ---- What the dead have left ----

    def estate(self) -> Estate:
        return Estate(self)

    def next_left(self) -> Slot | None:
        """One of theirs with something to send, adopted; those that have nothing are removed."""
        with self._opened() as folder:
            for number in sorted(names_in(folder).regions):
                with claim(folder, number) as slot:
                    if slot is None or slot.found(folder).status != "ok":
                        continue
                    if slot.adopt(folder, "wait").stats().pending:
                        self._here().draining.append(slot)
                        return slot.keep()
                    self._finish(folder, slot)
        return None

    def sent(self, slot: Slot) -> None:
        """All that was in it."""
        with self._opened() as folder:
            self._finish(folder, slot)

    def _finish(self, folder: int, slot: Slot) -> None:
        slot.remove(folder)
        self.leave(slot)

    def leave(self, slot: Slot) -> None:
        """What is still in it is for another process to send."""
        here = self._here()
        if slot in here.draining:
            here.draining.remove(slot)
        if slot.region is not None:
            here.settled = here.settled.plus(slot.region, pending=0)  # at once: others ask meanwhile
        slot.give_back()

    def sums(self) -> Sums:
        """Of what the dead have left beside what this process records into."""
        here = self._here()
        sums = here.settled
        for slot in tuple(here.draining):
            if (region := slot.region) is not None:
                sums = sums.plus(region)
        return sums

    def complain(self, error: Exception) -> None:
        self._say(logging.WARNING, "what dead processes left there is not sent: %s", self._why(error))

    def _evict(self, folder: int) -> None:
        """The oldest of the dead, where there are more files than may be."""
        lost: list[int] = []
        passed: set[str] = set()
        looking = True
        while looking:  # anew each time that one is gone: another process may be at it
            regions, aside = names_in(folder)
            stems = [f"slot-{number:03}" for number in regions]
            ages = [(_time(folder, name, aside=True), name) for name in aside]
            ages += [(_time(folder, f"{stem}.lock"), f"{stem}.region") for stem in stems]
            looking = False
            for _, name in sorted(ages) if len(ages) > self._limit else ():
                if name not in passed:
                    passed.add(name)
                    looking = self._evicted(folder, name, lost)
                if looking:
                    break
        if lost:
            message = "%d file(s) that dead processes left, the oldest, are removed: region_dir_limit=%d; "
            message += "%d span(s) in them are lost, counted as 'evicted'"
            self._say(logging.WARNING, message, len(lost), self._limit, sum(lost))

    def _evicted(self, folder: int, name: str, lost: list[int]) -> bool:
        """Whether it is gone, by us or another process; not while in use. Adds to `lost` what it had."""
        with claim(folder, int(name[5:-7])) if name.endswith(".region") else Claim(Slot(name)) as slot:
            if slot is None:
                return False
            try:
                if slot.found(folder).status == "ok":
                    region = slot.adopt(folder, self._on_full, remove=True)
                    lost.append(region.stats().pending)
                    here = self._here()
                    here.settled = here.settled.plus(region, pending=0, evicted=lost[-1])
                else:
                    slot.remove(folder)
                    lost.append(0)
            except FileNotFoundError:
                pass
            except BlockingIOError:  # a recovery is at it
                return False
        return True

    def census(self) -> Census | None:
        """Of what is there; None: nothing. Refused, OSError: it cannot be used."""
        if not os.path.lexists(self._folder):
            # The first start makes one directory, not several.
            parent = os.path.dirname(os.path.abspath(self._folder))
            os.close(os.open(parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC))
            _check_writable(parent)
            return None
        with self._opened() as folder:
            _check_writable(self._folder)
            regions, aside = names_in(folder)
            dead = 0
            for number in regions:
                with claim(folder, number) as slot:
                    if slot is not None and slot.found(folder).status == "foreign":
                        raise _foreign(slot)
                    dead += slot is not None
        return Census(len(regions) - dead, dead, len(aside))


def _check_writable(folder: str) -> None:
    """Raises OSError where this process can make no files, as the system would."""
    effective = os.access in os.supports_effective_ids
    if os.statvfs(folder).f_flag & os.ST_RDONLY:
        error = errno.EROFS
    elif os.access(folder, os.W_OK | os.X_OK, effective_ids=effective):
        return
    else:
        error = errno.EACCES
    raise OSError(error, os.strerror(error), folder)


def _foreign(slot: Slot) -> Refused:
    return Refused(f"{slot.name} holds no region: expected a file that otlp_lite made")


def _time(folder: int, name: str, aside: bool = False) -> int:
    """When it was moved aside; or its lock last signed."""
    try:
        facts = os.stat(name, dir_fd=folder)
    except FileNotFoundError:
        return 0
    return facts.st_ctime_ns if aside else facts.st_mtime_ns


class Estate:
    """What the dead have left, one slot at a time, for whoever sends it."""

    def __init__(self, slots: Slots) -> None:
        self._slots = slots
        self._slot: Slot | None = None
        self._look_at = 0.0
        self._said = False

    def region(self) -> core.Region | None:
        """One that has something to send; None: there is none, as far as was looked."""
        while True:
            if self._slot is not None and self._slot.region is not None:
                if self._slot.region.stats().pending or self._slot.region.adopt_open():
                    return self._slot.region
                self.done()
            if monotonic() < self._look_at:
                return None
            self._look_at = monotonic() + LOOK_EVERY
            try:
                self._slot = self._slots.next_left()
            except Exception as error:
                self._complain(error)
            if self._slot is None:
                return None

    def done(self) -> None:
        """Nothing more is to be had of the present one."""
        slot, self._slot = self._slot, None
        if slot is None:
            return
        self._look_at = 0.0  # where there was one there may be more
        try:
            self._slots.sent(slot)
        except (Refused, OSError) as error:
            self._look_at = monotonic() + LOOK_EVERY
            self._complain(error)
            self._slots.leave(slot)

    def leave(self, again: bool = False) -> None:
        """For another process to send, or `again` this one: who starts meanwhile may go on in it."""
        self._look_at = 0.0 if again else self._look_at
        slot, self._slot = self._slot, None
        if slot is not None:
            self._slots.leave(slot)

    def _complain(self, error: Exception) -> None:
        if not self._said:
            self._said = True
            self._slots.complain(error)


def _before_fork() -> None:
    for slots in _prepared:
        slots.give_back_unused()


os.register_at_fork(before=_before_fork)
