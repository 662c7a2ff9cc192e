"""More spans than one batch of the stock SDK holds, of two scopes in turn."""

from opentelemetry import trace

tracers = [trace.get_tracer("even"), trace.get_tracer("odd", "1")]

for number in range(1500):
    with tracers[number % 2].start_as_current_span(f"span {number}", attributes={"n": number}):
        pass
