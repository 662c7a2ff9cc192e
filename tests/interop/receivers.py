"""Starts the real receivers on free ports of the loopback, and stops them so that their output is whole."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import socket
import subprocess
import sysconfig
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

COLLECTOR = Path(__file__).parents[2] / "build" / "interop" / "otelcol"
PATIENCE = 20.0  # seconds for a receiver to start or to stop; each takes under one on a free machine


class MissingReceiver(Exception):
    """A receiver is not installed; the message says how to get it."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} is not here: run tests/interop/setup.sh (it needs Go 1.26 and pip)")


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(command: Sequence[str | Path], port: int, output: Path) -> Iterator[None]:
    """A receiver process, from when it listens on `port` to when it has ended by itself on SIGTERM."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "ROTEL_"))
    }
    # rotel's program is linked with the libpython of the Python that it was installed for.
    paths = (str(sysconfig.get_config_var("LIBDIR")), os.environ.get("LD_LIBRARY_PATH"))
    environment["LD_LIBRARY_PATH"] = ":".join(path for path in paths if path)
    with output.open("wb") as sink:
        process = subprocess.Popen(command, stdout=sink, stderr=subprocess.STDOUT, env=environment)
    try:
        deadline = time.monotonic() + PATIENCE
        while True:
            with closing(socket.socket()) as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(
                    f"{command[0]} does not listen:\n{output.read_text('utf-8', 'replace')[-4000:]}"
                )
            time.sleep(0.02)
        yield
        process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE)
    finally:
        process.kill()
        process.wait()


@contextmanager
def collector(folder: Path, http: Mapping[str, Any] | None = None) -> Iterator[tuple[int, Path]]:
    """The OpenTelemetry Collector: its OTLP/HTTP port, and the file that holds one request a line at the end.

    `http` adds settings of the receiver's HTTP server (confighttp's).
    """
    if not COLLECTOR.exists():
        raise MissingReceiver("the OpenTelemetry Collector")
    port, spans = free_port(), folder / "spans.jsonl"
    config = {
        "receivers": {"otlp": {"protocols": {"http": {"endpoint": f"127.0.0.1:{port}", **(http or {})}}}},
        "exporters": {"file": {"path": str(spans)}},
        "service": {
            "telemetry": {"metrics": {"level": "none"}},
            "pipelines": {"traces": {"receivers": ["otlp"], "exporters": ["file"]}},
        },
    }
    file = folder / "collector.yaml"
    file.write_text(json.dumps(config), "utf-8")  # JSON is YAML
    with running([COLLECTOR, "--config", file], port, folder / "collector.log"):
        yield port, spans


@contextmanager
def rotel(folder: Path, *exporter: str) -> Iterator[tuple[int, Path]]:
    """rotel: its OTLP/HTTP port, and the detailed debug log of all that it received."""
    package = importlib.util.find_spec("rotel")
    if package is None or package.origin is None:
        raise MissingReceiver("rotel")
    port, log = free_port(), folder / "rotel.log"
    command: list[str | Path] = [
        Path(package.origin).with_name("rotel-agent"),
        "start",
        "--debug-log",
        "traces",
        "--debug-log-verbosity",
        "detailed",
        "--otlp-http-endpoint",
        f"127.0.0.1:{port}",
        "--otlp-grpc-endpoint",
        f"127.0.0.1:{free_port()}",
        *(exporter or ("--exporter", "blackhole")),
    ]
    with running(command, port, log):
        yield port, log


class Relay:
    """Passes TCP connections on to a port of the loopback, and counts them, until it is closed."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.connections = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self.listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            server = socket.create_connection(("127.0.0.1", self.target))
            for pair in ((client, server), (server, client)):
                threading.Thread(target=self._pass, args=pair, daemon=True).start()

    @staticmethod
    def _pass(source: socket.socket, sink: socket.socket) -> None:
        """One direction, to its end; the end is passed on too."""
        try:
            while data := source.recv(1 << 16):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            source.close()
            sink.close()
