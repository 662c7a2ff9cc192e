"""https: whom we trust, who we are, and certificates that are replaced while the program runs."""

from __future__ import annotations

import logging
import os
import socket
import ssl
import threading
import time
from pathlib import Path

import pytest
import trustme
from clock import until
from scripted import Start, answer, answer_as_http, record, secure_receiver


def test_https_by_a_named_authority(start: Start, tmp_path: Path) -> None:
    with secure_receiver(tmp_path, answer(503, b"", "Retry-After: 0")) as receiver:
        telemetry = start(receiver, certificate=str(tmp_path / "ca.pem"), region_size="16MiB")
        names = record(telemetry, 300, text="x" * 10_000)
        assert telemetry.force_flush(20)
        assert [n for request in receiver.requests[1:] for n in (s.name for s in request.spans())] == names
        assert receiver.requests[0].body == receiver.requests[1].body
        assert receiver.connections == 1
        assert max(len(request.body) for request in receiver.requests) <= 1 << 20


def test_https_by_an_unknown_authority_is_refused(
    start: Start, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with secure_receiver(tmp_path) as receiver:
        telemetry = start(receiver)
        record(telemetry, 2)
        assert not telemetry.force_flush(1.0)
        assert telemetry.stats().traces.pending == 2 and not receiver.requests
        assert [r.levelno for r in caplog.records] == [logging.WARNING]
        assert "CERTIFICATE_VERIFY_FAILED" in caplog.text


def test_https_checks_the_host_name(start: Start, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with secure_receiver(tmp_path, host="other.example") as receiver:
        telemetry = start(receiver, certificate=str(tmp_path / "ca.pem"))
        record(telemetry, 2)
        assert not telemetry.force_flush(1.0)
        assert telemetry.stats().traces.pending == 2 and not receiver.requests
        assert "CERTIFICATE_VERIFY_FAILED" in caplog.text


def test_https_to_a_port_that_speaks_plain_http_is_said(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        answering = threading.Thread(target=answer_as_http, args=(server,), daemon=True)
        answering.start()
        telemetry = start(f"https://127.0.0.1:{server.getsockname()[1]}")
        record(telemetry, 1)
        assert not telemetry.force_flush(1.0)
        answering.join()
    assert "(does that port speak TLS, or plain http://?)" in caplog.text


@pytest.mark.parametrize("one_file", [False, True])
def test_https_with_a_certificate_of_our_own(start: Start, tmp_path: Path, one_file: bool) -> None:
    clients = trustme.CA()
    ours = clients.issue_cert("client@example.org")
    chain, key = tmp_path / "chain.pem", tmp_path / "key.pem"
    ours.cert_chain_pems[0].write_to_path(chain)
    ours.private_key_pem.write_to_path(chain if one_file else key, append=one_file)
    with secure_receiver(tmp_path, clients=clients) as receiver:
        authority = str(tmp_path / "ca.pem")
        telemetry = start(
            receiver,
            certificate=authority,
            client_certificate=str(chain),
            client_key=None if one_file else str(key),
        )
        names = record(telemetry, 2)
        assert telemetry.force_flush()
        assert receiver.names() == names
        without = start(receiver, certificate=authority)
        record(without, 1)
        assert not without.force_flush(1.0)
        assert until(lambda: len(receiver.handshake_errors) > 0) and receiver.names() == names


def test_https_notices_that_the_peer_closed_a_kept_connection(
    start: Start, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with secure_receiver(tmp_path, answer(keep=False), answer(keep=False)) as receiver:
        telemetry = start(receiver, certificate=str(tmp_path / "ca.pem"))
        for i in range(3):
            record(telemetry, 1, f"n{i}-")
            assert telemetry.force_flush()
            time.sleep(0.1)
        assert receiver.names() == ["n0-0", "n1-0", "n2-0"]
        assert receiver.connections == 3 and telemetry.stats().traces.resent == 0
        assert not caplog.records


class Client:
    """Our certificate and its key, in one file."""

    def __init__(self, folder: Path) -> None:
        self.authority = trustme.CA()
        self.file = folder / "client.pem"

    def issue(self, name: str) -> None:
        """Replaces it whole, as those who rotate certificates do."""
        issued = self.authority.issue_cert(name)
        fresh = self.file.with_suffix(".new")
        issued.private_key_and_cert_chain_pem.write_to_path(fresh)
        os.replace(fresh, self.file)


def test_a_certificate_that_was_replaced_is_shown_to_the_next_connection(
    start: Start, tmp_path: Path
) -> None:
    client = Client(tmp_path)
    shown: list[str] = []

    def look(connection: object, request: object) -> bool:
        assert isinstance(connection, ssl.SSLSocket)
        shown.append(str((connection.getpeercert() or {}).get("subjectAltName")))
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        return False

    with secure_receiver(tmp_path, look, look, look, clients=client.authority) as receiver:
        client.issue("one.example")
        telemetry = start(receiver, certificate=str(tmp_path / "ca.pem"), client_certificate=str(client.file))
        for name in ("one.example", "two.example", "two.example"):
            if name not in "".join(shown):
                client.issue(name)
            record(telemetry, 1)
            assert telemetry.force_flush()
    assert [("one" in each, "two" in each) for each in shown] == [(True, False), (False, True), (False, True)]


@pytest.mark.usefixtures("quick")
def test_a_certificate_that_cannot_be_read_for_a_moment_stops_nothing_for_good(
    start: Start, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    client = Client(tmp_path)
    client.issue("one.example")
    with secure_receiver(tmp_path, clients=client.authority) as receiver:
        telemetry = start(receiver, certificate=str(tmp_path / "ca.pem"), client_certificate=str(client.file))
        client.file.write_text("")
        record(telemetry, 1)
        assert not telemetry.force_flush(0.3)
        assert f"client_certificate='{client.file}', client_key=None" in caplog.text
        assert "as they were before" not in caplog.text  # there were none
        client.issue("one.example")
        assert telemetry.force_flush()
        assert telemetry.stats().traces.exported == len(receiver.spans()) == 1
