"""What a killed process left in 64 MiB reaches the Collector, by `python -m otlp_lite recover`."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from . import receivers

SIZE = 64 << 20
DIES = f"""
import os, signal, sys
import otlp_lite

telemetry = otlp_lite.configure(
    region_dir=sys.argv[1], region_size={SIZE}, endpoint=sys.argv[2], service_name="shop", on_full="drop"
)
tracer = otlp_lite.get_tracer("orders")
while not telemetry.stats().traces.dropped:
    for _ in range(1000):
        with tracer.start_as_current_span("charge") as span:
            span.set_attribute("http.request.method", "POST")
            span.set_attribute("http.response.status_code", 200)
            span.set_attribute("enduser.id", "4711")
print(telemetry.stats().traces.pending, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def run(*command: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "OTLP_LITE_"))}
    return subprocess.run(
        command, env=ours | variables, capture_output=True, text=True, timeout=120, check=False
    )


def test_a_full_region_of_a_killed_process(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = tmp_path / "regions"
    nobody = f"http://127.0.0.1:{receivers.free_port()}"
    died = run(sys.executable, "-c", DIES, files, nobody)
    assert died.returncode == -signal.SIGKILL, died
    pending = int(died.stdout)
    with receivers.collector(tmp_path) as (port, spans):
        began = time.monotonic()
        done = run(
            *(sys.executable, "-m", "otlp_lite", "recover", "--endpoint", f"http://127.0.0.1:{port}"), files
        )
        took = time.monotonic() - began
    assert done.returncode == 0, done
    written = spans.read_bytes()
    assert written.count(b'"name":"charge"') == pending
    assert len(set(re.findall(rb'"spanId":"(\w{16})"', written))) == pending
    with capsys.disabled():
        print(f"\nrecover to the Collector: {pending} spans, {SIZE >> 20} MiB, answered for in {took:.2f} s")
