"""`python -m otlp_lite recover`, as a command, and what it says."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from child import environment
from dead import Record, records_of
from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from scripted import Receiver

COMMAND = (sys.executable, "-m", "otlp_lite", "recover")
NUMBERS = re.compile(
    r"(?P<whole>\d+) whole(?: \((?P<offered>\d+) offered before, and may have arrived\))?, "
    r"(?P<damaged>\d+) damaged"
    r"(?:; (?P<sent>\d+) sent, (?P<rejected>\d+) rejected, (?P<left>\d+) left)?"
)


class Done(NamedTuple):
    status: int
    out: bytes
    said: list[str]
    """On stderr, without the total."""
    total: dict[str, int]

    def records(self) -> list[Record]:
        """Of lines of JSON, as protobuf reads them."""
        return records_of(map(body_of, self.out.splitlines()))


def recover(
    *arguments: str | Path,
    variables: Mapping[str, str] | None = None,
    prepare: Callable[[], object] | None = None,
) -> Done:
    """Runs it; nothing is set but `variables`. `prepare` is called in its process."""
    done = subprocess.run(
        [*COMMAND, *map(str, arguments)],
        env=environment({"PYTHONFAULTHANDLER": "1", **(variables or {})}),
        capture_output=True,
        preexec_fn=prepare,
        timeout=120,
        check=False,
    )
    *said, last = done.stderr.decode().splitlines()
    assert not any("Traceback" in line or "Fatal" in line for line in said), said
    return Done(done.returncode, done.stdout, said, numbers(last.removeprefix("total: ")))


def numbers(line: str) -> dict[str, int]:
    """Those of a line about a file."""
    match = NUMBERS.search(line)
    return {} if match is None else {name: int(count) for name, count in match.groupdict("0").items()}


def send(receiver: Receiver | str, *paths: Path, **variables: str) -> Done:
    url = receiver if isinstance(receiver, str) else receiver.url
    return recover("--endpoint", url, *paths, variables=variables)


def received(receiver: Receiver) -> list[Record]:
    return records_of(request.content() for request in receiver.requests)


def body_of(line: bytes) -> bytes:
    """The request that protobuf reads from a line of OTLP/JSON."""
    request = ExportTraceServiceRequest()
    json_format.ParseDict(_with_ids(json.loads(line)), request)
    return request.SerializeToString(deterministic=True)


def _with_ids(value: Any) -> Any:
    """OTLP's identifiers are in hexadecimal, protobuf's JSON has base64."""
    if isinstance(value, list):
        return [_with_ids(each) for each in value]
    if not isinstance(value, dict):
        return value
    ids = {"traceId", "spanId", "parentSpanId"}
    return {
        key: base64.b64encode(bytes.fromhex(each)).decode() if key in ids else _with_ids(each)
        for key, each in value.items()
    }


def state(path: Path) -> tuple[bytes, int]:
    """All of a file that a recovery could change."""
    return path.read_bytes(), os.stat(path).st_mtime_ns
