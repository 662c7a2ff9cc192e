"""SIGTERM: what has to be done before it ends the process."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from types import FrameType


def before_termination(call: Callable[[], object]) -> bool:
    """Calls `call` when SIGTERM comes, which then ends the process as it would have.

    Only where its disposition is the default, and in the main thread; else nothing is done: False. A main
    thread that stays in C code never gets there.
    """

    def terminate(number: int, frame: FrameType | None) -> None:
        try:
            call()
        finally:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGTERM)

    try:
        if signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
            return False
        signal.signal(signal.SIGTERM, terminate)
    except ValueError:  # not the main thread
        return False
    return True
