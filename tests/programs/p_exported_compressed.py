# env: OTEL_EXPORTER_OTLP_COMPRESSION=gzip
# env: OTEL_BSP_MAX_EXPORT_BATCH_SIZE=20
"""A trace exported in small, compressed batches."""

from opentelemetry import trace

tracer = trace.get_tracer("compressed")

with tracer.start_as_current_span("root") as root:
    for number in range(100):
        with tracer.start_as_current_span(f"span {number}", attributes={"text": "compressible " * 20}):
            pass
    root.set_attribute("children", 100)
