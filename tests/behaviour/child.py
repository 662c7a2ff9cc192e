"""A program in a process of its own, traced by otlp_lite, and what is left of it when it has ended."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from typing import NamedTuple

from scripted import Receiver

SET_UP = """\
import otlp_lite
telemetry = otlp_lite.configure(region_size='64MiB')
tracer = otlp_lite.get_tracer('child')
"""
CRASH = ("Fatal Python error", "Segmentation fault", "AddressSanitizer", "runtime error:", "Traceback")


def environment(env: dict[str, str] | None = None) -> dict[str, str]:
    """Ours, in which no SDK finds a setting but those of `env`."""
    strange = ("OTEL_", "OTLP_LITE_", "PYTEST_")  # under PYTEST_CURRENT_TEST eventlet is silent
    ours = {name: value for name, value in os.environ.items() if not name.startswith(strange)}
    return ours | (env or {})


class Ended(NamedTuple):
    status: int
    out: str
    err: str


def run(
    code: str,
    receiver: Receiver | None = None,
    env: dict[str, str] | None = None,
    timeout: float = 60.0,
    command: tuple[str, ...] = (),
) -> Ended:
    """Runs the code, begun by `command`. It exports to the receiver; only `env` is set of OTEL_*."""
    variables = {"PYTHONFAULTHANDLER": "1", **environment(env)}
    if receiver is not None:
        variables["OTEL_EXPORTER_OTLP_ENDPOINT"] = receiver.url
    whole = [*command, sys.executable, "-c", textwrap.dedent(code)]
    done = subprocess.run(whole, env=variables, capture_output=True, text=True, timeout=timeout, check=False)
    return Ended(done.returncode, done.stdout, done.stderr)


def well(
    code: str, receiver: Receiver | None = None, env: dict[str, str] | None = None, timeout: float = 60.0
) -> str:
    """Runs it; it must exit with 0 and not a word of failure. What it printed."""
    ended = run(code, receiver, env, timeout)
    assert ended.status == 0 and not any(word in ended.err for word in CRASH), ended
    return ended.out


def python(code: str, *arguments: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Runs a program of its own; no setting is in its environment but `env`. Its exit status must be 0."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), *arguments],
        env=environment(env),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done
