"""Who holds a slot, so that no later process of the same number is taken for it."""

from __future__ import annotations

import os
from typing import NamedTuple


class Holder(NamedTuple):
    """A process."""

    pid: int
    start: str
    """In ticks since the boot, as /proc has it; empty where there is none."""
    namespace: int
    """Of process ids, by its inode."""
    boot: str

    def text(self) -> bytes:
        return f"{self.pid} {self.start or '-'} {self.namespace} {self.boot or '-'}\n".encode()


def read_holder(text: bytes) -> Holder | None:
    """None: nobody."""
    try:
        pid, start, namespace, boot = (word.strip("-") for word in text.decode().split())
        return Holder(int(pid), start, int(namespace), boot)
    except ValueError:
        return None


def this_process() -> Holder:
    try:
        namespace = os.stat("/proc/self/ns/pid").st_ino
    except OSError:
        namespace = 0
    return Holder(os.getpid(), _start(os.getpid()), namespace, boot_id())


def boot_id() -> str:
    """The name of this boot; empty where nobody says."""
    return _read("/proc/sys/kernel/random/boot_id").strip()


def lives(holder: Holder | None) -> bool:
    """Whether that process, another than this one, is there. Of another namespace its lock alone tells."""
    me = this_process()
    if holder is None or (holder.boot, holder.namespace) != (me.boot, me.namespace):
        return False
    if holder.pid == me.pid:
        return False  # before an exec, or by its number alone
    if holder.start and me.start:
        return _start(holder.pid) == holder.start
    try:
        os.kill(holder.pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _start(pid: int) -> str:
    """When a process started; empty when it is gone, or nobody says."""
    number, _, rest = _read(f"/proc/{pid}/stat").partition(" ")
    fields = rest.rpartition(")")[2].split()
    if number != str(pid) or len(fields) < 20:
        return ""
    state, threads, start = fields[0], int(fields[17]), fields[19]
    return "" if state in "ZX" and threads <= 1 else start  # a leader may have ended before its threads


def _read(path: str) -> str:
    try:
        with open(path, "rb") as file:
            return file.read().decode("latin-1")  # which, unlike open()'s, imports no codec
    except OSError:
        return ""
