"""What a telemetry that collects has, decoded."""

from __future__ import annotations

from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from otlp_lite.testing import Collected


def spans(collected: Collected) -> dict[str, Any]:
    """What has ended, by name; a name occurs once."""
    found: dict[str, Any] = {}
    for body in collected.requests():
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            for scope in resource.scope_spans:
                for span in scope.spans:
                    assert span.name not in found
                    found[span.name] = span
    return found


def attributes(span: Any) -> dict[str, Any]:
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in span.attributes}
