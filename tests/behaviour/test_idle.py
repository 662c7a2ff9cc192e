"""A connection that was left alone, as by a frozen Lambda or a closed laptop, is not written into."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from socket import socket

import pytest
from clock import Clock
from scripted import Receiver, Request, Start, answer, record, secure_receiver

from otlp_lite.export import http

WAYS = ("plain", "gzip", "tls")


@contextmanager
def silent_after_the_first(folder: Path, tls: bool) -> Iterator[Receiver]:
    """Answers one request over its first connection, keeps that open, and never reads from it again."""
    over = threading.Event()

    def fall_silent(connection: socket, request: Request) -> bool:
        answer()(connection, request)
        over.wait(60)
        return False

    with secure_receiver(folder, fall_silent) if tls else Receiver(fall_silent) as receiver:
        try:
            yield receiver
        finally:
            over.set()


def test_the_schedule_alone_keeps_a_connection(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """The delay that is usual is as long as a connection may rest."""
    monkeypatch.setattr(http, "IDLE_MAX", 2.0)
    with Receiver() as receiver:
        telemetry = start(receiver, schedule_delay=2.0)
        while len(receiver.requests) < 4:
            record(telemetry, 1)
            time.sleep(0.05)
        assert receiver.connections < 3


def test_a_connection_that_rested_for_over_five_seconds_is_opened_anew(
    start: Start, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with ExitStack() as stack:
        pairs = []
        for way in WAYS:
            folder = tmp_path / way
            folder.mkdir()
            receiver = stack.enter_context(silent_after_the_first(folder, way == "tls"))
            telemetry = start(
                receiver,
                timeout=60,
                compression="gzip" if way == "gzip" else "none",
                certificate=str(folder / "ca.pem") if way == "tls" else None,
            )
            record(telemetry, 3, "first")
            assert telemetry.force_flush(5)
            pairs.append((receiver, telemetry))
        busy = stack.enter_context(Receiver())
        used = start(busy)
        clock = Clock()
        while float(clock) < 5.3:  # more often used than that, a connection is kept for longer
            record(used, 1)
            assert used.force_flush()
            time.sleep(0.5)
        for receiver, telemetry in pairs:
            clock = Clock()
            names = record(telemetry, 4, "second")
            assert telemetry.force_flush(10)
            assert clock.own() < 5
            assert [span.name for span in receiver.requests[-1].spans()] == names
            assert [request.connection for request in receiver.requests] == [1, 2]
            stats = telemetry.stats().traces
            assert (stats.exported, stats.resent, dict(stats.dropped)) == (7, 0, {})
        assert busy.connections == 1 and len(busy.requests) > 5
    assert not caplog.records


@pytest.mark.parametrize("way", WAYS)
def test_time_that_the_machine_slept_counts(
    start: Start, way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The boot clock goes on in a suspend, the monotonic one does not."""
    with silent_after_the_first(tmp_path, way == "tls") as receiver:
        telemetry = start(
            receiver,
            timeout=60,
            compression="gzip" if way == "gzip" else "none",
            certificate=str(tmp_path / "ca.pem") if way == "tls" else None,
        )
        record(telemetry, 1, "first")
        assert telemetry.force_flush(5)
        slept = time.clock_gettime_ns(time.CLOCK_BOOTTIME) + 6_000_000_000
        monkeypatch.setattr("otlp_lite.export.http.core.boot_clock", lambda: slept)
        record(telemetry, 1, "second")
        assert telemetry.force_flush(10)
        assert [request.connection for request in receiver.requests] == [1, 2]
        record(telemetry, 1, "third")
        assert telemetry.force_flush(10)
        assert receiver.connections == 2 and telemetry.stats().traces.resent == 0
