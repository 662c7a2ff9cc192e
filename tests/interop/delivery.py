"""Runs the generator under the SDK that is tested: INTEROP_SDK names it, otlp_lite unless set."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from .compare import ReadBack
from .generate import LIMITS

HERE = Path(__file__).parent
SDK = os.environ.get("INTEROP_SDK", "otlp_lite")
RESOURCE = {
    "service.name": "interop \u4e2d",
    "test.first": "a,b=\xe9",
    "test.second": "",
    "telemetry.sdk.language": "python",
    "telemetry.sdk.name": {"otlp_lite": "otlp_lite", "stock": "opentelemetry"}[SDK],
}
FOREIGN = re.compile(r"OTEL_|.*_(CA_BUNDLE|PROXY)$", re.IGNORECASE)  # variables that change what is tested

Delivery = tuple[Any, ReadBack]  # the truth, and what the receiver has of it


def generate(folder: Path, endpoint: str, **settings: str) -> Any:
    """Runs the generator as a process of its own, until all of it is delivered, and gives its truth."""
    environment = {name: value for name, value in os.environ.items() if not FOREIGN.match(name)}
    environment |= {name: str(limit) for name, limit in LIMITS.items()}
    environment |= {
        "OTEL_SERVICE_NAME": RESOURCE["service.name"],
        "OTEL_RESOURCE_ATTRIBUTES": "test.first=a%2Cb%3D%C3%A9,test.second=",
        "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
        **settings,
    }
    truth = folder / "truth.json"
    command = [sys.executable, str(HERE / "launch.py"), SDK, str(HERE / "generate.py"), str(truth)]
    ran = subprocess.run(command, check=False, env=environment, capture_output=True, timeout=60)
    print(ran.stderr.decode("utf-8", "replace")[-4000:])  # pytest shows it beside a failure
    assert ran.returncode == 0
    return json.loads(truth.read_text("ascii"))
