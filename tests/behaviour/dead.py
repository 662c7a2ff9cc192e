"""What processes leave that record and are killed: `dying.c`, fed with what protobuf has encoded."""

from __future__ import annotations

import os
import random
import signal
import struct
import subprocess
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "build/tests/dying"
TIME = 1_700_000_000_000_000_000


class Record(NamedTuple):
    """A span, and whose it is."""

    service: str
    resource_schema: str
    scope: str
    scope_schema: str
    span: bytes
    """Serialized."""


def spans(count: int, seed: int = 0, size: int = 100) -> list[Span]:
    """Each with attributes, an event and a link now and then, and text of up to twice `size` bytes."""
    rng = random.Random(f"{seed} {count}")
    made = []
    trace, parent = b"", b""
    for number in range(count):
        if number % 5 == 0:
            trace, parent = rng.randbytes(16), b""
        start = TIME + number * 1_000_000
        span = Span(
            trace_id=trace,
            span_id=rng.randbytes(8),
            parent_span_id=parent,
            name=f"s{number}",
            kind=Span.SPAN_KIND_SERVER,
        )
        span.start_time_unix_nano, span.end_time_unix_nano = start, start + rng.randrange(10**9)
        text = AnyValue(string_value="é" * rng.randrange(size))
        span.attributes.extend([KeyValue(key="text", value=text)])
        span.attributes.extend([KeyValue(key="n", value=AnyValue(int_value=-number))])
        if number % 3 == 0:
            span.events.add(time_unix_nano=start + 1, name="event")
        if number % 7 == 0:
            span.links.add(trace_id=rng.randbytes(16), span_id=rng.randbytes(8))
        made.append(span)
        parent = parent or span.span_id
    return made


class Left:
    """What a process is told to do, and so what it leaves."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        """What it recorded."""
        self._frames: list[bytes] = []
        self._whose = ("", "", "", "")

    def whose(self, service: str, scope: str, resource_schema: str = "", scope_schema: str = "") -> None:
        """Of what is recorded from here on."""
        self._whose = (service, resource_schema, scope, scope_schema)
        resource = Resource()
        resource.attributes.add(key="service.name", value=AnyValue(string_value=service))
        for letter, schema, field in (
            (b"r", resource_schema, ResourceSpans(resource=resource)),
            (b"s", scope_schema, ScopeSpans(scope=InstrumentationScope(name=scope, version="1"))),
        ):
            self._frame(b"u", schema.encode())
            self._frame(letter, field.SerializeToString(deterministic=True))

    def record(self, some: Iterable[Span], explicit: bool = False) -> None:
        for span in some:
            self._frame(
                b"e" if explicit else b"a", ScopeSpans(spans=[span]).SerializeToString(deterministic=True)
            )
            self.records.append(Record(*self._whose, span.SerializeToString(deterministic=True)))

    def record_bytes(self, field: bytes) -> None:
        """What no encoder has made."""
        self._frame(b"a", field)

    def offer(self, records: int) -> None:
        """Sends the oldest, and dies before the answer; the next offer is of the same."""
        self._frame(b"o", struct.pack("=I", records))

    def acknowledge(self, records: int) -> None:
        self._frame(b"k", struct.pack("=I", records))

    def _frame(self, letter: bytes, content: bytes) -> None:
        self._frames.append(letter + struct.pack("=I", len(content)) + content)

    def write(
        self, path: Path, size: int = 1 << 16, boot: str = "", env: Mapping[str, str] | None = None
    ) -> Path:
        """Does it, and is killed."""
        command = [program(), str(path), str(size), *([boot] if boot else [])]
        frames = b"".join([*self._frames, b"x" + bytes(4)])
        done = subprocess.run(
            command, input=frames, capture_output=True, env={**os.environ, **(env or {})}, check=False
        )
        assert done.returncode == -signal.SIGKILL, done.stderr
        assert len(done.stdout) == len(self._frames)
        return path


@cache
def program() -> str:
    build = ["make", "-s", "-C", str(ROOT / "csrc"), "library"]
    subprocess.run(build, check=True, timeout=600, capture_output=True)
    PROGRAM.parent.mkdir(parents=True, exist_ok=True)
    mine = PROGRAM.with_suffix(f".{os.getpid()}")
    compile = [
        os.environ.get("CC", "cc"),
        "-std=c11",
        "-O2",
        "-Wall",
        "-Wextra",
        "-Werror",
        "-pthread",
        "-Icsrc",
    ]
    compile += ["-o", str(mine), "tests/behaviour/dying.c", "build/csrc/libotlite.a", "-lrt"]
    subprocess.run(compile, cwd=ROOT, check=True, timeout=600)
    mine.rename(PROGRAM)
    return str(PROGRAM)


def records_of(bodies: Iterable[bytes]) -> list[Record]:
    """What requests hold."""
    found = []
    for body in bodies:
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            (service,) = [pair.value.string_value for pair in resource.resource.attributes]
            for scope in resource.scope_spans:
                for span in scope.spans:
                    whose = (service, resource.schema_url, scope.scope.name, scope.schema_url)
                    found.append(Record(*whose, span.SerializeToString(deterministic=True)))
    return found
