"""A field has the type that it was declared with."""

from __future__ import annotations

import otlp_lite
from otlp_lite import SpanSchema, key


class Query(SpanSchema, name="db.query"):
    system: str = key("db.system.name")
    rows: int | None = key("db.response.returned_rows", default=None)


query = otlp_lite.get_tracer("shop").bind_leaf(Query)
query("postgresql")
query(3)  # fails: arg-type, reportArgumentType
