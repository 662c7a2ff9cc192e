"""The end of a process, also where `atexit` is not asked: in children of multiprocessing and of Celery."""

from __future__ import annotations

import atexit
import os
import sys
import threading
from collections.abc import Callable
from typing import Any

LAST = -1000
"""The priority of what multiprocessing runs last of all: its queues are emptied, its own children joined."""

_ends: list[Callable[[], object]] = []
_registered = 0
"""The process whose atexit knows ours: multiprocessing of CPython 3.13 clears a child's."""
_seen = 0
"""The process that was looked at."""


def at_exit(end: Callable[[], object]) -> None:
    """Calls `end` as this process ends, and as each does that is forked from it and has called begun().

    Perhaps twice. Later ones come first, as with atexit.
    """
    _ends.append(end)
    if _registered != os.getpid():
        _register()


def begun() -> None:
    """This process begins to record. Sees to it that its end is noticed, when multiprocessing began it.

    `atexit` is not asked there before CPython 3.13, and never by billiard, which is Celery's multiprocessing.
    Neither is imported here: a child of theirs has done so.
    """
    global _seen
    if _seen == os.getpid() or not _ends:
        return
    _seen = os.getpid()
    if _child_of("billiard"):
        _finalize(_end)  # its processes leave without waiting for threads
        signals = sys.modules.get("celery.signals")
        if signals is not None:  # the workers of its pool leave by os._exit()
            signals.worker_process_shutdown.connect(_end, weak=False)
    elif _child_of("multiprocessing") and not _spawned():
        if sys.version_info < (3, 13):
            _finalize(_after_threads)
        elif _registered != _seen:
            _register()


def _register() -> None:
    global _registered
    _registered = os.getpid()
    atexit.register(_end)


def _end(**_: object) -> None:
    for end in reversed(_ends):
        end()


def _child_of(library: str) -> bool:
    """Whether this process was begun by multiprocessing, or by its copy."""
    process = sys.modules.get(f"{library}.process")
    return process is not None and getattr(process.current_process(), "_parent_pid", None) is not None


def _spawned() -> bool:
    """A fresh interpreter, which asks atexit as any other does."""
    multiprocessing: Any = sys.modules["multiprocessing"]
    return (
        "--multiprocessing-fork" in sys.orig_argv
        and multiprocessing.get_start_method(allow_none=True) == "spawn"
    )


def _finalize(end: Callable[[], object]) -> None:
    util: Any = sys.modules["multiprocessing.util"]  # billiard's finalizers are these, too
    util.Finalize(None, end, exitpriority=LAST)


def _after_threads() -> None:
    """The interpreter waits for threads after its finalizers: one more thread is the last of them."""
    here = threading.current_thread()
    others = [thread for thread in threading.enumerate() if thread is not here and not thread.daemon]
    if not others:
        _end()
        return

    def wait() -> None:
        for thread in others:
            thread.join()
        _end()

    try:
        threading.Thread(target=wait, name="otlp_lite exit").start()
    except RuntimeError:  # none can start: what the others still do is lost, and counted
        _end()
