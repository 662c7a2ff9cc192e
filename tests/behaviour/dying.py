"""Processes that record into a directory of regions until they are killed, and those that come after them."""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any, NamedTuple

from child import CRASH, environment
from scripted import Receiver
from typing_extensions import Self

HEAD = """\
import json, os, signal, sys, threading, time
import otlp_lite

def record(name="s", many=1):
    "Says each span's id once it has ended."
    for _ in range(many):
        span = tracer.start_span(name)
        span.end()
        os.write(1, b"%016x\\n" % span.get_span_context().span_id)

def say(**facts):
    os.write(1, b"! " + json.dumps(facts).encode() + b"\\n")

def mapped():
    "Files of regions in this process's memory."
    return sorted({line.split()[-1] for line in open("/proc/self/maps") if ".region" in line})

def traces():
    stats = otlp_lite.stats().traces
    return {**stats._asdict(), "dropped": dict(stats.dropped)}

if "IMPLICIT" not in os.environ:
    telemetry = otlp_lite.configure(**json.loads(os.environ.get("SETTINGS", "{}")))
tracer = otlp_lite.get_tracer("dying")
"""
HEIR = """\
say(**traces())
flushed = otlp_lite.force_flush(20)
deadline = time.monotonic() + 20
while LEFT and time.monotonic() < deadline:
    if len([name for name in os.listdir(DIR) if name.endswith(".region")]) <= 1:
        break
    time.sleep(0.01)
say(flushed=flushed, **traces())
"""


def variables(
    folder: Path | str, receiver: Receiver | str = "http://127.0.0.1:1", **more: str
) -> dict[str, str]:
    """The settings of such a process. Nothing listens at port 1."""
    url = receiver if isinstance(receiver, str) else receiver.url
    settings = {
        "OTLP_LITE_REGION_DIR": str(folder),
        "OTEL_EXPORTER_OTLP_ENDPOINT": url,
        "OTEL_BSP_SCHEDULE_DELAY": "60000",
        "PYTHONFAULTHANDLER": "1",
    }
    return environment({**settings, **more})


class Dying:
    """A program that was begun; `ids` are of what it says to have recorded, `facts` what it says besides."""

    def __init__(
        self, code: str, folder: Path | str, receiver: Receiver | str = "http://127.0.0.1:1", **more: str
    ) -> None:
        self.ids: list[int] = []
        self.facts: list[dict[str, Any]] = []
        self._rest = b""
        self.process = subprocess.Popen(
            [sys.executable, "-c", HEAD + textwrap.dedent(code)],
            env=variables(folder, receiver, **more),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    def read(self, seconds: float = 0.0) -> bool:
        """What it has said. False at the end of it: every process that could say more is gone."""
        assert self.process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            if not selector.select(seconds):
                return True
        data = os.read(self.process.stdout.fileno(), 1 << 16)
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            if line.startswith(b"! "):
                self.facts.append(json.loads(line[2:]))
            else:
                self.ids.append(int(line, 16))
        return bool(data)

    def until(self, ids: int = 0, facts: int = 0, seconds: float = 30.0) -> None:
        """Until it has said so much."""
        deadline = time.monotonic() + seconds
        while len(self.ids) < ids or len(self.facts) < facts:
            if not self.read(0.05) or time.monotonic() > deadline:
                raise AssertionError(f"{len(self.ids)} ids, {self.facts}: {self.close()}")

    def kill(self) -> list[int]:
        """It and its children; all that they had said."""
        os.killpg(self.process.pid, signal.SIGKILL)
        while self.read(10):
            pass
        self.close()
        return self.ids

    def close(self) -> str:
        """What it complained of."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        assert self.process.stdout is not None and self.process.stderr is not None
        said = self.process.stderr.read().decode()
        self.process.wait()
        self.process.stdout.close()
        self.process.stderr.close()
        return said

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        if not self.process.stdout or not self.process.stdout.closed:
            self.close()


class Left(NamedTuple):
    """What came of a process that ended by itself: what it had at its start and its end, what it said."""

    start: dict[str, Any]
    end: dict[str, Any]
    said: str


def run(code: str, folder: Path | str, receiver: Receiver | str = "http://127.0.0.1:1", **more: str) -> Dying:
    """A program that ends by itself, well."""
    program = Dying(code, folder, receiver, **more)
    while program.read(60):
        pass
    said = program.close()
    assert program.process.returncode == 0 and not any(word in said for word in CRASH), said
    program.facts.append({"said": said})
    return program


def heir(folder: Path | str, receiver: Receiver | str, left: bool = False, **more: str) -> Left:
    """The next start, which records nothing, and sends what there is; `left`: also of other slots."""
    program = run(HEIR.replace("LEFT", str(left)).replace("DIR", repr(str(folder))), folder, receiver, **more)
    start, end, said = program.facts
    for facts in (start, end):
        gone = facts["exported"] + facts["rejected"] + sum(facts["dropped"].values()) + facts["pending"]
        assert facts["recorded"] + facts["adopted"] == gone, facts
    return Left(start, end, said["said"])


def ids(receiver: Receiver) -> list[int]:
    """Of what came, in order of their numbers."""
    return sorted(int.from_bytes(span.span_id, "big") for span in receiver.spans())


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())
