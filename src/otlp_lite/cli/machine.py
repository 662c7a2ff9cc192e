"""What this machine and this process's place on it allow, as far as recording and sending meet it."""

from __future__ import annotations

import os
import resource
from pathlib import Path, PurePosixPath
from typing import Any

from otlp_lite.export.unpatched import allocate_lock, start_thread

TMPFS = ("/dev/shm", "/run")
"""Where the file of a region would be."""
CLOCK_SOURCE = "/sys/devices/system/clocksource/clocksource0/current_clocksource"
UNLIMITED = 1 << 62
"""Version 1 of the cgroups says so by a number of pages that no machine has."""
SECCOMP = {"0": "off", "1": "strict", "2": "filter"}
THREAD_SECONDS = 5.0


def facts() -> dict[str, Any]:
    """Bytes and counts; None: no limit, or nobody says."""
    return {
        "open_files": _limit(resource.RLIMIT_NOFILE),
        "locked_memory": _limit(resource.RLIMIT_MEMLOCK),
        "memory": _memory(),
        "tmpfs": {path: _tmpfs(path) for path in TMPFS},
        "seccomp": _seccomp(),
        "threads": _thread_starts(),
        "clock_source": _read(CLOCK_SOURCE).strip() or None,
    }


def _read(path: str) -> str:
    try:
        return Path(path).read_text("utf-8", "replace")
    except OSError:
        return ""


def _limit(which: int) -> dict[str, int | None]:
    soft, hard = (None if limit == resource.RLIM_INFINITY else limit for limit in resource.getrlimit(which))
    return {"soft": soft, "hard": hard}


def _memory() -> int | None:
    """The least limit of this process's cgroup and of those around it."""
    limits = []
    for line in _read("/proc/self/cgroup").splitlines():
        _, controllers, group = line.split(":", 2)
        if controllers == "":
            files = [("/sys/fs/cgroup", "memory.max"), ("/sys/fs/cgroup/unified", "memory.max")]
        elif "memory" in controllers.split(","):
            files = [("/sys/fs/cgroup/memory", "memory.limit_in_bytes")]
        else:
            continue
        for base, name in files:
            for folder in (PurePosixPath(group), *PurePosixPath(group).parents):
                text = _read(f"{base}{folder}/{name}").strip()
                if text.isdigit() and int(text) < UNLIMITED:
                    limits.append(int(text))
    return min(limits, default=None)


def _tmpfs(path: str) -> dict[str, Any] | None:
    """None: no tmpfs is mounted there."""
    place, kind = _mount(path)
    return room(path) if (place, kind) == (path, "tmpfs") else None


def room(path: str) -> dict[str, Any]:
    """Of the file system that a path lies on, or the nearest part of it that is there."""
    while not os.path.exists(path):
        path = os.path.dirname(path)
    free = os.statvfs(path)
    return {
        "file_system": _mount(os.path.realpath(path))[1],
        "free": free.f_bavail * free.f_frsize,
        "writable": os.access(path, os.W_OK),
    }


def _mount(path: str) -> tuple[str, str]:
    """Where the file system of a path is mounted, and its kind."""
    found = ("", "")
    for line in _read("/proc/self/mountinfo").splitlines():
        mount, _, source = line.partition(" - ")
        place = mount.split()[4].replace("\\040", " ")
        if f"{path}/".startswith(f"{place.rstrip('/')}/") and len(place) >= len(found[0]):
            found = (place, source.split()[0])  # the last one lies on top
    return found


def _seccomp() -> str | None:
    for line in _read("/proc/self/status").splitlines():
        name, _, mode = line.partition(":")
        if name == "Seccomp":
            return SECCOMP.get(mode.strip())
    return None


def _thread_starts() -> bool:
    """Whether one starts, and runs."""
    ran = allocate_lock()
    ran.acquire()
    try:
        start_thread(ran.release)
    except RuntimeError:
        return False
    return ran.acquire(timeout=THREAD_SECONDS)
