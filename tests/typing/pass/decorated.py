"""A decorated function keeps its type, sync and async."""

from __future__ import annotations

import otlp_lite

tracer = otlp_lite.get_tracer("shop")


@tracer.start_as_current_span("price")
def price(item: str, count: int = 1) -> float:
    return len(item) * count


@tracer.start_as_current_span("order")
async def order(item: str) -> float:
    return price(item, count=2)


async def main() -> float:
    return await order("tea") + price("cup")
