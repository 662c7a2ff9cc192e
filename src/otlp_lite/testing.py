"""For tests of programs that trace: what would have been sent, without a network."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
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
        self._bodies: list[bytes] = []

    def requests(self) -> list[bytes]:
        """The bodies of the ExportTraceServiceRequests for what has ended since the last call."""
        self._take()
        bodies, self._bodies = self._bodies, []
        return bodies

    def _take(self) -> None:
        region = self.tracer_provider.region
        while region is not None and (batch := region.collect(1 << 20)) is not None:
            self._bodies.append(batch.tobytes())
            batch.acknowledge()


class _Keeping:
    """A pipeline that leaves what there is in the region; who waits for a record has it at once."""

    take: Callable[[], None]

    def opened(self, region: Region) -> bool:
        region.endpoint = "otlp_lite.testing"
        return True

    def wait_for(
        self, known: Callable[[], bool], timeout: float, wake: Callable[[], None] | None = None
    ) -> None:
        self.take()

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
    keeping = _Keeping()
    provider = trace.TracerProvider(
        resource=lambda: Resource(resource or {}),
        scope=InstrumentationScope,
        sampler=sampler,
        plan=plan_of(sampler),
        limits=limits or SpanLimits(),
        id_generator=id_generator,
        region_size=region_size,
        pipeline=keeping,
    )
    collected = Collected(provider)
    keeping.take = collected._take
    try:
        yield collected
    finally:
        provider.shutdown()
