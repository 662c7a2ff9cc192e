"""The demo's processes: a word asked on stdin, a line of JSON answered; a child ends with its stdin."""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

ASK_SECONDS = 8.0
CLOSE_SECONDS = 3.0

# Variables that would make a variant behave otherwise than another, or send loopback requests to a proxy.
FOREIGN = ("OTEL_", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")


class ChildError(Exception):
    """A child could not start, answered with an error, or is gone."""


class Child:
    """The parent's end. Its children are no part of the terminal's group: Ctrl-C reaches the parent alone."""

    def __init__(self, module: str, *arguments: str) -> None:
        environment = {key: value for key, value in os.environ.items() if not key.upper().startswith(FOREIGN)}
        self.name: str = module.rpartition("_")[2]
        self._process = subprocess.Popen(
            [sys.executable, "-m", f"otlp_lite.cli.{module}", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            start_new_session=True,
            bufsize=0,
        )
        self._answer = b""

    def ask(self, command: str, seconds: float = ASK_SECONDS) -> dict[str, Any]:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(command.encode() + b"\n")
        except OSError as error:
            raise ChildError(f"{self.name} is gone: {error}") from None
        return self.hear(seconds)

    def hear(self, seconds: float = ASK_SECONDS) -> dict[str, Any]:
        """The next line of the child: the first one comes unasked, when it is ready."""
        assert self._process.stdout is not None
        deadline = time.monotonic() + seconds
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            while b"\n" not in self._answer:
                if not selector.select(max(deadline - time.monotonic(), 0)):
                    raise ChildError(f"{self.name} did not answer in {seconds:.0f} s")
                piece = os.read(self._process.stdout.fileno(), 1 << 16)
                if not piece:
                    raise ChildError(f"{self.name} ended with {self._process.wait()}")
                self._answer += piece
        line, _, self._answer = self._answer.partition(b"\n")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise ChildError(answer["error"])
        return answer

    def close(self) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(CLOSE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()


def answer(content: Mapping[str, object]) -> None:
    """The child's end: one line of its stdout."""
    print(json.dumps(content), flush=True)


def serve(commands: Mapping[str, Callable[[], Mapping[str, object]]]) -> None:
    """Answers commands until stdin ends."""
    for line in sys.stdin:
        answer(commands[line.strip()]())
