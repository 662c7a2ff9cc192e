"""As test_ledger.py, where a server begins the processes, and ends them while their threads record."""

from __future__ import annotations

import http.client
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from random import Random

import pytest
from child import environment
from clock import until
from servers.serving import Server

from .rounds import ROUNDS, SEEDS, Outcome, Round, side_by_side

GUNICORN = [sys.executable, "-m", "gunicorn", "--workers", "2", "--worker-class", "gthread", "--threads", "8"]
GUNICORN += ["--bind", "127.0.0.1:0", "ledger.served:application"]
LISTENING = r"Listening at: http://127\.0\.0\.1:(\d+)"
UWSGI = [
    str(Path(sys.executable).with_name("uwsgi")),
    "--http-socket",
    "127.0.0.1:0",
    "--need-app",
    "--master",
]
UWSGI += [
    "--virtualenv",
    sys.prefix,
    "--processes",
    "2",
    "--threads",
    "8",
    "--enable-threads",
    "--die-on-term",
]
PORT = r"bound to TCP address 127\.0\.0\.1:(\d+) \(port auto-assigned\)"
UWSGI += ["--disable-logging", "--module", "ledger.served:busy"]
CELERY = [sys.executable, "-m", "celery", "--app", "ledger.tasks", "worker", "--loglevel", "INFO"]
CELERY += ["--concurrency", "2", "--max-tasks-per-child", "1", "--without-mingle", "--without-gossip"]
HALF = (ROUNDS + 1) // 2
"""Of the rounds, with each of the two receivers."""


@contextmanager
def load(server: Server) -> Iterator[set[int]]:
    """Eight threads ask, all the time; whoever has answered. A request to a process that ends may fail."""
    answered: set[int] = set()
    over = threading.Event()

    def ask() -> None:
        while not over.is_set():
            with suppress(OSError, http.client.HTTPException):
                answered.add(server.get("any"))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    try:
        yield answered
    finally:
        over.set()
        for thread in threads:
            thread.join()


def reload(server: Server, workers: set[int]) -> set[int]:
    """Which of the workers are to be replaced."""
    server.process.send_signal(signal.SIGHUP)
    return workers


def end_one(server: Server, workers: set[int]) -> set[int]:
    os.kill(worker := max(workers), signal.SIGTERM)
    return {worker}


@pytest.mark.parametrize("replace", [reload, end_one])
def test_gunicorn_replaces_workers_under_load(
    replace: Callable[[Server, set[int]], set[int]], tmp_path: Path
) -> None:
    def go(kind: bool) -> Outcome:
        random = Random(0)
        told: set[int] = set()
        ledger = Round(tmp_path / str(kind), "0", kind)
        with Server(ledger.receiver, *GUNICORN, listening=LISTENING, **ledger.settings()) as server:
            with load(server) as answered:
                for _ in range(HALF):
                    assert until(lambda: bool(answered - told), 30), server.log()
                    time.sleep(random.uniform(0, 0.3))
                    told.update(replace(server, answered - told))
                assert until(lambda: bool(answered - told), 30), server.log()
            assert server.stop() == 0, server.log()
            return ledger.settle(server.log())

    assert side_by_side(go, (True, False))["processes"] > ROUNDS


def test_celery_ends_a_child_after_each_task(tmp_path: Path) -> None:
    def go(kind: bool) -> Outcome:
        ledger = Round(tmp_path / str(kind), "0", kind)
        for name in ("queue", "control"):
            (ledger.folder / name).mkdir()
        with Server(ledger.receiver, *CELERY, **ledger.settings()) as server:
            command = [sys.executable, "-m", "ledger.tasks", str(HALF)]
            subprocess.run(command, env=environment(ledger.settings()), check=True, timeout=60)
            done = re.compile("Task work.* succeeded")
            assert until(lambda: len(done.findall(server.log())) == HALF, 30 + 2 * HALF), server.log()
            server.stop()
            return ledger.settle(server.log())

    assert side_by_side(go, (True, False))["processes"] == 2 * HALF


def test_uwsgi_ends_workers_whose_threads_record(tmp_path: Path) -> None:
    """Between requests: in the middle of one it asks nobody, and a reload under load it does not end."""
    if not Path(UWSGI[0]).exists() and sys.version_info >= (3, 14):
        pytest.skip("uWSGI is not built here")

    def go(seed: str) -> Outcome:
        random = Random(seed)
        ledger = Round(tmp_path / seed, seed, kind=int(seed) % 2 == 0)
        with Server(ledger.receiver, *UWSGI, listening=PORT, **ledger.settings()) as server:
            server.get_until("any", 2)
            time.sleep(random.uniform(0, 0.3))
            server.stop()
            return ledger.settle(server.log())

    assert side_by_side(go, SEEDS)["processes"] == 2 * len(SEEDS)
