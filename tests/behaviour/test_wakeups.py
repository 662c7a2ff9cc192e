"""A process that has nothing to do never wakes: no thread of it runs, and none makes a system call."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
from child import environment
from clock import until
from scripted import Receiver, secure_receiver

BEFORE = """
import ctypes, signal, threading, time
import otlp_lite
ctypes.CDLL(None).prctl(0x59616d61, -1, 0, 0, 0)  # PR_SET_PTRACER: strace may come, who is no parent of ours
telemetry = otlp_lite.configure(schedule_delay=0.05)
tracer = otlp_lite.get_tracer("idle")

def send(times=1):
    for _ in range(times):
        for number in range(100):
            with tracer.start_as_current_span(str(number)):
                pass
        assert telemetry.force_flush(10)

def rest():
    print("rests", flush=True)
"""
IDLE = {
    "before the first span": "rest(); threading.Event().wait()",
    "after spans": "send(3); rest(); threading.Event().wait()",
    "after spans, by the schedule": """
tracer.start_span("one").end()
while telemetry.stats().traces.exported == 0: time.sleep(0.01)
rest(); signal.pause()
""",
    "asleep": "send(); rest(); time.sleep(3600)",
    "after a shutdown and a restart": """
send(); telemetry.shutdown(); otlp_lite.configure(schedule_delay=0.05); send()
rest(); threading.Event().wait()
""",
    "in an open span": "send()\nwith tracer.start_as_current_span('open'): rest(); threading.Event().wait()",
    "over tls": "send(); rest(); threading.Event().wait()",
}
WAKES = "send(); rest()\nwhile True: time.sleep(0.3)"
"""The planted fault."""
RETRIES = "tracer.start_span('kept').end(); telemetry.force_flush(1); rest(); threading.Event().wait()"


class Program(NamedTuple):
    name: str
    process: subprocess.Popen[str]

    def threads(self) -> list[Path]:
        return sorted(Path(f"/proc/{self.process.pid}/task").iterdir())

    def switches(self) -> dict[str, int]:
        """Of each thread, whichever way it was switched from: one that is not run has none."""
        return {
            thread.name: sum(map(int, re.findall(r"ctxt_switches:\t(\d+)", (thread / "status").read_text())))
            for thread in self.threads()
        }


def switches(programs: list[Program]) -> dict[str, dict[str, int]]:
    return {program.name: program.switches() for program in programs}


def at_rest(programs: list[Program]) -> bool:
    before = switches(programs)
    time.sleep(0.5)
    return switches(programs) == before


@contextmanager
def resting(name: str, code: str, url: str, **env: str) -> Iterator[Program]:
    variables = environment({"OTEL_EXPORTER_OTLP_ENDPOINT": url, **env})
    process = subprocess.Popen(
        [sys.executable, "-c", BEFORE + code], env=variables, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None and process.stdout.readline() == "rests\n", name
        yield Program(name, process)
        assert process.poll() is None, name
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def programs(tmp_path: Path) -> Iterator[list[Program]]:
    """All of IDLE, each at rest."""
    with ExitStack() as stack:
        receiver = stack.enter_context(Receiver())
        secure = stack.enter_context(secure_receiver(tmp_path))
        found = []
        for name, code in IDLE.items():
            url = secure.url if name == "over tls" else receiver.url
            program = resting(name, code, url, OTEL_EXPORTER_OTLP_CERTIFICATE=str(tmp_path / "ca.pem"))
            found.append(stack.enter_context(program))
        assert until(lambda: at_rest(found), 20)
        yield found


def test_an_idle_process_is_not_switched_to(programs: list[Program]) -> None:
    with Receiver() as receiver, resting("wakes", WAKES, receiver.url) as wakes:
        every = [*programs, wakes]
        before = switches(every)
        time.sleep(5)
        after = switches(every)
    assert [name for name in after if after[name] != before[name]] == ["wakes"], (before, after)
    assert [len(program.threads()) for program in programs[:2]] == [1, 3]  # our worker, and SIGTERM's


def test_an_outage_wakes_one_thread_for_each_attempt() -> None:
    """The next is after a second or more."""
    with resting("retries", RETRIES, "http://127.0.0.1:1") as program:
        before = program.switches()
        time.sleep(5)
        woken = {thread: count - before[thread] for thread, count in program.switches().items()}
    assert len([count for count in woken.values() if count > 5]) <= 1 and sum(woken.values()) < 60, woken


@pytest.mark.once
def test_an_idle_minute_has_no_system_call(programs: list[Program], tmp_path: Path) -> None:
    if shutil.which("strace") is None and os.environ.get("CI") != "true":
        pytest.skip("strace is not installed")
    with ExitStack() as stack:
        receiver = stack.enter_context(Receiver())
        every = [*programs, stack.enter_context(resting("wakes", WAKES, receiver.url))]
        logs = [tmp_path / f"{number}.strace" for number in range(len(every))]
        traced = [
            subprocess.Popen(
                ["strace", "-f", "-p", str(program.process.pid), "-o", str(log)],
                stderr=subprocess.PIPE,
                text=True,
            )
            for program, log in zip(every, logs, strict=True)
        ]
        time.sleep(60)
        for each in traced:
            each.terminate()
            each.communicate()
        shown = {program.name: log.read_text().splitlines() for program, log in zip(every, logs, strict=True)}
        # What a thread waits in is shown as strace comes, and again as it leaves: it never ends.
        ended = {
            name: [
                line for line in lines if not line.endswith("<unfinished ...>") and "<detached" not in line
            ]
            for name, lines in shown.items()
        }
        assert [name for name, lines in ended.items() if lines] == ["wakes"], ended
        for program in programs:
            assert len({line.split()[0] for line in shown[program.name]}) == len(program.threads())
