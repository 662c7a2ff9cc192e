"""A counter that does not exist is no attribute."""

from __future__ import annotations

import otlp_lite

print(otlp_lite.stats().traces.dropped)
print(otlp_lite.stats().traces.lost)  # fails: attr-defined, reportAttributeAccessIssue
