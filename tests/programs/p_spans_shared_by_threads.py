# concurrent
"""One span written by eight threads at once loses nothing of what its limits allow."""

import threading

from opentelemetry import trace

tracer = trace.get_tracer("shared")
EACH = 15
meeting = threading.Barrier(8)

shared = tracer.start_span("shared")


def write(number: int) -> None:
    meeting.wait()
    for step in range(EACH):
        tracer.start_span(f"child {number}.{step}", context=trace.set_span_in_context(shared)).end()


def count(number: int) -> None:
    meeting.wait()
    for _ in range(EACH):
        counted[number].add_event("tick")


counted = [tracer.start_span(f"counted {number}") for number in range(8)]
for target in (write, count):
    threads = [threading.Thread(target=target, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
for span in (*counted, shared):
    span.end()
