"""A receiver on the loopback that does, request by request, what a script says: answers, stalls, resets, lies."""

from __future__ import annotations

import gzip
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable
from typing import NamedTuple

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)


class Request(NamedTuple):
    """What came, when, and over which connection."""

    line: str
    headers: dict[str, str]
    body: bytes
    at: float
    connection: int

    def spans(self) -> list:
        body = gzip.decompress(self.body) if self.headers.get("content-encoding") == "gzip" else self.body
        message = ExportTraceServiceRequest.FromString(body)
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


class Receiver:
    """Listens on 127.0.0.1. Each request takes the next reply of the script, then `default`."""

    def __init__(self, *script: Reply, default: Reply | None = None, tls: ssl.SSLContext | None = None) -> None:
        self.script = list(script)
        self.default = default or answer()
        self.requests: list[Request] = []
        self.connections = 0
        self.handshake_errors: list[str] = []
        self._tls = tls
        self._open: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    def spans(self) -> list:
        return [span for request in self.requests for span in request.spans()]

    def names(self) -> list[str]:
        return [span.name for span in self.spans()]

    def close(self) -> None:
        self._listener.close()
        for connection in self._open:
            connection.close()

    def __enter__(self) -> Receiver:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(connection, self.connections), daemon=True).start()

    def _serve(self, connection: socket.socket, number: int) -> None:
        try:
            if self._tls:
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
        headers = {name.lower(): value.strip() for name, _, value in (field.partition(":") for field in fields)}
        size = int(headers["content-length"])
        pieces, have = [body], len(body)
        while have < size:
            piece = connection.recv(min(size - have, 1 << 20))
            if not piece:
                return None
            pieces.append(piece)
            have += len(piece)
        return Request(line, headers, b"".join(pieces), time.monotonic(), number)
