"""OpenTelemetry for Python with a core in C: spans are encoded as they end, in memory that you name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._native.trace import Tracer, span
from ._version import __version__
from .assemble import Telemetry, configure, force_flush, get_tracer, shutdown, stats
from .counters import DropReason, ExporterStats, RegionStats, SignalStats, Stats
from .errors import (
    ConfigurationError,
    Dropped,
    NotExported,
    NotSampled,
    OtlpLiteError,
    Rejected,
    StateError,
    WaitTimeout,
)
from .kernels import Cpu, cpu
from .traces.decorate import traced
from .traces.limits import SpanLimits
from .traces.schema import SpanSchema, key

if TYPE_CHECKING:
    from .traces.builder import EndedSpan, ExportedSpan, LiveSpan, SpanBuilder

__all__ = [
    "ConfigurationError",
    "Cpu",
    "DropReason",
    "Dropped",
    "EndedSpan",
    "ExportedSpan",
    "ExporterStats",
    "LiveSpan",
    "NotExported",
    "NotSampled",
    "OtlpLiteError",
    "RegionStats",
    "Rejected",
    "SignalStats",
    "SpanBuilder",
    "SpanLimits",
    "SpanSchema",
    "StateError",
    "Stats",
    "Telemetry",
    "Tracer",
    "WaitTimeout",
    "__version__",
    "configure",
    "cpu",
    "force_flush",
    "get_tracer",
    "key",
    "shutdown",
    "span",
    "stats",
    "traced",
]

if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        """The builder's types, which only those load who use them."""
        if name not in ("EndedSpan", "ExportedSpan", "LiveSpan", "SpanBuilder"):
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from .traces import builder

        return globals().setdefault(name, getattr(builder, name))
