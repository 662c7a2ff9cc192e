"""The states in their order: children, links, the current span, and the receipt of what must not be lost."""

from __future__ import annotations

import asyncio

from opentelemetry.trace import SpanKind, StatusCode, Tracer, get_current_span

from otlp_lite import EndedSpan, ExportedSpan, NotExported, SpanBuilder, WaitTimeout


def charge(tracer: Tracer) -> EndedSpan:
    live = (
        SpanBuilder("charge", tracer=tracer)
        .with_kind(SpanKind.CLIENT)
        .with_parent(None)
        .with_start_time(1)
        .with_attribute("amount", 990)
        .with_attributes({"currency": "EUR", "items": ["tea"]})
        .start()
    )
    with live.current():
        assert get_current_span() is live
        live.event("asked", {"attempt": 1})
    with live.child("bank").with_link(live.get_span_context(), {"why": "retry"}).start() as bank:
        bank.set_attribute("bank", "x")
        bank.set_status(StatusCode.OK)
    live.update_name("charge card")
    return live.end()


def receipt(ended: EndedSpan) -> ExportedSpan | None:
    try:
        return ended.wait(5.0)
    except WaitTimeout:
        return None
    except NotExported as error:
        print(error.span_context.trace_id)
        raise


async def receipts(tracer: Tracer) -> list[ExportedSpan]:
    ended = [SpanBuilder(name, tracer=tracer).start().end() for name in ("a", "b")]
    return list(await asyncio.gather(*(each.wait_async(5.0) for each in ended)))


def main(tracer: Tracer) -> None:
    exported = receipt(charge(tracer))
    assert exported is not None
    trace_id, span_id, acknowledged_at, endpoint = exported
    assert (trace_id, span_id) == (exported.trace_id, exported.span_id)
    assert acknowledged_at > 0 and endpoint
    assert len({each.span_id for each in asyncio.run(receipts(tracer))}) == 2
