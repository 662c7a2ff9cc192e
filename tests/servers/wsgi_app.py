"""The application that the servers serve: a span a request, named by the path."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from typing import Any

import otlp_lite

telemetry = otlp_lite.configure(service_name="served")
tracer = otlp_lite.get_tracer("served")
if "FLUSH_EACH" in os.environ:
    sys.modules["uwsgi"].__dict__["after_req_hook"] = telemetry.force_flush


def application(environ: dict[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
    with tracer.start_as_current_span(environ["PATH_INFO"].lstrip("/"), attributes={"pid": os.getpid()}):
        body = str(os.getpid()).encode()
    if environ["PATH_INFO"] == "/flush":
        telemetry.force_flush(10)
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
