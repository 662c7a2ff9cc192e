"""A receiver on the loopback that does what a script says: answers, stalls, resets, lies."""

from __future__ import annotations

import gzip
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import trustme
from clock import Clock
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from opentelemetry.util.types import AttributeValue
from typing_extensions import Self

from otlp_lite import Stats, Telemetry


class Request(NamedTuple):
    """What came, when, and over which connection."""

    line: str
    headers: dict[str, str]
    body: bytes
    at: Clock
    connection: int

    def content(self) -> bytes:
        return gzip.decompress(self.body) if self.headers.get("content-encoding") == "gzip" else self.body

    def spans(self) -> list[Span]:
        message = ExportTraceServiceRequest.FromString(self.content())
        return [s for r in message.resource_spans for scope in r.scope_spans for s in scope.spans]


Reply = Callable[[socket.socket, Request], bool]
"""Acts on the connection; True keeps it open for the next request."""


def answer(status: int = 200, body: bytes = b"", *headers: str, keep: bool = True) -> Reply:
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(body)}", *headers]
    whole = "".join(f"{line}\r\n" for line in lines).encode() + b"\r\n" + body

    def reply(connection: socket.socket, request: Request) -> bool:
        connection.sendall(whole)
        return keep

    return reply


def raw(data: bytes, keep: bool = False) -> Reply:
    def reply(connection: socket.socket, request: Request) -> bool:
        connection.sendall(data)
        return keep

    return reply


def partial(rejected: int, message: str = "") -> Reply:
    response = ExportTraceServiceResponse()
    response.partial_success.rejected_spans = rejected
    response.partial_success.error_message = message
    return answer(200, response.SerializeToString())


def stall(connection: socket.socket, request: Request) -> bool:
    """Says nothing, until the peer hangs up."""
    while connection.recv(65536):
        pass
    return False


def hang_up(connection: socket.socket, request: Request) -> bool:
    """Took the request; the answer is lost."""
    return False


def reset(connection: socket.socket, request: Request) -> bool:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return False


def dribble(connection: socket.socket, request: Request) -> bool:
    """A byte each tenth of a second, and no end."""
    for byte in b"HTTP/1.1 200 OK\r\nX: " + b"x" * 600:
        connection.sendall(bytes([byte]))
        time.sleep(0.1)
    return False


def mute() -> socket.socket:
    """A listener that cannot be connected to: its queue is full, and it never accepts."""
    listener = Mute()
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    for _ in range(4):
        filler = socket.socket()
        filler.setblocking(False)
        filler.connect_ex(listener.getsockname())
        listener.fillers.append(filler)
    return listener


class Mute(socket.socket):
    def __init__(self) -> None:
        super().__init__()
        self.fillers: list[socket.socket] = []

    def close(self) -> None:
        for filler in self.fillers:
            filler.close()
        super().close()


class SlowNames:
    """A name server that answers when told to, in place of the socket module."""

    def __init__(self, held: threading.Event) -> None:
        self._held = held

    def __getattr__(self, name: str) -> object:
        return getattr(socket, name)

    def getaddrinfo(self, *arguments: object) -> list[object]:
        self._held.wait(10)
        raise socket.gaierror(-3, "Temporary failure in name resolution")


class Receiver:
    """Listens on 127.0.0.1. Each request takes the next reply of the script, then `default`."""

    def __init__(
        self,
        *script: Reply,
        default: Reply | None = None,
        tls: ssl.SSLContext | None = None,
        port: int = 0,
    ) -> None:
        self.script = list(script)
        self.default = default or answer()
        self.requests: list[Request] = []
        self.connections = 0
        self.handshake_errors: list[str] = []
        self._tls = tls
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", port))
        self.port = self._listener.getsockname()[1]
        self._start(self._accept)

    def _start(self, target: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    def spans(self) -> list[Span]:
        return [span for request in self.requests for span in request.spans()]

    def names(self) -> list[str]:
        return [span.name for span in self.spans()]

    def close(self) -> None:
        """Hangs up. Each thread closes its own socket: a number closed under it would soon be another's."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        for connection in tuple(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in tuple(self._threads):
            thread.join(5)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                self._listener.close()
                return
            self.connections += 1
            self._open.append(connection)
            self._start(self._serve, connection, self.connections)

    def _serve(self, connection: socket.socket, number: int) -> None:
        try:
            if self._tls:
                self._open.remove(connection)
                connection = self._tls.wrap_socket(connection, server_side=True)
                self._open.append(connection)
            while request := self._read(connection, number):
                self.requests.append(request)
                reply = self.script.pop(0) if self.script else self.default
                if not reply(connection, request):
                    break
        except ssl.SSLError as error:
            self.handshake_errors.append(str(error))
        except OSError:
            pass
        finally:
            if connection in self._open:
                self._open.remove(connection)
            connection.close()

    def _read(self, connection: socket.socket, number: int) -> Request | None:
        data = b""
        while b"\r\n\r\n" not in data:
            piece = connection.recv(65536)
            if not piece:
                return None
            data += piece
        head, _, body = data.partition(b"\r\n\r\n")
        line, *fields = head.decode("latin-1").split("\r\n")
        headers = {
            name.lower(): value.strip() for name, _, value in (field.partition(":") for field in fields)
        }
        size = int(headers["content-length"])
        pieces, have = [body], len(body)
        while have < size:
            piece = connection.recv(min(size - have, 1 << 20))
            if not piece:
                return None
            pieces.append(piece)
            have += len(piece)
        return Request(line, headers, b"".join(pieces), Clock(), number)


def secure_receiver(
    tmp_path: Path, *script: Reply, host: str = "127.0.0.1", clients: trustme.CA | None = None
) -> Receiver:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(host).configure_cert(server)
    if clients is not None:
        server.verify_mode = ssl.CERT_REQUIRED
        clients.configure_trust(server)
    return Receiver(*script, tls=server)


def answer_as_http(server: socket.socket) -> None:
    """Answers one connection, whatever it says, as a server that knows HTTP alone."""
    server.settimeout(20)
    with server.accept()[0] as connection:
        connection.recv(4096)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")


# ---- What is tested against it ----

Start = Callable[..., Telemetry]


def record(telemetry: Telemetry, count: int, prefix: str = "s", **attributes: AttributeValue) -> list[str]:
    tracer = telemetry.tracer_provider.get_tracer("test")
    names = [f"{prefix}{i}" for i in range(count)]
    for name in names:
        tracer.start_span(name, attributes=attributes).end()
    return names


def balanced(stats: Stats) -> bool:
    t = stats.traces
    return t.recorded + t.adopted == t.exported + t.rejected + sum(t.dropped.values()) + t.pending
