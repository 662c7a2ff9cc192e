"""Provider, tracer and spans are of the types that the API says."""

from opentelemetry import trace

provider = trace.get_tracer_provider()
tracer = provider.get_tracer("types")
print(isinstance(provider, trace.TracerProvider), isinstance(tracer, trace.Tracer))
with tracer.start_as_current_span("live") as span:
    print(isinstance(span, trace.Span), isinstance(span, trace.NonRecordingSpan))
    print(trace.get_current_span() is span)
    context = span.get_span_context()
    print(isinstance(context, trace.SpanContext), isinstance(context.trace_flags, trace.TraceFlags))
    print(isinstance(context.trace_state, trace.TraceState), len(context.trace_state))
    print(context.is_valid, context.is_remote, int(context.trace_flags), context == span.get_span_context())
    print(0 < context.trace_id < 1 << 128, 0 < context.span_id < 1 << 64)
    with trace.use_span(span) as used:
        print(used is span)
print(span.is_recording(), span.get_span_context() is not None, bool(trace.get_current_span().is_recording()))
