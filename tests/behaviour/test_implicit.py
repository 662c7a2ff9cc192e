"""A provider that OTEL_PYTHON_TRACER_PROVIDER named, before configure() is called: by an instrumentation, say."""

from __future__ import annotations

from child import python
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from scripted import Receiver

NAMED = {"OTEL_PYTHON_TRACER_PROVIDER": "otlp_lite"}


def test_configure_wins_while_nothing_is_recorded() -> None:
    with Receiver() as receiver:
        python(
            """
            import sys
            from opentelemetry import trace
            early = trace.get_tracer("early")
            class Added:
                seen = []
                def on_end(self, span): self.seen.append(span.name)
            trace.get_tracer_provider().add_span_processor(Added())
            import otlp_lite
            settings = {"endpoint": sys.argv[1], "service_name": "shop", "region_size": "1MiB"}
            telemetry = otlp_lite.configure(**settings)
            assert telemetry.tracer_provider is trace.get_tracer_provider()
            early.start_span("a").end()
            assert telemetry is otlp_lite.configure(**settings)
            otlp_lite.get_tracer("late").start_span("b").end()
            assert telemetry.shutdown() and telemetry.stats().region.size == 1 << 20
            assert Added.seen == ["a", "b"]
            try:
                otlp_lite.configure(service_name="bar")
            except otlp_lite.ConfigurationError as error:
                assert "was called before with service_name='shop'" in str(error), error
            else:
                raise SystemExit("taken")
            """,
            receiver.url,
            env=NAMED,
        )
        assert sorted(receiver.names()) == ["a", "b"]
        resource = ExportTraceServiceRequest.FromString(receiver.requests[0].body).resource_spans[0].resource
        assert {a.key: a.value.string_value for a in resource.attributes}["service.name"] == "shop"


def test_afterwards_the_error_says_where_the_provider_came_from() -> None:
    python(
        """
        from opentelemetry import trace
        trace.get_tracer("early").start_span("a")
        import otlp_lite
        assert otlp_lite.configure().tracer_provider is trace.get_tracer_provider()  # the same settings
        """,
        env=NAMED,
    )
    python(
        """
        from opentelemetry import trace
        trace.get_tracer("early").start_span("a")
        import otlp_lite
        try:
            otlp_lite.configure(service_name="shop")
        except otlp_lite.ConfigurationError as error:
            assert "came too late" in str(error) and "OTEL_PYTHON_TRACER_PROVIDER" in str(error), error
        else:
            raise SystemExit("taken")
        """,
        env=NAMED,
    )
