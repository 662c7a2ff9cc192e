"""A shutdown and a restart beside anything else: signals, overtaken threads, processors, a stuck worker."""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from child import python
from clock import Clock, until
from scripted import Receiver, Request, SlowNames, Start, answer, balanced, record, stall

from otlp_lite.assemble import build
from otlp_lite.config import load
from otlp_lite.export import http
from otlp_lite.traces.processor import BatchSpanProcessor, SimpleSpanProcessor


class Slow:
    """An exporter that takes its time."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.names: list[str] = []

    def export(self, spans: Any) -> None:
        time.sleep(self._seconds)
        self.names += [span.name for span in spans]

    def shutdown(self) -> None:
        pass


@pytest.mark.parametrize("worker", [True, False], ids=["a worker", "no thread can start"])
def test_an_interrupted_shutdown_leaves_nothing_behind(worker: bool) -> None:
    """By handlers that raise, at any moment of it: what there was is counted, and a restart records again."""

    def slowly(connection: socket.socket, request: Any) -> bool:
        time.sleep(0.002)
        return answer()(connection, request)

    with Receiver(default=slowly) as receiver:
        python(
            """
            import logging, os, random, signal, sys, time, otlp_lite
            sys.path.append(sys.argv[3])
            from clock import Clock
            logging.getLogger("otlp_lite").addHandler(logging.NullHandler())
            if sys.argv[2] == "False":
                import otlp_lite.export.worker
                def none(run): raise RuntimeError("can't start new thread")
                otlp_lite.export.worker.start_thread = none
            armed = 0
            def interrupt(_, frame):  # in our code alone: this program is not made for it
                global armed
                if armed and "otlp_lite" in frame.f_code.co_filename:
                    armed -= 1
                    raise KeyboardInterrupt
            signal.signal(signal.SIGALRM, interrupt)
            configure = lambda: otlp_lite.configure(endpoint=sys.argv[1], schedule_delay=0.01)
            hits, seed = 0, random.Random(1)
            end = time.monotonic() + 8
            while time.monotonic() < end:
                telemetry = configure()
                assert not telemetry.tracer_provider.closed
                for _ in range(5):
                    otlp_lite.get_tracer("t").start_span("x").end()
                began = Clock()
                first, more = seed.uniform(5e-6, 400e-6), seed.choice([0, seed.uniform(20e-6, 300e-6)])
                flush = seed.choice([True, False])
                try:
                    try:
                        armed = 50  # half as often as a shutdown is taken up again
                        signal.setitimer(signal.ITIMER_REAL, first, more)
                        if flush: telemetry.force_flush(3)
                        telemetry.shutdown(3)
                    finally:
                        armed = 0
                        signal.setitimer(signal.ITIMER_REAL, 0)
                except KeyboardInterrupt:
                    hits += 1
                if not telemetry.tracer_provider.closed:
                    telemetry.shutdown(3)
                for _ in range(2000):
                    if telemetry.stats().traces.pending == 0: break
                    time.sleep(0.001)
                assert telemetry.stats().traces.pending == 0, telemetry.stats()
                assert began.own() < 2.5
            assert hits > 50, hits
            """,
            receiver.url,
            str(worker),
            str(Path(__file__).parent),
        )


def test_interrupted_at_the_door_it_shuts_down_all_the_same(start: Start) -> None:
    """And once more as it is taken up again: the later one is what is raised."""
    with Receiver() as receiver:
        telemetry = start(receiver)
        record(telemetry, 3)
        pipeline: Any = telemetry._pipeline
        real = pipeline.shutdown
        calls = []

        def interrupted(timeout: float) -> bool:
            calls.append(timeout)
            if len(calls) <= 2:
                raise (TimeoutError, SystemExit)[len(calls) - 1]
            return bool(real(timeout))

        pipeline.shutdown = interrupted
        with pytest.raises(SystemExit) as raised:
            telemetry.shutdown(5)
        assert isinstance(raised.value.__context__, TimeoutError)
        stats = telemetry.stats().traces
        assert stats.pending == 0 and balanced(telemetry.stats()) and len(calls) == 3


@pytest.mark.parametrize("at", ["_here", "_poke", "_worker_ended", "_drop_rest"])
def test_interrupted_as_it_stops_it_is_over_all_the_same(
    start: Start, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    """A handler of a signal runs at the call of any function."""
    busy = threading.Event()

    def engaged(connection: socket.socket, request: Request) -> bool:
        busy.set()
        return stall(connection, request)

    with Receiver(default=engaged) as receiver:
        telemetry = start(receiver, schedule_delay=0.01, timeout=60)
        record(telemetry, 3)
        assert busy.wait(5)
        pipeline: Any = telemetry._pipeline
        real = getattr(pipeline, at)
        calls = []

        def interrupted(*arguments: object) -> object:
            if pipeline._stopped and threading.current_thread() is threading.main_thread():
                calls.append(at)
                if len(calls) == 1:
                    raise KeyboardInterrupt
            return real(*arguments)

        monkeypatch.setattr(pipeline, at, interrupted)
        with suppress(KeyboardInterrupt):  # the last two are not called where the worker was quicker
            telemetry.shutdown(0.5)
        monkeypatch.undo()
        assert calls or at in ("_worker_ended", "_drop_rest")
        assert until(lambda: telemetry.stats().traces.pending == 0)
        assert balanced(telemetry.stats()) and telemetry.stats().traces.dropped == {"shutdown": 3}
        telemetry._restart()
        receiver.default = answer()
        record(telemetry, 2, "after")
        assert telemetry.force_flush(5) and receiver.names()[3:] == ["after0", "after1"]


def test_a_thread_that_a_restart_overtook_touches_nothing(start: Start) -> None:
    with Receiver() as receiver:
        telemetry = start(receiver)
        record(telemetry, 1, "before")
        provider: Any = telemetry.tracer_provider
        before, region = telemetry._pipeline, provider.region
        assert before is not None and telemetry.shutdown(5)
        telemetry._restart()
        record(telemetry, 5, "after")
        assert before.opened(region)  # it was held there all the while
        assert telemetry.force_flush(5) and telemetry.shutdown(5)
        assert dict(telemetry.stats().traces.dropped) == {} and len(receiver.names()) == 6


def test_a_first_record_that_a_restart_overtakes_reaches_the_next_pipeline(start: Start) -> None:
    with Receiver() as receiver:
        telemetry = start(receiver)
        overtaken: Any = telemetry._pipeline

        def opened(region: Any) -> bool:
            assert telemetry.shutdown(5)
            telemetry._restart()
            return bool(type(overtaken).opened(overtaken, region))

        overtaken.opened = opened
        record(telemetry, 1)
        assert telemetry.shutdown(5)
        assert len(receiver.names()) == telemetry.stats().traces.exported == 1


def test_two_restarts_while_a_worker_is_stuck(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """It waits for a name. Each comes back with a provider that records, and no message of a shutdown."""
    held = threading.Event()
    monkeypatch.setattr(http, "_socket", SlowNames(held))
    telemetry = start("http://nowhere.invalid:1")
    record(telemetry, 1)
    assert not telemetry.shutdown(0.2)
    provider: Any = telemetry.tracer_provider
    stuck: Any = telemetry._pipeline
    assert stuck._gone.locked()
    open_after = []

    def restart() -> None:
        telemetry._restart()
        open_after.append(not provider.closed)

    threads = [threading.Thread(target=restart) for _ in range(3)]
    clock = Clock()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert open_after == [True] * 3 and float(clock) > 0.4 and clock.own() < 3
    monkeypatch.undo()
    record(telemetry, 2)
    held.set()
    telemetry.shutdown(0.3)
    assert balanced(telemetry.stats()) and telemetry.stats().traces.recorded == 3


def test_a_silent_tls_peer_does_not_keep_the_worker(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        telemetry = start(f"https://127.0.0.1:{silent.getsockname()[1]}")
        record(telemetry, 1)
        assert not telemetry.shutdown(0.3)
        stuck: Any = telemetry._pipeline
        assert stuck._gone.acquire(timeout=3)  # the handshake was interrupted; its own timeout is 10 s


def test_an_interrupt_leaves_a_socket_of_the_program_alone(start: Start) -> None:
    """One that took the descriptor's number after the program had closed ours."""
    with Receiver(default=answer(503, b"", "Retry-After: 60")) as receiver:
        telemetry = start(receiver)
        record(telemetry, 1)
        assert not telemetry.force_flush(0.5)
        pipeline: Any = telemetry._pipeline
        number = pipeline._carrier._socket.fileno()
        here, there = socket.socketpair()
        with here, there:
            os.dup2(here.fileno(), number)
            telemetry.shutdown(0.3)
            os.write(number, b"still")
            assert there.recv(10) == b"still"
            os.close(number)


def test_a_log_handler_that_raises_does_not_end_the_worker(start: Start) -> None:
    class Full(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            raise RuntimeError("queue full")

    handler = Full()
    logger = logging.getLogger("otlp_lite")
    logger.addHandler(handler)
    try:
        with Receiver(answer(503, b"", "Retry-After: 0")) as receiver:
            telemetry = start(receiver)
            record(telemetry, 4)
            assert telemetry.force_flush(10)
            assert len(receiver.requests) == 2 and telemetry.shutdown(5)
    finally:
        logger.removeHandler(handler)


def test_processors_share_the_deadline_and_are_called_again() -> None:
    with Receiver() as receiver:
        slow, simple = Slow(3), Slow(0)
        batching = BatchSpanProcessor(slow, schedule_delay_millis=60_000)
        settings = {"endpoint": receiver.url, "span_processors": (batching,), "schedule_delay": 60}
        telemetry = build(load(settings, {}))
        provider: Any = telemetry.tracer_provider
        provider.add_span_processor(SimpleSpanProcessor(simple))
        record(telemetry, 1, "a")
        clock = Clock()
        assert telemetry.shutdown(0.5) is False
        assert clock.own() < 2.5
        record(telemetry, 1, "late")
        telemetry._restart()
        record(telemetry, 1, "b")
        assert telemetry.force_flush(20) and telemetry.shutdown(20)
        assert [name[0] for name in simple.names] == ["a", "b"]
        assert [name[0] for name in slow.names] == ["a", "b"] and len(receiver.names()) == 2


def test_what_was_sent_again_is_remembered(start: Start) -> None:
    def lose(connection: socket.socket, request: Any) -> bool:
        return False

    with Receiver(lose) as receiver:
        telemetry = start(receiver)
        record(telemetry, 2)
        assert telemetry.force_flush(10) and telemetry.stats().traces.resent == 2
        assert telemetry.shutdown(5)
        telemetry._restart()
        record(telemetry, 1)
        assert telemetry.force_flush(5) and telemetry.stats().traces.resent == 2


def test_what_another_gives_up_meanwhile_is_told_once(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    """The worker is in its turn, about to drop it, as the shutdown's time is over."""
    about, told = threading.Event(), threading.Event()
    with Receiver(default=stall) as receiver:
        telemetry = start(receiver, schedule_delay=0.01)
        pipeline: Any = telemetry._pipeline

        class Slow:
            def __init__(self, batch: Any) -> None:
                self._batch = batch

            def __getattr__(self, name: str) -> Any:
                return getattr(self._batch, name)

            def drop(self, reason: str) -> None:
                about.set()
                told.wait(5)
                self._batch.drop(reason)

        class Held:
            """The region, whose batches are slow to be dropped."""

            def __getattr__(self, name: str) -> Any:
                return getattr(region, name)

            def collect(self, size: int) -> Any:
                return batch if (batch := region.collect(size)) is None else Slow(batch)

        record(telemetry, 10)
        assert until(lambda: len(receiver.requests) == 1)
        region = pipeline._region
        pipeline._region = Held()
        telemetry.shutdown(0.3)
        assert about.wait(5)
        told.set()
        assert until(lambda: telemetry.stats().traces.pending == 0)
    assert telemetry.stats().traces.dropped == {"shutdown": 10}
    said = [message for r in caplog.records if "dropped at the shutdown" in (message := r.getMessage())]
    assert [message.split()[0] for message in said] == ["10"]
