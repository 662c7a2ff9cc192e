"""However busy exporting is as a process ends: it is over within exit_timeout, and nothing crashes."""

from __future__ import annotations

import socket
import textwrap
import time
from pathlib import Path
from typing import NamedTuple

import pytest
from child import CRASH, Ended, python, run
from clock import Clock
from scripted import Receiver, Reply, Request, answer, mute, stall

HERE = str(Path(__file__).parent)
BEFORE = """
import os, sys, threading, time
sys.path.append({here!r})
from clock import Clock
import otlp_lite
telemetry = otlp_lite.configure(schedule_delay=0.01, {settings})
tracer = otlp_lite.get_tracer("exit")
tracer.start_span("first").end()
flushing = threading.Event()

def await_request():
    while not os.path.exists({asked!r}):
        time.sleep(0.01)

def flush(*_):
    with tracer.start_as_current_span("flushed"):
        pass
    flushing.set()
    telemetry.force_flush(30)
"""
AFTER = """
print(Clock(), flush=True)
"""
"""The end of the main thread's work: from here on the time counts."""


class Exit(NamedTuple):
    ended: Ended
    took: float
    """Seconds."""
    own: float
    """Less those that a busy machine took."""


def leave(code: str, url: str, settings: str = "", asked: Path = Path("/")) -> Exit:
    program = BEFORE.format(here=HERE, settings=settings, asked=str(asked)) + textwrap.dedent(code) + AFTER
    ended = run(program, env={"OTEL_EXPORTER_OTLP_ENDPOINT": url})
    clock = Clock(ended.out)
    took, own = float(clock), clock.own()
    assert ended.status == 0 and not any(word in ended.err for word in CRASH), ended
    return Exit(ended, took, own)


# ---- With nobody else at work ----


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "https://127.0.0.1:1"])
def test_a_refused_connection_ends_the_wait(url: str) -> None:
    ended, _, own = leave("", url, "exit_timeout=30")
    assert own < 15, own
    assert "1 span(s) dropped at the shutdown" in ended.err and "refused" in ended.err


def test_two_seconds_are_waited_for_a_receiver_that_says_nothing() -> None:
    with Receiver(default=stall) as receiver:
        ended, took, own = leave("", receiver.url)
    assert took > 1.5 and own < 8, (took, own)
    assert "1 span(s) dropped at the shutdown" in ended.err


def test_processors_and_the_exporter_share_the_time() -> None:
    """Each would take as long as it is given."""
    code = """
    class Slow:
        def force_flush(self, timeout_millis):
            time.sleep(timeout_millis / 1000)
            return False
    for _ in range(3):
        telemetry.tracer_provider.add_span_processor(Slow())
    """
    with Receiver(default=stall) as receiver:
        _, took, own = leave(code, receiver.url, "exit_timeout=2")
    assert took > 1.5 and own < 5, (took, own)


# ---- In the middle of an exchange ----

OTHERS = {
    "nobody": "await_request()",
    "a daemon thread flushes": """
    threading.Thread(target=flush, daemon=True).start()
    flushing.wait()
    await_request()
    """,
    "daemon threads flush again and again": """
    def work():
        while True:
            flush()
    for _ in range(4):
        threading.Thread(target=work, daemon=True).start()
    await_request()
    """,
    "daemon threads record": """
    def work():
        while True:
            with tracer.start_as_current_span("noise"):
                pass
    await_request()
    for _ in range(4):
        threading.Thread(target=work, daemon=True).start()
    time.sleep(0.1)
    """,
    "a thread leaves by sys.exit": """
    def work():
        await_request()
        with tracer.start_as_current_span("flushed"):
            sys.exit(3)
    threading.Thread(target=work).start()
    await_request()
    """,
    "a finaliser flushes": """
    class Last:
        def __del__(self, flush=flush):
            flush()
    sys.modules["last"] = Last()
    await_request()
    """,
    "a function of atexit flushes first": """
    import atexit
    atexit.register(flush)
    await_request()
    """,
}


def noting(asked: Path, then: Reply) -> Reply:
    def reply(connection: socket.socket, request: Request) -> bool:
        asked.touch()
        return then(connection, request)

    return reply


def slowly(connection: socket.socket, request: Request) -> bool:
    time.sleep(0.7)
    return answer()(connection, request)


@pytest.mark.parametrize("others", OTHERS)
def test_what_is_under_way_arrives_once(others: str, tmp_path: Path) -> None:
    asked = tmp_path / "asked"
    with Receiver(noting(asked, slowly)) as receiver:
        ended, _, own = leave(OTHERS[others], receiver.url, "exit_timeout=20", asked)
        assert own < 15, own
        names = receiver.names()
    assert names.count("first") == 1
    ids = [span.span_id for span in receiver.spans()]
    assert len(ids) == len(set(ids))
    if others in (
        "a daemon thread flushes",
        "a thread leaves by sys.exit",
        "a function of atexit flushes first",
    ):
        assert names.count("flushed") == 1
    if "again" not in others and "record" not in others:  # these may have been in the middle of one
        assert "dropped at the shutdown" not in ended.err


@pytest.mark.parametrize("others", [each for each in OTHERS if "atexit" not in each])
def test_what_is_under_way_is_given_up_in_time(others: str, tmp_path: Path) -> None:
    asked = tmp_path / "asked"
    with Receiver(default=noting(asked, stall)) as receiver:
        ended, took, own = leave(OTHERS[others], receiver.url, "exit_timeout=1", asked)
        assert receiver.names().count("first") == 1
    assert took > 0.5 and own < 8, (took, own)
    assert "dropped at the shutdown" in ended.err


def test_the_exit_sends_what_is_left_and_does_not_linger() -> None:
    code = """
        import atexit, sys
        atexit.register(lambda: print(float(clock), clock.own()))
        import otlp_lite
        otlp_lite.configure(endpoint=sys.argv[1], exit_timeout=float(sys.argv[2]))
        otlp_lite.get_tracer("t").start_span("last").end()
        sys.path.append(sys.argv[3])
        from clock import Clock
        clock = Clock()
        """

    def seconds(url: str, timeout: str) -> tuple[float, float]:
        took, own = python(code, url, timeout, HERE).stdout.split()
        return float(took), float(own)

    with Receiver() as receiver, mute() as silent:
        assert seconds(receiver.url, "5")[1] < 1.5
        assert receiver.names() == ["last"]
        assert seconds("http://127.0.0.1:1", "5")[1] < 1.5
        took, own = seconds(f"http://127.0.0.1:{silent.getsockname()[1]}", "1")
        assert took > 0.7 and own < 1.6
