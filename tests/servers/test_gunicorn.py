"""gunicorn: every span of every answered request arrives once, whichever way its workers come and go."""

from __future__ import annotations

import os
import signal
import sys
from collections import Counter
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from clock import until
from scripted import Receiver

from .serving import Server, arrived, each_has_its_own_instance

LISTENING = r"Listening at: http://127\.0\.0\.1:(\d+)"


@pytest.mark.parametrize("preload", [False, True], ids=["", "preload"])
@pytest.mark.parametrize("kind", ["sync", "gthread", "gevent"])
def test_every_answer_has_its_span(kind: str, preload: bool) -> None:
    """What two workers record is sent by the schedule; one is killed; then the others end."""
    command = ["-m", "gunicorn", "--workers", "2", "--worker-class", kind, "--bind", "127.0.0.1:0"]
    command += ["--preload"] * preload + ["wsgi_app:application"]
    with (
        Receiver() as receiver,
        Server(
            receiver, sys.executable, *command, listening=LISTENING, OTEL_BSP_SCHEDULE_DELAY="400"
        ) as server,
    ):
        workers = server.get_until("before", 2)
        names = set(server.answered)
        assert until(lambda: names <= set(receiver.names()), 20), server.log()

        killed = workers.pop()
        os.kill(killed, signal.SIGKILL)
        assert server.says(r"Booting worker with pid", 3), server.log()
        added = server.get_until("after", 1, known={killed, *workers})
        assert server.stop() == 0, server.log()

        spans = arrived(receiver)
        assert Counter((span.name, span.pid) for span in spans) == Counter(server.answered.items())
        assert {span.pid for span in spans} == {killed, *workers, *added}
        assert each_has_its_own_instance(spans)
        assert "Traceback" not in server.log(), server.log()


def has(receiver: Receiver, many: int) -> bool:
    return len(receiver.names()) >= many


@pytest.mark.parametrize("preload", [False, True], ids=["", "preload"])
def test_what_a_killed_server_had_recorded_is_sent_by_the_next(preload: bool) -> None:
    """Its first process and its workers; they were about to send it a minute later."""
    command = ["-m", "gunicorn", "--workers", "3", "--bind", "127.0.0.1:0"]
    command += ["--preload"] * preload + ["wsgi_app:application"]
    with TemporaryDirectory(dir="/dev/shm") as shared, Receiver() as receiver:
        folder = Path(shared) / "regions"
        answered: list[dict[str, int]] = []
        for delay in ("60000", "400"):
            with Server(
                receiver,
                sys.executable,
                *command,
                listening=LISTENING,
                OTLP_LITE_REGION_DIR=str(folder),
                OTEL_BSP_SCHEDULE_DELAY=delay,
            ) as server:
                workers = server.get_until(f"{delay}/", 3)
                answered.append(server.answered)
                if delay == "60000":
                    assert receiver.requests == []
                    for pid in (server.process.pid, *workers):
                        os.kill(pid, signal.SIGKILL)
                    continue
                many = sum(map(len, answered))
                assert until(partial(has, receiver, many), 20), server.log()
                assert server.stop() == 0, server.log()
                assert "Traceback" not in server.log(), server.log()
        spans = arrived(receiver)
        assert Counter((span.name, span.pid) for span in spans) == Counter(
            (name, pid) for each in answered for name, pid in each.items()
        )
        assert each_has_its_own_instance(spans)
