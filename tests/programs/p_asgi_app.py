"""An ASGI application under contrib's middleware, called twice at once, failing and disconnected."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from opentelemetry import trace
from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware

Message = MutableMapping[str, Any]
tracer = trace.get_tracer("asgi")


async def app(
    scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
) -> None:
    await receive()
    with tracer.start_as_current_span(f"handle {scope['path']}"):
        await asyncio.sleep(0)
        if scope["path"] == "/broken":
            raise RuntimeError("broken")
        await send(
            {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]}
        )
        await send({"type": "http.response.body", "body": b"one", "more_body": True})
        await send({"type": "http.response.body", "body": b"two"})


async def call(path: str, headers: list[tuple[bytes, bytes]]) -> list[str]:
    sent = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        await asyncio.sleep(0)
        sent.append(message["type"])

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"a=1",
        "headers": [(b"host", b"example.org"), *headers],
        "client": ("192.0.2.1", 1234),
        "server": ("192.0.2.2", 80),
    }
    try:
        await wrapped(scope, receive, send)
    except RuntimeError as error:
        sent.append(str(error))
    return sent


async def main() -> None:
    remote = [(b"traceparent", b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")]
    print(await call("/alone", []))
    print(await call("/broken", []))
    print(await asyncio.gather(call("/first", remote), call("/second", [])))
    cancelled = asyncio.create_task(call("/cancelled", []))
    await asyncio.sleep(0)
    cancelled.cancel()
    print(await asyncio.gather(cancelled, return_exceptions=True))


wrapped: Any = OpenTelemetryMiddleware(app)
asyncio.run(main())
