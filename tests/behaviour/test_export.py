"""What is recorded reaches the receiver, by http and https; and what its answers mean."""

from __future__ import annotations

import base64
import logging
import socket
import ssl
from pathlib import Path
from typing import Any

import pytest
import trustme
from clock import Clock, until
from scripted import Receiver, Reply, Request, Start, answer, balanced, partial, record, secure_receiver

from otlp_lite.export import http, retry, worker

# ---- The plain way ----


def test_all_arrives_once_in_order_over_one_connection(start: Start) -> None:
    with Receiver() as receiver:
        telemetry = start(receiver)
        names = []
        for part in range(5):
            names += record(telemetry, 40, f"p{part}-")
            assert telemetry.force_flush()
        assert receiver.names() == names
        assert receiver.connections == 1
        stats = telemetry.stats()
        assert (stats.traces.recorded, stats.traces.exported, stats.traces.pending) == (200, 200, 0)
        assert dict(stats.traces.dropped) == {} and stats.traces.resent == 0
        assert stats.exporter.last_success_age is not None and stats.exporter.last_success_age < 5


def test_the_request(start: Start) -> None:
    with Receiver() as receiver:
        url = f"http://me:pass%20word@127.0.0.1:{receiver.port}/base/?key=1"
        telemetry = start(url, headers={"X-Tenant": "blue, green"})
        record(telemetry, 1)
        assert telemetry.force_flush()
        (request,) = receiver.requests
        assert request.line == "POST /base/v1/traces?key=1 HTTP/1.1"
        assert request.headers["host"] == f"127.0.0.1:{receiver.port}"
        assert request.headers["content-type"] == "application/x-protobuf"
        assert request.headers["authorization"] == "Basic bWU6cGFzcyB3b3Jk"
        assert request.headers["x-tenant"] == "blue, green"
        assert request.headers["user-agent"].startswith("otlp_lite/")
        assert "transfer-encoding" not in request.headers


def test_the_schedule_delay_sends_without_a_flush(start: Start) -> None:
    with Receiver() as receiver:
        telemetry = start(receiver, schedule_delay=0.3)
        clock = Clock()
        record(telemetry, 3)
        assert until(lambda: len(receiver.requests) > 0)
        assert float(clock) > 0.25 and clock.own() < 2
        assert receiver.names() == ["s0", "s1", "s2"]


def test_a_filled_chunk_sends_without_a_delay(start: Start) -> None:
    with Receiver() as receiver:
        telemetry = start(receiver)
        clock = Clock()
        record(telemetry, 400)
        assert until(lambda: len(receiver.spans()) > 100)
        assert clock.own() < 5


def test_a_request_holds_a_mebibyte_and_a_larger_record_goes_alone(start: Start) -> None:
    with Receiver() as receiver:
        telemetry = start(receiver, region_size="16MiB")
        record(telemetry, 300, "a", text="x" * 10_000)
        record(telemetry, 1, "large", text="x" * 3_000_000)
        record(telemetry, 300, "b", text="x" * 10_000)
        assert telemetry.force_flush(20)
        assert len(receiver.spans()) == 601
        large = [request for request in receiver.requests if len(request.body) > 1 << 20]
        assert [[span.name for span in request.spans()] for request in large] == [["large0"]]
        assert max(len(request.body) for request in receiver.requests if request not in large) > 900_000


def test_a_count_bounds_a_request_when_it_is_set(start: Start) -> None:
    with Receiver() as receiver:
        telemetry = start(receiver, max_export_batch_size=7)
        record(telemetry, 50)
        assert telemetry.force_flush()
        assert [len(request.spans()) for request in receiver.requests] == [7] * 7 + [1]


@pytest.mark.parametrize("secure", [False, True])
def test_gzip(start: Start, secure: bool, tmp_path: Path) -> None:
    with secure_receiver(tmp_path) if secure else Receiver() as receiver:
        certificate = str(tmp_path / "ca.pem") if secure else None
        telemetry = start(receiver, compression="gzip", certificate=certificate)
        names = record(telemetry, 500, text="a" * 100)
        assert telemetry.force_flush()
        names += record(telemetry, 1, "later")
        assert telemetry.force_flush()
        assert receiver.names() == names
        assert all(request.headers["content-encoding"] == "gzip" for request in receiver.requests)
        assert sum(len(request.body) for request in receiver.requests) < 30_000
        assert receiver.connections == 1


# ---- What answers mean ----


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        (" 7 ", 7.0),
        ("99999999", 3600.0),
        ("Thu, 01 Jan 1970 00:16:50 GMT", 10.0),
        ("Thursday, 01-Jan-70 00:16:50 GMT", 10.0),
        ("Thu Jan  1 00:16:50 1970", 10.0),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0),
        ("Wed, 21 Oct 99999999999 07:28:00 GMT", None),
        ("-1", None),
        ("1.5", None),
        ("soon", None),
        ("", None),
    ],
)
def test_retry_after_in_each_form(value: str, seconds: float | None) -> None:
    assert retry.retry_after(value, 1000.0) == seconds


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_is_retried_with_the_same_bytes(start: Start, status: int, caplog: pytest.LogCaptureFixture) -> None:
    with Receiver(
        answer(status), answer(status, b"busy"), answer(status, b"", "Retry-After: nonsense")
    ) as receiver:
        telemetry = start(receiver)
        names = record(telemetry, 20)
        assert telemetry.force_flush()
        assert len(receiver.requests) == 4 and len({request.body for request in receiver.requests}) == 1
        assert [span.name for span in receiver.requests[-1].spans()] == names
        stats = telemetry.stats().traces
        assert (stats.exported, stats.resent, stats.pending, dict(stats.dropped)) == (20, 0, 0, {})
        assert [record.levelno for record in caplog.records] == [logging.WARNING]
        assert f"HTTP {status}" in caplog.text


def test_retry_after_is_respected_and_ends_a_wait_that_is_in_vain(start: Start) -> None:
    with Receiver(answer(503, b"", "Retry-After: 2")) as receiver:
        telemetry = start(receiver)
        record(telemetry, 1)
        clock = Clock()
        assert not telemetry.force_flush(1.8)
        assert clock.own() < 1.5
        assert not telemetry.force_flush(0.2)
        assert len(receiver.requests) == 1
        assert telemetry.force_flush(5)
        first, second = receiver.requests
        assert 1.9 < second.at.start - first.at.start < 4


def test_what_is_recorded_meanwhile_goes_into_a_request_of_its_own(start: Start) -> None:
    with Receiver(answer(503, b"", "Retry-After: 1")) as receiver:
        telemetry = start(receiver)
        names = record(telemetry, 5)
        assert not telemetry.force_flush(0.5)
        names += record(telemetry, 5, "later")
        assert telemetry.force_flush(5)
        first, second, third = receiver.requests
        assert first.body == second.body
        assert [span.name for request in (second, third) for span in request.spans()] == names


def test_a_receiver_that_is_always_busy_is_not_hammered(start: Start) -> None:
    with Receiver(default=answer(503, b"", "Retry-After: 0")) as receiver:
        telemetry = start(receiver)
        record(telemetry, 1)
        assert not telemetry.force_flush(2.5)
        assert 2 <= len(receiver.requests) <= 4


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 500, 501, 505])
def test_is_refused_for_good(start: Start, status: int, caplog: pytest.LogCaptureFixture) -> None:
    body = b"\x08\x03\x12\x10key S3CRET! \x1b[1m" if status == 400 else b""
    with Receiver(default=answer(status, body, "Location: http://127.0.0.1:1/")) as receiver:
        telemetry = start(receiver, headers={"api-key": "S3CRET!"})
        for _ in range(3):
            record(telemetry, 5)
            assert telemetry.force_flush()
        assert len(receiver.requests) == 3
        stats = telemetry.stats()
        assert dict(stats.traces.dropped) == {"refused": 15} and stats.traces.exported == 0
        assert stats.exporter.consecutive_failures == 3 and stats.exporter.last_error == f"HTTP {status}"
        assert [record.levelno for record in caplog.records] == [logging.ERROR]
        assert f"HTTP {status}" in caplog.messages[0] and "S3CRET" not in caplog.text
        assert status != 400 or caplog.messages[0].endswith("dropped: HTTP 400: key ***  [1m")
        assert status == 400 or caplog.messages[0].endswith(f"dropped: HTTP {status}")


def test_credentials_that_a_receiver_repeats_are_hidden(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    def echo(connection: socket.socket, request: Request) -> bool:
        token = request.headers["authorization"].removeprefix("Basic ")
        words = f"no {token} {base64.b64decode(token).decode()} here"
        return answer(401, words.encode())(connection, request)

    with Receiver(default=echo) as receiver:
        telemetry = start(receiver.url.replace("://", "://some%40one:hunt%3Ar2@"))
        record(telemetry, 1)
        assert telemetry.force_flush()
    assert "HTTP 401: no ***" in caplog.text and "here" in caplog.text
    for secret in ("some@one", "hunt:r2", base64.b64encode(b"some@one:hunt:r2").decode()):
        assert secret not in caplog.text


def test_what_was_halved_and_what_a_closed_connection_kept_goes_at_once(start: Start) -> None:
    with Receiver(answer(keep=False), answer(413)) as receiver:
        telemetry = start(receiver, schedule_delay=0.5)
        record(telemetry, 1)
        assert until(lambda: telemetry.stats().traces.exported == 1)
        record(telemetry, 2, text="x" * 3000)
        assert until(lambda: len(receiver.requests) == 4)
        first, refused, *halves = (request.at for request in receiver.requests)
        assert first.own(refused) < 0.9  # one delay, not two
        assert refused.own(halves[0]) < 0.3


@pytest.mark.parametrize("fault", [MemoryError, KeyError])
def test_an_unexpected_error_leaves_nothing_pinned(
    start: Start, monkeypatch: pytest.MonkeyPatch, quick: None, fault: type[Exception]
) -> None:
    faults, body = [fault("once")], http.Stream._body

    def fail_once(stream: http.Stream, batch: Any) -> list[bytes | memoryview]:
        if faults:
            raise faults.pop()
        return body(stream, batch)

    monkeypatch.setattr(http.Stream, "_body", fail_once)
    with Receiver() as receiver:
        telemetry = start(receiver, compression="gzip")
        names = record(telemetry, 3)
        assert telemetry.force_flush(5)
        assert receiver.names() == names and telemetry.stats().traces.pending == 0


def test_a_tls_peer_that_stops_listening_may_have_said_why(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Cut(ssl.SSLSocket):
        def send(self, data: Any, flags: int = 0) -> int:
            if len(data) > 100_000:
                super().send(b"x" * 100_000)
                raise ssl.SSLEOFError(8, "EOF occurred in violation of protocol")
            return super().send(data, flags)

    class Early(Receiver):
        def _read(self, connection: socket.socket, number: int) -> Request | None:
            if number > 1:
                return super()._read(connection, number)
            connection.recv(1000)
            connection.sendall(b"HTTP/1.1 413 Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            while connection.recv(1 << 20):
                pass
            return None

    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with Early(tls=context) as receiver:
        telemetry = start(receiver, certificate=str(tmp_path / "ca.pem"))
        monkeypatch.setattr(ssl.SSLContext, "sslsocket_class", Cut)
        record(telemetry, 1, text="x" * 200_000)
        assert telemetry.force_flush(3)
        assert dict(telemetry.stats().traces.dropped) == {"refused": 1}


def test_reasons_are_logged_once_each_and_at_most_64(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    script = [answer(400, f"reason {i % 100}".encode()) for i in range(200)]
    with Receiver(*script) as receiver:
        telemetry = start(receiver, max_export_batch_size=1)
        record(telemetry, 200)
        assert telemetry.force_flush(10)
        assert len(receiver.requests) == 200
        assert len(caplog.records) == len(set(caplog.messages)) == 64


def too_large(limit: int) -> Reply:
    def reply(connection: socket.socket, request: Request) -> bool:
        return answer(413 if len(request.body) > limit else 200)(connection, request)

    return reply


def test_413_halves_until_it_fits_and_drops_what_never_will(start: Start) -> None:
    with Receiver(default=too_large(30_000)) as receiver:
        telemetry = start(receiver)
        record(telemetry, 100, "a", text="x" * 1000)
        record(telemetry, 1, "large", text="x" * 40_000)
        record(telemetry, 100, "b", text="x" * 1000)
        assert telemetry.force_flush()
        taken = [s.name for r in receiver.requests if len(r.body) <= 30_000 for s in r.spans()]
        assert sorted(taken) == sorted([f"a{i}" for i in range(100)] + [f"b{i}" for i in range(100)])
        stats = telemetry.stats()
        assert stats.traces.exported == 200 and dict(stats.traces.dropped) == {"refused": 1}
        refused = [len(r.body) for r in receiver.requests if len(r.body) > 30_000]
        assert len(refused) < 12 and balanced(stats)
        before = len(receiver.requests)
        record(telemetry, 100, "c", text="x" * 1000)
        assert telemetry.force_flush()
        assert all(len(r.body) <= 30_000 for r in receiver.requests[before:])


def test_a_receiver_that_finds_a_small_request_too_large_refuses(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    with Receiver(default=answer(413)) as receiver:
        telemetry = start(receiver)
        record(telemetry, 5000)
        assert telemetry.force_flush()
        assert dict(telemetry.stats().traces.dropped) == {"refused": 5000}
        assert len(receiver.requests) < 300 and all(len(r.body) > 100 for r in receiver.requests)
        assert telemetry.shutdown()
    assert (
        caplog.messages[-1].startswith("5000 span(s) lost so far, counted as 'refused'")
        and len(caplog.messages) == 2
    )


def test_the_size_halved_by_413_grows_again(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    with Receiver(answer(413)) as receiver:
        telemetry = start(receiver)
        record(telemetry, 500, text="x" * 1000)
        assert telemetry.force_flush()
        first, *rest = [len(request.body) for request in receiver.requests]
        assert max(rest) <= first // 2
        monkeypatch.setattr(worker, "GROW_AFTER", 0)
        for _ in range(2):
            before = len(receiver.requests)
            record(telemetry, 500, text="x" * 1000)
            assert telemetry.force_flush()
        assert max(len(request.body) for request in receiver.requests[before:]) > first // 2


def test_413_said_before_the_body_was_read(start: Start) -> None:
    class Early(Receiver):
        def _read(self, connection: socket.socket, number: int) -> Request | None:
            if number > 1:
                return super()._read(connection, number)
            connection.recv(1000)
            connection.sendall(b"HTTP/1.1 413 Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(1 << 20):
                pass
            return None

    with Early() as receiver:
        telemetry = start(receiver)
        names = record(telemetry, 700, text="x" * 1000)
        assert telemetry.force_flush()
        assert sorted(receiver.names()) == sorted(names)
        assert max(len(request.body) for request in receiver.requests) < 600_000
        assert telemetry.stats().traces.resent == 0


def test_partial_success_is_counted_and_logged_once_a_reason(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    script = [
        partial(3, "too old"),
        partial(2, "too old"),
        partial(0, "deprecated"),
        partial(99, "all"),
        partial(0),
    ]
    with Receiver(*script) as receiver:
        telemetry = start(receiver)
        for _ in range(6):
            record(telemetry, 10)
            assert telemetry.force_flush()
        stats = telemetry.stats()
        assert (stats.traces.rejected, stats.traces.exported) == (15, 45)
        assert len(receiver.requests) == 6 and balanced(stats) and stats.traces.pending == 0
        assert [record.levelno for record in caplog.records] == [logging.WARNING] * 3
        assert "rejected 3 of 10 span(s): too old" in caplog.text and "deprecated" in caplog.text
        assert "rejected 10 of 10 span(s): all" in caplog.text
        telemetry.shutdown(1)
        assert "lost so far, counted as 'rejected'" in caplog.text


def test_an_answer_in_pieces_with_unasked_parts(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    head = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    whole = head + b"2\r\n\n\0\r\n0\r\nT: 1\r\n\r\n"

    def dripped(connection: socket.socket, request: Request) -> bool:
        for byte in whole:
            connection.sendall(bytes([byte]))
        return True

    with Receiver(default=dripped) as receiver:
        telemetry = start(receiver)
        for _ in range(3):
            record(telemetry, 5)
            assert telemetry.force_flush()
        assert len(receiver.requests) == 3 and receiver.connections == 1
        assert telemetry.stats().traces.exported == 15 and not caplog.records
