"""Tracers of the same scope, of nearly the same, without a name, and of odd names."""

from opentelemetry import trace
from opentelemetry.util.types import AnyValue

SCOPES: list[tuple[str, str | None, str | None, dict[str, AnyValue] | None]] = [
    ("same", None, None, None),
    ("same", None, None, None),
    ("same", "", None, None),
    ("same", "", "", {}),
    ("same", "1", None, None),
    ("same", "1", "https://example.org/schema", None),
    ("same", "1", None, {"a": 1}),
    ("same", "1", None, {"a": 1.0}),
    ("same", "1", None, {"a": True}),
    ("same", "1", None, {"a": "1", "b": [1, "x", None]}),
    ("same", "1", None, {"b": 1, "a": 2}),
    ("same", "1", None, {"a": 2, "b": 1}),
    ("", None, None, None),
    ("caf\u00e9 \u4f60\u597d \U0001f600", "\u00e9", None, {"\u00e9": "\U0001f600"}),
    ("long " * 500, "1" * 500, "https://example.org/" + "x" * 500, None),
    ("many", None, None, {f"k{number}": number for number in range(200)}),
]

for number, (name, version, schema, attributes) in enumerate(SCOPES):
    tracer = trace.get_tracer(name, version, schema_url=schema, attributes=attributes)
    with tracer.start_as_current_span(f"span {number}"):
        pass
provider = trace.get_tracer_provider()
direct = provider.get_tracer("direct", "2", "https://example.org/2", {"k": "v"})
direct.start_span("from the provider").end()
trace.get_tracer("explicit", tracer_provider=provider).start_span("from a given provider").end()
