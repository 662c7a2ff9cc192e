"""Threads and locks as CPython made them, also where gevent or eventlet has put greenlets in their place.

The worker waits in C, where no greenlet can be switched: as one of the main thread's it would stop all.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .._native import core

__all__ = ["allocate_lock", "get_ident", "start_thread", "threads_run"]


def _original(name: str) -> Any:
    gevent = sys.modules.get("gevent.monkey")
    if gevent is not None:
        return gevent.get_original("_thread", name)
    eventlet = sys.modules.get("eventlet.patcher")
    import _thread

    return getattr(_thread if eventlet is None else eventlet.original("_thread"), name)


if TYPE_CHECKING:
    from _thread import allocate_lock, get_ident, start_new_thread
else:
    allocate_lock = _original("allocate_lock")
    get_ident = _original("get_ident")
    start_new_thread = _original("start_new_thread")


core.say_under(allocate_lock)


def start_thread(run: Callable[[], None]) -> None:
    """One that takes no signal: a program may have blocked all, to wait for them. RuntimeError: none can."""
    core.start_quiet(start_new_thread, run)


def threads_run() -> bool:
    """False in uWSGI up to 2.0.26 without --enable-threads: between requests it keeps the GIL."""
    return bool(getattr(sys.modules.get("uwsgi"), "has_threads", True))
