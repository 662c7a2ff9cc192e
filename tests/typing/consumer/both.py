"""What a user writes who gives spans of otlp_lite to such a library."""

from __future__ import annotations

from library import Client, finish
from opentelemetry.trace import Tracer, set_tracer_provider

import otlp_lite
from otlp_lite import LiveSpan, SpanBuilder


def traced_by_hand(tracer: Tracer) -> int:
    live: LiveSpan = SpanBuilder("by hand", tracer=tracer).start()
    try:
        return finish(live, 3)
    finally:
        live.end()


def main() -> int:
    with otlp_lite.configure(exit_timeout=0.1) as telemetry:
        set_tracer_provider(telemetry.tracer_provider)
        return Client(otlp_lite.get_tracer("client")).get("/") + traced_by_hand(otlp_lite.get_tracer("user"))


if __name__ == "__main__":
    print(main())
