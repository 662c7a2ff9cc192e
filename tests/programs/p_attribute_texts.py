"""Text of every width at lengths around those of vectors, and far beyond a chunk of memory."""

from opentelemetry import trace

tracer = trace.get_tracer("texts")
WIDTHS = {
    "ascii": "a",
    "latin": "\u00e9",
    "two bytes": "\u0100",
    "three bytes": "\u4f60",
    "four bytes": "\U0001f600",
    "nul": "\x00",
    "last of each": "\x7f\x80\xff\u07ff\u0800\ud7ff\ue000\uffff\U00010000\U0010ffff",
}
LENGTHS = [*range(18), *(edge + step for edge in (32, 64, 128, 256) for step in (-1, 0, 1)), 1000, 4096]

for name, unit in WIDTHS.items():
    with tracer.start_as_current_span(name) as span:
        for length in LENGTHS:
            span.set_attribute(f"{length}", (unit * length)[:length])
            span.set_attribute(f"{length} foreign end", "a" * length + unit)
with tracer.start_as_current_span("huge") as span:
    for name, unit in WIDTHS.items():
        span.set_attribute(f"huge {name}", (unit * 20_000)[:20_000])
    span.add_event("huge", {"prompt": "p" * 100_000, "answer": b"\xf0" * 100_000})
