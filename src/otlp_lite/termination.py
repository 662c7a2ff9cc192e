"""SIGTERM: what has to be done before it ends the process.

A handler in Python would wait for the main thread, which may stay in C: a child of a pool that waits for a
lock never saw its SIGTERM, and Pool.terminate() waited for that child for ever. Ours is in C, and wakes a
thread.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from time import sleep

from ._native import core
from .export.unpatched import start_new_thread

_call: Callable[[], object] | None = None
_watched = 0
"""The process that has a thread which waits."""


def before_termination(call: Callable[[], object]) -> bool:
    """Calls `call`, in a thread, when SIGTERM comes, which then ends the process as it would have.

    Only where its disposition is the default, and from the main thread; else nothing is done: False. In this
    process and each that is forked from it, once it has called begun().
    """
    global _call
    if threading.current_thread() is not threading.main_thread() or not core.term_catch():
        return False
    _call = call
    return True


def begun() -> None:
    """This process begins to record: from here on there is something to lose."""
    global _watched
    if _call is None or _watched == os.getpid():
        return
    _watched = os.getpid()
    core.term_watch()  # before the thread runs: SIGTERM may come at once
    try:
        start_new_thread(_wait, ())
    except RuntimeError:
        core.term_unwatch()


def hold(seconds: float) -> None:
    """At the exit: when SIGTERM has come, that is what ends the process. Waits for it so long."""
    if core.term_came():
        sleep(seconds)


def _wait() -> None:
    core.term_wait()
    try:
        if _call is not None:
            _call()
    finally:
        core.term_end()
