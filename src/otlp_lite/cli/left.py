"""A file that a dead process left: found, locked, judged, and mapped."""

from __future__ import annotations

import errno
import fcntl
import mmap
import os
import stat
import struct
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from otlp_lite._native import core
from otlp_lite.parse import REGION_MAX
from otlp_lite.slots.holder import lives, read_holder
from otlp_lite.slots.slot import boot_bytes

MADE = "expected a file that a process of otlp_lite made"
IN_USE = "in use: its process lives, or another recovers it"
HEAD = struct.Struct("=8s5I")
"""Magic, version, byte order, word size, durable, size: each version of a region begins so."""
MAGIC, BYTE_ORDER, WORD = b"OTLITE\x1a\x01", 0x01020304, struct.calcsize("P")


class Refused(Exception):
    """A file that is not taken; says what it is, and what is allowed."""


class Gone(Refused):
    """It is not there: of a directory, a process has sent what was in it."""


class InUse(Refused):
    """Its process lives, or another recovery is at it."""


def found(path: str) -> Iterator[tuple[Path, str]]:
    """The files that a path names, each with a reason why it is not taken, or none. Raises OSError.

    Of a directory: its slots, and what was moved aside.
    """
    facts = os.stat(path)
    if not stat.S_ISDIR(facts.st_mode):
        yield Path(path), ""
        return
    for entry in sorted(os.scandir(path), key=lambda entry: entry.name):
        if entry.name.startswith("slot-") and entry.name.endswith((".region", ".aside")):
            try:
                owner = entry.stat(follow_symlinks=False).st_uid
            except FileNotFoundError:
                continue  # a process has sent what was in it
            stranger = owner not in (facts.st_uid, os.geteuid())
            yield Path(entry), f"of user {owner}: expected the directory's owner" if stranger else ""


class Left:
    """An open file, locked until it is closed. Raises Refused.

    `changing`: its records are to be marked; else nothing of it is ever written.
    """

    def __init__(self, path: Path, changing: bool) -> None:
        self.path = path
        self.cut: int
        """Bytes that are not there any more."""
        self._changing = changing
        try:
            with ExitStack() as opened:
                self._open(opened)
                self._opened = opened.pop_all()
        except FileNotFoundError as error:
            raise Gone(f"not opened: {error.strerror}") from None
        except OSError as error:
            link = "a symbolic link: expected the file itself"
            raise Refused(link if error.errno == errno.ELOOP else f"not opened: {error.strerror}") from None

    def _open(self, opened: ExitStack) -> None:
        flags = (os.O_RDWR if self._changing else os.O_RDONLY) | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        self._take_slot(opened, flags)
        self._file = os.open(self.path, flags)
        opened.callback(os.close, self._file)
        if not stat.S_ISREG(os.fstat(self._file).st_mode):
            raise Refused("no regular file")
        try:
            # Not lockf(): the first unmapping would let go of that.
            fcntl.flock(self._file, (fcntl.LOCK_EX if self._changing else fcntl.LOCK_SH) | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InUse(IN_USE) from None
        self._there = os.fstat(self._file).st_size
        self._size = self._there + self._judge()
        try:
            self.records: core.Left = core.survey(self._whole() if self.cut else self._map(mmap.ACCESS_READ))
        except core.Unreadable as error:
            raise Refused(self._unreadable(str(error))) from None

    def _take_slot(self, opened: ExitStack, flags: int) -> None:
        """The lock that its process has on a file beside it, if it is a slot of a directory."""
        if self.path.suffix != ".region" or not self.path.with_suffix(".lock").exists():
            return
        beside = os.open(self.path.with_suffix(".lock"), flags)
        opened.callback(os.close, beside)
        try:
            fcntl.lockf(beside, (fcntl.LOCK_EX if self._changing else fcntl.LOCK_SH) | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):
            raise InUse(IN_USE) from None
        if lives(read_holder(os.pread(beside, 256, 0))):
            raise InUse(IN_USE)  # it has closed all its descriptors, and its lock with them

    def close(self) -> None:
        self._opened.close()

    def region(self) -> core.Region:
        """What was left, as a process that takes it over has it. Raises Refused.

        What becomes of it the file keeps where it is `changing`.
        """
        try:
            if not self._changing:
                memory = self._whole() if self.cut else self._map(mmap.ACCESS_COPY)
            else:
                os.posix_fallocate(self._file, 0, self._size)  # an error now, and no SIGBUS later
                memory = self._map(mmap.ACCESS_WRITE)
        except OSError as error:
            raise Refused(f"not taken over: {error.strerror}") from None
        return core.Region(0, left=memory, on_full="wait", boot_id=boot_bytes())

    def _map(self, access: int) -> mmap.mmap:
        return mmap.mmap(self._file, self._size, access=access)

    def _whole(self) -> mmap.mmap:
        """A copy, with zeros for what is not there: no record's seal vouches for those."""
        memory = mmap.mmap(-1, self._size)
        at = 0
        with memoryview(memory) as view:
            while read := os.preadv(self._file, [view[at : self._there]], at):
                at += read
        return memory

    def _judge(self) -> int:
        """How many bytes are missing, of a region that we could read."""
        head = os.pread(self._file, HEAD.size, 0)
        if not head:
            raise Refused(f"empty: {MADE}")
        if len(head) < HEAD.size and MAGIC.startswith(head[: len(MAGIC)]):
            raise Refused(f"a region cut short: {len(head)} bytes are there, not even a header")
        magic, version, order, word, _, size = HEAD.unpack(head.ljust(HEAD.size, b"\0"))
        if magic != MAGIC:
            raise Refused(f"no region, as it begins with {head[:8]!r}: {MADE}")
        if order == int.from_bytes(BYTE_ORDER.to_bytes(4, "big"), "little"):
            raise Refused("a region of a machine of the other byte order: it can be read on such a one")
        if version != core.LAYOUT:
            raise Refused(
                f"a region of layout {version}: expected {core.LAYOUT}, which this version of otlp_lite has"
            )
        if word != WORD:
            raise Refused(f"a region of a {8 * word}-bit process: expected a {8 * WORD}-bit one, as this is")
        self.cut = max(min(size, REGION_MAX) - self._there, 0)
        return self.cut

    def _unreadable(self, why: str) -> str:
        if why == "foreign":
            return "a region whose records have no seals: it was not made to outlive its process"
        if self.cut:
            return f"a region cut short: of {self._size} bytes {self._there} are there, and those are damaged"
        return "a region whose header is damaged: nothing vouches for its records"
