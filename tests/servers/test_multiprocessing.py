"""multiprocessing: what its processes and pools record is sent as they end, by whichever start method."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from scripted import Receiver, stall

from .serving import Server, arrived, each_has_its_own_instance

NAMES = [
    *("parent", "open", "work", "exits", "raises", "daemon"),
    *("leaves_threads", *(f"leaves_threads, {what}" for what in ("thread", "pool 0", "pool 1"))),
    *("has_a_child", "has_a_child, child", "has_a_child, forked"),
    *(f"{kind} {number}" for kind in ("pool", "terminated", "executor") for number in range(8)),
]


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_children_send_what_they_recorded(method: str) -> None:
    with Receiver() as receiver, Server(receiver, sys.executable, "families.py", method) as program:
        assert program.process.wait(60) == 0, program.log()
        spans = arrived(receiver)
        assert sorted(span.name for span in spans) == sorted(NAMES), program.log()
        assert each_has_its_own_instance(spans)
        assert not any(word in program.log() for word in ("dropped", "lost", "Fatal")), program.log()


@pytest.mark.parametrize("method", ["fork", "forkserver"])
def test_a_child_gives_up_once_and_in_its_time(method: str, tmp_path: Path) -> None:
    """Finalizer and atexit together wait for one exit_timeout, and one of them says the loss."""
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    with Receiver(default=stall) as receiver, Server(receiver, sys.executable, str(program), method) as run:
        assert run.process.wait(60) == 0, run.log()
        assert run.log().count("dropped at the shutdown") == 1, run.log()
        assert 1 < float(run.log().split()[-1]) < 4, run.log()


PROGRAM = """
import multiprocessing, sys, time
import otlp_lite
otlp_lite.configure(schedule_delay=60, exit_timeout=2)

def work():
    otlp_lite.get_tracer("child").start_span("lost").end()

if __name__ == "__main__":
    child = multiprocessing.get_context(sys.argv[1]).Process(target=work)
    started = time.monotonic()
    child.start()
    child.join()
    print(time.monotonic() - started)
"""
