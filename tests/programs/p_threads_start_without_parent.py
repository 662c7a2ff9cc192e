# concurrent
"""A thread starts without a current span, and one thread's spans are no other's parents."""

import threading

from opentelemetry import trace

tracer = trace.get_tracer("threads")
meeting = threading.Barrier(8)


def work(number: int) -> None:
    print_parent = trace.get_current_span().get_span_context().is_valid
    with tracer.start_as_current_span(f"thread {number}") as span:
        meeting.wait()
        span.set_attribute("had a parent", print_parent)
        with tracer.start_as_current_span(f"step of {number}"):
            meeting.wait()


with tracer.start_as_current_span("main"):
    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
