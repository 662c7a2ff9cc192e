# env: OTEL_SERVICE_NAME=the service
# env: OTEL_RESOURCE_ATTRIBUTES=service.name=not this,tier=te%20st,empty=,bad,a=b=c, spaced = x ,k%C3%A9y=v
"""The resource is what the environment says, and a name of the service of its own wins."""

from opentelemetry import trace

with trace.get_tracer("resource").start_as_current_span("span"):
    pass
