"""The application that the servers serve: some numbered spans a request, on the thread that it comes to."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable
from typing import Any

from ledger.tally import Tally, start_threads

here = threading.local()
at_work: dict[int, object] = {}


def application(environ: dict[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
    if getattr(here, "pid", 0) != os.getpid():
        here.pid, here.tally = os.getpid(), Tally()
    with here.tally.current():
        for _ in range(10):
            here.tally.end(here.tally.start())
    body = str(os.getpid()).encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]


def busy(environ: dict[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
    """The first request of a process leaves eight threads at work."""
    if at_work.setdefault(os.getpid(), environ) is environ:
        start_threads(daemon=True)
    return application(environ, start_response)
