# env: OTEL_RESOURCE_ATTRIBUTES=service.version=1.2.3,service.namespace=shop,unicode=%E4%BD%A0%F0%9F%98%80
"""Without a name for the service there is still one."""

from opentelemetry import trace

with trace.get_tracer("resource").start_as_current_span("span"):
    pass
