"""What is recorded reaches the receiver, whatever the receiver does; what does not is counted; deadlines hold."""

from __future__ import annotations

import logging
import os
import random
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator

import pytest
import trustme
from opentelemetry import context
from scripted import Receiver, answer, dribble, hang_up, partial, raw, reset, stall

from otlp_lite import Stats, Telemetry
from otlp_lite.assemble import build
from otlp_lite.config import load
from otlp_lite.export import retry, worker

Start = Callable[..., Telemetry]


@pytest.fixture
def start() -> Iterator[Start]:
    """Makes a telemetry of its own for a receiver; shut down after the test."""
    made = []

    def make(receiver: Receiver | str, **settings: object) -> Telemetry:
        url = receiver if isinstance(receiver, str) else receiver.url
        telemetry = build(load({"endpoint": url, "schedule_delay": 60, "timeout": 5, **settings}, {}))
        made.append(telemetry)
        return telemetry

    yield make
    for telemetry in made:
        telemetry.shutdown(0.2)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Backs off by milliseconds."""
    monkeypatch.setattr(retry, "BACKOFF_MIN", 0.01)
    monkeypatch.setattr(retry, "BACKOFF_MAX", 0.05)


def record(telemetry: Telemetry, count: int, prefix: str = "s", **attributes: object) -> list[str]:
    tracer = telemetry.tracer_provider.get_tracer("test")
    names = [f"{prefix}{i}" for i in range(count)]
    for name in names:
        tracer.start_span(name, attributes=attributes).end()
    return names


def until(condition: Callable[[], bool], seconds: float = 5.0) -> bool:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.005)
    return condition()


def balanced(stats: Stats) -> bool:
    t = stats.traces
    return t.recorded == t.exported + t.rejected + sum(t.dropped.values()) + t.pending


class Clock:
    """Seconds since it was made."""

    def __init__(self) -> None:
        self.start = time.monotonic()

    def __float__(self) -> float:
        return time.monotonic() - self.start


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
        assert 0.25 < float(clock) < 2
        assert receiver.names() == ["s0", "s1", "s2"]


def test_a_filled_chunk_sends_without_a_delay(start: Start) -> None:
    with Receiver() as receiver:
        telemetry = start(receiver)
        clock = Clock()
        record(telemetry, 400)
        assert until(lambda: len(receiver.spans()) > 100)
        assert float(clock) < 5


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
def test_gzip(start: Start, secure: bool, tmp_path) -> None:
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


# ---- https ----


def secure_receiver(tmp_path, *script, host: str = "127.0.0.1", clients: trustme.CA | None = None) -> Receiver:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(host).configure_cert(server)
    if clients is not None:
        server.verify_mode = ssl.CERT_REQUIRED
        clients.configure_trust(server)
    return Receiver(*script, tls=server)


def test_https_by_a_named_authority(start: Start, tmp_path) -> None:
    with secure_receiver(tmp_path, answer(503, b"", "Retry-After: 0")) as receiver:
        telemetry = start(receiver, certificate=str(tmp_path / "ca.pem"), region_size="16MiB")
        names = record(telemetry, 300, text="x" * 10_000)
        assert telemetry.force_flush(20)
        assert [n for request in receiver.requests[1:] for n in (s.name for s in request.spans())] == names
        assert receiver.requests[0].body == receiver.requests[1].body
        assert receiver.connections == 1
        assert max(len(request.body) for request in receiver.requests) <= 1 << 20


def test_https_by_an_unknown_authority_is_refused(start: Start, tmp_path, caplog) -> None:
    with secure_receiver(tmp_path) as receiver:
        telemetry = start(receiver)
        record(telemetry, 2)
        assert not telemetry.force_flush(1.0)
        assert telemetry.stats().traces.pending == 2 and not receiver.requests
        assert [r.levelno for r in caplog.records] == [logging.WARNING]
        assert "CERTIFICATE_VERIFY_FAILED" in caplog.text


def test_https_checks_the_host_name(start: Start, tmp_path, caplog) -> None:
    with secure_receiver(tmp_path, host="other.example") as receiver:
        telemetry = start(receiver, certificate=str(tmp_path / "ca.pem"))
        record(telemetry, 2)
        assert not telemetry.force_flush(1.0)
        assert telemetry.stats().traces.pending == 2 and not receiver.requests
        assert "CERTIFICATE_VERIFY_FAILED" in caplog.text


@pytest.mark.parametrize("one_file", [False, True])
def test_https_with_a_certificate_of_our_own(start: Start, tmp_path, one_file: bool) -> None:
    clients = trustme.CA()
    ours = clients.issue_cert("client@example.org")
    chain, key = tmp_path / "chain.pem", tmp_path / "key.pem"
    ours.cert_chain_pems[0].write_to_path(chain)
    ours.private_key_pem.write_to_path(chain if one_file else key, append=one_file)
    with secure_receiver(tmp_path, clients=clients) as receiver:
        authority = str(tmp_path / "ca.pem")
        telemetry = start(
            receiver, certificate=authority, client_certificate=str(chain), client_key=None if one_file else str(key)
        )
        names = record(telemetry, 2)
        assert telemetry.force_flush()
        assert receiver.names() == names
        without = start(receiver, certificate=authority)
        record(without, 1)
        assert not without.force_flush(1.0)
        assert receiver.names() == names and receiver.handshake_errors


def test_https_notices_that_the_peer_closed_a_kept_connection(start: Start, tmp_path, caplog) -> None:
    with secure_receiver(tmp_path, answer(keep=False), answer(keep=False)) as receiver:
        telemetry = start(receiver, certificate=str(tmp_path / "ca.pem"))
        for i in range(3):
            record(telemetry, 1, f"n{i}-")
            assert telemetry.force_flush()
            time.sleep(0.1)
        assert receiver.names() == ["n0-0", "n1-0", "n2-0"]
        assert receiver.connections == 3 and telemetry.stats().traces.resent == 0
        assert not caplog.records


# ---- What answers mean ----


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_is_retried_with_the_same_bytes(start: Start, status: int, caplog) -> None:
    with Receiver(answer(status), answer(status, b"busy"), answer(status, b"", "Retry-After: nonsense")) as receiver:
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
        assert not telemetry.force_flush(1.5)
        assert float(clock) < 0.5
        assert not telemetry.force_flush(0.2)
        assert len(receiver.requests) == 1
        assert telemetry.force_flush(5)
        first, second = receiver.requests
        assert 1.9 < second.at - first.at < 3


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 500, 501, 505])
def test_is_refused_for_good(start: Start, status: int, caplog) -> None:
    body = b"\x08\x03\x12\x10key S3CRET! \x1b[1m;" if status == 400 else b""
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
        assert f"HTTP {status}" in caplog.text and "S3CRET" not in caplog.text and "\x1b" not in caplog.text
        assert status != 400 or "key ***" in caplog.text


def test_reasons_are_logged_once_each_and_at_most_64(start: Start, caplog) -> None:
    script = [answer(400, f"reason {i % 100}".encode()) for i in range(200)]
    with Receiver(*script) as receiver:
        telemetry = start(receiver, max_export_batch_size=1)
        record(telemetry, 200)
        assert telemetry.force_flush(10)
        assert len(receiver.requests) == 200
        assert len(caplog.records) == len(set(caplog.messages)) == 64


def too_large(limit: int):
    def reply(connection: socket.socket, request) -> bool:
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


def test_the_size_halved_by_413_grows_again(start: Start, monkeypatch) -> None:
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
    def refuse_early(connection: socket.socket, head) -> bool:
        return True

    class Early(Receiver):
        def _read(self, connection: socket.socket, number: int):
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


def test_partial_success_is_counted_and_logged_once_a_reason(start: Start, caplog) -> None:
    script = [partial(3, "too old"), partial(2, "too old"), partial(0, "deprecated"), partial(99, "all"), partial(0)]
    with Receiver(*script) as receiver:
        telemetry = start(receiver)
        for _ in range(6):
            record(telemetry, 10)
            assert telemetry.force_flush()
        stats = telemetry.stats()
        assert (stats.traces.rejected, stats.traces.exported) == (15, 45)
        assert len(receiver.requests) == 6 and balanced(stats) and stats.traces.pending == 0
        assert [record.levelno for record in caplog.records] == [logging.WARNING] * 3
        assert "rejected 3 of 10 spans: too old" in caplog.text and "deprecated" in caplog.text


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    "data",
    [
        b"garbage\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"HTTP/1.1 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: " + b"y" * 200_000,
        b"HTTP/1.1 200 OK\r\nContent-Length: 9999999\r\n\r\n" + b"z" * 200_000,
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"\x00\x00\x12\x04\x00\x00\x00\x00\x00",
    ],
)
def test_a_malformed_answer_fails_the_attempt_and_the_data_stays(start: Start, data: bytes, caplog) -> None:
    with Receiver(raw(data), raw(data)) as receiver:
        telemetry = start(receiver)
        names = record(telemetry, 10)
        assert telemetry.force_flush()
        assert [span.name for span in receiver.requests[-1].spans()] == names
        stats = telemetry.stats().traces
        assert stats.exported == 10 and dict(stats.dropped) == {} and stats.resent == 10
        assert [record.levelno for record in caplog.records] == [logging.WARNING]


def test_an_answer_in_pieces_with_unasked_parts(start: Start, caplog) -> None:
    whole = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n\n\0\r\n0\r\nT: 1\r\n\r\n"

    def dripped(connection: socket.socket, request) -> bool:
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


# ---- Connections ----


@pytest.mark.parametrize("said", [True, False])
def test_a_connection_that_the_receiver_closes_is_opened_anew(start: Start, said: bool, caplog) -> None:
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
def test_a_lost_answer_is_sent_again_and_counted(start: Start, fault, kept: bool) -> None:
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
def test_one_warning_for_an_outage_and_one_line_at_its_end(start: Start, caplog) -> None:
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


def test_a_url_s_secrets_stay_out_of_the_log(start: Start, caplog) -> None:
    telemetry = start("http://me:S3CRET@127.0.0.1:1/x?token=S3CRET")
    record(telemetry, 1)
    assert not telemetry.force_flush(0.5)
    assert "http://***@127.0.0.1:1/x/v1/traces?***" in caplog.text and "S3CRET" not in caplog.text


def test_a_descriptor_that_the_program_closed_is_not_written_to(start: Start, tmp_path) -> None:
    with Receiver() as receiver:
        telemetry = start(receiver)
        record(telemetry, 1, "first")
        assert telemetry.force_flush()
        connected = [int(fd) for fd in os.listdir("/proc/self/fd") if is_connected_to(int(fd), receiver.port)]
        (ours,) = connected
        with open(tmp_path / "precious", "wb") as precious:
            os.dup2(precious.fileno(), ours)  # as a daemonising program does: closed, and the number given away
            record(telemetry, 1, "second")
            assert telemetry.force_flush()
            assert os.fstat(ours).st_ino == os.fstat(precious.fileno()).st_ino
            os.close(ours)
        assert (tmp_path / "precious").read_bytes() == b""
        assert receiver.names() == ["first0", "second0"] and receiver.connections == 2


def is_connected_to(descriptor: int, port: int) -> bool:
    try:
        with socket.socket(fileno=os.dup(descriptor)) as connected:
            return connected.getpeername()[1] == port
    except OSError:
        return False


# ---- Deadlines ----


def mute() -> socket.socket:
    """Listens, and never accepts; its queue is full, so that connecting hangs."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    fillers = []
    for _ in range(4):
        filler = socket.socket()
        filler.setblocking(False)
        filler.connect_ex(listener.getsockname())
        fillers.append(filler)
    listener_fillers[listener.fileno()] = fillers
    return listener


listener_fillers: dict[int, list[socket.socket]] = {}


@pytest.mark.parametrize("peer", ["stalls", "dribbles", "cannot be connected to", "has no name yet", "tls stalls"])
@pytest.mark.parametrize("verb", ["force_flush", "shutdown"])
def test_deadlines_hold_whatever_the_peer_does(start: Start, peer: str, verb: str, monkeypatch) -> None:
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
    assert 0.3 < float(clock) < 1.1
    stats = telemetry.stats()
    assert balanced(stats)
    if verb == "shutdown":
        assert dict(stats.traces.dropped) == {"shutdown": 10} and stats.traces.pending == 0
    else:
        assert stats.traces.pending == 10
    if peer == "has no name yet":
        held.set()
    receiver.close()


class SlowNames:
    """A name server that answers when told to, in place of the socket module."""

    def __init__(self, held: threading.Event) -> None:
        self._held = held

    def __getattr__(self, name: str) -> object:
        return getattr(socket, name)

    def getaddrinfo(self, *arguments: object) -> list:
        self._held.wait(10)
        raise socket.gaierror(-3, "Temporary failure in name resolution")


def test_an_attempt_ends_at_its_timeout_and_the_data_stays(start: Start) -> None:
    with Receiver(stall) as receiver:
        telemetry = start(receiver, timeout=0.3)
        record(telemetry, 5)
        clock = Clock()
        assert telemetry.force_flush(10)
        assert 1.2 < float(clock) < 4  # the timeout, and a first backoff
        assert len(receiver.requests) == 2 and telemetry.stats().traces.resent == 5


def test_a_refused_connection_ends_the_wait_at_shutdown(start: Start) -> None:
    telemetry = start("http://127.0.0.1:1")
    record(telemetry, 5)
    clock = Clock()
    assert telemetry.shutdown(5) is False
    assert float(clock) < 0.3
    assert dict(telemetry.stats().traces.dropped) == {"shutdown": 5}
    assert telemetry.shutdown(5) is True


def test_a_flush_tries_at_once_though_the_worker_backs_off(start: Start) -> None:
    with Receiver(reset, reset) as receiver:
        telemetry = start(receiver, schedule_delay=0.01)
        record(telemetry, 1)
        assert until(lambda: telemetry.stats().exporter.consecutive_failures > 0)
        clock = Clock()
        receiver.script.clear()
        assert telemetry.force_flush(5)
        assert float(clock) < 0.5


def test_shutdown_sends_what_is_left_and_counts_what_comes_later(start: Start) -> None:
    with Receiver() as receiver:
        telemetry = start(receiver)
        names = record(telemetry, 300)
        assert telemetry.shutdown(5) is True
        record(telemetry, 4, "late")
        assert receiver.names() == names
        stats = telemetry.stats()
        assert dict(stats.traces.dropped) == {"shutdown": 4} and balanced(stats) and stats.traces.pending == 0
        assert telemetry.force_flush(1) is True


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


def test_without_a_thread_the_caller_sends(start: Start, monkeypatch, caplog) -> None:
    def refuse(*arguments: object) -> int:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(worker, "start_new_thread", refuse)
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
        assert float(clock) < 1.3
        assert dict(telemetry.stats().traces.dropped) == {"shutdown": 10}


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
        assert float(clock) < 2
    finally:
        logging.getLogger("otlp_lite").removeHandler(handler)


def test_an_outage_keeps_the_newest_and_counts_the_rest(start: Start) -> None:
    with Receiver() as receiver:
        telemetry = start("http://127.0.0.1:1", region_size="64KiB")
        names = record(telemetry, 5000)
        stats = telemetry.stats()
        assert stats.traces.dropped["overwritten"] == 5000 - stats.traces.pending > 4000
        assert balanced(stats)
        telemetry._pipeline._carrier._endpoint = telemetry._pipeline._carrier._endpoint._replace(port=receiver.port)
        assert telemetry.force_flush(10)
        arrived = receiver.names()
        assert arrived == names[-len(arrived) :] and len(arrived) == telemetry.stats().traces.exported


def test_random_faults_lose_nothing_uncounted(start: Start, quick) -> None:
    chance = random.Random(11)
    faults = [answer(), answer(503), answer(429, b"", "Retry-After: 0"), reset, hang_up, answer(400), partial(1, "x"),
              answer(200, b"", "Connection: close", keep=False), answer(keep=False), answer(413), raw(b"nonsense")]
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
