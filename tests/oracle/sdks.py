"""The SDKs under the oracle: each makes of a program the trace requests that it exports, decoded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, NamedTuple

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import (
    ALWAYS_OFF,
    ALWAYS_ON,
    Decision,
    ParentBased,
    Sampler,
    SamplingResult,
    TraceIdRatioBased,
)
from opentelemetry.trace import Link, SpanKind, TraceState
from opentelemetry.util.types import Attributes
from reference import encoder, tracer

from .calls import Ids, Program

Requests = list[ExportTraceServiceRequest]


class ByName(Sampler):
    """A user's sampler: a span's name decides; it adds an attribute and an entry to the trace state."""

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        if name.startswith("drop"):
            return SamplingResult(Decision.DROP)
        decision = Decision.RECORD_ONLY if name.startswith("record only") else Decision.RECORD_AND_SAMPLE
        state = trace.get_current_span(parent_context).get_span_context().trace_state
        added = {"sampler.kind": str(kind), "sampler.links": len(links or ()), **(attributes or {})}
        return SamplingResult(decision, added, state.add("sampler", "yes"))

    def get_description(self) -> str:
        return "ByName"


class Choice(NamedTuple):
    """One sampler: the stock SDK's, the options that ask otlp_lite for it, the reference's."""

    stock: Sampler
    options: dict[str, Any]
    reference: tracer.Sampler


HALF = TraceIdRatioBased(0.5)

SAMPLERS = {
    "parentbased_always_on": Choice(ParentBased(ALWAYS_ON), {}, tracer.RatioSampler(1, parent_based=True)),
    "always_on": Choice(ALWAYS_ON, {"sampler": "always_on"}, tracer.RatioSampler(1, parent_based=False)),
    "always_off": Choice(ALWAYS_OFF, {"sampler": "always_off"}, tracer.RatioSampler(0, parent_based=False)),
    "traceidratio": Choice(
        HALF, {"sampler": "traceidratio", "sampler_arg": 0.5}, tracer.RatioSampler(0.5, parent_based=False)
    ),
    "parentbased_always_off": Choice(
        ParentBased(ALWAYS_OFF),
        {"sampler": "parentbased_always_off"},
        tracer.RatioSampler(0, parent_based=True),
    ),
    "parentbased_traceidratio": Choice(
        ParentBased(HALF),
        {"sampler": "parentbased_traceidratio", "sampler_arg": 0.5},
        tracer.RatioSampler(0.5, parent_based=True),
    ),
    "the stock SDK's": Choice(
        ParentBased(HALF), {"sampler": ParentBased(HALF)}, tracer.RatioSampler(0.5, parent_based=True)
    ),
    "by name": Choice(ByName(), {"sampler": ByName()}, ByName()),
}


@cache
def base_resource() -> Resource:
    """What Resource.create() merges a program's resource into; it starts threads each time."""
    return Resource.create({"service.name": "replaced"})


def stock(program: Program) -> Requests:
    """What the stock SDK exports; whatever the program's calls or the encoder raise comes out."""
    provider = TracerProvider(
        sampler=SAMPLERS[program.sampler].stock,
        resource=base_resource().merge(Resource(program.resource)),
        shutdown_on_exit=False,
        id_generator=Ids(program.seed),
        span_limits=SpanLimits(**program.limits),
    )
    exporter = InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    program.run(provider)
    return [encode_spans(exporter.get_finished_spans())]


def otlp_lite_bodies(program: Program, **options: Any) -> list[bytes]:
    from otlp_lite.testing import collect

    import otlp_lite

    options |= SAMPLERS[program.sampler].options
    options |= {"id_generator": Ids(program.seed), "limits": otlp_lite.SpanLimits(**program.limits)}
    with collect(resource=dict(program.resource), **options) as collected:
        program.run(collected.tracer_provider)
        bodies: list[bytes] = collected.requests()
    return bodies


def otlp_lite(program: Program) -> Requests:
    return [ExportTraceServiceRequest.FromString(body) for body in otlp_lite_bodies(program)]


def otlp_lite_version() -> str:
    import otlp_lite

    version: str = otlp_lite.__version__
    return version


def model(program: Program, version: str, notes: Counter[str] | None = None) -> encoder.Request:
    """What must be exported, says the reference; `notes` counts the unusual things that happened."""
    seen: Counter[str] = Counter() if notes is None else notes
    provider = tracer.Provider(
        sampler=SAMPLERS[program.sampler].reference,
        id_generator=Ids(program.seed),
        limits=program.limits,
        resource=program.resource,
        version=version,
        note=lambda name: seen.update([name]),
    )
    program.run(provider)
    return provider.request


class Sdk(NamedTuple):
    name: str
    export: Callable[[Program], Requests]
    version: Callable[[], str]


def _reference(program: Program) -> Requests:
    return [ExportTraceServiceRequest.FromString(encoder.encode(model(program, "0")))]


SDKS = {
    sdk.name: sdk
    for sdk in (
        Sdk("reference", _reference, lambda: "0"),
        Sdk("otlp_lite", otlp_lite, otlp_lite_version),
    )
}
"""What is compared with the stock SDK: the reference, which shows what the comparison is worth, and ours."""
