# concurrent
"""Work in a thread pool has no parent unless the context is copied along."""

import contextvars
from concurrent.futures import ThreadPoolExecutor

from opentelemetry import trace

tracer = trace.get_tracer("executors")


def work(name: str) -> str:
    with tracer.start_as_current_span(name) as span:
        span.set_attribute("name", name)
        return name


with tracer.start_as_current_span("main") as main, ThreadPoolExecutor(3) as pool:
    print(list(pool.map(work, [f"bare {number}" for number in range(6)])))
    copies = [pool.submit(contextvars.copy_context().run, work, f"copied {number}") for number in range(6)]
    print([copy.result() for copy in copies])
    with tracer.start_as_current_span("raising") as raising:
        failed = pool.submit(lambda: 1 // 0)
        raising.record_exception(failed.exception() or RuntimeError("no exception"))
main.set_attribute("too late", True)
