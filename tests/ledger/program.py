"""A program whose threads record while it ends, or its children do: the way is its first argument."""

from __future__ import annotations

import multiprocessing
import os
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from random import Random
from typing import Any

from ledger.tally import SEED, Tally, ask, record, start_threads

random = Random(SEED)


def moment(most: float = 0.3) -> None:
    time.sleep(random.uniform(0.02, most))


def returns() -> None:
    """The interpreter waits for the threads, and then ends."""
    start_threads(daemon=False, seconds=0.4)
    moment()


def daemons() -> None:
    start_threads(daemon=True)
    moment()


def exits_in_threads() -> None:
    """A thread's sys.exit() ends that thread, in the middle of a span; the main thread's ends the others."""

    def leave() -> None:
        with Tally().current():
            time.sleep(Random().uniform(0, 0.2))
            sys.exit(4)

    start_threads(daemon=True)
    for _ in range(4):
        threading.Thread(target=leave).start()
    moment()
    sys.exit(3)


def is_ended() -> None:
    """Somebody else ends it, whatever the main thread is at."""
    start_threads(daemon=True)
    lock = threading.Lock()
    lock.acquire()
    random.choice((record, lock.acquire, lambda: time.sleep(600)))()


def forks() -> None:
    """In a span. From the main thread: in a child of another's, the interpreter's end is never reached."""
    start_threads(daemon=True)
    tally = Tally()
    children = []
    for _ in range(random.randrange(2, 6)):
        with tally.current():
            moment(0.1)
            pid = os.fork()
            if pid == 0:
                random.seed(os.getpid())
                return child(random.choice((sys.exit, lambda: None)))
            children.append(pid)
    for pid in children:
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def child(end: Callable[[], object]) -> None:
    own = Tally()
    with own.current():
        start_threads(daemon=random.random() < 0.5, seconds=0.2)
        moment(0.2)
        end()


# ---- multiprocessing ----


def member(way: str) -> None:
    """A child: it records on eight threads, and ends."""
    random.seed(os.getpid())
    if way == "waits":  # for its parent, which terminates it
        start_threads(daemon=True)
        record()
    try:
        child({"exits": sys.exit, "raises": lambda: 1 / 0}.get(way, lambda: None))
    finally:
        ask()


def task(_: int) -> None:
    for thread in start_threads(daemon=True, seconds=0.05):
        thread.join()


def processes(family: Any) -> None:
    start_threads(daemon=True)
    started = {}
    for way in ("returns", "exits", "raises", "waits"):
        started[way] = family.Process(target=member, args=(way,), daemon=way == "waits")
        started[way].start()
    for way in ("returns", "exits", "raises"):
        started[way].join()
        assert started[way].exitcode == (way == "raises"), (way, started[way].exitcode)
    if random.random() < 0.5:  # else at the end
        started["waits"].terminate()


def pools(family: Any) -> None:
    start_threads(daemon=True)
    with family.Pool(2) as pool:
        pool.map(task, range(6), chunksize=1)
        pool.close()
        pool.join()
    with family.Pool(2) as pool:  # its end terminates the workers
        pool.map_async(task, range(1000), chunksize=1)
        moment()


def executors(family: Any) -> None:
    start_threads(daemon=True)
    with ProcessPoolExecutor(2, mp_context=family) as executor:
        list(executor.map(task, range(6)))


FAMILIES = {each.__name__: each for each in (processes, pools, executors)}
WAYS = {each.__name__: each for each in (returns, daemons, exits_in_threads, is_ended, forks)}

if __name__ == "__main__":
    name, _, method = sys.argv[1].partition("-")
    if method:
        FAMILIES[name](multiprocessing.get_context(method))
    else:
        WAYS[name]()
