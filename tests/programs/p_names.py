"""Names of every width and length, renamed before, during and after."""

from opentelemetry import trace

tracer = trace.get_tracer("names")

for name in (
    "",
    "a",
    "caf\u00e9",
    "\u4f60\u597d",
    "\U0001f600",
    "tab\tnul\x00line\n",
    "n" * 5000,
    "mixed \u00e9\u4f60\U0001f600",
):
    with tracer.start_as_current_span(name):
        pass
for width in "a\u00e9\u4f60\U0001f600":
    for length in (1, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129):
        tracer.start_span(width * length).end()
with tracer.start_as_current_span("old name") as span:
    span.update_name("newer name")
    with tracer.start_as_current_span("child of the renamed"):
        span.update_name("newest \u540d\u524d")
span.update_name("too late")
