"""An outage of an hour, at a 600th: the newest that the region holds arrives, and the rest is counted."""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import pairwise

import pytest
from clock import Clock, until
from scripted import Receiver, Request, Start, answer, balanced, record, stall

from otlp_lite import Telemetry
from otlp_lite.export import health, retry, worker

SCALE = 600
WARN_EVERY = 300 / SCALE


@pytest.fixture
def scaled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "BACKOFF_MIN", retry.BACKOFF_MIN / SCALE)
    monkeypatch.setattr(retry, "BACKOFF_MAX", retry.BACKOFF_MAX / SCALE)
    monkeypatch.setattr(health, "WARN_EVERY", WARN_EVERY)


@contextmanager
def closed(port: int) -> Iterator[None]:
    """Nobody listens there, and nobody else may."""
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", port))
        yield


class Service:
    """Records three spans a millisecond, by number: in an hour ten times what the region holds."""

    def __init__(self, telemetry: Telemetry) -> None:
        self.telemetry = telemetry
        self.recorded = 0
        self._tracer = telemetry.tracer_provider.get_tracer("service")

    def works(self, spans: int) -> None:
        end = self.recorded + spans
        while self.recorded < end:
            for _ in range(15):
                self._tracer.start_span(f"{self.recorded}", attributes={"text": "x" * 40}).end()
                self.recorded += 1
            time.sleep(0.005)

    def works_until(self, says: str) -> None:
        """As the last error of the exporter."""
        began = time.monotonic()
        while says not in (self.telemetry.stats().exporter.last_error or ""):
            assert time.monotonic() < began + 20
            self.works(15)


@pytest.mark.usefixtures("scaled")
def test_the_newest_arrives_and_the_rest_is_counted(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with Receiver() as before:
        port = before.port
        telemetry = start(before, region_size="256KiB", timeout=0.4, schedule_delay=0.01)
        service = Service(telemetry)
        service.works(15)
        assert telemetry.force_flush(20) and len(before.names()) == 15
    began = time.monotonic()
    with closed(port):
        service.works_until("refused")
        service.works(3000)
    with Receiver(default=stall, port=port) as stalling:
        service.works_until("deadline")
        service.works(3000)
    with Receiver(default=answer(503), port=port) as busy:
        service.works_until("503")
        service.works(3000)
    with closed(port):
        # While a request is under way its records are kept, and newer ones make room: a hole, until these go.
        service.works_until("refused")
        service.works(6000)
        stats = telemetry.stats()
        failures, full = stats.exporter.consecutive_failures, stats.region
    lasted = time.monotonic() - began
    with Receiver(port=port) as back:
        assert until(lambda: telemetry.stats().traces.pending == 0, 30)
        arrived = [int(name) for name in back.names()]
    stats = telemetry.stats()
    assert stalling.requests and len(busy.requests) > 5 and failures > 30
    assert arrived == list(range(arrived[0], service.recorded))
    assert full.chunks_used >= full.chunks - 1
    assert sum(len(request.body) for request in back.requests) > full.size * 0.6
    lost = service.recorded - 15 - len(arrived)
    assert dict(stats.traces.dropped) == {"overwritten": lost} and lost > 4 * len(arrived)
    assert (stats.traces.recorded, stats.traces.exported) == (service.recorded, 15 + len(arrived))
    assert balanced(stats)

    outage = [record for record in caplog.records if "failed" in record.msg]
    assert outage[0] is caplog.records[0] and {record.levelno for record in outage} == {logging.WARNING}
    times = [record.created for record in outage]
    assert all(b - a >= WARN_EVERY * 0.95 for a, b in pairwise(times)), times
    assert 3 <= len(outage) <= 1 + lasted / WARN_EVERY
    rest = [record for record in caplog.records if record not in outage]
    assert [record.levelno for record in rest] == [logging.WARNING, logging.INFO], caplog.messages
    assert "lost so far, counted as 'overwritten'" in rest[0].getMessage()
    assert "works again" in rest[1].getMessage() and rest[1] is caplog.records[-1]
    assert not any(record.exc_info for record in caplog.records)


def test_a_flush_that_a_shutdown_overtakes_is_told_that_nothing_was_sent(start: Start) -> None:
    with Receiver(default=stall) as receiver, ThreadPoolExecutor(1) as pool:
        telemetry = start(receiver)
        record(telemetry, 3)
        flushed = pool.submit(telemetry.force_flush, 30)
        assert until(lambda: len(receiver.requests) == 1)
        clock = Clock()
        assert not telemetry.shutdown(0.3)
        assert flushed.result() is False and clock.own() < 10
        assert dict(telemetry.stats().traces.dropped) == {"shutdown": 3}


def test_a_flush_without_time_returns_at_once(start: Start) -> None:
    with Receiver(default=stall) as receiver:
        telemetry = start(receiver)
        record(telemetry, 3)
        assert not telemetry.force_flush(0)
        assert until(lambda: len(receiver.requests) == 1)
        clock = Clock()
        assert [telemetry.force_flush(0) for _ in range(5)] == [False] * 5
        assert clock.own() < 2.5


@pytest.mark.parametrize("threaded", [True, False], ids=["a worker", "no thread can start"])
def test_a_shutdown_hangs_up(start: Start, monkeypatch: pytest.MonkeyPatch, threaded: bool) -> None:
    more: list[bytes] = []

    def none_can(run: Callable[[], None]) -> None:
        raise RuntimeError("can't start new thread")

    if not threaded:
        monkeypatch.setattr(worker, "start_thread", none_can)

    def answer_and_listen(connection: socket.socket, request: Request) -> bool:
        answer()(connection, request)
        more.append(connection.recv(1))
        return False

    with Receiver(default=answer_and_listen) as receiver:
        telemetry = start(receiver)
        record(telemetry, 3)
        assert telemetry.force_flush(10) and more == []
        assert telemetry.shutdown(5)
        assert until(lambda: more == [b""])
