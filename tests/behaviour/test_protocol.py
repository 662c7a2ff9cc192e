"""A receiver that speaks another protocol, as a server of gRPC does at 4317: said once, and counted."""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme
from clock import Clock
from scripted import Receiver, Request, Start, answer, balanced, hang_up, raw, record, secure_receiver, stall

from otlp_lite import DropReason, Telemetry

SETTINGS = b"\x00\x00\x12\x04\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x80\x00\x04\x00\x01\x00\x00"
ALERT = b"\x15\x03\x03\x00\x02\x02\x78"
"""Of TLS: fatal, no_application_protocol."""

SERVER = """
import sys
from concurrent.futures import ThreadPoolExecutor
import grpc
key, chain = (open(f"{sys.argv[1]}/{name}.pem", "rb").read() for name in ("key", "chain"))
server = grpc.server(ThreadPoolExecutor(2))
print(server.add_insecure_port("127.0.0.1:0"))
print(server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([(key, chain)])), flush=True)
server.start()
sys.stdin.read()
"""


class Grpc:
    """A server of grpcio's, in a process of its own: where it listens, plainly and by TLS."""

    def __init__(self, folder: Path) -> None:
        authority = trustme.CA()
        issued = authority.issue_cert("127.0.0.1")
        authority.cert_pem.write_to_path(folder / "ca.pem")
        issued.private_key_pem.write_to_path(folder / "key.pem")
        issued.cert_chain_pems[0].write_to_path(folder / "chain.pem")
        self.authority = str(folder / "ca.pem")
        self.process = subprocess.Popen(
            [sys.executable, "-c", SERVER, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # it complains of clients that are none
            env={k: v for k, v in os.environ.items() if k != "LD_PRELOAD"},  # sanitizers are for us alone
            text=True,
        )
        assert self.process.stdout is not None
        self.plain = f"http://127.0.0.1:{int(self.process.stdout.readline())}"
        self.secure = f"https://127.0.0.1:{int(self.process.stdout.readline())}"


@pytest.fixture(scope="module")
def grpc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Grpc]:
    server = Grpc(tmp_path_factory.mktemp("grpc"))
    yield server
    server.process.communicate("", timeout=10)


def dropped(telemetry: Telemetry) -> dict[DropReason, int]:
    return dict(telemetry.stats().traces.dropped)


def check_said(caplog: pytest.LogCaptureFixture, url: str, records: int) -> None:
    (said,) = caplog.records
    assert said.levelno == logging.ERROR
    assert (
        f"the receiver at {url}/" in said.getMessage() and f"{records} span(s) dropped" in said.getMessage()
    )
    assert "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf" in said.getMessage() and "4318" in said.getMessage()


@pytest.mark.parametrize("compression", ["none", "gzip"])
@pytest.mark.parametrize("secure", [False, True])
@pytest.mark.parametrize("count", [10, 2000])
def test_a_server_of_grpc(
    start: Start, grpc: Grpc, secure: bool, compression: str, count: int, caplog: pytest.LogCaptureFixture
) -> None:
    url = grpc.secure if secure else grpc.plain
    telemetry = start(url, certificate=grpc.authority, compression=compression, max_export_batch_size=count)
    record(telemetry, count, text="x" * 400)
    record(telemetry, 1, "later")
    clock = Clock()
    assert not telemetry.force_flush(0.8)  # the one left over: the next attempt waits a second at least
    assert clock.own() < 3
    assert dropped(telemetry) == {"unsupported_protocol": count} and telemetry.stats().traces.pending == 1
    assert telemetry.force_flush(5)
    assert dropped(telemetry) == {DropReason.UNSUPPORTED_PROTOCOL: count + 1}
    stats = telemetry.stats()
    assert stats.traces.exported == stats.traces.resent == 0 and balanced(stats)
    assert stats.exporter.consecutive_failures == 2
    assert "HTTP/2" in (stats.exporter.last_error or "")
    check_said(caplog, url, count)
    assert telemetry.shutdown()
    assert caplog.messages[1:] == [
        f"{count + 1} span(s) lost so far, counted as 'unsupported_protocol': the receiver speaks another "
        "protocol than http/protobuf"
    ]


class Refusing(Receiver):
    """Takes no protocol that a client of TLS offers, as Go's servers do: an alert, before any certificate."""

    def _read(self, connection: socket.socket, number: int) -> Request | None:
        assert b"\x08http/1.1" in connection.recv(65536)
        connection.sendall(ALERT)
        return None


def test_an_alert_that_refuses_our_protocol(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    with Refusing() as receiver:
        url = receiver.url.replace("http", "https")
        telemetry = start(url)
        record(telemetry, 7)
        assert telemetry.force_flush(5)
        assert dropped(telemetry) == {"unsupported_protocol": 7} and receiver.connections == 1
        check_said(caplog, url, 7)


@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_attempts_keep_their_distance(start: Start, compression: str) -> None:
    """A second at least from one to the next, whatever is recorded meanwhile."""
    with Receiver(default=raw(SETTINGS)) as receiver:
        telemetry = start(receiver, schedule_delay=0.01, compression=compression)
        clock = Clock()
        while float(clock) < 2.5:
            record(telemetry, 20)
            time.sleep(0.01)
        assert 1 <= len(receiver.requests) <= 3
        lost = dropped(telemetry)[DropReason.UNSUPPORTED_PROTOCOL]
        assert lost == telemetry.stats().traces.recorded - telemetry.stats().traces.pending > 0


@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_a_receiver_that_is_mended_is_used_again(
    start: Start, compression: str, quick: None, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with Receiver(answer(503), raw(SETTINGS)) as receiver:
        telemetry = start(receiver, compression=compression)
        record(telemetry, 5)
        assert telemetry.force_flush(5)
        assert dropped(telemetry) == {"unsupported_protocol": 5} and len(receiver.requests) == 2
        names = record(telemetry, 3, "later")
        assert telemetry.force_flush(5)
        assert [span.name for span in receiver.requests[-1].spans()] == names
        stats = telemetry.stats()
        assert stats.traces.exported == 3 and stats.traces.resent == 0 and balanced(stats)
        assert [r.levelno for r in caplog.records] == [logging.WARNING, logging.ERROR, logging.INFO]


@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_what_was_sent_before_is_counted_as_sent(start: Start, compression: str, quick: None) -> None:
    with Receiver(answer(), answer(), raw(SETTINGS)) as receiver:
        telemetry = start(receiver, compression=compression, max_export_batch_size=4)
        record(telemetry, 16)
        assert telemetry.force_flush(5)
        stats = telemetry.stats().traces
        assert (stats.exported, dict(stats.dropped)) == (12, {"unsupported_protocol": 4})


@pytest.mark.parametrize("whole", [True, False])
def test_a_peer_of_tls_that_hangs_up_may_be_another_s_fault(
    start: Start, tmp_path: Path, whole: bool, quick: None, caplog: pytest.LogCaptureFixture
) -> None:
    """It is asked whether it would take HTTP/2, and does not: the data stays."""
    with secure_receiver(tmp_path, hang_up, hang_up) as receiver:
        telemetry = start(receiver, certificate=str(tmp_path / "ca.pem"))
        if whole:
            receiver.script.insert(0, answer())
            record(telemetry, 1, "first")
            assert telemetry.force_flush(5)
        record(telemetry, 9)
        assert telemetry.force_flush(5)
        stats = telemetry.stats().traces
        assert (stats.exported, stats.resent, dict(stats.dropped)) == (9 + whole, 9, {})
        assert all(r.levelno < logging.ERROR for r in caplog.records)
        assert receiver.connections == (4 if whole else 5)  # one that has answered is not asked


def test_who_shuts_down_waits_for_no_such_question(start: Start, tmp_path: Path) -> None:
    with secure_receiver(tmp_path, stall) as receiver:
        telemetry = start(receiver, certificate=str(tmp_path / "ca.pem"))
        record(telemetry, 2)
        clock = Clock()
        assert not telemetry.shutdown(0.5)
        assert clock.own() < 2
        assert dropped(telemetry) == {"shutdown": 2} and receiver.connections == 1
