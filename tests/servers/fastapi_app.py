"""A FastAPI application whose endpoints and dependencies are traced; their annotations are strings."""

from __future__ import annotations

import os
from typing import Annotated

from fastapi import Depends, FastAPI
from opentelemetry import trace
from pydantic import BaseModel

import otlp_lite
from otlp_lite import traced

otlp_lite.configure(service_name="shop", schedule_delay=60)
app = FastAPI()


class Item(BaseModel):
    """What is asked for."""

    name: str
    price: float = 1.0


class Made(BaseModel):
    """What is answered."""

    text: str
    pid: int
    current: str


def current() -> str:
    return f"{trace.get_current_span().get_span_context().span_id:016x}"


@traced
def customer(name: str = "nobody") -> str:
    return name


@app.post("/async/{number}")
@traced
async def create(number: int, item: Item, name: Annotated[str, Depends(customer)]) -> Made:
    return Made(text=f"{number} {item.name} {item.price} {name}", pid=os.getpid(), current=current())


@app.post("/sync/{number}")
@traced("sync", attributes={"kind": "sync"})
def make(number: int, item: Item, name: Annotated[str, Depends(customer)]) -> Made:
    return Made(text=f"{number} {item.name} {item.price} {name}", pid=os.getpid(), current=current())
