"""A program whose children multiprocessing begins, by the start method that is its first argument."""

from __future__ import annotations

import multiprocessing
import os
import sys
import threading
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from typing import Any

import otlp_lite

otlp_lite.configure(service_name="family", schedule_delay=60)
tracer = otlp_lite.get_tracer("family")


def work(name: str) -> None:
    with tracer.start_as_current_span(name, attributes={"pid": os.getpid()}):
        pass


def exits(name: str) -> None:
    with tracer.start_as_current_span(name, attributes={"pid": os.getpid()}):
        sys.exit(3)


def raises(name: str) -> None:
    with tracer.start_as_current_span(name, attributes={"pid": os.getpid()}):
        raise ValueError(name)


def leaves_threads(name: str) -> None:
    """Ends while one thread is at work, and a pool of them has more to do."""

    def late(what: str) -> None:
        time.sleep(0.2)
        work(f"{name}, {what}")

    work(name)
    threading.Thread(target=late, args=("thread",)).start()
    pool = ThreadPoolExecutor(1)
    for number in range(2):
        pool.submit(late, f"pool {number}")


def stays(name: str, ready: Any) -> None:
    """Until its parent ends, which terminates it."""
    work(name)
    ready.set()
    time.sleep(60)


def has_a_child(name: str) -> None:
    """Begins one, and forks one, which ends as it does."""
    work(name)
    child = multiprocessing.get_context("fork").Process(target=work, args=(f"{name}, child",))
    child.start()
    child.join()
    pid = os.fork()
    if pid == 0:
        work(f"{name}, forked")
    else:
        os.waitpid(pid, 0)


def main(method: Any) -> None:
    family = multiprocessing.get_context(method)
    work("parent")
    open_span = tracer.start_span("open", attributes={"pid": os.getpid()})
    for target, status in ((work, 0), (exits, 3), (raises, 1), (leaves_threads, 0), (has_a_child, 0)):
        child = family.Process(target=target, args=(target.__name__,))
        child.start()
        child.join()
        assert child.exitcode == status, (target, child.exitcode)
    with family.Pool(2) as pool:
        pool.map(work, [f"pool {number}" for number in range(8)], chunksize=1)
        pool.close()
        pool.join()
    with family.Pool(2) as pool:  # its end terminates the workers
        pool.map(work, [f"terminated {number}" for number in range(8)], chunksize=1)
    with ProcessPoolExecutor(2, mp_context=family) as executor:
        list(executor.map(work, [f"executor {number}" for number in range(8)]))
    ready = family.Event()
    family.Process(target=stays, args=("daemon", ready), daemon=True).start()
    ready.wait()
    open_span.end()


if __name__ == "__main__":
    main(sys.argv[1])
