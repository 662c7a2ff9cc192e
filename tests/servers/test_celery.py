"""Celery: whatever its workers' lives, each task's span arrives."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from child import environment, well
from scripted import Receiver

from .serving import HERE, Server, arrived, each_has_its_own_instance


def test_a_process_of_billiard_sends_what_it_recorded() -> None:
    """billiard is the multiprocessing of Celery."""
    with Receiver() as receiver:
        well(
            """
            import os, threading, time
            import billiard
            import otlp_lite
            otlp_lite.configure(schedule_delay=60)
            tracer = otlp_lite.get_tracer("billiard")

            def work(name):
                with tracer.start_as_current_span(name, attributes={"pid": os.getpid()}):
                    threading.Thread(target=time.sleep, args=(60,)).start()  # is not waited for

            children = [billiard.Process(target=work, args=(f"child {number}",)) for number in range(2)]
            for child in children:
                child.start()
            for child in children:
                child.join()
                assert child.exitcode == 0
            """,
            receiver,
        )
        spans = arrived(receiver)
        assert sorted(span.name for span in spans) == ["child 0", "child 1"]
        assert each_has_its_own_instance(spans)


@pytest.mark.parametrize("tasks", [1, 100])
def test_ten_tasks_are_ten_spans(tasks: int, tmp_path: Path) -> None:
    """A child ends after so many tasks; or with the worker."""
    for name in ("queue", "control"):
        (tmp_path / name).mkdir()
    command = [sys.executable, "-m", "celery", "--app", "celery_app", "worker", "--loglevel", "INFO"]
    command += [
        "--concurrency",
        "4",
        "--max-tasks-per-child",
        str(tasks),
        "--without-mingle",
        "--without-gossip",
    ]
    with (
        Receiver() as receiver,
        Server(receiver, *command, FOLDER=str(tmp_path), OTEL_BSP_SCHEDULE_DELAY="60000") as server,
    ):
        subprocess.run(
            [sys.executable, "celery_app.py", "10"],
            env=environment({"FOLDER": str(tmp_path)}),
            cwd=HERE,
            check=True,
            timeout=60,
        )
        assert server.says("Task work.* succeeded", 10), server.log()
        server.stop()
        spans = arrived(receiver)
        assert Counter(span.name for span in spans) == Counter(f"task {number}" for number in range(10))
        assert each_has_its_own_instance(spans)
        assert (len({span.pid for span in spans}) == 10) == (tasks == 1)
        assert "Traceback" not in server.log(), server.log()
