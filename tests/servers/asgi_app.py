"""The application that uvicorn serves: a span a request, named by the path."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import Any

import otlp_lite

telemetry = otlp_lite.configure(service_name="served", schedule_delay=60)
tracer = otlp_lite.get_tracer("served")

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


async def lifespan(receive: Receive, send: Send) -> None:
    while (event := (await receive())["type"]) != "lifespan.shutdown":
        await send({"type": f"{event}.complete"})
    if "FLUSH_AT_END" in os.environ:
        await asyncio.get_running_loop().run_in_executor(None, telemetry.force_flush)
    await send({"type": "lifespan.shutdown.complete"})


async def application(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    if scope["type"] == "lifespan":
        await lifespan(receive, send)
        return
    with tracer.start_as_current_span(scope["path"].lstrip("/"), attributes={"pid": os.getpid()}):
        body = str(os.getpid()).encode()
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
