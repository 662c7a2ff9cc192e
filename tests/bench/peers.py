"""The SDKs that are compared: what each needs imported, and how it is set up with the same settings."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from importlib import import_module
from typing import NamedTuple

from opentelemetry import trace

# honeycomb-pycpp has no flush: its worker looks at its queue this often, and a flush waits for three looks.
_HONEYCOMB_DELAY_MS = 20

_HONEYCOMB_YAML = """\
file_format: "1.0"
resource:
  attributes: [{{name: service.name, value: {service}}}]
tracer_provider:
  sampler: {sampler}
  processors:
    - batch:
        schedule_delay: {delay}
        max_queue_size: 2048
        max_export_batch_size: 512
        exporter:
          otlp_http:
            endpoint: {endpoint}/v1/traces
            compression: none
            tls: {{ca_file: "{ca_file}"}}
"""


class Session(NamedTuple):
    """A peer that is set up: its global tracer provider is in place."""

    flush: Callable[[], None]  # returns when what was recorded has left
    shutdown: Callable[[], None]
    losses: Callable[[], dict[str, int]]  # by reason, as the peer itself counts them


class Peer(NamedTuple):
    """An SDK: the distributions whose versions name it, the modules it needs beyond the API, its set-up."""

    distributions: tuple[str, ...]
    modules: tuple[str, ...]
    setup: Callable[[str], Session]
    exports: bool = True


def _nothing() -> None:
    pass


def _no_losses() -> dict[str, int]:
    return {}


def _flushed(done: bool) -> None:
    if not done:
        raise RuntimeError("the flush did not finish")


def _api(_endpoint: str) -> Session:
    return Session(_nothing, _nothing, _no_losses)


def _noop(_endpoint: str) -> Session:
    trace.set_tracer_provider(trace.NoOpTracerProvider())
    return Session(_nothing, _nothing, _no_losses)


def _opentelemetry_sdk(endpoint: str) -> Session:
    exporter = import_module("opentelemetry.exporter.otlp.proto.http.trace_exporter")
    export = import_module("opentelemetry.sdk.trace.export")
    provider = import_module("opentelemetry.sdk.trace").TracerProvider()
    traces = f"{endpoint}/v1/traces"
    provider.add_span_processor(export.BatchSpanProcessor(exporter.OTLPSpanExporter(endpoint=traces)))
    trace.set_tracer_provider(provider)
    return Session(lambda: _flushed(provider.force_flush()), provider.shutdown, _no_losses)


def _fastotel(endpoint: str) -> Session:
    provider = import_module("opentelemetry.sdk.trace").TracerProvider()
    provider.add_span_processor(import_module("fastotel").OTLPSpanProcessor(endpoint=f"{endpoint}/v1/traces"))
    trace.set_tracer_provider(provider)
    return Session(lambda: _flushed(provider.force_flush()), provider.shutdown, _no_losses)


def _honeycomb(endpoint: str) -> Session:
    """Set up by a file. The distro's patches of the API's context, which add to its cost, are left out."""
    sampled = os.environ.get("OTEL_TRACES_SAMPLER") != "always_off"
    text = _HONEYCOMB_YAML.format(
        service=os.environ["OTEL_SERVICE_NAME"],
        sampler="{parent_based: {root: {always_on: }}}" if sampled else "{always_off: }",
        delay=_HONEYCOMB_DELAY_MS,
        endpoint=endpoint,
        ca_file=os.environ.get("OTEL_EXPORTER_OTLP_CERTIFICATE", ""),
    )
    # A file in memory: the modules of `tempfile` would be charged to this peer.
    file = os.memfd_create("otel.yaml")
    os.write(file, text.encode())
    sdk = import_module("honeycomb_pycpp").SDK(f"/proc/self/fd/{file}")
    os.close(file)
    trace.set_tracer_provider(sdk.tracer_provider)
    sdk.release_config()
    return Session(lambda: time.sleep(3 * _HONEYCOMB_DELAY_MS / 1000), sdk.shutdown, _no_losses)


def _otlp_lite(endpoint: str) -> Session:
    telemetry = import_module("otlp_lite").configure(
        service_name=os.environ["OTEL_SERVICE_NAME"], endpoint=endpoint
    )
    return Session(
        lambda: _flushed(telemetry.force_flush(30)),
        lambda: _flushed(telemetry.shutdown(5)),
        lambda: {reason: lost for reason, lost in telemetry.stats().traces.dropped.items() if lost},
    )


_SDK_MODULES = ("opentelemetry.sdk.trace",)
_STOCK_MODULES = (
    *_SDK_MODULES,
    "opentelemetry.sdk.trace.export",
    "opentelemetry.exporter.otlp.proto.http.trace_exporter",
)

OURS = "otlp_lite"
PEERS: dict[str, Peer] = {
    "api": Peer(("opentelemetry-api",), (), _api, exports=False),
    "api-noop": Peer(("opentelemetry-api",), (), _noop, exports=False),
    "opentelemetry-sdk": Peer(
        ("opentelemetry-sdk", "opentelemetry-exporter-otlp-proto-http"), _STOCK_MODULES, _opentelemetry_sdk
    ),
    "fastotel": Peer(("fastotel", "opentelemetry-sdk"), (*_SDK_MODULES, "fastotel"), _fastotel),
    "honeycomb-pycpp": Peer(("honeycomb-pycpp",), ("honeycomb_pycpp",), _honeycomb),
    OURS: Peer(("otlp_lite",), ("otlp_lite",), _otlp_lite),
}
EXPORTERS = tuple(name for name, peer in PEERS.items() if peer.exports)
