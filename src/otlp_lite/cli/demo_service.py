"""The demo's service: a small shop on Flask and sqlite, in a process of its own, under one SDK or none."""

from __future__ import annotations

import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from importlib.metadata import version
from typing import Any, NamedTuple, Protocol

from flask import Flask, request
from opentelemetry.trace import SpanKind
from werkzeug.serving import WSGIRequestHandler, make_server

from otlp_lite.cli.demo_child import answer, serve

FLUSH_SECONDS = 5.0


class Declined(Exception):
    """The bank said no."""


class AnySpan(Protocol):
    def set_attribute(self, key: str, value: Any) -> None: ...


class Tracing(NamedTuple):
    """How the shop is traced: `span(name, attributes, kind)` is a manager, `traced(name)` a decorator."""

    span: Callable[..., AbstractContextManager[AnySpan]]
    traced: Callable[[str], Callable[..., Any]]


class _Nothing:
    def __enter__(self) -> _Nothing:
        return self

    def __exit__(self, *exception: object) -> None:
        return None

    def set_attribute(self, key: str, value: object) -> None:
        return None


_NOTHING = _Nothing()
UNTRACED = Tracing(lambda name, attributes=None, kind=None: _NOTHING, lambda name: lambda function: function)


class Sdk(NamedTuple):
    tracing: Tracing
    label: str
    instrument: bool
    flush: Callable[[], bool]
    stats: Callable[[], Mapping[str, object]]


@contextmanager
def untraced(service: str, endpoint: str) -> Iterator[Sdk]:
    yield Sdk(UNTRACED, "untraced", False, lambda: True, dict)


@contextmanager
def opentelemetry_sdk(service: str, endpoint: str) -> Iterator[Sdk]:
    from opentelemetry import trace
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(resource=Resource.create({"service.name": service}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=f"{endpoint}/v1/traces")))
    trace.set_tracer_provider(provider)
    label = f"opentelemetry-sdk {version('opentelemetry-sdk')}"
    tracer = trace.get_tracer("shop")

    def span(name: str, attributes: Any = None, kind: SpanKind = SpanKind.INTERNAL) -> Any:
        return tracer.start_as_current_span(name, attributes=attributes, kind=kind)

    try:
        yield Sdk(Tracing(span, span), label, True, lambda: provider.force_flush(5000), dict)
    finally:
        provider.shutdown()


@contextmanager
def otlp_lite(service: str, endpoint: str) -> Iterator[Sdk]:
    from otlp_lite import __version__, configure, span, traced

    with configure(service_name=service, endpoint=endpoint) as telemetry:

        def stats() -> Mapping[str, object]:
            traces = telemetry.stats().traces
            counts = {
                key: getattr(traces, key) for key in ("recorded", "exported", "rejected", "resent", "pending")
            }
            return {**counts, "dropped": dict(traces.dropped)}

        label = f"otlp_lite {__version__}"
        yield Sdk(Tracing(span, traced), label, True, lambda: telemetry.force_flush(FLUSH_SECONDS), stats)


VARIANTS = {"none": untraced, "opentelemetry-sdk": opentelemetry_sdk, "otlp_lite": otlp_lite}


class Shop:
    """The handlers' work: every product, price and order comes from the database."""

    def __init__(self, tracing: Tracing) -> None:
        self.span: Callable[..., AbstractContextManager[AnySpan]] = tracing.span
        self.render: Callable[[list[Any]], dict[str, Any]] = tracing.traced("render")(self.rendered)
        self.lock: threading.Lock = threading.Lock()
        self.database: sqlite3.Connection = sqlite3.connect(":memory:", check_same_thread=False)
        self.database.execute("create table product (id integer primary key, name text, price integer)")
        names = [
            f"{colour} {thing}" for colour in ("green", "black", "white") for thing in ("tea", "cup", "pot")
        ]
        self.database.executemany(
            "insert into product (name, price) values (?, ?)",
            [(name, 100 + 50 * index) for index, name in enumerate(names)],
        )

    def query(self, sql: str, *values: object) -> list[Any]:
        with self.span("sqlite query", {"db.system.name": "sqlite"}, SpanKind.CLIENT) as span:
            span.set_attribute("db.query.text", sql)
            with self.lock:
                rows = self.database.execute(sql, values).fetchall()
            span.set_attribute("db.response.returned_rows", len(rows))
            return rows

    def search(self, words: str) -> dict[str, Any]:
        with self.span("search products", {"shop.words": words}) as span:
            rows = self.query("select id, name from product where name like ?", f"%{words}%")
            span.set_attribute("shop.found", len(rows))
        return self.render(rows)

    def rendered(self, rows: list[Any]) -> dict[str, Any]:
        return {"products": [{"id": number, "name": name} for number, name in rows]}

    def checkout(self, user: int) -> tuple[dict[str, Any], int]:
        with self.span("load cart", {"enduser.id": user}) as span:
            rows = self.query("select name, price from product where id % 3 = ?", user % 3)
            span.set_attribute("shop.cart.items", len(rows))
        with self.span("price") as span:
            total = sum(price for _, price in rows)
            span.set_attribute("shop.total", total / 100)
        try:
            with self.span("charge card", {"peer.service": "bank"}, SpanKind.CLIENT):
                if user % 10 == 0:
                    raise Declined("card declined")
        except Declined as declined:
            return {"error": str(declined)}, 402
        return {"total": total / 100}, 200


def application(tracing: Tracing, instrument: bool) -> Flask:
    app = Flask("shop")
    shop = Shop(tracing)

    @app.get("/products")
    def products() -> dict[str, Any]:
        return shop.search(request.args.get("q", ""))

    @app.post("/checkout/<int:user>")
    def checkout(user: int) -> tuple[dict[str, Any], int]:
        return shop.checkout(user)

    if instrument:
        from opentelemetry.instrumentation.flask import FlaskInstrumentor

        instrumentor: Any = FlaskInstrumentor()  # its methods are not typed
        instrumentor.instrument_app(app)
    return app


class _Quiet(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"  # keep-alive

    def log(self, type: str, message: str, *args: object) -> None:
        """Nothing: a line a request would cost more than what is measured."""


def main(variant: str, service: str, endpoint: str) -> None:
    with ExitStack() as stack:
        try:
            sdk = stack.enter_context(VARIANTS[variant](service, endpoint))
            app = application(sdk.tracing, sdk.instrument)
        except Exception as error:
            answer({"error": f"{type(error).__name__}: {error}"})
            return
        server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Quiet)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        answer({"port": server.server_port, "label": sdk.label})
        cpu = 0.0

        def begin() -> dict[str, object]:
            nonlocal cpu
            cpu = time.process_time()
            return {}

        def end() -> dict[str, object]:
            """The CPU time of the whole process since `begin`, the export of every span included."""
            flushed = sdk.flush()
            return {"cpu": time.process_time() - cpu, "flushed": flushed}

        serve({"begin": begin, "end": end, "stats": sdk.stats})
        server.shutdown()


if __name__ == "__main__":
    main(*sys.argv[1:])
