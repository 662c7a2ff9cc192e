"""Every field of 1000 generated spans arrives at receivers that others wrote."""

from __future__ import annotations

import http.client
import ssl
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import trustme

from . import otlp_json, receivers, rotel_log
from .compare import ReadBack, differences, resource_differences
from .delivery import RESOURCE, Delivery, generate
from .generate import SPANS

REQUESTS = 10  # at least, where a request may hold a hundred spans
BY_HUNDREDS = {"OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "100"}


def check(problems: list[str]) -> None:
    assert not problems, f"{len(problems)} differences:\n" + "\n".join(problems[:30])


def check_collected(truth: Any, back: ReadBack) -> None:
    assert len(truth["spans"]) == SPANS
    want = {key: ["str", value] for key, value in RESOURCE.items()}
    check(differences(truth, back) + resource_differences(want, back))


def test_the_collector_has_every_field(collected: Delivery) -> None:
    check_collected(*collected)


def test_rotel_logs_every_field_that_its_log_shows(logged: Delivery) -> None:
    truth, back = logged
    want = {key: rotel_log.value(["str", value]) for key, value in RESOURCE.items()}
    check(differences(truth, back, rotel_log.shown) + resource_differences(want, back))


def test_rotel_forwards_every_field(tmp_path: Path) -> None:
    """What rotel's log hides, the Collector shows behind it."""
    with receivers.collector(tmp_path) as (behind, spans):
        forward = f"--exporter otlp --otlp-exporter-protocol http --otlp-exporter-endpoint http://127.0.0.1:{behind}"
        with receivers.rotel(tmp_path, *forward.split()) as (port, _):
            truth = generate(tmp_path, f"http://127.0.0.1:{port}")
    check_collected(truth, otlp_json.read(spans))


def test_gzip(tmp_path: Path) -> None:
    """The Collector refuses whatever is not compressed."""
    with receivers.collector(tmp_path, {"compression_algorithms": ["gzip"]}) as (port, spans):
        with pytest.raises(http.client.HTTPException, match="400"):
            post(http.client.HTTPConnection("127.0.0.1", port, timeout=10))
        truth = generate(tmp_path, f"http://127.0.0.1:{port}", OTEL_EXPORTER_OTLP_COMPRESSION="gzip")
    check_collected(truth, otlp_json.read(spans))


def test_requests_share_a_connection(tmp_path: Path) -> None:
    with receivers.collector(tmp_path) as (port, spans), closing(receivers.Relay(port)) as relay:
        truth = generate(tmp_path, f"http://127.0.0.1:{relay.port}", **BY_HUNDREDS)
    back = otlp_json.read(spans)
    check_collected(truth, back)
    assert back.requests >= REQUESTS
    assert relay.connections == 1


def test_a_receiver_may_close_the_connection_after_each_answer(tmp_path: Path) -> None:
    close = {"keepalive": {"enabled": False}}
    with receivers.collector(tmp_path, close) as (port, spans), closing(receivers.Relay(port)) as relay:
        truth = generate(tmp_path, f"http://127.0.0.1:{relay.port}", **BY_HUNDREDS)
    back = otlp_json.read(spans)
    check_collected(truth, back)
    assert relay.connections == back.requests >= REQUESTS


def test_https_with_a_client_certificate(tmp_path: Path) -> None:
    authority = trustme.CA()
    ca = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(ca)
    for name, certificate in (
        ("server", authority.issue_cert("127.0.0.1")),
        ("client", authority.issue_cert("us")),
    ):
        certificate.private_key_pem.write_to_path(tmp_path / f"{name}.key")
        for blob in certificate.cert_chain_pems:
            blob.write_to_path(tmp_path / f"{name}.pem", append=True)
    tls = {
        "cert_file": str(tmp_path / "server.pem"),
        "key_file": str(tmp_path / "server.key"),
        "client_ca_file": str(ca),
    }
    with receivers.collector(tmp_path, {"tls": tls}) as (port, spans):
        stranger = ssl.create_default_context(cafile=str(ca))
        with pytest.raises((ssl.SSLError, ConnectionError)):
            post(http.client.HTTPSConnection("127.0.0.1", port, timeout=10, context=stranger))
        truth = generate(
            tmp_path,
            f"https://127.0.0.1:{port}",
            OTEL_EXPORTER_OTLP_CERTIFICATE=str(ca),
            OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE=str(tmp_path / "client.pem"),
            OTEL_EXPORTER_OTLP_CLIENT_KEY=str(tmp_path / "client.key"),
        )
    check_collected(truth, otlp_json.read(spans))


def test_a_missing_receiver_is_a_failure_that_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receivers, "COLLECTOR", tmp_path / "absent")
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    for receiver in (receivers.collector, receivers.rotel):
        with pytest.raises(receivers.MissingReceiver, match=r"tests/interop/setup\.sh"), receiver(tmp_path):
            pass


def post(connection: http.client.HTTPConnection) -> None:
    """An empty request, to be refused."""
    try:
        connection.request("POST", "/v1/traces", b"", {"Content-Type": "application/x-protobuf"})
        status = connection.getresponse().status
    finally:
        connection.close()
    if status != 200:
        raise http.client.HTTPException(f"status {status}")
