"""`python -m otlp_lite receive`, running."""

from __future__ import annotations

import errno
import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

PROTOBUF = {"Content-Type": "application/x-protobuf"}


class Running:
    """`python -m otlp_lite receive` on a free port."""

    def __init__(self, *options: str, **variables: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "otlp_lite", "receive", "--port", "0", *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env=os.environ | variables,
        )
        assert self.process.stdout is not None
        self.greeting = self.process.stdout.readline() + self.process.stdout.readline()
        match = re.search(r"http://127\.0\.0\.1:(\d+)", self.greeting)
        assert match, self.greeting
        self.port = int(match[1])

    def post(
        self, body: bytes, headers: dict[str, str] = PROTOBUF, path: str = "/v1/traces", method: str = "POST"
    ) -> tuple[int, bytes]:
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", body, headers, method=method)
        try:
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(
                request, timeout=10
            ) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def asked(self, method: str, path: str) -> dict[str, str]:
        """The head of the answer, without its date."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request(method, path)
        head = dict(connection.getresponse().getheaders())
        connection.close()
        del head["Date"]
        return head

    def raw(self, data: bytes, end: bool = True) -> bytes:
        """Everything that comes back for `data`, until the receiver closes."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as connection:
            try:
                connection.sendall(data)
                if end:
                    connection.shutdown(socket.SHUT_WR)
                return b"".join(iter(lambda: connection.recv(65536), b""))
            except OSError as error:
                if not isinstance(error, ConnectionError) and error.errno != errno.ENOTCONN:
                    raise
                return b"reset"

    def stop(self) -> tuple[str, str]:
        self.process.send_signal(signal.SIGINT)
        return self.process.communicate(timeout=10)

    def peak_mib(self) -> int:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) // 1024
