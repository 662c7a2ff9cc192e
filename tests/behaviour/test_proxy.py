"""Proxies, as the environment says: for http and https, with credentials, but not for whom no_proxy names."""

from __future__ import annotations

import base64
import http.client
import logging
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress
from pathlib import Path

import pytest
from clock import Clock
from scripted import Receiver, Request, Start, answer, balanced, hang_up, record, secure_receiver, stall

from otlp_lite.config import load, refuse_difference
from otlp_lite.proxy import exempt

CREDENTIALS = base64.b64encode(b"us@er:pass:word").decode()
AUTHORITY = "us%40er:pass%3Aword"
SECRETS = ("us@er", "us%40er", "pass:word", "pass%3Aword", CREDENTIALS)


class Proxy(Receiver):
    """A forward proxy on the loopback. Knows the names in `routes`, and no others; `refusals` come first."""

    def __init__(self, routes: dict[str, int], *refusals: bytes, credentials: str = "") -> None:
        self.routes = routes
        self.refusals = list(refusals)
        self.credentials = credentials
        self.heads: list[bytes] = []
        super().__init__()

    def _serve(self, connection: socket.socket, number: int) -> None:
        with suppress(OSError), connection:
            while head := self._head(connection):
                self.heads.append(head)
                if self.refusals:
                    connection.sendall(self.refusals.pop(0))
                    return
                fields = dict(line.split(b": ", 1) for line in head.splitlines()[1:-1])
                if self.credentials.encode() not in fields.get(b"proxy-authorization", b""):
                    refusal = b"HTTP/1.1 407 Who are you\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                    connection.sendall(refusal)
                    return
                verb, target, _ = head.split(b" ", 2)
                if verb == b"CONNECT":
                    self._relay(connection, self.routes[target.decode()])
                    return
                self._forward(connection, target.decode(), fields)

    def _head(self, connection: socket.socket) -> bytes:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            byte = connection.recv(1)
            if not byte:
                return b""
            head += byte
        return head

    def _relay(self, near: socket.socket, port: int) -> None:
        with socket.create_connection(("127.0.0.1", port)) as far:
            self._open.append(far)
            # A length, as some proxies have it: RFC 9110, 9.3.6 says to pay no heed.
            near.sendall(b"HTTP/1.1 200 Connection established\r\nContent-Length: 5\r\n\r\n")
            self._start(copy, far, near)
            copy(near, far)

    def _forward(self, near: socket.socket, target: str, fields: dict[bytes, bytes]) -> None:
        scheme, _, rest = target.partition("://")
        place, slash, path = rest.partition("/")
        assert scheme == "http" and fields[b"host"].decode() == place
        body = b""
        while len(body) < int(fields[b"Content-Length"]):
            body += near.recv(65536)
        far = http.client.HTTPConnection("127.0.0.1", self.routes[place])
        kept = {k.decode(): v.decode() for k, v in fields.items() if not k.startswith(b"proxy-")}
        far.request("POST", slash + path, body, kept)
        said = far.getresponse()
        words = said.read()
        near.sendall(
            f"HTTP/1.1 {said.status} Forwarded\r\nContent-Length: {len(words)}\r\n\r\n".encode() + words
        )
        far.close()


def copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    for end in (source, target):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


# ---- Through it ----


@pytest.mark.parametrize("compression", ["none", "gzip"])
@pytest.mark.parametrize("user", ["", AUTHORITY])
def test_http_names_the_whole_url_to_the_proxy(start: Start, compression: str, user: str) -> None:
    with (
        Receiver() as receiver,
        Proxy({"collector.invalid:4318": receiver.port}, credentials=CREDENTIALS if user else "") as proxy,
    ):
        url = f"http://{user}@127.0.0.1:{proxy.port}" if user else f"127.0.0.1:{proxy.port}"
        telemetry = start(
            "http://collector.invalid:4318/base/?key=1",
            {"http_proxy": url, "no_proxy": "localhost, other.invalid"},
            compression=compression,
            headers={"x-key": "mine"},
        )
        names = []
        for part in range(3):
            names += record(telemetry, 40, f"p{part}-")
            assert telemetry.force_flush(5)
        assert receiver.names() == names
        assert proxy.connections == 1 and len(proxy.heads) == 3
        line, *fields = proxy.heads[0].decode().splitlines()
        assert line == "POST http://collector.invalid:4318/base/v1/traces?key=1 HTTP/1.1"
        assert "host: collector.invalid:4318" in fields
        assert (f"proxy-authorization: Basic {CREDENTIALS}" in fields) is bool(user)
        (request, *_) = receiver.requests
        assert request.line == "POST /base/v1/traces?key=1 HTTP/1.1" and request.headers["x-key"] == "mine"
        assert telemetry.stats().traces.exported == 120


@pytest.mark.parametrize("variable", ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"])
def test_https_goes_through_a_tunnel(start: Start, tmp_path: Path, variable: str) -> None:
    with (
        secure_receiver(tmp_path, answer(), answer(keep=False), host="collector.invalid") as receiver,
        Proxy({"collector.invalid:443": receiver.port}, credentials=CREDENTIALS) as proxy,
    ):
        telemetry = start(
            "https://collector.invalid",
            {variable: f"http://{AUTHORITY}@127.0.0.1:{proxy.port}", "http_proxy": "http://127.0.0.1:1"},
            certificate=str(tmp_path / "ca.pem"),
            headers={"x-key": "mine"},
        )
        names = []
        for part in range(4):
            names += record(telemetry, 50, f"p{part}-", text="x" * 1000)
            assert telemetry.force_flush(5)
            time.sleep(0.05)
        assert receiver.names() == names and receiver.requests[0].headers["x-key"] == "mine"
        assert receiver.requests[0].headers["host"] == "collector.invalid"
        assert "proxy-authorization" not in receiver.requests[0].headers
        assert receiver.connections == len(proxy.heads) == 2  # kept, and opened anew when the receiver closed
        line, *fields = proxy.heads[0].decode().splitlines()
        assert line == "CONNECT collector.invalid:443 HTTP/1.1"
        assert [field.partition(":")[0] for field in fields[:-1]] == [
            "host",
            "user-agent",
            "proxy-authorization",
        ]
        assert telemetry.stats().traces.resent == 0


def test_the_certificate_is_the_receiver_s(
    start: Start, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with (
        secure_receiver(tmp_path, host="other.invalid") as receiver,
        Proxy({"collector.invalid:443": receiver.port}) as proxy,
    ):
        telemetry = start(
            "https://collector.invalid",
            {"https_proxy": f"127.0.0.1:{proxy.port}"},
            certificate=str(tmp_path / "ca.pem"),
        )
        record(telemetry, 2)
        assert not telemetry.force_flush(0.9)
        assert telemetry.stats().traces.pending == 2 and not receiver.requests
        assert "CERTIFICATE_VERIFY_FAILED" in caplog.text


# ---- It refuses, or is broken ----


def said(caplog: pytest.LogCaptureFixture, proxy: Receiver, user: str = "***@") -> str:
    """The one warning, which names the proxy without its credentials."""
    (warning,) = caplog.records
    assert warning.levelno == logging.WARNING
    assert f"through the proxy http://{user}127.0.0.1:{proxy.port} failed: " in caplog.messages[0]
    assert not any(secret in caplog.text for secret in SECRETS)
    return caplog.messages[0]


@pytest.mark.parametrize(
    ("refusal", "words"),
    [
        (
            b"HTTP/1.1 407 Who are you\r\nProxy-Authenticate: Basic\r\n\r\n",
            "HTTP 407, credentials are wanted",
        ),
        (b"HTTP/1.0 403 Forbidden\r\nContent-Length: 900000\r\n\r\nno us@er", "HTTP 403. It is tried again"),
        (b"HTTP/1.1 302 Found\nLocation: http://127.0.0.1/\n\n", "HTTP 302"),
        (b"HTTP/1.1 502 Bad Gateway\r\n\r\n", "HTTP 502"),
        (b"", "no tunnel by the proxy: receiver: the peer closed"),
        (b"HTTP/1.1 200 OK\r\nX", "no tunnel by the proxy: receiver: the peer closed"),
        (b"SSH-2.0-OpenSSH\r\n", "no tunnel by the proxy: receiver: the answer is not HTTP/1.1"),
        (b"\0\0\0\4\0\0\0\0\0", "no tunnel by the proxy: receiver: it speaks HTTP/2"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 20000, "no tunnel by the proxy: receiver: the answer is not"),
    ],
)
@pytest.mark.usefixtures("quick")
def test_a_refused_tunnel_is_a_failed_attempt(
    start: Start, tmp_path: Path, refusal: bytes, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    with secure_receiver(tmp_path, host="collector.invalid") as receiver:
        routes = {"collector.invalid:443": receiver.port}
        with Proxy(routes, refusal, refusal, credentials=CREDENTIALS) as proxy:
            telemetry = start(
                "https://collector.invalid",
                {"https_proxy": f"{AUTHORITY}@127.0.0.1:{proxy.port}"},
                certificate=str(tmp_path / "ca.pem"),
            )
            names = record(telemetry, 6)
            assert telemetry.force_flush(5)
            assert receiver.names() == names and len(proxy.heads) == 3
            stats = telemetry.stats()
            assert (stats.traces.exported, stats.traces.resent, dict(stats.traces.dropped)) == (6, 0, {})
            assert words in said(caplog, proxy)


@pytest.mark.usefixtures("quick")
def test_a_proxy_that_wants_credentials_loses_nothing(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    """407 is its word, not the receiver's: another 4xx would be the end of the spans."""
    with (
        Receiver() as receiver,
        Proxy({"collector.invalid:4318": receiver.port}, credentials=CREDENTIALS) as proxy,
    ):
        telemetry = start("http://collector.invalid:4318", {"http_proxy": f"127.0.0.1:{proxy.port}"})
        names = record(telemetry, 6)
        assert not telemetry.force_flush(0.3)
        assert dict(telemetry.stats().traces.dropped) == {} and telemetry.stats().traces.pending == 6
        assert "HTTP 407" in said(caplog, proxy, "")
        proxy.credentials = ""
        assert telemetry.force_flush(5)
        assert receiver.names() == names and telemetry.stats().traces.resent == 0


def test_credentials_that_a_proxy_repeats_are_hidden(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    def echo(connection: socket.socket, request: Request) -> bool:
        token = request.headers["proxy-authorization"].removeprefix("Basic ")
        words = f"no {token} {base64.b64decode(token).decode()} here"
        return answer(403, words.encode())(connection, request)

    with Receiver(default=echo) as proxy:
        telemetry = start("http://collector.invalid", {"http_proxy": f"{AUTHORITY}@127.0.0.1:{proxy.port}"})
        record(telemetry, 3)
        assert telemetry.force_flush(5)
        assert dict(telemetry.stats().traces.dropped) == {"refused": 3}
        assert "through the proxy http://***@127.0.0.1" in caplog.text and "here" in caplog.text
        assert not any(secret in caplog.text for secret in SECRETS)


def drips(connection: socket.socket, request: Request) -> bool:
    for byte in b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000:
        connection.sendall(bytes([byte]))
        time.sleep(0.05)
    return False


class Unhelpful(Receiver):
    """Reads a request for a tunnel, and does what the script says."""

    def _read(self, connection: socket.socket, number: int) -> Request | None:
        head = connection.recv(65536)
        return Request(head.decode(), {}, b"", Clock(), number) if head else None


@pytest.mark.parametrize("verb", ["force_flush", "shutdown"])
@pytest.mark.parametrize("peer", ["drips", "stalls", "cannot be reached"])
def test_deadlines_hold_whatever_the_proxy_does(
    start: Start, peer: str, verb: str, caplog: pytest.LogCaptureFixture
) -> None:
    with Unhelpful(default=drips if peer == "drips" else stall) as proxy:
        port = 1 if peer == "cannot be reached" else proxy.port
        telemetry = start("https://collector.invalid", {"https_proxy": f"127.0.0.1:{port}"}, timeout=30)
        record(telemetry, 10)
        clock = Clock()
        assert getattr(telemetry, verb)(0.6) is False
        assert clock.own() < 2
        stats = telemetry.stats().traces
        assert balanced(telemetry.stats())
        assert dict(stats.dropped) == ({"shutdown": 10} if verb == "shutdown" else {})
        assert stats.pending == (0 if verb == "shutdown" else 10)
        if peer == "cannot be reached":
            assert f"through the proxy http://127.0.0.1:{port} failed: [Errno 111]" in caplog.messages[0]


def test_an_attempt_at_a_tunnel_ends_at_its_timeout(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    with Unhelpful(default=drips) as proxy:
        telemetry = start(
            "https://collector.invalid", {"https_proxy": f"127.0.0.1:{proxy.port}"}, timeout=0.3
        )
        record(telemetry, 4)
        assert not telemetry.force_flush(0.9)
        assert telemetry.stats().traces.pending == 4
        assert re.search("no tunnel by the proxy: (timed out|no whole answer)", said(caplog, proxy, ""))


@pytest.mark.usefixtures("quick")
def test_a_receiver_beyond_a_tunnel_that_hangs_up(start: Start, tmp_path: Path) -> None:
    with (
        secure_receiver(tmp_path, hang_up, host="collector.invalid") as receiver,
        Proxy({"collector.invalid:443": receiver.port}) as proxy,
    ):
        telemetry = start(
            "https://collector.invalid",
            {"https_proxy": f"127.0.0.1:{proxy.port}"},
            certificate=str(tmp_path / "ca.pem"),
        )
        names = record(telemetry, 3)
        assert telemetry.force_flush(5)
        assert receiver.names() == 2 * names and telemetry.stats().traces.resent == 3


# ---- Which proxy, and whether ----

PLAIN, SECURE = "http://c.example:4318", "https://c.example:4318"


@pytest.mark.parametrize(
    ("endpoint", "environ", "host"),
    [
        (PLAIN, {}, None),
        (PLAIN, {"http_proxy": " "}, None),
        (PLAIN, {"http_proxy": "a:1"}, "a"),
        (PLAIN, {"HTTP_PROXY": "a:1"}, "a"),
        (PLAIN, {"HTTP_PROXY": "a:1", "http_proxy": "b:1"}, "b"),
        (PLAIN, {"HTTP_PROXY": "a:1", "http_proxy": ""}, "a"),
        (PLAIN, {"HTTP_PROXY": "a:1", "REQUEST_METHOD": "GET"}, None),
        (PLAIN, {"http_proxy": "a:1", "REQUEST_METHOD": "GET"}, "a"),
        (PLAIN, {"https_proxy": "a:1", "HTTPS_PROXY": "a:1"}, None),
        (PLAIN, {"http_proxy": "a:1", "all_proxy": "b:1"}, "a"),
        (PLAIN, {"all_proxy": "a:1", "ALL_PROXY": "b:1"}, "a"),
        (PLAIN, {"ALL_PROXY": "b:1"}, "b"),
        (PLAIN, {"http_proxy": "a:1", "no_proxy": "c.example"}, None),
        (PLAIN, {"http_proxy": "a:1", "NO_PROXY": "example"}, None),
        (PLAIN, {"http_proxy": "a:1", "NO_PROXY": "example", "no_proxy": "d.example"}, "a"),
        (SECURE, {"http_proxy": "a:1", "HTTP_PROXY": "a:1"}, None),
        (SECURE, {"https_proxy": "a:1"}, "a"),
        (SECURE, {"HTTPS_PROXY": "a:1", "REQUEST_METHOD": "GET"}, "a"),
        (SECURE, {"https_proxy": "a:1", "HTTPS_PROXY": "b:1", "ALL_PROXY": "c:1"}, "a"),
        (SECURE, {"https_proxy": "a:1", "no_proxy": "*"}, None),
    ],
)
def test_which_variable_counts(
    endpoint: str, environ: dict[str, str], host: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    found = load({"endpoint": endpoint}, environ).proxy
    assert (found and found.host) == host
    assert load({"traces_endpoint": endpoint, "endpoint": "http://c.example"}, environ).proxy == found
    assert load({}, {**environ, "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint}).proxy == found
    assert not caplog.records


@pytest.mark.parametrize(
    "bad", ["https://me:s3cret@p:1", "socks5://me:s3cret@p", "me:s3cret@p:port", "http://"]
)
def test_a_variable_that_is_no_proxy_is_warned_of_and_ignored(
    bad: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert load({"endpoint": PLAIN}, {"http_proxy": bad}).proxy is None
    assert [r.levelno for r in caplog.records] == [logging.WARNING]
    assert caplog.messages[0].startswith("http_proxy=") and "is ignored: expected" in caplog.messages[0]
    assert "s3cret" not in caplog.text and ("***@p" in caplog.text or "s3cret" not in bad)
    found = load({"endpoint": PLAIN}, {"http_proxy": bad, "all_proxy": "good:1"}).proxy
    assert found is not None and found.host == "good"
    caplog.clear()
    load({"endpoint": PLAIN}, {"http_proxy": bad, "no_proxy": "c.example"})
    load({"endpoint": PLAIN}, {"https_proxy": bad})
    assert not caplog.records  # whom it does not concern


def test_a_proxy_is_shown_without_its_credentials() -> None:
    before, now = (
        load({"endpoint": PLAIN}, {"http_proxy": f"me:s3cret@{name}:1"}) for name in ("one", "two")
    )
    assert "proxy=http://***@one:1" in repr(before) and "s3cret" not in repr(before)
    with pytest.raises(ValueError, match=r"proxy=http://\*\*\*@one:1, now with http://\*\*\*@two:1"):
        refuse_difference(before, now, {})


# (no_proxy, host, port, exempt, whether urllib says the same)
EXEMPT = [
    ("", "c.example", 80, False, True),
    (" , ", "c.example", 80, False, True),
    ("*", "c.example", 80, True, True),
    ("*", "::1", 80, True, True),
    ("x,*", "c.example", 80, True, False),  # urllib: only alone
    ("*:80", "c.example", 80, True, False),  # a port after everything
    ("c.example", "c.example", 80, True, True),
    ("C.EXAMPLE", "c.Example", 80, True, True),
    ("c.example", "c.example.", 80, True, False),  # the root's dot is no other host
    ("example", "c.example", 80, True, True),
    (".example", "c.example", 80, True, True),
    ("*.example", "c.example", 80, True, False),  # as Go has it
    (".c.example", "c.example", 80, True, True),
    ("xample", "c.example", 80, False, True),
    ("b.c.example", "c.example", 80, False, True),
    (".", "c.example", 80, False, True),
    ("c.example:80", "c.example", 80, True, True),
    ("example:80", "c.example", 80, True, True),
    ("c.example:81", "c.example", 80, False, True),
    ("a, b c.example", "c.example", 80, True, False),  # spaces part, as curl has it
    ("a,\tc.example ,b", "c.example", 80, True, True),
    ("localhost", "127.0.0.1", 80, False, True),
    ("127.0.0.1", "127.0.0.1", 80, True, True),
    ("127.0.0.1:80", "127.0.0.1", 80, True, True),
    ("127.0.0.1:81", "127.0.0.1", 80, False, True),
    ("0.0.1", "127.0.0.1", 80, False, False),  # an address is no name
    ("127.0.0.10", "127.0.0.1", 80, False, True),
    ("127.0.0.0/8", "127.1.2.3", 80, True, False),  # networks, as curl and requests have it
    ("10.0.0.0/9", "10.127.255.255", 80, True, False),
    ("10.0.0.0/9", "10.128.0.0", 80, False, True),
    ("10.1.2.3/0", "192.168.0.1", 80, True, False),
    ("10.1.2.3/32", "10.1.2.3", 80, True, False),
    ("10.1.2.3/33", "10.1.2.3", 80, False, True),
    ("10.1.2.3/x", "10.1.2.3", 80, False, True),
    ("10.1.2.3/", "10.1.2.3", 80, False, True),
    ("10.0.0.0/8", "ten.example", 80, False, True),
    ("10.0.0.0/8:80", "10.1.1.1", 80, True, False),
    ("::1", "::1", 80, True, False),  # urllib: only in brackets
    ("0:0::1", "::1", 80, True, False),
    ("[::1]", "::1", 80, True, True),
    ("[::1]:80", "::1", 80, True, True),
    ("[::1]:81", "::1", 80, False, True),
    ("fe80::/10", "fe80::1%eth0", 80, True, False),
    ("fe80::/10", "fec0::1", 80, False, True),
    ("::/0", "10.1.1.1", 80, False, True),
    ("caf\xe9,\udc80,c\0d", "10.1.1.1", 80, False, True),
]


@pytest.mark.parametrize(("names", "host", "port", "expected", "same"), EXEMPT)
def test_whom_no_proxy_exempts(names: str, host: str, port: int, expected: bool, same: bool) -> None:
    assert exempt(host, port, names) is expected
    place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    bypass = vars(urllib.request)["proxy_bypass_environment"]  # which its types do not have
    assert (bool(bypass(place, {"no": names})) is expected) is same


def test_an_exempt_receiver_is_reached_directly(start: Start) -> None:
    with Receiver() as receiver, Receiver() as proxy:
        environ = {"http_proxy": proxy.url, "no_proxy": "10.0.0.0/8,127.0.0.0/8"}
        telemetry = start(receiver, environ)
        names = record(telemetry, 3)
        assert telemetry.force_flush(5)
        assert receiver.names() == names and receiver.requests[0].line == "POST /v1/traces HTTP/1.1"
        assert proxy.connections == 0


PROGRAM = """
import os, sys
import otlp_lite
before = set(sys.modules)  # a sanitized interpreter begins with more
assert "otlp_lite.proxy" not in before
telemetry = otlp_lite.configure(endpoint="http://collector.invalid:4318", schedule_delay=60)
otlp_lite.get_tracer("x").start_span("s").end()
os.environ.pop("http_proxy", None)  # it was read already
print(telemetry.force_flush(5))
heavy = {"otlp_lite.proxy", "ssl", "socket", "ipaddress", "urllib.parse", "urllib.request"}
print(*heavy & (set(sys.modules) - before))
"""


@pytest.mark.parametrize("used", [True, False])
def test_the_process_s_environment_is_read_and_little_is_loaded_for_it(used: bool) -> None:
    with Receiver() as proxy:
        environ = {name: text for name, text in os.environ.items() if not name.lower().endswith("_proxy")}
        environ |= {"http_proxy": proxy.url, "no_proxy": "other.invalid"} if used else {}
        child = subprocess.run(
            [sys.executable, "-c", PROGRAM], env=environ, capture_output=True, text=True, timeout=30
        )
        flushed, loaded = child.stdout.splitlines()
        assert (flushed, loaded) == (("True", "otlp_lite.proxy") if used else ("False", "")), child.stderr
        assert len(proxy.requests) == used
