"""Answers that are none, too large, too slow, without end, and redirects: by each carrier."""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from clock import Clock
from scripted import (
    Receiver,
    Reply,
    Request,
    Start,
    answer,
    balanced,
    dribble,
    raw,
    record,
    secure_receiver,
    stall,
)

from otlp_lite import Telemetry

WAYS = ("plain", "gzip", "tls")
OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


@contextmanager
def exporting(
    start: Start, folder: Path, way: str, reply: Reply, timeout: float = 0.4
) -> Iterator[tuple[Receiver, Telemetry]]:
    with secure_receiver(folder) if way == "tls" else Receiver() as receiver:
        receiver.default = reply
        telemetry = start(
            receiver,
            timeout=timeout,
            compression="gzip" if way == "gzip" else "none",
            certificate=str(folder / "ca.pem") if way == "tls" else None,
        )
        yield receiver, telemetry


def for_ever(start: bytes, piece: bytes, pause: float = 0.0) -> Reply:
    """Until the peer has had enough."""

    def reply(connection: socket.socket, request: Request) -> bool:
        connection.sendall(start)
        while True:
            connection.sendall(piece)
            time.sleep(pause)

    return reply


def large(status: int) -> dict[str, Reply]:
    """Bodies that are longer than any answer to an export."""
    start = b"HTTP/1.1 %d Whatever\r\n" % status
    chunked = start + b"Transfer-Encoding: chunked\r\n\r\n"
    length = start + b"Content-Length: 18446744073709551615\r\n\r\n"
    return {
        "a body of a length": answer(status, b"\n" * 70_000),
        "a body of a length that is never reached": for_ever(length, b"x" * 9999),
        "a body of chunks": raw(chunked + (b"100\r\n" + b"x" * 256 + b"\r\n") * 300 + b"0\r\n\r\n"),
        "chunks without end": for_ever(chunked, b"ff\r\n" + b"x" * 255 + b"\r\n"),
        "one chunk without end": for_ever(chunked + b"ffffffffffffffff\r\n", b"x" * 9999),
        "a body of no length": raw(start + b"\r\n" + b"x" * 70_000),
        "a body of no length and no end": for_ever(start + b"\r\n", b"x" * 9999),
    }


BAD: dict[str, Reply] = {
    "silence": stall,
    "a byte a second": for_ever(OK[:1], b"T", 1.0),
    "a byte each tenth of a second": dribble,
    "a header a moment": for_ever(OK, b"X: y\r\n", 0.02),
    "a body that comes a byte a moment": for_ever(OK + b"Content-Length: 500000\r\n\r\n", b"x", 0.02),
    "chunks a moment": for_ever(CHUNKED, b"1\r\nx\r\n", 0.02),
    "a body that is announced and does not come": raw(OK + b"Content-Length: 5\r\n\r\nx", keep=True),
    "a head over the limit, in one line": raw(OK + b"X: " + b"y" * 70_000 + b"\r\n\r\n"),
    "a head over the limit, in many lines": raw(OK + b"X: y\r\n" * 12_000 + b"\r\n"),
    "a head without end": for_ever(OK, b"X: y\r\n" * 1000),
    "a line without end": for_ever(OK, b"y" * 10_000),
    "empty lines without end": for_ever(b"", b"\r\n" * 1000),
    "interim answers without end": for_ever(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 100),
    "chunks' extensions without end": for_ever(CHUNKED + b"1;", b"y" * 10_000),
    "trailers without end": for_ever(CHUNKED + b"0\r\n", b"X: y\r\n" * 1000),
    "another protocol": raw(b"220 smtp.example ready\r\n"),
    "another version": raw(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    "bytes": raw(bytes(range(255, -1, -1))),
    "no version": raw(b"HTTP/1.1\r\n\r\n"),
    "no status": raw(b"HTTP/1.1 OK\r\n\r\n"),
    "another upgrade": raw(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n"),
    "two lengths": raw(OK + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx"),
    "no chunk": raw(CHUNKED + b"zz\r\n"),
    "a coding": raw(OK + b"Transfer-Encoding: gzip\r\n\r\n"),
    "half a body": raw(OK + b"Content-Length: 10\r\n\r\nshort"),
    "half a chunk": raw(CHUNKED + b"5\r\nab"),
    "half a head": raw(OK + b"Content-Len"),
    **large(200),
}


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("what", BAD)
def test_what_is_no_answer_fails_the_attempt_and_the_data_stays(
    start: Start, tmp_path: Path, what: str, caplog: pytest.LogCaptureFixture
) -> None:
    with ExitStack() as stack, ThreadPoolExecutor(len(WAYS)) as pool:  # each waits: all at a time
        pairs = [stack.enter_context(exporting(start, tmp_path, way, BAD[what])) for way in WAYS]
        for _, telemetry in pairs:
            record(telemetry, 10)
        clock = Clock()
        assert list(pool.map(lambda pair: pair[1].force_flush(0.6), pairs)) == [False] * len(WAYS)
        assert clock.own() < 3
        for receiver, telemetry in pairs:
            stats = telemetry.stats()
            assert (stats.traces.pending, stats.traces.exported, dict(stats.traces.dropped)) == (10, 0, {})
            assert balanced(stats)
            receiver.default = answer()
        for receiver, telemetry in pairs:
            assert telemetry.force_flush(10)
            stats = telemetry.stats()
            assert (stats.traces.exported, stats.traces.resent, dict(stats.traces.dropped)) == (10, 10, {})
            assert stats.traces.pending == 0 and len(receiver.requests) >= 2
            assert [span.name for span in receiver.requests[-1].spans()] == [f"s{i}" for i in range(10)]
            assert len({request.body for request in receiver.requests}) == 1
            failed = f"exporting to {receiver.url}/v1/traces failed: "
            (message,) = [message for message in caplog.messages if message.startswith(failed)]
            assert "10 span(s) in memory" in message
        assert [r.levelno for r in caplog.records] == [logging.WARNING] * len(WAYS)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("what", large(400))
def test_a_refusal_stands_though_its_body_is_over_the_limit(
    start: Start, tmp_path: Path, what: str, way: str, caplog: pytest.LogCaptureFixture
) -> None:
    """What was read of it is enough; the rest is not waited for, and the connection is not used again."""
    with exporting(start, tmp_path, way, large(400)[what], timeout=30) as (receiver, telemetry):
        for count in (10, 5):
            record(telemetry, count)
            clock = Clock()
            assert telemetry.force_flush(30)
            assert clock.own() < 3
        stats = telemetry.stats().traces
        assert (stats.exported, stats.resent, dict(stats.dropped)) == (0, 0, {"refused": 15})
        assert [request.connection for request in receiver.requests] == [1, 2]
        assert [r.levelno for r in caplog.records] == [logging.ERROR]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 305, 307, 308, 399])
def test_a_redirect_is_a_refusal(
    start: Start, tmp_path: Path, status: int, way: str, caplog: pytest.LogCaptureFixture
) -> None:
    """It would take the headers, keys among them, to someone who was not configured."""
    with Receiver() as other:
        reply = answer(status, b"", f"Location: {other.url}/v1/traces")
        with exporting(start, tmp_path, way, reply, timeout=30) as (receiver, telemetry):
            for _ in range(2):
                record(telemetry, 4)
                assert telemetry.force_flush(30)
            stats = telemetry.stats()
            assert dict(stats.traces.dropped) == {"refused": 8}
            assert (stats.traces.exported, stats.traces.pending) == (0, 0) and balanced(stats)
            assert len(receiver.requests) == 2 and receiver.connections == 1 and other.connections == 0
            assert [r.levelno for r in caplog.records] == [logging.ERROR]
            assert f"refused 4 span(s), dropped: HTTP {status}" in caplog.messages[0]
