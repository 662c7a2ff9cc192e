"""A field without a default is given."""

from __future__ import annotations

import otlp_lite
from otlp_lite import SpanSchema, key


class Query(SpanSchema, name="db.query"):
    system: str = key("db.system.name")
    rows: int | None = key("db.response.returned_rows", default=None)


query = otlp_lite.get_tracer("shop").bind_leaf(Query)
query("postgresql")
query(rows=3)  # fails: call-arg, reportCallIssue
