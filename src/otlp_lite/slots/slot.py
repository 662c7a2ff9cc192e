"""One slot of a directory that this process has, or may look at: its files, and the region in them."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from mmap import ACCESS_READ, mmap
from time import time_ns
from typing import NamedTuple

from .._native import core
from .holder import boot_id
from .lock import Lock, facts_of, take_lock


class Names(NamedTuple):
    """What a directory holds."""

    regions: set[int]
    aside: list[str]


def names_in(folder: int) -> Names:
    """Files of other names are not looked at. Refused: one of ours by its name is none."""
    found = Names(set(), [])
    for name in os.listdir(folder):
        if not name.startswith("slot-"):
            continue
        try:
            facts_of(folder, name)
        except FileNotFoundError:
            continue  # meanwhile
        stem, _, kind = name.removeprefix("slot-").rpartition(".")
        if kind == "aside":
            found.aside.append(name)
        elif kind == "region" and stem.isascii() and stem.isdigit():
            found.regions.add(int(stem))
    return found


class Found(NamedTuple):
    """What a slot's file is."""

    status: str
    """As core.file_status(), or "absent"."""
    open_spans: int = 0
    """For which it has a table."""
    size: int = 0
    """In bytes."""


class Slot:
    """Its lock is this process's; a region that was moved aside has none."""

    def __init__(self, name: str, lock: Lock | None = None) -> None:
        self.name: str = f"{name}.region" if lock else name
        """Of the region's file."""
        self.region: core.Region | None = None
        self.kept: bool = False
        self._stem = name
        self._lock = lock

    @contextmanager
    def _opened(self, folder: int) -> Iterator[int]:
        file = os.open(self.name, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
        try:
            yield file
        finally:
            os.close(file)

    def found(self, folder: int) -> Found:
        try:
            with self._opened(folder) as file:
                size = os.fstat(file).st_size
                return Found(*core.file_status(file, size), size) if size else Found("foreign")
        except FileNotFoundError:
            return Found("absent")

    def adopt(self, folder: int, on_full: str, remove: bool = False) -> core.Region:
        """What a dead process left in it; `remove`: no other process finds it any more.

        BlockingIOError where a recovery is at what was moved aside.
        """
        with self._opened(folder) as file:
            if self._lock is None:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if remove:
                os.unlink(self.name, dir_fd=folder)
            facts = os.fstat(file)
            if facts.st_blocks * 512 < facts.st_size:  # a copy with holes: to fill one may be a SIGBUS
                os.posix_fallocate(file, 0, facts.st_size)
            if self._lock is not None:
                self._lock.sign()
            self.region = core.Region(
                facts.st_size, on_full=on_full, descriptor=file, adopt=True, boot_id=boot_bytes()
            )
        return self.region

    def create(self, folder: int, size: int, on_full: str, open_spans: int) -> core.Region:
        """A new region. OSError where there is no room."""
        making = f"{self._stem}.tmp"
        with suppress(FileNotFoundError):
            os.unlink(making, dir_fd=folder)  # who began it died
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        file = os.open(making, flags, 0o600, dir_fd=folder)
        try:
            os.posix_fallocate(file, 0, size)
            if self._lock is not None:
                self._lock.sign()
            self.region = core.Region(
                size, on_full=on_full, descriptor=file, boot_id=boot_bytes(), open_spans=open_spans
            )
            os.rename(making, self.name, src_dir_fd=folder, dst_dir_fd=folder)
        except BaseException:
            self.region = None
            os.unlink(making, dir_fd=folder)
            raise
        finally:
            os.close(file)
        return self.region

    def is_empty(self, folder: int) -> bool:
        """Whether a region that is "ok" holds nothing to send, or to tell."""
        with self._opened(folder) as file, mmap(file, 0, access=ACCESS_READ) as memory:
            left = core.survey(memory)
        return not (left.pending or left.offered or left.damaged)

    def move_aside(self, folder: int) -> str:
        name = f"{self._stem}.{time_ns()}.aside"
        os.rename(self.name, name, src_dir_fd=folder, dst_dir_fd=folder)
        return name

    def remove(self, folder: int) -> None:
        """The region. Its lock's file stays, for the next of this number."""
        os.unlink(self.name, dir_fd=folder)

    def keep(self) -> Slot:
        """Beyond the `with` that claimed it, until it is given back."""
        self.kept = True
        return self

    def give_back(self) -> None:
        """For whoever comes next, with all that is in it."""
        self.region = None
        if self._lock is not None:
            self._lock.release()


class Claim:
    """Of a slot, given back at the end of the block unless it is kept. None: it is a living process's."""

    def __init__(self, slot: Slot | None) -> None:
        self._slot = slot

    def __enter__(self) -> Slot | None:
        return self._slot

    def __exit__(self, *error: object) -> None:
        if self._slot is not None and not self._slot.kept:
            self._slot.give_back()


def claim(folder: int, number: int) -> Claim:
    """The slot of this number, whether there is a region or not."""
    stem = f"slot-{number:03}"
    lock = take_lock(folder, f"{stem}.lock")
    return Claim(None if lock is None else Slot(stem, lock))


def boot_bytes() -> bytes:
    """Zeros where nobody says."""
    try:
        return bytes.fromhex(boot_id().replace("-", ""))[:16].ljust(16, b"\0")
    except ValueError:
        return bytes(16)
