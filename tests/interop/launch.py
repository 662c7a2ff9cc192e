"""Runs a program under an SDK that exports to OTEL_EXPORTER_OTLP_ENDPOINT: launch.py SDK PROGRAM [WORD]..."""

from __future__ import annotations

import os
import runpy
import sys
from collections.abc import Callable

Deliver = Callable[[], str]  # flushes and shuts down; says what went wrong, or nothing


def set_up_stock() -> Deliver:
    from opentelemetry import trace
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)

    def deliver() -> str:
        flushed = provider.force_flush()
        provider.shutdown()
        return "" if flushed else "force_flush() failed"

    return deliver


def set_up_otlp_lite() -> Deliver:
    import otlp_lite

    telemetry = otlp_lite.configure(
        endpoint=os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"],
        region_size=16 << 20,  # the program records some MB in one burst, none of which may be overwritten
    )

    def deliver() -> str:
        flushed = telemetry.force_flush(timeout=30.0)
        traces = telemetry.stats().traces
        telemetry.shutdown()
        whole = flushed and traces.exported == traces.recorded and not any(traces.dropped.values())
        return "" if whole else f"force_flush() gave {flushed}: {traces}"

    return deliver


SDKS: dict[str, Callable[[], Deliver]] = {"stock": set_up_stock, "otlp_lite": set_up_otlp_lite}


def main() -> None:
    _, sdk, program, *arguments = sys.argv
    deliver = SDKS[sdk]()
    sys.argv = [program, *arguments]
    runpy.run_path(program, run_name="__main__")
    sys.exit(deliver() or None)


if __name__ == "__main__":
    main()
