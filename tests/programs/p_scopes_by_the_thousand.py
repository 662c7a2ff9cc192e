"""A thousand scopes, told apart by name, version, schema and attributes."""

from opentelemetry import trace

for number in range(1000):
    tracer = trace.get_tracer(
        f"scope {number // 10}",
        str(number) if number % 3 else None,
        schema_url=f"https://example.org/{number}" if number % 5 else None,
        attributes={"number": number, "tags": ["a", "b"]} if number % 7 else None,
    )
    with tracer.start_as_current_span(f"span {number}"):
        pass
