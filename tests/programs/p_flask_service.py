"""A Flask service under contrib's instrumentation, with spans of its own, driven by its test client."""

from collections.abc import Iterator
from typing import Any

from flask import Flask, Response, abort, request
from opentelemetry import propagate, trace
from opentelemetry.instrumentation.flask import FlaskInstrumentor

tracer = trace.get_tracer("shop")
app = Flask("shop")
instrumentor: Any = FlaskInstrumentor()
instrumentor.instrument_app(app, excluded_urls="health")


@app.get("/items/<int:number>")
def item(number: int) -> dict[str, int]:
    with tracer.start_as_current_span("load item") as span:
        span.set_attribute("item", number)
        trace.get_current_span().add_event("loaded")
    return {"number": number}


@app.post("/items")
def add() -> tuple[str, int]:
    with tracer.start_as_current_span("store item", kind=trace.SpanKind.CLIENT):
        return request.get_data(as_text=True), 201


@app.get("/broken")
def broken() -> str:
    with tracer.start_as_current_span("break"):
        raise RuntimeError("broken")


@app.get("/teapot")
def teapot() -> str:
    abort(418)


@app.get("/stream")
def stream() -> Response:
    def parts() -> Iterator[str]:
        for number in range(3):
            yield f"part {number} "

    return Response(parts())


@app.get("/health")
def health() -> str:
    return "well"


@app.get("/headers")
def headers() -> dict[str, str]:
    carrier: dict[str, str] = {}
    propagate.inject(carrier)
    return {name: str(len(value)) for name, value in carrier.items()}


client = app.test_client()
remote = {"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "tracestate": "vendor=1"}
unsampled = {"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"}

for path, sent in (
    ("/items/5?colour=red", {}),
    ("/items/6", remote),
    ("/items/7", unsampled),
    ("/nowhere", {}),
    ("/items/x", {}),
    ("/broken", {}),
    ("/teapot", {}),
    ("/stream", {}),
    ("/health", {}),
    ("/headers", {"User-Agent": "caf\u00e9"}),
):
    answer = client.get(path, headers=sent)
    print(path, answer.status_code, answer.get_data(as_text=True)[:40].strip())
print(client.post("/items", data="new").status_code)
with tracer.start_as_current_span("caller") as caller:
    client.get("/items/8")
    print(trace.get_current_span() is caller)
