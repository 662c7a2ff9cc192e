"""A FastAPI application that is traced."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from fastapi import FastAPI, HTTPException
from opentelemetry.trace import SpanKind, StatusCode

import otlp_lite
from otlp_lite import NotExported, SpanBuilder, SpanSchema, key, span, traced


class Query(SpanSchema, name="db.query", kind=SpanKind.CLIENT):
    system: str = key("db.system.name")
    rows: int | None = key("db.response.returned_rows", default=None)


query = otlp_lite.get_tracer(__name__).bind_leaf(Query)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncGenerator[None, None]:
    with otlp_lite.configure(service_name="shop", region_size="8MiB"):
        yield


app = FastAPI(lifespan=lifespan)


@traced
async def price_of(item: str) -> int:
    with query("postgresql") as running:
        running.rows = len(item)
    return 100 * len(item)


@app.get("/price/{item}")
async def price(item: str) -> dict[str, int]:
    with span("price", {"shop.item": item}, SpanKind.SERVER, cached=False) as current:
        cents = await price_of(item)
        current.set_attribute("cents", cents)
    return {"cents": cents}


@app.post("/order/{item}")
async def order(item: str) -> dict[str, str]:
    live = SpanBuilder("order").with_attribute("item", item).start()
    try:
        with live.current():
            live.set_attribute("cents", await price_of(item))
            live.set_status(StatusCode.OK)
    finally:
        ended = live.end()
    try:
        receipt = await ended.wait_async(0.5)
    except NotExported as error:
        raise HTTPException(503, str(error)) from error
    return {"receipt": f"{receipt.trace_id:032x}"}
