"""A program whose only name server says nothing until it is told to: run in namespaces of its own.

`unshare --mount --net` gives it a resolv.conf, port 53 and a loopback that nobody else sees. With "exit" it
ends while its worker still waits for the name.
"""

from __future__ import annotations

import fcntl
import logging
import os
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

from clock import Clock, until
from scripted import Receiver, balanced, record

import otlp_lite
from otlp_lite.assemble import build
from otlp_lite.config import load

NAME = "collector.test"
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1


def raise_loopback() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sh14x", b"lo", 0)
        (flags,) = struct.unpack("16xh14x", fcntl.ioctl(any_socket, SIOCGIFFLAGS, request))
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | IFF_UP))


def resolve_by(text: str) -> None:
    with tempfile.NamedTemporaryFile("w", suffix=".conf", delete=False) as file:
        file.write(text)
    subprocess.run(["mount", "--bind", file.name, "/etc/resolv.conf"], check=True)
    os.unlink(file.name)


class NameServer:
    """Knows 127.0.0.1 for every name, once it answers."""

    def __init__(self) -> None:
        self.answers = False
        self.asked: list[bytes] = []
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 53))
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            query, peer = self._socket.recvfrom(4096)
            end = query.index(b"\0", 12) + 5  # of the question: a name, its type and class
            self.asked.append(query[12:end])
            if not self.answers:
                continue
            found = query[end - 4 : end - 2] == b"\0\1"  # an IPv4 address is wanted
            head = query[:2] + struct.pack("!HHHHH", 0x8180, 1, int(found), 0, 0)
            place = b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 0, 4) + bytes([127, 0, 0, 1]) if found else b""
            self._socket.sendto(head + query[12:end] + place, peer)


class Log(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.said: list[tuple[int, str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append((record.levelno, record.getMessage()))


def hang_then_answer(server: NameServer) -> None:
    log = Log()
    logging.getLogger("otlp_lite").addHandler(log)
    with Receiver() as receiver:
        url = f"http://{NAME}:{receiver.port}"
        telemetry = build(load({"endpoint": url, "schedule_delay": 60, "timeout": 1}, {}))
        names = record(telemetry, 10)
        clock = Clock()
        assert telemetry.force_flush(0.5) is False
        assert float(clock) > 0.3 and clock.own() < 1.5, float(clock)
        stats = telemetry.stats()
        assert (stats.traces.pending, dict(stats.traces.dropped)) == (10, {}) and balanced(stats)
        assert server.asked and b"\x09collector\x04test\x00" in server.asked[0]
        assert until(lambda: bool(log.said), 20)
        ((level, message),) = log.said
        assert level == logging.WARNING and message.startswith(f"exporting to {url}/v1/traces failed: ")
        assert "10 span(s) in memory" in message and "name" in message.lower(), message
        server.answers = True
        assert telemetry.force_flush(20)
        assert receiver.names() == names
        stats = telemetry.stats()
        assert (stats.traces.exported, stats.traces.resent, dict(stats.traces.dropped)) == (10, 0, {})
        server.answers = False
        log.said.clear()
        other = build(load({"endpoint": url, "schedule_delay": 60, "timeout": 1}, {}))
        record(other, 7)
        clock = Clock()
        assert other.shutdown(0.5) is False
        assert clock.own() < 1.5, float(clock)
        stats = other.stats()
        assert (stats.traces.pending, dict(stats.traces.dropped)) == (0, {"shutdown": 7}) and balanced(stats)
        ((level, message),) = log.said
        assert level == logging.WARNING and message.startswith("7 span(s) dropped at the shutdown"), message


def hang_at_the_exit(server: NameServer) -> None:
    logging.basicConfig()
    otlp_lite.configure(endpoint=f"http://{NAME}:4318", schedule_delay=0.01, exit_timeout=0.5)
    otlp_lite.get_tracer("x").start_span("s").end()
    assert until(lambda: len(server.asked) > 0)
    time.sleep(0.1)


if __name__ == "__main__":
    raise_loopback()
    exiting = "exit" in sys.argv
    resolve_by(f"nameserver 127.0.0.1\noptions timeout:{30 if exiting else 2} attempts:1\n")
    (hang_at_the_exit if exiting else hang_then_answer)(NameServer())
    print("done", flush=True)
