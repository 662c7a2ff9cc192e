"""An OTLP/HTTP receiver of traces: threads, bounded bodies, strict answers; for people's own machines."""

from __future__ import annotations

import socket
import socketserver
import sys
import threading
import time
import zlib
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any, NamedTuple

from otlp_lite.cli import otlp
from otlp_lite.parse import CONTENT_TYPE

PATH = "/v1/traces"
ENCODINGS = {"gzip": 31, "deflate": 15}  # zlib's window bits, which also say the container
IDLE_SECONDS = 60.0
BODY_SECONDS = 30.0
LINGER_SECONDS = 2.0
MAX_CONNECTIONS = 64
MAX_LINE = 256  # of chunk sizes and trailers
MAX_TRAILERS = 32
MAX_MEMBERS = 16


class Limits(NamedTuple):
    """Of one request: bytes on the wire, bytes after decompression, (sub)messages in it."""

    body: int = 4 << 20
    inflated: int = 16 << 20
    messages: int = otlp.MAX_MESSAGES


DEFAULT_LIMITS = Limits()


class Refused(Exception):
    """A request that is answered with an HTTP error."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


def inflate(body: bytes, window_bits: int, limit: int) -> bytes:
    """The decompressed body, of one or several members; never makes more than limit + 1 bytes."""
    out = bytearray()
    for _ in range(MAX_MEMBERS):
        member = zlib.decompressobj(window_bits)
        try:
            out += member.decompress(body, limit + 1 - len(out))
        except zlib.error as error:
            raise Refused(400, f"the compressed body is damaged: {error}") from None
        if len(out) > limit:
            raise Refused(413, f"the body is larger than {limit} bytes when decompressed")
        if not member.eof:
            raise Refused(400, "the compressed body is cut off")
        body = member.unused_data
        if not body:
            return bytes(out)
    raise Refused(400, f"the compressed body has more than {MAX_MEMBERS} members")


class Receiver(socketserver.ThreadingTCPServer):
    """Calls `on_request(request)` for each good request and `on_refused(status, message)` for each other.

    It calls from the connections' threads, one call at a time. `port` 0 takes a free one: `url` says which.
    """

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self,
        host: str,
        port: int,
        on_request: Callable[[otlp.TracesRequest], None],
        on_refused: Callable[[int, str], None],
        limits: Limits = DEFAULT_LIMITS,
    ) -> None:
        self.address_family: int = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.limits = limits
        self.on_request = on_request
        self.on_refused = on_refused
        self.turn: threading.Lock = threading.Lock()  # also keeps the memory of decoding to one request's
        self._free = threading.BoundedSemaphore(MAX_CONNECTIONS)
        self._closed = False
        self._in_hand = 0
        self._answered = threading.Condition()
        super().__init__((host, port), _Handler)

    @property
    def url(self) -> str:
        host, port = self.server_address[0], self.server_address[1]
        shown = f"[{host!s}]" if self.address_family == socket.AF_INET6 else str(host)
        return f"http://{shown}:{port}"

    def take(self, body: bytes) -> None:
        with self.turn:
            try:
                request = otlp.decode(body, self.limits.messages)
            except otlp.TooManyMessages as error:
                raise Refused(413, f"{error} ({self.limits.messages})") from None
            except otlp.DecodeError as error:
                raise Refused(400, f"not an OTLP trace request: {error}") from None
            self.on_request(request)

    def begin(self) -> bool:
        """A request is taken, until it is done(); not when all is over."""
        with self._answered:
            self._in_hand += not self._closed
            return not self._closed

    def done(self) -> None:
        with self._answered:
            self._in_hand -= 1
            self._answered.notify_all()

    def server_close(self) -> None:
        """Takes no more, and waits a moment for the answers to what was taken. Not for who takes to call."""
        super().server_close()
        with self._answered:
            if self._closed:
                return
            self._closed = True
            self._answered.wait_for(lambda: not self._in_hand, LINGER_SECONDS)

    def refuse(self, status: int, message: str) -> None:
        with self.turn:
            self.on_refused(status, message)

    def process_request(self, request: Any, client_address: Any) -> None:
        if self._free.acquire(blocking=False):
            super().process_request(request, client_address)
            return
        self.refuse(503, f"more than {MAX_CONNECTIONS} connections")
        request.sendall(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):  # a peer that went away is nobody's fault; the rest is ours
            self.refuse(500, f"internal error: {error!r}")


class _Handler(BaseHTTPRequestHandler):
    """One connection. A request that is refused before its body was read ends the connection."""

    server: Receiver
    protocol_version = "HTTP/1.1"
    timeout = IDLE_SECONDS
    wbufsize = -1
    disable_nagle_algorithm = True

    def handle_request(self) -> None:
        try:
            body = self._body()
        except Refused as refused:
            self._refuse(refused)
            return
        if not self.server.begin():
            self.close_connection = True
            return
        try:
            self._take(body)
            self.wfile.flush()
        finally:
            self.server.done()

    def _take(self, body: bytes) -> None:
        try:
            self.server.take(body)
        except Refused as refused:
            self.server.refuse(refused.status, refused.message)
            self._answer(refused.status, refused.message)
        else:
            self._answer(200)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = handle_request

    def _body(self) -> bytes:
        """The decompressed body of a request that is as it should be."""
        path = self.path.partition("?")[0]
        if path != PATH:
            raise Refused(404, f"nothing at {path}: traces are taken at {PATH}")
        if self.command != "POST":
            raise Refused(405, f"{self.command} {path}: only POST is taken")
        content_type = self.headers.get_content_type() if "content-type" in self.headers else "none"
        if content_type != CONTENT_TYPE:
            raise Refused(415, f"content type {content_type}: only {CONTENT_TYPE} is taken (no JSON)")
        encoding = self.headers.get("content-encoding", "identity").strip().lower()
        if encoding not in ENCODINGS and encoding != "identity":
            raise Refused(415, f"content encoding {encoding}: only gzip, deflate and identity are taken")
        body = self._raw_body(self.server.limits.body)
        return (
            body
            if encoding == "identity"
            else inflate(body, ENCODINGS[encoding], self.server.limits.inflated)
        )

    def _raw_body(self, limit: int) -> bytes:
        lengths = set(self.headers.get_all("content-length", []))
        transfer = self.headers.get_all("transfer-encoding", [])
        deadline = time.monotonic() + BODY_SECONDS
        if transfer:
            if lengths or [coding.strip().lower() for coding in transfer] != ["chunked"]:
                raise Refused(400, "a transfer encoding other than a lone chunked")
            return self._chunked_body(limit, deadline)
        if not lengths:
            raise Refused(411, "no content length")
        length = lengths.pop().strip()
        if lengths or not (length.isascii() and length.isdigit()):
            raise Refused(400, "the content length is not one number")
        if len(length.lstrip("0")) > 18 or int(length) > limit:
            raise Refused(413, f"the body is larger than {limit} bytes")
        return self._read(int(length), deadline)

    def _chunked_body(self, limit: int, deadline: float) -> bytes:
        body = bytearray()
        while True:
            digits = self._line().partition(b";")[0].strip()
            if not digits or len(digits) > 16 or digits.strip(b"0123456789abcdefABCDEF"):
                raise Refused(400, "a chunk's size is not a number")
            size = int(digits, 16)
            if size == 0:
                break
            if size > limit - len(body):
                raise Refused(413, f"the body is larger than {limit} bytes")
            body += self._read(size, deadline)
            if self._line():
                raise Refused(400, "a chunk is longer than its size")
        for _ in range(MAX_TRAILERS):
            if not self._line():
                return bytes(body)
        raise Refused(400, f"more than {MAX_TRAILERS} trailers")

    def _line(self) -> bytes:
        line = self.rfile.readline(MAX_LINE)
        if not line.endswith(b"\n"):
            raise Refused(400, f"a line of the chunked body is cut off or longer than {MAX_LINE} bytes")
        return line.rstrip(b"\r\n")

    def _read(self, size: int, deadline: float) -> bytes:
        pieces = []
        while size:
            piece = self.rfile.read1(min(size, 1 << 16))
            if not piece:
                raise Refused(400, f"the body is cut off, {size} bytes before its end")
            if time.monotonic() > deadline:
                raise Refused(408, f"the body took more than {BODY_SECONDS:.0f} s")
            pieces.append(piece)
            size -= len(piece)
        return b"".join(pieces)

    def _answer(self, status: int, message: str = "") -> None:
        """Errors carry a google.rpc.Status, of which only `message` is set."""
        content = message.encode(errors="replace")[:127]
        body = bytes((0x12, len(content))) + content if content else b""
        self.send_response(status)
        self.send_header("Content-Type", CONTENT_TYPE)
        self.send_header("Content-Length", str(len(body)))
        if status == 405:
            self.send_header("Allow", "POST")
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _refuse(self, refused: Refused) -> None:
        """Answers and ends the connection.

        It reads on for a moment: a reset while the peer still sends would lose it the answer.
        """
        self.server.refuse(refused.status, refused.message)
        self.close_connection = True
        self._answer(refused.status, refused.message)
        self.wfile.flush()
        self.connection.shutdown(socket.SHUT_WR)
        self.connection.settimeout(LINGER_SECONDS)
        deadline = time.monotonic() + LINGER_SECONDS
        while time.monotonic() < deadline and self.connection.recv(1 << 16):
            pass

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What http.server refuses by itself: a bad request line, oversized headers, an unknown method."""
        self.request_version = self.protocol_version  # unset when the request line made no sense
        self._refuse(Refused(int(code), message or "bad request"))

    def handle_expect_100(self) -> bool:
        going_on = super().handle_expect_100()
        self.wfile.flush()
        return going_on

    def version_string(self) -> str:
        return "otlp_lite"

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: `on_refused` has told it."""
