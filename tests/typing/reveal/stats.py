"""The shape of stats()."""

from __future__ import annotations

from collections.abc import Mapping

from typing_extensions import assert_type

import otlp_lite
from otlp_lite import DropReason, ExporterStats, RegionStats, SignalStats, Stats

stats = otlp_lite.stats()
assert_type(stats, Stats)
assert_type(otlp_lite.configure().stats(), Stats)
assert_type(stats.traces, SignalStats)
assert_type(stats.traces.recorded, int)
assert_type(stats.traces.adopted, int)
assert_type(stats.traces.exported, int)
assert_type(stats.traces.rejected, int)
assert_type(stats.traces.resent, int)
assert_type(stats.traces.unanswered, int)
assert_type(stats.traces.pending, int)
assert_type(stats.traces.dropped, Mapping[DropReason, int])
assert_type(
    stats.traces.dropped[DropReason.OVERWRITTEN] + stats.traces.dropped[DropReason.UNSUPPORTED_PROTOCOL], int
)
assert_type(stats.region, RegionStats)
assert_type(stats.region.size, int)
assert_type(stats.region.open_spans, int)
assert_type(stats.region.open_spans_used, int)
assert_type(stats.region.open_spans_missed, int)
assert_type(stats.region.open_spans_cut, int)
assert_type(stats.exporter, ExporterStats)
assert_type(stats.exporter.last_success_age, "float | None")
assert_type(stats.exporter.last_error, "str | None")
assert_type(otlp_lite.force_flush(1.0), bool)
assert_type(otlp_lite.shutdown(), bool)
