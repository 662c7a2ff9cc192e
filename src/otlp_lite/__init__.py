"""OpenTelemetry for Python with a core in C: spans are encoded as they end, in memory that you name."""

from __future__ import annotations

from ._native.trace import Tracer, span
from ._version import __version__
from .assemble import Telemetry, configure, force_flush, get_tracer, shutdown, stats
from .counters import DropReason, ExporterStats, RegionStats, SignalStats, Stats
from .errors import ConfigurationError, OtlpLiteError
from .kernels import Cpu, cpu
from .traces.decorate import traced
from .traces.limits import SpanLimits
from .traces.schema import SpanSchema, key

__all__ = [
    "ConfigurationError",
    "Cpu",
    "DropReason",
    "ExporterStats",
    "OtlpLiteError",
    "RegionStats",
    "SignalStats",
    "SpanLimits",
    "SpanSchema",
    "Stats",
    "Telemetry",
    "Tracer",
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
