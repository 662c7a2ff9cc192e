"""The SDKs under the oracle: each makes of a program the trace requests that it exports, decoded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
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
    """One sampler: the stock SDK's, what makes otlp_lite's, the reference's."""

    stock: Sampler
    otlp_lite: Callable[[], object]
    reference: tracer.Sampler


def _named(name: str) -> Callable[[], object]:
    def make() -> object:
        from otlp_lite.traces.sampling import by_name

        return by_name(name, 0.5)

    return make


HALF = TraceIdRatioBased(0.5)

SAMPLERS = {
    name: Choice(
        theirs, _named(name), tracer.RatioSampler(ratio, parent_based=name.startswith("parentbased"))
    )
    for name, theirs, ratio in (
        ("parentbased_always_on", ParentBased(ALWAYS_ON), 1),
        ("parentbased_always_off", ParentBased(ALWAYS_OFF), 0),
        ("parentbased_traceidratio", ParentBased(HALF), 0.5),
        ("always_on", ALWAYS_ON, 1),
        ("always_off", ALWAYS_OFF, 0),
        ("traceidratio", HALF, 0.5),
    )
}
SAMPLERS["the stock SDK's"] = SAMPLERS["parentbased_traceidratio"]._replace(
    otlp_lite=lambda: ParentBased(HALF)
)
SAMPLERS["by name"] = Choice(ByName(), ByName, ByName())


def stock(program: Program) -> Requests:
    """What the stock SDK exports; whatever the program's calls or the encoder raise comes out."""
    provider = TracerProvider(
        sampler=SAMPLERS[program.sampler].stock,
        resource=Resource(program.resource),
        shutdown_on_exit=False,
        id_generator=Ids(program.seed),
        span_limits=SpanLimits(**program.limits),
    )
    exporter = InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    program.run(provider)
    return [encode_spans(exporter.get_finished_spans())]


def otlp_lite_bodies(program: Program, **options: Any) -> list[bytes]:
    from otlp_lite import SpanLimits
    from otlp_lite.testing import collect

    options["sampler"] = SAMPLERS[program.sampler].otlp_lite()
    options["limits"] = SpanLimits(**program.limits)
    with collect(id_generator=Ids(program.seed), resource=dict(program.resource), **options) as collected:
        program.run(collected.tracer_provider)
        bodies: list[bytes] = collected.requests()
    return bodies


def otlp_lite(program: Program) -> Requests:
    return [ExportTraceServiceRequest.FromString(body) for body in otlp_lite_bodies(program)]


def model(program: Program, notes: Counter[str] | None = None) -> encoder.Request:
    """What must be exported, says the reference; `notes` counts the unusual things that happened."""
    seen: Counter[str] = Counter() if notes is None else notes
    provider = tracer.Provider(
        sampler=SAMPLERS[program.sampler].reference,
        id_generator=Ids(program.seed),
        limits=program.limits,
        resource=program.resource,
        note=lambda name: seen.update([name]),
    )
    program.run(provider)
    return provider.request


def reference(program: Program) -> Requests:
    return [ExportTraceServiceRequest.FromString(encoder.encode(model(program)))]


SDKS: dict[str, Callable[[Program], Requests]] = {"reference": reference, "otlp_lite": otlp_lite}
"""What is compared with the stock SDK: the reference, which shows what the comparison is worth, and ours."""
