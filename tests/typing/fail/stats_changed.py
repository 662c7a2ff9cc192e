"""A snapshot is read, not written."""

from __future__ import annotations

import otlp_lite

traces = otlp_lite.stats().traces
traces.recorded = 0  # fails: misc, reportAttributeAccessIssue
traces.dropped["full"] = 0  # fails: index, reportIndexIssue
