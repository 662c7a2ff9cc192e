# concurrent
"""A thread that runs in a copy of the context goes on below the span that was current."""

import contextvars
import threading

from opentelemetry import context, trace

tracer = trace.get_tracer("threads")


def work(number: int) -> None:
    with tracer.start_as_current_span(f"copied {number}"), tracer.start_as_current_span(f"below {number}"):
        pass


def attached(parent: context.Context) -> None:
    token = context.attach(parent)
    try:
        with tracer.start_as_current_span("attached by hand"):
            pass
    finally:
        context.detach(token)
    with tracer.start_as_current_span("detached again"):
        pass


with tracer.start_as_current_span("main"):
    threads = [
        threading.Thread(target=contextvars.copy_context().run, args=(work, number)) for number in range(4)
    ]
    threads.append(threading.Thread(target=attached, args=(context.get_current(),)))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with tracer.start_as_current_span("main goes on"):
        pass
