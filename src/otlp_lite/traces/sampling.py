"""Which spans are recorded: the samplers of the specification, as the stock SDK has them.

A sampler here also says what it does as data, `plan()`, which the compiled tracer follows without calling it.
A subclass has no plan, and is called.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from types import MappingProxyType
from typing import Any, TypeAlias

from opentelemetry.context import Context
from opentelemetry.trace import Link, SpanKind, TraceState, get_current_span
from opentelemetry.util.types import Attributes

Plan: TypeAlias = tuple[Any, ...]
"""("always_on",), ("always_off",), ("ratio", bound) or ("parent", root, remote_parent_sampled,
remote_parent_not_sampled, local_parent_sampled, local_parent_not_sampled), whose five are plans."""


class Decision(Enum):
    """What becomes of a span."""

    DROP = 0
    RECORD_ONLY = 1
    RECORD_AND_SAMPLE = 2

    def is_recording(self) -> bool:
        return self is not Decision.DROP

    def is_sampled(self) -> bool:
        return self is Decision.RECORD_AND_SAMPLE


class SamplingResult:
    """A decision, attributes to add to the span, and the trace state it shall have."""

    __slots__ = ("attributes", "decision", "trace_state")

    def __init__(
        self, decision: Decision, attributes: Attributes = None, trace_state: TraceState | None = None
    ) -> None:
        self.decision: Decision = decision
        self.attributes: Mapping[str, Any] = MappingProxyType(attributes or {})
        self.trace_state: TraceState | None = trace_state

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.decision}, attributes={self.attributes})"


class Sampler(ABC):
    """Decides, for each span that starts, whether it is recorded and sampled."""

    @abstractmethod
    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult: ...

    @abstractmethod
    def get_description(self) -> str: ...

    def plan(self) -> Plan | None:
        """What this sampler does, as data; None: it has to be called."""
        return None


def _decided(sampled: bool, parent_context: Context | None, attributes: Attributes) -> SamplingResult:
    parent = get_current_span(parent_context).get_span_context()
    state = parent.trace_state if parent is not None and parent.is_valid else None
    if sampled:
        return SamplingResult(Decision.RECORD_AND_SAMPLE, attributes, state)
    return SamplingResult(Decision.DROP, None, state)


class _Always(Sampler):
    def __init__(self, sampled: bool) -> None:
        self._sampled = sampled

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
        return _decided(self._sampled, parent_context, attributes)

    def get_description(self) -> str:
        return "AlwaysOnSampler" if self._sampled else "AlwaysOffSampler"

    def plan(self) -> Plan | None:
        if type(self) is not _Always:
            return None
        return ("always_on",) if self._sampled else ("always_off",)


ALWAYS_ON = _Always(True)
ALWAYS_OFF = _Always(False)


class TraceIdRatioBased(Sampler):
    """Samples a share of all traces, chosen by the low 64 bits of the trace id."""

    TRACE_ID_LIMIT = (1 << 64) - 1

    def __init__(self, rate: float) -> None:
        if not 0.0 <= rate <= 1.0:
            raise ValueError("Probability must be in range [0.0, 1.0].")
        self._rate = rate
        self._bound = self.get_bound_for_rate(rate)

    @classmethod
    def get_bound_for_rate(cls, rate: float) -> int:
        return round(rate * (cls.TRACE_ID_LIMIT + 1))

    @property
    def rate(self) -> float:
        return self._rate

    @property
    def bound(self) -> int:
        return self._bound

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
        return _decided(trace_id & self.TRACE_ID_LIMIT < self.bound, parent_context, attributes)

    def get_description(self) -> str:
        return f"TraceIdRatioBased{{{self._rate}}}"

    def plan(self) -> Plan | None:
        return ("ratio", self._bound) if type(self) is TraceIdRatioBased else None


class ParentBased(Sampler):
    """Has a sampler for each kind of parent, remote or local, sampled or not; and `root`, without one."""

    def __init__(
        self,
        root: Sampler,
        remote_parent_sampled: Sampler = ALWAYS_ON,
        remote_parent_not_sampled: Sampler = ALWAYS_OFF,
        local_parent_sampled: Sampler = ALWAYS_ON,
        local_parent_not_sampled: Sampler = ALWAYS_OFF,
    ) -> None:
        self._root = root
        self._remote_parent_sampled = remote_parent_sampled
        self._remote_parent_not_sampled = remote_parent_not_sampled
        self._local_parent_sampled = local_parent_sampled
        self._local_parent_not_sampled = local_parent_not_sampled

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
        parent = get_current_span(parent_context).get_span_context()
        if parent is None or not parent.is_valid:
            sampler = self._root
        elif parent.is_remote:
            sampled = parent.trace_flags.sampled
            sampler = self._remote_parent_sampled if sampled else self._remote_parent_not_sampled
        else:
            sampled = parent.trace_flags.sampled
            sampler = self._local_parent_sampled if sampled else self._local_parent_not_sampled
        return sampler.should_sample(
            parent_context=parent_context,
            trace_id=trace_id,
            name=name,
            kind=kind,
            attributes=attributes,
            links=links,
        )

    def _five(self) -> tuple[Sampler, ...]:
        return (
            self._root,
            self._remote_parent_sampled,
            self._remote_parent_not_sampled,
            self._local_parent_sampled,
            self._local_parent_not_sampled,
        )

    def get_description(self) -> str:
        kinds = ("root", "remoteParentSampled", "remoteParentNotSampled", "localParentSampled")
        five = zip((*kinds, "localParentNotSampled"), self._five(), strict=True)
        parts = (f"{kind}:{sampler.get_description()}" for kind, sampler in five)
        return f"ParentBased{{{','.join(parts)}}}"

    def plan(self) -> Plan | None:
        if type(self) not in (ParentBased, ParentBasedTraceIdRatio):
            return None
        plans = tuple(map(plan_of, self._five()))
        return None if None in plans else ("parent", *plans)


class ParentBasedTraceIdRatio(ParentBased):
    """Follows the parent's decision; samples a share of the traces that begin here."""

    def __init__(self, rate: float) -> None:
        super().__init__(root=TraceIdRatioBased(rate))


DEFAULT_ON = ParentBased(ALWAYS_ON)
DEFAULT_OFF = ParentBased(ALWAYS_OFF)

_BY_NAME: dict[str, Callable[[float], Sampler]] = {
    "always_on": lambda rate: ALWAYS_ON,
    "always_off": lambda rate: ALWAYS_OFF,
    "traceidratio": TraceIdRatioBased,
    "parentbased_always_on": lambda rate: DEFAULT_ON,
    "parentbased_always_off": lambda rate: DEFAULT_OFF,
    "parentbased_traceidratio": ParentBasedTraceIdRatio,
}


def plan_of(sampler: Any) -> Plan | None:
    """What a sampler does, as data; None when it has to be called."""
    return sampler.plan() if isinstance(sampler, Sampler) else None


def by_name(name: str, rate: float) -> Sampler:
    """The sampler that OTEL_TRACES_SAMPLER calls `name`; `rate` is for the ratio samplers."""
    return _BY_NAME[name](rate)
