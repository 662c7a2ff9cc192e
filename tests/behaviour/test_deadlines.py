"""Connections break, peers stall, processes fork: deadlines hold, and losses are counted."""

from __future__ import annotations

import logging
import os
import random
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from typing import Any

import pytest
from clock import Clock, until
from opentelemetry import context
from scripted import (
    Receiver,
    Reply,
    Request,
    SlowNames,
    Start,
    answer,
    balanced,
    dribble,
    hang_up,
    mute,
    partial,
    raw,
    record,
    reset,
    stall,
)

from otlp_lite import DropReason
from otlp_lite.export import health, http, worker
from otlp_lite.export.unpatched import start_thread

# ---- Connections ----


@pytest.mark.parametrize("said", [True, False])
def test_a_connection_that_the_receiver_closes_is_opened_anew(
    start: Start, said: bool, caplog: pytest.LogCaptureFixture
) -> None:
    closing = answer(200, b"", *(["Connection: close"] if said else []), keep=False)
    with Receiver(default=closing) as receiver:
        telemetry = start(receiver)
        for i in range(5):
            record(telemetry, 1, f"n{i}-")
            assert telemetry.force_flush()
            time.sleep(0.05)
        assert receiver.names() == [f"n{i}-0" for i in range(5)] and receiver.connections == 5
        assert telemetry.stats().traces.resent == 0 and not caplog.records


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("fault", [hang_up, reset])
@pytest.mark.parametrize("kept", [False, True])
def test_a_lost_answer_is_sent_again_and_counted(start: Start, fault: Reply, kept: bool) -> None:
    with Receiver(*([answer()] if kept else []), fault, fault) as receiver:
        telemetry = start(receiver)
        if kept:
            record(telemetry, 1, "first")
            assert telemetry.force_flush()
        names = record(telemetry, 20)
        assert telemetry.force_flush()
        names += record(telemetry, 5, "after")
        assert telemetry.force_flush()
        stats = telemetry.stats().traces
        assert (stats.resent, stats.pending, dict(stats.dropped)) == (20, 0, {})
        assert set(names) <= set(receiver.names())
        assert len(receiver.requests) == 4 + kept


@pytest.mark.usefixtures("quick")
def test_one_warning_for_an_outage_and_one_line_at_its_end(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with Receiver(*[reset] * 12) as receiver:
        telemetry = start(receiver, headers={"k": "S3CRET"})
        record(telemetry, 3)
        assert telemetry.force_flush()
        assert len(receiver.requests) == 13
        assert [record.levelno for record in caplog.records] == [logging.WARNING, logging.INFO]
        assert receiver.url in caplog.messages[0] and receiver.url in caplog.messages[1]
        assert all(record.name.startswith("otlp_lite.") for record in caplog.records)
        assert telemetry.stats().exporter.consecutive_failures == 0


@pytest.mark.usefixtures("quick")
def test_an_outage_that_lasts_is_warned_of_again_after_a_while_with_its_count(
    start: Start, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(health, "WARN_EVERY", 0.5)
    with Receiver(default=reset) as receiver:
        telemetry = start(receiver, schedule_delay=0.01)
        record(telemetry, 3)
        assert until(lambda: len(caplog.records) >= 3, 30)
        first, *later = caplog.records[:3]
    assert " failed: " in first.getMessage()
    pattern = re.compile(r" failed (\d+) times: .* 3 span")
    counts = [int(count) for each in later for count in pattern.findall(each.getMessage())]
    assert len(counts) == 2
    assert 1 < counts[0] < counts[1] <= len(receiver.requests)
    times = [each.created for each in (first, *later)]
    assert times[1] - times[0] > 0.45 and times[2] - times[1] > 0.45


def test_a_url_s_secrets_stay_out_of_the_log(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    telemetry = start("http://me:S3CRET@127.0.0.1:1/x?token=S3CRET")
    record(telemetry, 1)
    assert not telemetry.force_flush(0.5)
    assert "http://***@127.0.0.1:1/x/v1/traces?***" in caplog.text and "S3CRET" not in caplog.text


def test_a_descriptor_that_the_program_closed_is_not_written_to(start: Start) -> None:
    with Receiver() as receiver:
        telemetry = start(receiver)
        record(telemetry, 1, "first")
        assert telemetry.force_flush()
        (ours,) = [int(fd) for fd in os.listdir("/proc/self/fd") if is_connected_to(int(fd), receiver.port)]
        near, far = socket.socketpair()
        with near, far:
            os.dup2(near.fileno(), ours)  # as a daemonising program does: closed, and the number given away
            record(telemetry, 1, "second")
            assert telemetry.force_flush()
            assert os.fstat(ours).st_ino == os.fstat(near.fileno()).st_ino
            os.close(ours)
            far.setblocking(False)
            with pytest.raises(BlockingIOError):
                far.recv(1)
        assert receiver.names() == ["first0", "second0"] and receiver.connections == 2


def is_connected_to(descriptor: int, port: int) -> bool:
    try:
        with socket.socket(fileno=os.dup(descriptor)) as connected:
            return bool(connected.getpeername()[1] == port)
    except OSError:
        return False


# ---- Deadlines ----


@pytest.mark.parametrize(
    "peer", ["stalls", "dribbles", "cannot be connected to", "has no name yet", "tls stalls"]
)
@pytest.mark.parametrize("verb", ["force_flush", "shutdown"])
def test_deadlines_hold_whatever_the_peer_does(
    start: Start, peer: str, verb: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    receiver = Receiver(default=dribble if peer == "dribbles" else stall)
    listener = mute() if peer == "cannot be connected to" else None
    url = receiver.url if listener is None else f"http://127.0.0.1:{listener.getsockname()[1]}"
    if peer == "has no name yet":
        held = threading.Event()
        monkeypatch.setattr("otlp_lite.export.http._socket", SlowNames(held))
    if peer == "tls stalls":
        url = url.replace("http:", "https:")
    telemetry = start(url, timeout=30)
    record(telemetry, 10)
    clock = Clock()
    assert getattr(telemetry, verb)(0.6) is False
    assert float(clock) > 0.3 and clock.own() < 1.1
    stats = telemetry.stats()
    assert balanced(stats)
    if verb == "shutdown":
        assert dict(stats.traces.dropped) == {"shutdown": 10} and stats.traces.pending == 0
    else:
        assert stats.traces.pending == 10
    if peer == "has no name yet":
        held.set()
    if listener is not None:
        listener.close()
    receiver.close()


@pytest.mark.parametrize("setting", ["timeout", "export_timeout"])
def test_an_attempt_ends_at_its_timeout_and_the_data_stays(start: Start, setting: str) -> None:
    with Receiver(stall) as receiver:
        telemetry = start(receiver, **{setting: 0.3})
        record(telemetry, 5)
        clock = Clock()
        assert telemetry.force_flush(10)
        assert float(clock) > 1.2 and clock.own() < 4  # the timeout, and a first backoff
        assert len(receiver.requests) == 2 and telemetry.stats().traces.resent == 5


def test_a_refused_connection_ends_the_wait_at_shutdown(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    telemetry = start("http://127.0.0.1:1")
    record(telemetry, 5)
    clock = Clock()
    assert telemetry.shutdown(5) is False
    assert clock.own() < 0.3
    assert dict(telemetry.stats().traces.dropped) == {"shutdown": 5}
    assert telemetry.shutdown(5) is True
    assert "failed" in caplog.messages[0] and len(caplog.messages) == 2
    assert caplog.messages[1].startswith(
        "5 span(s) dropped at the shutdown: the receiver at http://127.0.0.1:1/"
    )
    assert "refused" in caplog.messages[1]


def test_what_the_worker_gives_up_as_the_shutdown_looks_is_told(
    start: Start, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It has dropped all, and still holds the turn, when the time is over."""
    with Receiver(default=stall) as receiver:
        telemetry = start(receiver)
        pipeline: Any = telemetry._pipeline
        drop_rest = pipeline._drop_rest

        def drop_rest_slowly() -> None:
            drop_rest()
            time.sleep(1)

        monkeypatch.setattr(pipeline, "_drop_rest", drop_rest_slowly)
        record(telemetry, 5)
        assert telemetry.shutdown(0.4) is False
        assert dict(telemetry.stats().traces.dropped) == {"shutdown": 5}
        assert caplog.messages[-1].startswith("5 span(s) dropped at the shutdown")


def test_a_flush_tries_at_once_though_the_worker_backs_off(start: Start) -> None:
    with Receiver(reset, reset) as receiver:
        telemetry = start(receiver, schedule_delay=0.01)
        record(telemetry, 1)
        assert until(lambda: telemetry.stats().exporter.consecutive_failures > 0)
        clock = Clock()
        receiver.script.clear()
        assert telemetry.force_flush(5)
        assert clock.own() < 0.5


def test_a_receiver_that_was_busy_is_asked_once_more_at_the_end(start: Start) -> None:
    """It named no time: the time that we would wait by ourselves is not its word."""
    with Receiver(answer(503), answer(503, b"", "Retry-After: 0"), answer(503)) as receiver:
        telemetry = start(receiver)
        record(telemetry, 2)
        for _ in range(3):
            assert not telemetry.force_flush(0.05)
        assert telemetry.shutdown(2)
        assert len(receiver.requests) == 4 and dict(telemetry.stats().traces.dropped) == {}


def test_a_first_address_that_says_nothing_leaves_time_for_the_next(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    with mute() as silent, Receiver() as receiver:
        places = [(socket.AF_INET, socket.SOCK_STREAM, 0, "", silent.getsockname())]
        places.append((*places[0][:4], ("127.0.0.1", receiver.port)))
        monkeypatch.setattr("_socket.getaddrinfo", lambda *arguments: places)
        telemetry = start("http://two.example", timeout=1)
        record(telemetry, 1)
        assert telemetry.force_flush(3)
        assert len(receiver.requests) == 1


def test_a_worker_that_could_not_start_is_started_later(
    start: Start, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    tries: list[int] = []

    def refuse_twice(*arguments: Any) -> None:
        tries.append(1)
        if len(tries) < 3:
            raise RuntimeError("can't start new thread")
        start_thread(*arguments)

    monkeypatch.setattr("otlp_lite.export.worker.start_thread", refuse_twice)
    with Receiver() as receiver:
        telemetry = start(receiver, schedule_delay=0.1)
        clock = Clock()
        while len(receiver.requests) == 0 and float(clock) < 5:
            record(telemetry, 3)
            time.sleep(0.01)
        assert receiver.requests and len(tries) == 3
        assert [record.levelno for record in caplog.records] == [logging.WARNING]


def test_shutdown_sends_what_is_left_and_counts_what_comes_later(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    with Receiver() as receiver:
        telemetry = start(receiver)
        names = record(telemetry, 300)
        assert telemetry.shutdown(5) is True
        record(telemetry, 4, "late")
        assert receiver.names() == names
        stats = telemetry.stats()
        assert caplog.messages == [
            "span 'late0' ended after the shutdown: it is dropped, as are those that follow"
        ]
        assert dict(stats.traces.dropped) == {"shutdown": 4} and balanced(stats) and stats.traces.pending == 0
        assert telemetry.force_flush(1) is True


def test_spans_that_end_after_it_do_not_end_the_wait_of_a_shutdown(start: Start) -> None:
    """They are lost at once, and must not pass for those that the shutdown waits for."""
    with Receiver() as receiver:
        telemetry = start(receiver, schedule_delay=60)
        names = record(telemetry, 100)
        tracer = telemetry.tracer_provider.get_tracer("late")
        stop = threading.Event()

        def work() -> None:
            while not stop.is_set():
                tracer.start_span("late").end()

        shutting = threading.Thread(target=telemetry.shutdown, args=(10,))
        threads = [threading.Thread(target=work) for _ in range(4)]
        shutting.start()
        for thread in threads:
            thread.start()
        shutting.join()
        stop.set()
        for thread in threads:
            thread.join()
        assert [name for name in receiver.names() if name != "late"] == names and balanced(telemetry.stats())


def test_a_shutdown_that_is_interrupted_gives_up_what_is_left_and_counts_it(start: Start) -> None:
    with Receiver(default=stall) as receiver:
        telemetry = start(receiver)
        record(telemetry, 3)

        def interrupt(*_: object) -> None:
            raise KeyboardInterrupt

        before = signal.signal(signal.SIGALRM, interrupt)
        try:
            signal.setitimer(signal.ITIMER_REAL, 0.3)
            with pytest.raises(KeyboardInterrupt):
                telemetry.shutdown(20)
        finally:
            signal.signal(signal.SIGALRM, before)
        assert telemetry.shutdown() is True
        stats = telemetry.stats()
        assert dict(stats.traces.dropped) == {"shutdown": 3} and stats.traces.pending == 0


def test_a_flush_covers_what_was_recorded_before_it_though_others_record_on(start: Start) -> None:
    with Receiver() as receiver:
        telemetry = start(receiver)
        record(telemetry, 1)
        stop = threading.Event()

        def keep_recording() -> None:
            while not stop.is_set():
                record(telemetry, 20, "noise")

        noise = threading.Thread(target=keep_recording)
        noise.start()
        try:
            for i in range(30):
                record(telemetry, 1, f"mark{i}-")
                before = telemetry.stats().traces.recorded
                assert telemetry.force_flush(10)
                after = telemetry.stats().traces
                assert after.recorded - after.pending >= before
                time.sleep(0.01)
        finally:
            stop.set()
            noise.join()
        assert telemetry.force_flush(10)
        assert balanced(telemetry.stats()) and telemetry.stats().traces.pending == 0


def test_without_a_thread_the_caller_sends(
    start: Start, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(worker, "start_thread", no_thread)
    with Receiver(answer(503, b"", "Retry-After: 0"), reset) as receiver:
        telemetry = start(receiver)
        names = record(telemetry, 10)
        time.sleep(0.1)
        assert not receiver.requests
        assert telemetry.force_flush(5)
        assert [span.name for span in receiver.requests[-1].spans()] == names
        assert sum("can't start new thread" in message for message in caplog.messages) == 1
        receiver.default = stall
        record(telemetry, 10)
        clock = Clock()
        assert not telemetry.force_flush(0.5)
        assert not telemetry.shutdown(0.5)
        assert clock.own() < 1.3
        assert dict(telemetry.stats().traces.dropped) == {"shutdown": 10}


def delayed(seconds: float) -> Reply:
    def reply(connection: socket.socket, request: Request) -> bool:
        time.sleep(seconds)
        return answer()(connection, request)

    return reply


@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_without_a_thread_many_slow_batches_keep_to_the_deadline(
    start: Start, monkeypatch: pytest.MonkeyPatch, compression: str
) -> None:
    monkeypatch.setattr(worker, "start_thread", no_thread)
    with Receiver(default=delayed(0.2)) as receiver:
        telemetry = start(receiver, max_export_batch_size=1, compression=compression)
        record(telemetry, 8)
        for verb in (telemetry.force_flush, telemetry.shutdown):
            clock = Clock()
            assert verb(0.5) is False
            assert float(clock) > 0.3 and clock.own() < 0.75
        stats = telemetry.stats()
        assert stats.traces.exported >= 2 and balanced(stats) and stats.traces.pending == 0


def no_thread(*arguments: object) -> None:
    raise RuntimeError("can't start new thread")


def test_an_interrupted_flush_leaves_nothing_locked(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "start_thread", no_thread)
    with Receiver(stall) as receiver:
        telemetry = start(receiver, compression="gzip")
        names = record(telemetry, 1)
        before = signal.signal(signal.SIGALRM, signal.default_int_handler)
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        try:
            with pytest.raises(KeyboardInterrupt):
                telemetry.force_flush(5)
        finally:
            signal.signal(signal.SIGALRM, before)
        pipeline: Any = telemetry._pipeline
        assert not pipeline._driving.locked() and not pipeline._turn.locked() and not pipeline._waiters
        assert telemetry.force_flush(2) and [s.name for s in receiver.requests[-1].spans()] == names


def test_what_is_dropped_on_arrival_settles_no_flush(start: Start, quick: None) -> None:
    with Receiver(default=answer(503)) as receiver:
        telemetry = start(receiver, region_size="64KiB", on_full="drop")
        record(telemetry, 100)
        results: list[bool] = []
        flush = threading.Thread(target=lambda: results.append(telemetry.force_flush(0.6)))
        flush.start()
        assert until(lambda: len(receiver.requests) > 0)
        record(telemetry, 3000)
        assert telemetry.stats().traces.dropped[DropReason.FULL] > 1000
        flush.join()
        assert results == [False] and telemetry.stats().traces.exported == 0


def test_what_shutdown_cannot_reach_the_worker_drops(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    entered, leave = threading.Event(), threading.Event()

    def hold(*arguments: object) -> http.Drained:
        entered.set()
        leave.wait(10)
        return None, None, 0

    monkeypatch.setattr(http.Connection, "drain", hold)
    with Receiver() as receiver:
        telemetry = start(receiver)
        record(telemetry, 7)
        assert telemetry.shutdown(0.3) is False
        assert entered.is_set() and telemetry.stats().traces.pending == 7
        leave.set()
        assert until(lambda: telemetry.stats().traces.pending == 0)
        assert dict(telemetry.stats().traces.dropped) == {"shutdown": 7}


def test_a_spurious_wake_opens_no_connection(start: Start) -> None:
    with Receiver() as receiver:
        telemetry = start(receiver, schedule_delay=0.02)
        record(telemetry, 1)
        assert until(lambda: telemetry.stats().traces.pending == 0)
        pipeline: Any = telemetry._pipeline
        pipeline._carrier.close()
        for _ in range(3):
            pipeline._poke()
            time.sleep(0.06)
        assert receiver.connections == 1


def test_the_worker_logs_under_suppressed_instrumentation(start: Start) -> None:
    seen = []

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            keys = (context._SUPPRESS_INSTRUMENTATION_KEY, context._SUPPRESS_HTTP_INSTRUMENTATION_KEY)
            seen.append(([context.get_value(key) for key in keys], telemetry.force_flush(5)))

    handler = Handler()
    logging.getLogger("otlp_lite").addHandler(handler)
    try:
        telemetry = start("http://127.0.0.1:1")
        record(telemetry, 1)
        clock = Clock()
        telemetry.force_flush(0.5)
        assert seen == [([True, True], False)]  # and a flush by the worker itself does not hang
        assert clock.own() < 2
    finally:
        logging.getLogger("otlp_lite").removeHandler(handler)


def test_an_outage_keeps_the_newest_and_counts_the_rest(start: Start) -> None:
    with Receiver() as receiver:
        telemetry = start("http://127.0.0.1:1", region_size="64KiB")
        names = record(telemetry, 5000)
        stats = telemetry.stats()
        assert stats.traces.dropped[DropReason.OVERWRITTEN] == 5000 - stats.traces.pending > 4000
        assert balanced(stats)
        pipeline: Any = telemetry._pipeline
        pipeline._carrier._endpoint = pipeline._carrier._endpoint._replace(port=receiver.port)
        assert telemetry.force_flush(10)
        arrived = receiver.names()
        assert arrived == names[-len(arrived) :] and len(arrived) == telemetry.stats().traces.exported


def test_random_faults_lose_nothing_uncounted(start: Start, quick: None) -> None:
    chance = random.Random(11)
    faults = [
        answer(),
        answer(503),
        answer(429, b"", "Retry-After: 0"),
        reset,
        hang_up,
        answer(400),
        partial(1, "x"),
        answer(200, b"", "Connection: close", keep=False),
        answer(keep=False),
        answer(413),
        raw(b"nonsense"),
    ]
    with Receiver(*chance.choices(faults, k=300)) as receiver:
        telemetry = start(receiver, region_size="1MiB", schedule_delay=0.01)
        for _ in range(200):
            record(telemetry, chance.randrange(1, 30))
            if chance.random() < 0.3:
                telemetry.force_flush(0.05)
        receiver.script.clear()
        assert telemetry.force_flush(10)
        stats = telemetry.stats().traces
        assert stats.recorded == stats.exported + stats.rejected + sum(stats.dropped.values())
        assert stats.pending == 0 and set(stats.dropped) <= {"refused"} and stats.exported > 1000
        distinct = len({span.span_id for span in receiver.spans()})
        assert distinct == stats.recorded


FORKING = """
import os, sys, logging
import otlp_lite
telemetry = otlp_lite.configure(endpoint=sys.argv[1], schedule_delay=60)
tracer = otlp_lite.get_tracer("x")
tracer.start_span("parent-before").end()
assert telemetry.force_flush()
pid = os.fork()
if pid == 0:
    assert telemetry.stats().traces.recorded == 0 and telemetry.force_flush() is True
    tracer.start_span("child").end()
    assert telemetry.stats().traces.recorded == 1
    sys.exit(0 if telemetry.force_flush() else 1)
assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
tracer.start_span("parent-after").end()
"""


def test_a_forked_child_sends_its_own_over_its_own_connection() -> None:
    with Receiver() as receiver:
        subprocess.run([sys.executable, "-c", FORKING, receiver.url], check=True, timeout=30)
        assert sorted(receiver.names()) == ["child", "parent-after", "parent-before"]
        assert [request.connection for request in receiver.requests] == [1, 2, 1]
