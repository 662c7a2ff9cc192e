"""The lock of a slot: fcntl's, on a file beside it, which its process signs.

It goes with its process, whatever children of that live on. But any close of the file in a process drops
the lock that this process has on it. So a process opens no lock file that it holds, files are never removed,
and a slot whose lock a program has dropped, as it closed all its descriptors, is still its own: by its
signature.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from contextlib import suppress

from .._native import core
from ..errors import ConfigurationError
from .holder import lives, read_holder, this_process

_held: dict[tuple[int, int, int], Lock] = {}
"""By process, and by device and inode of the file."""


class Refused(ConfigurationError):
    """The directory, or something in it, cannot be used."""


def facts_of(folder: int, name: str) -> os.stat_result:
    """Of a file of ours. Refused: it is none."""
    facts = os.stat(name, dir_fd=folder, follow_symlinks=False)
    if not stat.S_ISREG(facts.st_mode):
        kind = "a symbolic link" if stat.S_ISLNK(facts.st_mode) else "no regular file"
        raise Refused(f"{name} is {kind}: expected a file that otlp_lite made")
    if facts.st_uid != os.geteuid():
        raise Refused(f"{name} belongs to user {facts.st_uid}: expected a file of user {os.geteuid()}")
    return facts


class Lock:
    """Of a slot that no other process has."""

    def __init__(self, key: tuple[int, int, int]) -> None:
        self._key = key
        self._descriptor = -1
        self._signed = False

    def sign(self) -> None:
        """Says who has it."""
        text = this_process().text()
        self._signed = True
        os.pwrite(self._descriptor, text, 0)
        os.ftruncate(self._descriptor, len(text))

    def release(self) -> None:
        """Nobody has it any more. Again it does nothing."""
        if self._descriptor >= 0 and self._is_open():
            if self._signed:
                os.ftruncate(self._descriptor, 0)
            os.close(self._descriptor)
        self._descriptor = -1
        if (
            _held.get(self._key) is self
        ):  # last: who takes it from here on has no lock that our close would drop
            del _held[self._key]

    def close_copy(self) -> None:
        """In a child of whoever has it, where it locks nothing."""
        if _held.pop(self._key, None) is self and self._is_open():
            os.close(self._descriptor)

    def _is_open(self) -> bool:
        """Whether the descriptor is still that file's: a program may have closed all, and opened others."""
        try:
            facts = os.fstat(self._descriptor)
        except OSError:
            return False
        return (facts.st_dev, facts.st_ino) == self._key[1:]

    def _acquire(self, folder: int, name: str) -> bool:
        """False: another process has it."""
        self._descriptor = os.open(name, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
        if not self._is_open():
            raise Refused(f"{name} was replaced: expected a file that otlp_lite made")
        try:
            fcntl.lockf(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in (errno.EACCES, errno.EAGAIN):
                return False
            raise
        return not lives(read_holder(os.pread(self._descriptor, 256, 0)))


def take_lock(folder: int, name: str) -> Lock | None:
    """None: a living process has it, perhaps this one."""
    with suppress(FileExistsError):
        os.mknod(
            name, stat.S_IFREG | 0o600, dir_fd=folder
        )  # not open(): who closes it drops another thread's lock
    facts = facts_of(folder, name)
    lock = Lock((core.process_number(), facts.st_dev, facts.st_ino))
    if _held.setdefault(lock._key, lock) is not lock:
        return None
    acquired = False
    try:
        acquired = lock._acquire(folder, name)
    finally:
        if not acquired:
            lock.release()
    return lock if acquired else None


def close_copies() -> None:
    """In a forked child: its parent's descriptors."""
    for key, lock in tuple(_held.items()):
        if key[0] != core.process_number():
            lock.close_copy()
