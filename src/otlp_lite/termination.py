"""SIGTERM: what has to be done before it ends the process.

A handler in Python would wait for the main thread, which may stay in C: a child of a pool that waits for a
lock never saw its SIGTERM, and Pool.terminate() waited for that child for ever. Ours is in C, and wakes a
thread.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from time import sleep

from ._native import core
from .export.unpatched import start_thread

MARGIN = 1.0
"""Seconds after which what has not come to its end in time is not waited for any more."""
BOUND_MAX = 1e6

_call: Callable[[], object] | None = None
_bound = 0.0
_watched = 0
"""The process that has a thread which waits."""
_heirs = False
"""A child of process 1, which the kernel does not spare, finds ours for the handler."""


def before_termination(call: Callable[[], object], seconds: float) -> bool:
    """Calls `call`, in a thread, when SIGTERM comes, which then ends the process as it would have.

    It does so `seconds` and a margin later in any case: also when the GIL is held, or `call` stuck. Only
    where its disposition is the default, and from the main thread; else nothing is done: False. In this
    process and each that is forked from it, once it has called begun().
    """
    global _call, _bound, _heirs
    if not core.term_catch():
        return False
    if spared() and not _heirs:
        os.register_at_fork(after_in_child=core.term_inherited)
        _heirs = True
    _call = call
    _bound = min(seconds + MARGIN, BOUND_MAX)
    return True


def begun() -> None:
    """This process begins to record: from here on there is something to lose."""
    global _watched
    if _call is None or _watched == os.getpid():
        return
    _watched = os.getpid()
    core.term_watch(0.0 if spared() else _bound)  # before the thread runs: SIGTERM may come at once
    try:
        start_thread(_wait)
    except RuntimeError:
        core.term_unwatch()


def spared() -> bool:
    """The kernel ends no init, as a container's first process is, by a signal that is left to its default."""
    return os.getpid() == 1


def hold() -> None:
    """At the exit: when SIGTERM has come, that is what ends the process. Waits for it."""
    if core.term_came() and not spared():
        sleep(_bound)


def over() -> None:
    """The exit is done: whatever its finalisation still does, SIGTERM ends it at once."""
    core.term_unwatch()


def _wait() -> None:
    core.term_wait()
    while spared() and _call is not None:  # it goes on, and may record more, until it is killed
        core.term_watch(0.0)  # before what it asks for is done: it may come again meanwhile
        _call()
        core.term_wait()
    try:
        if _call is not None:
            _call()
    finally:
        core.term_end()
