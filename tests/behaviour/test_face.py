"""The face: configure(), its handle, the functions beside it, the provider that the environment asks for."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from typing import Any

import pytest
from child import environment, python
from opentelemetry.context import Context
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from scripted import Receiver, answer, mute

import otlp_lite
from otlp_lite import DropReason
from otlp_lite.assemble import build
from otlp_lite.config import Config, load
from otlp_lite.export.memory import Memory
from otlp_lite.resource import Resource, detect
from otlp_lite.traces.sampling import ALWAYS_OFF, ALWAYS_ON, Sampler, SamplingResult

# ---- configure() ----


def test_the_same_settings_give_the_same_handle_and_others_are_refused() -> None:
    python(
        """
        import otlp_lite
        url = "http://127.0.0.1:1"
        one = otlp_lite.configure(service_name="a", endpoint=url, headers={"K": "v"}, timeout=3)
        assert one is otlp_lite.configure(service_name="a", endpoint=url, headers={"k": "v"}, timeout=3.0)
        for settings, named in [
            ({}, "service_name='a', now with 'other'"),
            ({"service_name": "b", "timeout": 4}, "service_name='a', now with 'b'"),
            ({"service_name": "a", "timeout": 3, "headers": {"k": "v"}}, "endpoint="),
            ({"service_name": "a", "timeout": 3, "headers": {"k": "w"}, "endpoint": url}, "headers=***"),
        ]:
            try:
                otlp_lite.configure(**settings)
            except otlp_lite.ConfigurationError as error:
                assert named in str(error), error
            else:
                raise SystemExit("not refused")
        """,
        env={"OTEL_SERVICE_NAME": "other"},
    )


def test_a_bad_argument_leaves_nothing_behind() -> None:
    python(
        """
        import otlp_lite
        from opentelemetry import trace
        try:
            otlp_lite.configure(on_full="block")
        except ValueError as error:
            assert str(error) == "on_full='block': expected overwrite, drop", error
        else:
            raise SystemExit("not refused")
        assert trace._TRACER_PROVIDER is None
        otlp_lite.configure(on_full="drop")
        """
    )


def test_a_log_handler_may_call_configure() -> None:
    code = """
        import faulthandler, logging
        import otlp_lite
        from opentelemetry import trace
        faulthandler.dump_traceback_later(5, exit=True)
        seen = []
        class Handler(logging.Handler):
            def emit(self, record):
                seen.append((otlp_lite.configure(), trace.get_tracer_provider()))
        logging.getLogger("otlp_lite").addHandler(Handler())
        trace.set_tracer_provider(trace.NoOpTracerProvider())
        telemetry = otlp_lite.configure()
        assert seen == [(telemetry, trace.get_tracer_provider())]
    """
    python(code)


def test_configure_starts_no_thread_and_opens_no_socket_and_loads_little() -> None:
    with Receiver() as receiver:
        done = python(
            """
            import os, sys
            import opentelemetry.trace
            def tasks(): return len(os.listdir("/proc/self/task"))
            def files():
                links = [f"/proc/self/fd/{fd}" for fd in os.listdir("/proc/self/fd")]
                return [os.readlink(link) for link in links if os.path.lexists(link)]
            threads, before, modules = tasks(), len(files()), set(sys.modules)
            import otlp_lite
            telemetry = otlp_lite.configure(endpoint=sys.argv[1])
            assert (tasks(), len(files())) == (threads, before)
            with otlp_lite.get_tracer("t").start_as_current_span("op") as span:
                span.set_attribute("k", 1)
            assert tasks() == threads + 2  # the worker, and who waits for SIGTERM
            assert telemetry.force_flush()
            assert any(name.startswith("socket:") for name in files())
            print(*sorted(name for name in set(sys.modules) - modules if not name.startswith("otlp_lite")))
            """,
            receiver.url,
        )
        assert receiver.names() == ["op"]
        heavy = {
            "socket",
            "ssl",
            "json",
            "zlib",
            "urllib",
            "urllib.parse",
            "http",
            "email",
            "dataclasses",
            "random",
            "selectors",
            "asyncio",
            "encodings.idna",
            "unicodedata",
            "opentelemetry.sdk",
            "google",
        }
        assert not heavy & set(done.stdout.split())


def test_the_handle_is_a_context_manager() -> None:
    with Receiver() as receiver:
        python(
            """
            import sys, otlp_lite
            with otlp_lite.configure(endpoint=sys.argv[1]) as telemetry:
                otlp_lite.get_tracer("t").start_span("inside").end()
            assert telemetry.stats().traces.exported == 1
            otlp_lite.get_tracer("t").start_span("after").end()
            assert telemetry.stats().traces.dropped == {"shutdown": 1} == otlp_lite.stats().traces.dropped
            """,
            receiver.url,
        )
        assert receiver.names() == ["inside"]


def test_configure_after_a_shutdown_starts_anew() -> None:
    with Receiver() as receiver:
        python(
            """
            import os, sys, otlp_lite
            from opentelemetry import trace

            class Processor:
                ended = 0
                def on_end(self, span):
                    self.ended += 1

            settings = {"endpoint": sys.argv[1], "span_processors": (Processor(),)}
            tracers = [otlp_lite.get_tracer("early"), trace.get_tracer("api")]
            handles = []
            for turn in range(3):
                with otlp_lite.configure(**settings) as telemetry:
                    assert telemetry is otlp_lite.configure(**settings)
                    handles.append(telemetry)
                    for tracer in tracers:
                        tracer.start_span(f"turn {turn}").end()
                    over = tracers[0].start_span(f"over {turn}")
                assert otlp_lite.stats().traces.exported == 2 * turn + 2
                over.end()
            assert len(set(handles)) == 1 and settings["span_processors"][0].ended == 6
            assert otlp_lite.stats().traces.dropped == {"shutdown": 3}
            try:
                otlp_lite.configure(**settings, service_name="other")
            except otlp_lite.ConfigurationError as error:
                assert "service_name=None, now with 'other'" in str(error)
            else:
                raise SystemExit("not refused")
            if os.fork() == 0:
                otlp_lite.configure(**settings)
                tracers[0].start_span("child").end()
                os._exit(not otlp_lite.shutdown(5))
            raise SystemExit(os.wait()[1])
            """,
            receiver.url,
        )
        assert sorted(receiver.names()) == sorted([f"turn {i // 2}" for i in range(6)] + ["child"])


def test_configure_after_a_shutdown_that_left_the_worker_behind() -> None:
    """It is still connecting to a receiver that says nothing, and must not touch what comes next."""
    with Receiver() as receiver, mute() as silent:
        python(
            """
            import os, sys, time, otlp_lite
            from otlp_lite.export import http
            silent, url = sys.argv[1:]
            settings = {"endpoint": silent}
            otlp_lite.configure(**settings)
            tracer = otlp_lite.get_tracer("t")
            tracer.start_span("lost").end()
            assert not otlp_lite.shutdown(0.2)
            telemetry = otlp_lite.configure(**settings)
            telemetry._pipeline._carrier = http.carrier(
                otlp_lite.parse.endpoint(url + "/v1/traces"), telemetry.config)
            tracer.start_span("kept").end()
            assert telemetry.force_flush(5), telemetry.stats()
            assert telemetry.stats().traces[:3] == (2, 0, 1), telemetry.stats()
            assert telemetry.stats().traces.dropped == {"shutdown": 1}
            """,
            f"http://127.0.0.1:{silent.getsockname()[1]}",
            receiver.url,
        )
        assert receiver.names() == ["kept"]


def test_configure_during_and_beside_a_shutdown() -> None:
    """Starts nothing while it is under way, and once only after: no second worker, no record lost unseen."""

    def slowly(connection: Any, request: Any) -> bool:
        time.sleep(0.3)
        return answer()(connection, request)

    with Receiver(default=slowly) as receiver:
        python(
            """
            import os, sys, threading, time, otlp_lite
            configure = lambda: otlp_lite.configure(endpoint=sys.argv[1], schedule_delay=0.05)
            telemetry = configure()
            tracer = otlp_lite.get_tracer("t")
            for turn in range(4):
                tracer.start_span(f"a{turn}").end()
                shutting = threading.Thread(target=lambda: print(telemetry.shutdown(5)))
                shutting.start()
                while not telemetry.tracer_provider.closed:
                    time.sleep(0.001)
                configure()
                assert telemetry.tracer_provider.closed
                shutting.join()
                threads = [threading.Thread(target=configure) for _ in range(4)]
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join()
                tracer.start_span(f"b{turn}").end()
                time.sleep(0.6)
                assert telemetry.stats().traces.pending == 0, telemetry.stats()
            assert len(os.listdir("/proc/self/task")) == 3  # main, worker, who waits for SIGTERM
            assert telemetry.shutdown(5) and telemetry.stats().traces.exported == 8
            time.sleep(0.2)
            assert len(os.listdir("/proc/self/task")) == 2
            """,
            receiver.url,
        )
        assert sorted(receiver.names()) == sorted(f"{kind}{turn}" for kind in "ab" for turn in range(4))


@pytest.mark.parametrize(
    ("timeout", "error"), [("x", TypeError), (None, TypeError), (float("nan"), ValueError)]
)
def test_a_timeout_that_is_none_is_named(timeout: Any, error: type[Exception]) -> None:
    telemetry = build(load({}, {}), lambda config: Gate())
    for call in (telemetry.force_flush, telemetry.shutdown):
        with pytest.raises(error, match=r"^timeout=.*: expected a number of seconds"):
            call(timeout)
    assert telemetry.shutdown()


def test_before_configure_there_is_nothing_to_do() -> None:
    python(
        """
        import otlp_lite
        assert otlp_lite.force_flush() is True and otlp_lite.shutdown() is True
        stats = otlp_lite.stats()
        assert stats.traces == (0, 0, 0, 0, 0, 0, {}, 0) and str(stats.traces.dropped) == "{}"
        assert stats.exporter.last_success_age is None
        """
    )


def test_a_tracer_taken_early_records_from_configure_on() -> None:
    with Receiver() as receiver:
        python(
            """
            import sys, otlp_lite
            from opentelemetry import trace
            tracer = otlp_lite.get_tracer("early", "1.2", "http://schema", {"a": 1})
            with tracer.start_as_current_span("too early") as span:
                assert not span.is_recording()
            telemetry = otlp_lite.configure(endpoint=sys.argv[1])
            with tracer.start_as_current_span("in time") as span:
                assert span.is_recording()
            trace.get_tracer("api").start_span("through the API").end()
            assert telemetry.force_flush()
            assert trace.get_tracer_provider() is telemetry.tracer_provider
            """,
            receiver.url,
        )
        assert receiver.names() == ["in time", "through the API"]


def test_over_a_foreign_provider_we_warn_once_and_still_export() -> None:
    with Receiver() as receiver:
        done = python(
            """
            import logging, sys
            logging.basicConfig()
            from opentelemetry import trace
            from opentelemetry.sdk.trace import TracerProvider
            foreign = TracerProvider()
            trace.set_tracer_provider(foreign)
            import otlp_lite
            for _ in range(3):
                otlp_lite.configure(endpoint=sys.argv[1])
            assert trace.get_tracer_provider() is foreign
            trace.get_tracer("x").start_span("theirs").end()
            otlp_lite.get_tracer("x").start_span("ours").end()
            """,
            receiver.url,
        )
        assert done.stderr.count("WARNING") == 1
        assert "opentelemetry.sdk.trace.TracerProvider is the global TracerProvider already" in done.stderr
        assert receiver.names() == ["ours"]


def test_the_environment_alone_makes_our_provider_global() -> None:
    with Receiver() as receiver:
        done = python(
            """
            from opentelemetry import trace
            tracer = trace.get_tracer("x")
            provider = trace.get_tracer_provider()
            assert type(provider).__module__.startswith("otlp_lite"), provider
            tracer.start_span("by environment").end()
            import otlp_lite
            assert otlp_lite.configure().tracer_provider is provider
            """,
            env={
                "OTEL_PYTHON_TRACER_PROVIDER": "otlp_lite",
                "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url,
                "OTEL_SERVICE_NAME": "shop",
                "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=test",
            },
        )
        assert receiver.names() == ["by environment"] and not done.stderr
        assert b"deployment.environment.name" in receiver.requests[0].body


def test_configure_first_with_the_variable_set_is_not_asked_twice() -> None:
    python(
        """
        import otlp_lite
        from opentelemetry import trace
        telemetry = otlp_lite.configure(service_name="x", endpoint="http://127.0.0.1:1")
        assert trace.get_tracer_provider() is telemetry.tracer_provider
        """,
        env={"OTEL_PYTHON_TRACER_PROVIDER": "otlp_lite"},
    )


def test_disabled_records_nothing_and_propagates() -> None:
    with Receiver() as receiver:
        python(
            """
            import otlp_lite
            from opentelemetry import trace
            early = otlp_lite.get_tracer("x")
            telemetry = otlp_lite.configure()
            parent = trace.NonRecordingSpan(trace.SpanContext(1, 2, True, trace.TraceFlags(1)))
            context = trace.set_span_in_context(parent)
            for tracer in (early, otlp_lite.get_tracer("y"), trace.get_tracer("z")):
                span = tracer.start_span("op", context)
                assert not span.is_recording() and span.get_span_context().trace_id == 1
                span.end()
            assert telemetry.force_flush() is True and telemetry.shutdown() is True
            assert telemetry.stats().traces.recorded == 0
            """,
            env={"OTEL_SDK_DISABLED": "True", "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url},
        )
        assert not receiver.requests


def test_the_kernels_that_the_variable_names() -> None:
    code = (
        "import logging, otlp_lite; logging.basicConfig(); otlp_lite.configure(endpoint='http://127.0.0.1:1')"
    )
    assert not python(code, env={"OTLP_LITE_CPU": "scalar"}).stderr
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment({"OTLP_LITE_CPU": "mmx"}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert (
        last.startswith("otlp_lite.errors.ConfigurationError: OTLP_LITE_CPU='mmx': expected ")
        and "scalar" in last
    )


def test_which_kernels_run_and_why() -> None:
    code = """
        import otlp_lite
        otlp_lite.configure(endpoint="http://127.0.0.1:1", traces_exporter="none")
        cpu = otlp_lite.cpu()
        print(cpu.table, "|", cpu.reason, "|", *{kernel.table for kernel in cpu.kernels.values()})
    """
    best, reason, _ = python(code).stdout.strip().split(" | ")
    assert otlp_lite.cpu().table == best and otlp_lite.cpu().reason == reason
    assert all(kernel.table and kernel.reason for kernel in otlp_lite.cpu().kernels.values())
    forced, reason, tables = python(code, env={"OTLP_LITE_CPU": "scalar"}).stdout.strip().split(" | ")
    assert (forced, tables) == ("scalar", "scalar")
    assert reason == "the best of this build" or reason.startswith("chosen, though this machine has ")


def test_a_reason_of_loss_is_its_name() -> None:
    dropped: dict[str, int] = {otlp_lite.DropReason.REFUSED: 3}
    assert dropped["refused"] == 3 and str(otlp_lite.DropReason.FULL) == "full"


# ---- What settings do ----


def spans_of(bodies: list[bytes]) -> list[Span]:
    messages = [ExportTraceServiceRequest.FromString(body) for body in bodies]
    return [s for m in messages for r in m.resource_spans for scope in r.scope_spans for s in scope.spans]


def recorded(names: list[str], **settings: object) -> list[Span]:
    """What is exported of spans of these names, with settings."""
    memory = Memory()
    telemetry = build(load(settings, {}), lambda config: memory)
    for name in names:
        with telemetry.tracer_provider.get_tracer("t").start_as_current_span(name) as span:
            span.set_attributes({"a": "x" * 100, "b": 2, "c": 3})
    assert telemetry.shutdown(5)
    return spans_of(memory.bodies)


def test_sampler_settings() -> None:
    names = [f"s{i}" for i in range(2000)]
    assert len(recorded(names, sampler="always_on")) == 2000
    assert len(recorded(names, sampler="always_off")) == 0
    assert 700 < len(recorded(names, sampler="parentbased_traceidratio", sampler_arg=0.5)) < 1300
    assert len(recorded(names, sampler="traceidratio", sampler_arg=0)) == 0

    class Every(Sampler):
        def should_sample(
            self, parent_context: Context | None, trace_id: int, name: str, *rest: Any, **more: Any
        ) -> SamplingResult:
            chosen = ALWAYS_ON if name.endswith("7") else ALWAYS_OFF
            return chosen.should_sample(parent_context, trace_id, name, *rest, **more)

        def get_description(self) -> str:
            return "Every"

    assert len(recorded(names, sampler=Every())) == 200


def test_limits_id_generator_and_ids() -> None:
    (span,) = recorded(["s"], limits=otlp_lite.SpanLimits(max_span_attributes=2, max_span_attribute_length=5))
    assert [pair.key for pair in span.attributes] == ["b", "c"] and span.dropped_attributes_count == 1
    (span,) = recorded(["s"], limits=otlp_lite.SpanLimits(max_attribute_length=5))
    assert span.attributes[0].value.string_value == "xxxxx"

    class Counting:
        def __init__(self, span_id: int = 0x56) -> None:
            self._span_id = span_id

        def generate_trace_id(self) -> int:
            return 0x1234

        def generate_span_id(self) -> int:
            return self._span_id

    (span,) = recorded(["s"], id_generator=Counting())
    assert (span.trace_id, span.span_id) == (b"\0" * 14 + b"\x12\x34", b"\0" * 7 + b"\x56")
    (span,) = recorded(["s"], id_generator=Counting(0))  # which is no id
    assert any(span.trace_id) and any(span.span_id)
    assert len({span.span_id for span in recorded(["s"] * 500, ids="os")}) == 500


class Gate(Memory):
    """Cannot be reached until it is opened."""

    closed = True

    def open(self, timeout: float) -> bool:
        if self.closed:
            raise ConnectionRefusedError("the gate is closed")
        return True


@pytest.mark.parametrize(("on_full", "reason"), [("overwrite", "overwritten"), ("drop", "full")])
def test_a_full_region_keeps_the_newest_or_the_oldest(
    on_full: str, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    gate = Gate()
    telemetry = build(load({"region_size": "64KiB", "on_full": on_full}, {}), lambda config: gate)
    names = [f"s{i}" for i in range(3000)]
    for name in names:
        telemetry.tracer_provider.get_tracer("t").start_span(name).end()
    stats = telemetry.stats()
    assert list(stats.traces.dropped) == [reason] and stats.region.size == 65536
    gate.closed = False
    assert telemetry.force_flush(5)
    kept = [span.name for span in spans_of(gate.bodies)]
    assert kept == (names[-len(kept) :] if on_full == "overwrite" else names[: len(kept)])
    assert 300 < len(kept) == telemetry.stats().traces.exported
    assert len(kept) == 3000 - stats.traces.dropped[DropReason(reason)]
    assert telemetry.shutdown()
    said = [message for message in caplog.messages if "counted as" in message]
    assert 1 <= len(said) <= 2 and f"{stats.traces.dropped[DropReason(reason)]} span(s) lost" in said[-1]
    assert f"counted as {reason!r}: the region was full" in said[0] and "region_size=65536" in said[0]


def test_a_span_too_large_is_said_once_and_by_name(caplog: pytest.LogCaptureFixture) -> None:
    """One attribute alone over the region is dropped from its span; a span over what one may be is lost."""
    telemetry = build(load({"region_size": "64KiB"}, {}), lambda config: Memory())
    tracer = telemetry.tracer_provider.get_tracer("t")
    with tracer.start_as_current_span("small") as span:
        span.set_attribute("prompt", "x" * 100_000)
    assert caplog.messages == [
        "'prompt': with this attribute the span would hold more than 11252 bytes, too much for its "
        "region_size; dropped"
    ]
    for _ in range(2):
        tracer.start_span("x" * 20_000).end()
    assert telemetry.shutdown()
    assert caplog.messages[1:] == [
        "2 span(s) lost so far, counted as 'too_large': each was larger than one may be (region_size=65536, "
        "at most 12276 bytes each)"
    ]


def test_first_records_of_many_threads_share_one_region(monkeypatch: pytest.MonkeyPatch) -> None:
    def slowly(config: Config) -> Resource:
        time.sleep(0.01)  # others get their turn
        return detect(config)

    monkeypatch.setattr("otlp_lite.assemble.detect", slowly)
    memory = Memory()
    telemetry = build(load({}, {}), lambda config: memory)
    provider: Any = telemetry.tracer_provider
    tracer = provider.get_tracer("t")
    regions = []

    def one_after_another(number: int) -> None:
        time.sleep(number * 0.002)
        for _ in range(10):
            tracer.start_span("s").end()
            regions.append(provider.region)

    threads = [threading.Thread(target=one_after_another, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(regions)) == 1
    assert telemetry.stats().traces.recorded == 80
    assert telemetry.shutdown(5) and telemetry.stats().traces.exported == 80


def test_the_resource_is_detected_once_a_process() -> None:
    telemetry = build(load({"service_name": "shop"}, {}), lambda config: Memory())
    provider: Any = telemetry.tracer_provider
    first = provider.resource
    assert first is provider.resource and first.attributes["service.name"] == "shop"
    assert (
        first.attributes["service.instance.id"] != detect(telemetry.config).attributes["service.instance.id"]
    )


def test_each_public_name_is_there_and_no_other() -> None:
    code = """
        import otlp_lite
        print([name for name in (*otlp_lite.__all__, "SpanBuilders") if not hasattr(otlp_lite, name)])
    """
    assert python(code).stdout == "['SpanBuilders']\n"
