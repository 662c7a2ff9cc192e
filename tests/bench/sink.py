"""The receiver: a process that answers each OTLP/HTTP request at once, keeps its body and counts when asked.

`sink.py [CERTIFICATE KEY]` serves on a free port of 127.0.0.1, prints it, and ends with its standard input.
"""

from __future__ import annotations

import json
import socket
import ssl
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

from span_count import count_spans

_KEEP = 1 << 30  # bytes of bodies that are kept; past it they are counted on the way, and the answer says so
_OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nContent-Length: %d\r\n\r\n"


class _Store:
    """The bodies since the last `take`, and what was counted early."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._bodies: list[tuple[float, bytearray]] = []
        self._kept = self._early = self._requests = 0
        self._errors: list[str] = []

    def add(self, body: bytearray) -> None:
        with self._lock:
            self._bodies.append((time.monotonic(), body))
            self._requests += 1
            self._kept += len(body)
            if self._kept > _KEEP:
                self._early += self._count(float("-inf"), float("inf"))
                self._bodies.clear()
                self._kept = 0

    def refuse(self, why: str) -> None:
        with self._lock:
            self._errors.append(why)

    def _count(self, opens: float, closes: float) -> int:
        total = 0
        for at, body in self._bodies:
            if opens <= at < closes:
                try:
                    total += count_spans(body)
                except ValueError as error:
                    self._errors.append(str(error))
        return total

    def take(self, opens: float, closes: float) -> dict[str, Any]:
        """Counts and forgets; `window` came between the two instants of the monotonic clock."""
        with self._lock:
            answer = {
                "spans": self._early + self._count(float("-inf"), float("inf")),
                "window": self._count(opens, closes),
                "requests": self._requests,
                "counted_early": self._early,
                "errors": self._errors,
            }
            self._bodies, self._errors = [], []
            self._kept = self._early = self._requests = 0
        return answer


def _serve(connection: socket.socket, store: _Store, context: ssl.SSLContext | None) -> None:
    """Requests of one connection until the peer closes it."""
    try:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with context.wrap_socket(connection, server_side=True) if context else connection as stream:
            try:
                _requests(stream, store)
            except (OSError, ValueError) as error:  # noted before the peer sees that we hang up
                store.refuse(f"{type(error).__name__}: {error}")
    except OSError as error:  # as TLS begins
        store.refuse(f"{type(error).__name__}: {error}")


def _requests(stream: socket.socket, store: _Store) -> None:
    buffer = b""
    while True:
        while b"\r\n\r\n" not in buffer:
            piece = _receive(stream, buffer)
            if not piece:
                return
            buffer += piece
        head, _, rest = buffer.partition(b"\r\n\r\n")
        buffer = _request(stream, store, head, rest)


def _receive(stream: socket.socket, buffer: bytes) -> bytes:
    """The next bytes of a head; a peer that goes between two requests, however rudely, has only closed."""
    try:
        return stream.recv(65536)
    except OSError:
        if buffer:
            raise
        return b""


def _request(stream: socket.socket, store: _Store, head: bytes, rest: bytes) -> bytes:
    """Answers one request, whose body starts with `rest`; returns the bytes that follow it."""
    line, *fields = head.split(b"\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (field.partition(b":") for field in fields)}
    method, target, _ = line.split(b" ", 2)
    if b"transfer-encoding" in headers or headers.get(b"content-encoding", b"identity") != b"identity":
        raise ValueError("a chunked or compressed body: the peers are compared without either")
    if headers.get(b"expect", b"").lower() == b"100-continue":
        stream.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    length = int(headers.get(b"content-length", b"0"))
    body = bytearray(length)
    have = min(length, len(rest))
    body[:have] = rest[:have]
    view = memoryview(body)
    while have < length:
        got = stream.recv_into(view[have:])
        if not got:
            raise ValueError(f"the peer closed after {have} of {length} bytes")
        have += got
    view.release()
    answer = b""
    if method == b"POST" and target == b"/v1/traces":
        store.add(body)
    elif method == b"GET" and target.startswith(b"/take"):
        query = parse_qs(urlsplit(target.decode()).query)
        answer = json.dumps(store.take(float(query["opens"][0]), float(query["closes"][0]))).encode()
    elif target != b"/discard":
        raise ValueError(f"nothing is at {target.decode()}")
    stream.sendall(_OK % len(answer) + answer)
    return rest[length:]


def _main() -> None:
    context = None
    if len(sys.argv) == 3:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(sys.argv[1], sys.argv[2])
    store = _Store()
    listener = socket.create_server(("127.0.0.1", 0))

    def accept() -> None:
        while True:
            connection = listener.accept()[0]
            threading.Thread(target=_serve, args=(connection, store, context), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    print(listener.getsockname()[1], flush=True)
    sys.stdin.buffer.read()


class Ceiling(NamedTuple):
    """What the receiver alone takes of one connection that posts as fast as it can."""

    body_bytes: int
    posts_per_second: int
    mib_per_second: int


class Receiver:
    """A running receiver, plain or, with a certificate authority, over TLS."""

    def __init__(self, authority: Authority | None = None) -> None:
        files = [str(authority.certificate), str(authority.key)] if authority else []
        self._process = subprocess.Popen(
            [sys.executable, __file__, *files], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())
        self.endpoint = f"{'https' if authority else 'http'}://127.0.0.1:{self.port}"
        self.root = str(authority.root) if authority else None
        self._context = ssl.create_default_context(cafile=self.root) if self.root else None

    def take(self, opens: float = 0.0, closes: float = 0.0) -> dict[str, Any]:
        handlers: list[urllib.request.BaseHandler] = [urllib.request.ProxyHandler({})]
        if self._context:
            handlers.append(urllib.request.HTTPSHandler(context=self._context))
        url = f"{self.endpoint}/take?opens={opens}&closes={closes}"
        with urllib.request.build_opener(*handlers).open(url, timeout=60) as answer:
            taken: dict[str, Any] = json.load(answer)
        return taken

    def ceiling(self, body_bytes: int, seconds: float) -> Ceiling:
        request = b"POST /discard HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % body_bytes + bytes(body_bytes)
        posts, start = 0, time.perf_counter()
        with socket.create_connection(("127.0.0.1", self.port)) as connection:
            while (elapsed := time.perf_counter() - start) < seconds:
                connection.sendall(request)
                connection.recv(4096)
                posts += 1
        return Ceiling(body_bytes, round(posts / elapsed), round(posts * body_bytes / elapsed / 2**20))

    def __enter__(self) -> Receiver:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()


class Authority:
    """A certificate authority of our own and a certificate for 127.0.0.1, made by the openssl command."""

    def __init__(self, folder: Path) -> None:
        self.root, self.certificate, self.key = folder / "root.pem", folder / "leaf.pem", folder / "leaf.key"
        (folder / "leaf.ext").write_text(_LEAF_EXTENSIONS)
        new = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
        for command in (
            f"req -x509 {new} -days 2 -subj /CN=root {_ROOT_EXTENSION} -keyout root.key -out root.pem",
            f"req -new {new} -subj /CN=leaf -keyout leaf.key -out leaf.csr",
            "x509 -req -in leaf.csr -CA root.pem -CAkey root.key -CAcreateserial -days 2"
            " -extfile leaf.ext -out leaf.pem",
        ):
            subprocess.run(["openssl", *command.split()], check=True, capture_output=True, cwd=folder)


# CPython 3.13 verifies strictly: an authority states its key usage, a leaf names its authority's key.
_ROOT_EXTENSION = "-addext keyUsage=critical,keyCertSign,cRLSign"
_LEAF_EXTENSIONS = """\
subjectAltName=IP:127.0.0.1
basicConstraints=critical,CA:FALSE
subjectKeyIdentifier=hash
authorityKeyIdentifier=keyid
"""


if __name__ == "__main__":
    _main()
