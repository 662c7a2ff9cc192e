"""A field keeps its type until the end."""

from __future__ import annotations

import otlp_lite
from otlp_lite import SpanSchema, key


class Query(SpanSchema, name="db.query"):
    system: str = key("db.system.name")
    rows: int | None = key("db.response.returned_rows", default=None)


query = otlp_lite.get_tracer("shop").bind_leaf(Query)
with query("postgresql") as span:
    span.rows = 3
    span.rows = "three"  # fails: assignment, reportAttributeAccessIssue
