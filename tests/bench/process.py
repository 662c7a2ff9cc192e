"""One worker's process: what it is given, its turns, and what it reports."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from sink import Receiver

PATH = Path(__file__).with_name("worker.py")
_TURN = "turn\n"  # as worker.py prints it, which is not imported here
_PATIENCE = 60.0  # seconds for a turn, or for all without any
_MESSAGE = 8192  # bytes of its errors, the last
# Of the user's environment; its proxies, certificate bundles and OTEL_* settings would change the peers.
_INHERITED = ("PATH", "HOME", "LANG", "TMPDIR", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "PYTHONPATH")

Options = Mapping[str, int | str]


class Worker:
    """A process of worker.py, begun; one that takes turns `waits` for each of them. Ends with its context."""

    def __init__(
        self, scenario: str, peer: str, receiver: Receiver, options: Options, *, takes_turns: bool = False
    ) -> None:
        pairs = [f"{name}={value}" for name, value in options.items()]
        self._limit = _PATIENCE + int(options.get("spans", 0)) / 4000
        self._is_late = False
        self._last = ""
        self._errors = os.memfd_create("errors")
        self._process = subprocess.Popen(
            [sys.executable, str(PATH), scenario, peer, receiver.endpoint, *pairs, f"turns={takes_turns:d}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            env=_environment(scenario, receiver),
        )
        try:
            self.waits = takes_turns and self._has_stopped()
        except BaseException:  # an interrupt: no context ends it
            self.__exit__()
            raise

    def go_on(self) -> None:
        """Gives it its turn, and returns when it waits for another or has none left."""
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # it has died, which its output tells
            os.write(self._process.stdin.fileno(), b"\n")
        self.waits = self._has_stopped()

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *_: object) -> None:
        """Ends it, if it has not ended."""
        self._process.kill()
        with self._process:
            os.close(self._errors)

    def report(self) -> tuple[dict[str, Any], str | None]:
        """What it reports at its end, or why it does not."""
        while self.waits:
            self.go_on()
        self._has_stopped()
        with self._limited():
            code = self._process.wait()
        end = max(0, os.fstat(self._errors).st_size - _MESSAGE)
        said = os.pread(self._errors, _MESSAGE, end).decode(errors="replace").strip()
        last = said.splitlines()[-1] if said else "no message"
        if self._is_late:
            return {}, f"failed: no report after {self._limit:.0f} s"
        if code:
            return {}, f"failed: exit {code}: {last}"
        try:
            report: dict[str, Any] = json.loads(self._last)
        except ValueError:
            return {}, f"failed: no report at its end: {last}"
        return report, None

    def _has_stopped(self) -> bool:
        """Reads until it waits for a turn (True), or has closed its output."""
        assert self._process.stdout is not None
        with self._limited():
            for line in self._process.stdout:
                if line == _TURN:
                    return True
                self._last = line
        return False

    @contextmanager
    def _limited(self) -> Iterator[None]:
        timer = threading.Timer(self._limit, self._give_up)
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _give_up(self) -> None:
        self._is_late = True
        self._process.kill()


def _environment(scenario: str, receiver: Receiver) -> dict[str, str]:
    """The same settings for every peer, and none of the user's."""
    environment = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    environment |= {"OTEL_SERVICE_NAME": "bench", "OTEL_EXPORTER_OTLP_COMPRESSION": "none"}
    if scenario == "unsampled":
        environment["OTEL_TRACES_SAMPLER"] = "always_off"
    if receiver.root:
        environment["OTEL_EXPORTER_OTLP_CERTIFICATE"] = receiver.root
    return environment
