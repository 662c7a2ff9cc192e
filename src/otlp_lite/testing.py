"""For tests of programs that trace: what would have been sent, without a network."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from ._native import trace
from ._native.core import Region
from .resource import InstrumentationScope, Resource
from .traces.limits import SpanLimits
from .traces.sampling import ALWAYS_ON, plan_of


class Collected:
    """A provider of its own, and what it has recorded."""

    def __init__(self, provider: trace.TracerProvider) -> None:
        self.tracer_provider = provider

    def requests(self) -> list[bytes]:
        """The bodies of the ExportTraceServiceRequests for what has ended since the last call."""
        bodies = []
        region = self.tracer_provider.region
        while region is not None and (batch := region.collect(1 << 20)) is not None:
            bodies.append(batch.tobytes())
            batch.acknowledge()
        return bodies


class _Keeping:
    """A pipeline that leaves what there is in the region."""

    def opened(self, region: Region) -> bool:
        return True

    def force_flush(self, timeout: float) -> bool:
        return True

    def shutdown(self, timeout: float) -> bool:
        return True


@contextmanager
def collect(
    *,
    sampler: Any = ALWAYS_ON,
    id_generator: Any = None,
    limits: SpanLimits | None = None,
    resource: Mapping[str, Any] | None = None,
    region_size: int = 4 << 20,
) -> Iterator[Collected]:
    """A tracer provider that keeps what it records until `requests()` takes it. Starts no thread.

    `resource` are the attributes of the resource, as they are: nothing is detected.
    """
    provider = trace.TracerProvider(
        resource=lambda: Resource(resource or {}),
        scope=InstrumentationScope,
        sampler=sampler,
        plan=plan_of(sampler),
        limits=limits or SpanLimits(),
        id_generator=id_generator,
        region_size=region_size,
        pipeline=_Keeping(),
    )
    try:
        yield Collected(provider)
    finally:
        provider.shutdown()
