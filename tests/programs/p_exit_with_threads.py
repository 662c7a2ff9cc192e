# concurrent
# exit: 5
"""Threads that exit, fail and end spans of others before the program leaves."""

import sys
import threading

from opentelemetry import trace

tracer = trace.get_tracer("exit")
threading.excepthook = lambda hook: print("failed", hook.exc_type.__name__)


def exits() -> None:
    with tracer.start_as_current_span("thread that exits"):
        sys.exit(1)


def fails() -> None:
    with tracer.start_as_current_span("thread that fails"):
        raise LookupError("in a thread")


handed_over = tracer.start_span("handed over")
with tracer.start_as_current_span("main"):
    for target in (exits, fails, handed_over.end):
        thread = threading.Thread(target=target)
        thread.start()
        thread.join()
    print(handed_over.is_recording())
    sys.exit(5)
