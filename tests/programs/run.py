"""Runs one program under one SDK, set up from the environment: run.py [--late] SDK PROGRAM."""

from __future__ import annotations

import argparse
import runpy
import sys
from collections.abc import Callable

Shutdown = Callable[[], object]


def start_stock() -> Shutdown:
    from opentelemetry import trace
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    return provider.shutdown


def start_otlp_lite() -> Shutdown:
    import otlp_lite

    return otlp_lite.configure().shutdown


SDKS: dict[str, Callable[[], Shutdown]] = {"stock": start_stock, "otlp_lite": start_otlp_lite}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--late", action="store_true", help="run the module, set the SDK up, call its main()")
    parser.add_argument("sdk", choices=SDKS)
    parser.add_argument("program")
    options = parser.parse_args()
    sys.argv = [options.program]
    if options.late:
        namespace = runpy.run_path(options.program, run_name="late")
    shutdown = SDKS[options.sdk]()
    try:
        if options.late:
            namespace["main"]()
        else:  # its globals live on until the interpreter ends, as a main module's do
            namespace = runpy.run_path(options.program, run_name="__main__")
    finally:  # also after sys.exit and unhandled exceptions
        shutdown()


if __name__ == "__main__":
    main()
