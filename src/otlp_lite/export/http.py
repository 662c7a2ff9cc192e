"""OTLP over HTTP/1.1: one kept connection, used by the core or, for https and gzip, through Python's sockets.

`socket` and `ssl` are loaded only where they are needed: the C modules beneath do for plain HTTP.
"""

from __future__ import annotations

import _socket
import logging
import os
from collections.abc import Mapping
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeAlias

from .._native import core
from .._version import __version__
from ..config import Config
from ..parse import CONTENT_TYPE, Endpoint, unquote

if TYPE_CHECKING:
    import ssl

Drained: TypeAlias = tuple[core.Batch | None, core.Answer | None, int]
"""As Region.drain: a batch that wants a decision, its answer, how many records were acknowledged before."""

USER_AGENT = f"otlp_lite/{__version__} (Python)"
HTTP_1, HTTP_2 = "http/1.1", "h2"
"""As TLS names them."""
IDLE_MAX = 5.0
"""Seconds, those of a suspended machine included, after which a connection is not trusted any more."""

_NO_TLS = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE")
"""What OpenSSL, before 3.2 and since, calls a record that is none."""

_log = logging.getLogger(__name__)


class Carrier(Protocol):
    """Takes batches to a receiver. One thread uses it, but for interrupt().

    An exception of drain() or exchange() may have `sent` (bytes had left) and `acknowledged` (before).
    Each may raise core.WrongProtocol, and open() too.
    """

    def open(self, timeout: float) -> bool:
        """Connects unless connected. True when the connection was kept: its failure says little."""
        ...

    def drain(
        self, region: core.Region, max_bytes: int, max_records: int, timeout: float, until: int
    ) -> Drained: ...

    def exchange(self, batch: core.Batch, timeout: float) -> core.Answer: ...

    def usable(self) -> float:
        """Seconds for which the connection will be kept if nothing is sent; 0 without one."""
        ...

    def interrupt(self) -> None:
        """Makes a call in progress fail at once. From any thread."""

    def close(self) -> None: ...


class Broken(OSError):
    """An exchange that did not come to its end."""

    def __init__(self, cause: BaseException, sent: bool) -> None:
        super().__init__(str(cause))
        self.sent = sent
        self.acknowledged = 0


class Tls(NamedTuple):
    """Files for https; None: the system's authorities, no certificate of our own."""

    certificate: str | None = None
    client_certificate: str | None = None
    client_key: str | None = None

    def files(self) -> list[tuple[int, int, int]]:
        """Which files they are now."""
        found = []
        for name, file in zip(self._fields, self, strict=True):
            if file:
                try:
                    facts = os.stat(file)
                except OSError as error:
                    raise OSError(f"{name}={file!r}: {error.strerror}") from None
                found.append((facts.st_ino, facts.st_size, facts.st_mtime_ns))
        return found

    def context(self) -> ssl.SSLContext:
        """Raises OSError naming the setting whose file cannot be used."""
        import ssl

        what = f"certificate={self.certificate!r}"
        try:
            context = ssl.create_default_context(cafile=self.certificate)
            if self.client_certificate:
                what = f"client_certificate={self.client_certificate!r}, client_key={self.client_key!r}"
                # An encrypted key fails; without a password its reader would ask the terminal.
                context.load_cert_chain(self.client_certificate, self.client_key, password="")
        except OSError as error:
            raise OSError(f"{what}: {error}") from None
        return context


def carrier(endpoint: Endpoint, config: Config) -> Carrier:
    """The carrier for an endpoint; opens nothing yet."""
    gzip = config.compression == "gzip"
    if endpoint.scheme == "https":
        head = request_head(endpoint, config.headers, gzip, None)
        tls = Tls(config.certificate, config.client_certificate, config.client_key)
        return Stream(endpoint, head, gzip, tls, config.proxy)
    head = request_head(endpoint, config.headers, gzip, config.proxy)
    return (
        Stream(endpoint, head, gzip, None, config.proxy) if gzip else Connection(endpoint, head, config.proxy)
    )


def request_head(endpoint: Endpoint, headers: Mapping[str, str], gzip: bool, proxy: Endpoint | None) -> bytes:
    """The head of each request, but for Content-Length and the empty line; to a `proxy`, if that is asked."""
    host = f"[{endpoint.host}]" if ":" in endpoint.host else endpoint.host
    standard = 443 if endpoint.scheme == "https" else 80
    host = host if endpoint.port == standard else f"{host}:{endpoint.port}"
    fields = {
        "host": host,
        "user-agent": USER_AGENT,
        "content-type": CONTENT_TYPE,
        **proxy_fields(proxy),
    }
    if endpoint.user:
        fields["authorization"] = f"Basic {basic_credentials(endpoint.user)[1]}"
    if gzip:
        fields["content-encoding"] = "gzip"
    fields.update(headers)
    target = f"{endpoint.path or '/'}{endpoint.query}"
    return _lines(f"POST {f'http://{host}' if proxy else ''}{target} HTTP/1.1", fields)


def connect_head(endpoint: Endpoint, proxy: Endpoint) -> bytes:
    """A whole request for a tunnel."""
    host = f"[{endpoint.host}]" if ":" in endpoint.host else endpoint.host
    place = f"{host}:{endpoint.port}"
    fields = {"host": place, "user-agent": USER_AGENT, **proxy_fields(proxy)}
    return _lines(f"CONNECT {place} HTTP/1.1", fields) + b"\r\n"


def proxy_fields(proxy: Endpoint | None) -> dict[str, str]:
    if proxy is None or not proxy.user:
        return {}
    return {"proxy-authorization": f"Basic {basic_credentials(proxy.user)[1]}"}


def _lines(first: str, fields: Mapping[str, str]) -> bytes:
    lines = [first, *(f"{name}: {value}" for name, value in fields.items())]
    return "".join(f"{line}\r\n" for line in lines).encode("latin-1")


def basic_credentials(user: str) -> tuple[str, str]:
    """A URL's user part as it is meant, and as the authorization header has it."""
    from binascii import b2a_base64  # rare, and costs an import

    plain = unquote(user)
    return plain, b2a_base64(plain.encode(), newline=False).decode()


def user_of(credentials: str) -> str:
    """What basic credentials say; empty when they are none."""
    from binascii import a2b_base64

    try:
        return a2b_base64(credentials).decode("utf-8", "replace")
    except ValueError:
        return ""


def _left(deadline: float) -> float:
    left = deadline - monotonic()
    if left <= 0:
        raise TimeoutError("no whole answer before the deadline")
    return left


class Connection:
    """Plain HTTP: the core sends the region's memory as it stands."""

    def __init__(self, endpoint: Endpoint, head: bytes, proxy: Endpoint | None) -> None:
        self._endpoint = endpoint
        self._proxy = proxy
        self._head = head
        self._socket: Any = None
        self._identity: tuple[int, int] | None = None
        self._used = 0
        """When the connection was last of use, by the boot clock."""

    def usable(self) -> float:
        if self._socket is None:
            return 0.0
        return max(IDLE_MAX - (core.boot_clock() - self._used) / 1e9, 0.0)

    def open(self, timeout: float) -> bool:
        if self.usable() > 0 and self._identity == self._identify():
            return True
        self.close()
        deadline = monotonic() + timeout
        peer = self._proxy or self._endpoint
        failure = OSError(f"no address for {peer.host}")
        # As bytes: a str would load the idna codec, and with it the whole of Unicode.
        places = _socket.getaddrinfo(peer.host.encode(), peer.port, 0, _socket.SOCK_STREAM)
        for tried, (family, kind, protocol, _, address) in enumerate(places):
            try:
                self._socket = _socket.socket(family, kind, protocol)
                # Each its share: a first address that says nothing leaves time for the next.
                self._socket.settimeout(_left(deadline) / (len(places) - tried))
                self._socket.connect(address)
                self._socket.setsockopt(_socket.IPPROTO_TCP, _socket.TCP_NODELAY, 1)
                self._ready(deadline)
                self._identity = self._identify()
                self._used = core.boot_clock()
                return False
            except OSError as error:
                self.close()
                failure = error
        raise failure

    def _ready(self, deadline: float) -> None:
        self._socket.setblocking(False)

    def _identify(self) -> tuple[int, int] | None:
        """Which socket the descriptor is: a program that daemonises closes it, and its number is reused."""
        try:
            facts = os.fstat(self._socket.fileno())
        except OSError:
            return None
        return facts.st_dev, facts.st_ino

    def drain(
        self, region: core.Region, max_bytes: int, max_records: int, timeout: float, until: int
    ) -> Drained:
        drained = region.drain(self._socket.fileno(), self._head, max_bytes, max_records, timeout, until)
        self._used = core.boot_clock()
        return drained

    def exchange(self, batch: core.Batch, timeout: float) -> core.Answer:
        answer = core.exchange(self._socket.fileno(), self._head, batch, timeout)
        self._used = core.boot_clock()
        return answer

    def interrupt(self) -> None:
        connected = self._socket
        if connected is not None and self._is_ours(connected):
            with suppress(OSError):  # it was not connected, or is gone already
                # A TLS socket's own would first take the encryption away, under a worker that still sends.
                _socket.socket.shutdown(connected, _socket.SHUT_RDWR)

    def close(self) -> None:
        connected, self._socket = self._socket, None
        if connected is None:
            return
        if self._is_ours(connected):
            connected.close()
        else:
            connected.detach()
        self._identity = None

    def _is_ours(self, connected: Any) -> bool:
        """Whether the descriptor still is what we have opened."""
        try:
            facts = os.fstat(connected.fileno())
        except OSError:
            return False
        return self._identity in (None, (facts.st_dev, facts.st_ino))


class Stream(Connection):
    """https, or a compressed body: Python reads and writes, the batch gathered into one piece."""

    def __init__(
        self, endpoint: Endpoint, head: bytes, gzip: bool, tls: Tls | None, proxy: Endpoint | None
    ) -> None:
        super().__init__(endpoint, head, proxy)
        self._gzip = gzip
        self._tls = tls
        self._context: Any = None
        self._files: list[tuple[int, int, int]] = []
        """Of the certificates in the context: which files they were."""
        self._offer = HTTP_1
        self._answered = False
        """Over this connection, at all."""
        self._interrupted = False
        self._said = ""
        self._not_now: tuple[type[BaseException], ...] = (BlockingIOError,)
        self._peer_left: tuple[type[OSError], ...] = (ConnectionError,)

    def _ready(self, deadline: float) -> None:
        self._answered = False
        if self._tls is None:
            return
        if self._proxy is not None:
            self._tunnel(self._proxy, deadline)
        import socket
        import ssl

        self._not_now = (BlockingIOError, ssl.SSLWantReadError)
        self._peer_left = (ConnectionError, ssl.SSLError)
        try:
            files = self._tls.files()
            if self._context is None or files != self._files:  # certificates are replaced while we run
                self._context, self._files = self._tls.context(), files
        except OSError as error:  # in the middle of that, perhaps
            if self._context is None:
                raise
            if str(error) != self._said:
                self._said = str(error)
                core.say(_log, logging.WARNING, "%s; the files as they were before are used", (error,))
        plain = socket.socket(fileno=self._socket.detach())
        self._socket = plain
        plain.settimeout(_left(deadline))
        self._context.set_alpn_protocols([self._offer])
        try:
            self._socket = self._context.wrap_socket(
                plain, server_hostname=self._endpoint.host, do_handshake_on_connect=False
            )
            self._socket.do_handshake()  # of a socket that interrupt() can see
        except ssl.SSLError as error:
            # An alert: it takes none that we offer. OpenSSL names it one way, Python another.
            if "no application protocol" in str(error).lower().replace("_", " "):
                raise core.WrongProtocol(f"receiver: it does not speak {self._offer}") from error
            if error.reason in _NO_TLS:
                raise OSError(f"{error} (does that port speak TLS, or plain http://?)") from error
            raise

    def _tunnel(self, proxy: Endpoint, deadline: float) -> None:
        """Has the proxy connect us to the receiver. What follows the head of its answer is the receiver's."""
        answer = core.Answer()
        end = b""
        try:
            self._socket.settimeout(_left(deadline))
            self._socket.sendall(connect_head(self._endpoint, proxy))
            while answer.status < 200 or not end.endswith((b"\n\r\n", b"\n\n")):
                self._socket.settimeout(_left(deadline))
                byte = self._socket.recv(1)
                answer.feed(byte) if byte else answer.eof()
                end = end[-2:] + byte
        except (OSError, ValueError) as error:
            raise OSError(f"no tunnel by the proxy: {error}") from error
        if answer.status >= 300:
            wanted = ", credentials are wanted" if answer.status == 407 else ""
            raise OSError(f"the proxy refused a tunnel: HTTP {answer.status}{wanted}")

    def drain(
        self, region: core.Region, max_bytes: int, max_records: int, timeout: float, until: int
    ) -> Drained:
        done = 0
        while (batch := region.collect(max_bytes, max_records, True)) is not None:
            try:
                answer = self.exchange(batch, timeout)
            except BaseException as error:
                batch.release()
                if isinstance(error, (Broken, core.WrongProtocol)):
                    error.acknowledged = done
                raise
            if answer.status != 200 or answer.body not in (b"", b"\n\0"):
                return batch, answer, done
            done += batch.records
            batch.acknowledge()
            if answer.close or self._socket is None:
                return None, answer, done
            if until and done >= until:
                break
        return None, None, done

    def exchange(self, batch: core.Batch, timeout: float) -> core.Answer:
        deadline = monotonic() + timeout
        body = self._body(batch)
        size = sum(len(piece) for piece in body)
        answer = core.Answer()
        batch.offer()
        sent = False
        cut: OSError | None = None
        try:
            self._probe()
            sent = True
            cut = self._send([self._head + b"Content-Length: %d\r\n\r\n" % size, *body], deadline)
            while not answer.complete:
                self._socket.settimeout(_left(deadline))
                data = self._socket.recv(8192)
                answer.feed(data) if data else answer.eof()
                self._answered = True
            self._used = core.boot_clock()
        except core.WrongProtocol:
            raise
        except (OSError, ValueError) as error:
            cause = cut or error
            if isinstance(cause, self._peer_left) and self._wants_http2(deadline):
                raise core.WrongProtocol("receiver: it speaks HTTP/2 alone, as gRPC does") from cause
            raise Broken(cause, sent) from cause
        if cut is not None:
            self.close()
            if answer.status < 300:  # what was not read cannot have been accepted
                raise Broken(cut, sent)
        return answer

    def _body(self, batch: core.Batch) -> list[bytes | memoryview]:
        if not self._gzip:
            return list(batch.segments())
        import zlib

        compressor = zlib.compressobj(wbits=31)
        pieces: list[bytes | memoryview] = [compressor.compress(segment) for segment in batch.segments()]
        return [*pieces, compressor.flush()]

    def _wants_http2(self, deadline: float) -> bool:
        """Whether a peer that took no protocol of ours, and hung up unheard, takes HTTP/2; asks it."""
        if self._tls is None or self._interrupted or self._answered or self._socket.selected_alpn_protocol():
            return False
        self.close()
        self._offer = HTTP_2
        try:
            self.open(deadline - monotonic())
            return bool(self._socket.selected_alpn_protocol() == HTTP_2)
        except OSError:
            return False
        finally:
            self._offer = HTTP_1
            self.close()

    def interrupt(self) -> None:
        self._interrupted = True
        super().interrupt()

    def _probe(self) -> None:
        """Raises when the peer has closed the kept connection: then nothing has to be sent into it."""
        self._socket.settimeout(0)
        try:
            data = self._socket.recv(9)
        except self._not_now:
            return
        core.Answer().feed(data)  # raises if it speaks another protocol
        raise ConnectionResetError("the peer closed the connection")

    def _send(self, pieces: list[bytes | memoryview], deadline: float) -> OSError | None:
        """How it noticed that the peer stopped listening, which may still have said why, as a 413."""
        for piece in pieces:
            view = memoryview(piece)
            while view:
                self._socket.settimeout(_left(deadline))
                try:
                    view = view[self._socket.send(view) :]
                except self._peer_left as error:
                    return error
        return None
