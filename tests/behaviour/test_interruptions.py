"""Code that comes in between: signal handlers, finalisers, other threads, the limits of stack and memory."""

from __future__ import annotations

import os
import signal
import socket
import textwrap

import pytest
from child import SET_UP, run, well
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from scripted import Receiver, Request, partial

COUNTS = """
traces = telemetry.stats().traces
assert telemetry.shutdown(20)
after = telemetry.stats().traces
assert after.pending == 0 and dict(after.dropped) == {}, after
assert after.recorded == after.exported == begun, (after, begun)
print(begun)
"""


def program(code: str) -> str:
    return SET_UP + textwrap.dedent(code) + COUNTS


def test_a_signal_handler_traces_wherever_it_comes() -> None:
    """Thousands of signals over spans of every kind: no span is lost, none is exported twice."""
    with Receiver() as receiver:
        well(
            program(
                """
                import logging, signal, time
                logging.disable(logging.CRITICAL)
                begun = handled = 0

                def handle(number, frame):
                    global begun, handled
                    with tracer.start_as_current_span("handler", attributes={"a": 1}) as span:
                        span.set_attribute("b", ["x", {"y": handled}])
                        otlp_lite.get_tracer("handler", str(handled % 7)).start_span("leaf").end()
                    begun += 2
                    handled += 1

                class Text:
                    def __str__(self):
                        return "".join(str(i) for i in range(9))

                signal.signal(signal.SIGALRM, handle)
                signal.setitimer(signal.ITIMER_REAL, 0.0002, 0.0002)
                end = time.monotonic() + 2
                while time.monotonic() < end:
                    given = {"a": Text(), "b": [1, 2]}
                    with tracer.start_as_current_span("outer", attributes=given) as outer:
                        outer.set_attributes({"c": 1.5, "d": Text()})
                        outer.add_event("event", {"e": (Text(),)})
                        with tracer.start_as_current_span("inner") as inner:
                            inner.record_exception(ValueError("x"))
                        tracer.start_span("leaf", attributes={"f": Text()}).end()
                    begun += 3
                    assert inner.parent.span_id == outer.context.span_id
                    if begun % 50 == 0:
                        telemetry.force_flush(1)
                signal.setitimer(signal.ITIMER_REAL, 0)
                assert handled > 500, handled
                """
            ),
            receiver,
        )
        ids = [span.span_id for span in receiver.spans()]
        assert len(ids) == len(set(ids)) > 1500


def test_a_signal_handler_that_raises_leaves_no_span_current() -> None:
    with Receiver() as receiver:
        out = well(
            """
            import gc, itertools, signal, time
            import otlp_lite
            from opentelemetry import context
            telemetry = otlp_lite.configure(region_size="64MiB")
            tracer = otlp_lite.get_tracer("child")
            before = context.get_current()

            class Alarm(Exception):
                pass

            def handle(number, frame):
                raise Alarm

            signal.signal(signal.SIGALRM, handle)
            end, raised = time.monotonic() + 2, 0
            while time.monotonic() < end:
                try:
                    try:
                        signal.setitimer(signal.ITIMER_REAL, 0.0001 + 0.000001 * (raised % 97), 0.5)
                        for number in itertools.count():
                            with tracer.start_as_current_span("outer") as outer:
                                with tracer.start_as_current_span("inner", attributes={"n": number}) as inner:
                                    inner.add_event("event", {"a": [number]})
                    finally:
                        signal.setitimer(signal.ITIMER_REAL, 0)
                except Alarm:
                    raised += 1
                assert context.get_current() is before
                if raised % 500 == 0:
                    assert telemetry.force_flush(20)  # else a slow receiver would have it overwritten
            assert telemetry.shutdown(20)
            traces = telemetry.stats().traces
            assert traces.recorded == traces.exported and dict(traces.dropped) == {}, traces
            print(raised, traces.recorded)
            """,
            receiver,
        )
        raised, recorded = map(int, out.split())
        assert raised > 200
        ids = [span.span_id for span in receiver.spans()]
        assert len(ids) == len(set(ids)) == recorded > 0


def test_finalisers_trace_while_others_record() -> None:
    """Garbage with `__del__` is collected at every few allocations, ours included."""
    with Receiver() as receiver:
        well(
            program(
                """
                import gc, weakref
                begun = finalised = 0

                class Node:
                    def __init__(self):
                        self.me = self
                        self.span = tracer.start_span("held")

                    def __del__(self):
                        global begun, finalised
                        with tracer.start_as_current_span("finaliser", attributes={"a": [1, "x"]}):
                            self.span.set_attribute("final", {"b": 2})
                        self.span.end()
                        begun += 2
                        finalised += 1

                gc.set_threshold(3, 2, 2)
                for number in range(20_000):
                    if number % 3 == 0:
                        Node()
                    with tracer.start_as_current_span("outer", attributes={"n": [number, {"k": ()}]}) as span:
                        span.add_event("event", {"e": [number, []]})
                        tracer.start_span("leaf", links=[]).end()
                    begun += 2
                    if number % 1000 == 0:
                        telemetry.force_flush(5)
                gc.set_threshold(700, 10, 10)
                gc.collect()
                assert finalised > 6000, finalised
                """
            ),
            receiver,
        )


SLOW_RESOURCE = """
import signal, time, uuid
draw = uuid.uuid4

def slowly():
    time.sleep(0.02)
    return draw()

uuid.uuid4 = slowly
"""
"""The resource takes its time, so that something else comes in between."""


def test_the_first_spans_of_many_threads_share_one_resource_and_one_worker() -> None:
    with Receiver() as receiver:
        well(
            SLOW_RESOURCE
            + program(
                """
                import threading
                barrier = threading.Barrier(16)
                begun = 16 * 50

                def work():
                    barrier.wait()
                    for number in range(50):
                        with tracer.start_as_current_span("raced", attributes={"n": number}):
                            pass

                threads = [threading.Thread(target=work) for _ in range(16)]
                for thread in threads: thread.start()
                for thread in threads: thread.join()
                """
            ),
            receiver,
        )
        assert len(instances(receiver)) == receiver.connections == 1


def test_a_signal_handler_may_record_the_first_span_within_the_first_span() -> None:
    with Receiver() as receiver:
        well(
            SLOW_RESOURCE
            + program(
                """
                begun = 2
                signal.signal(signal.SIGALRM, lambda number, frame: tracer.start_span("handler").end())
                signal.setitimer(signal.ITIMER_REAL, 0.01)
                tracer.start_span("outer").end()
                """
            ),
            receiver,
        )
        assert len(instances(receiver)) == receiver.connections == 1


def instances(receiver: Receiver) -> set[str]:
    """The values of service.instance.id in what came."""
    return {
        attribute.value.string_value
        for request in receiver.requests
        for resource in ExportTraceServiceRequest.FromString(request.body).resource_spans
        for attribute in resource.resource.attributes
        if attribute.key == "service.instance.id"
    }


def test_one_span_is_used_and_ended_by_many_threads() -> None:
    with Receiver() as receiver:
        well(
            program(
                """
                import sys, threading, logging
                logging.disable(logging.CRITICAL)
                sys.setswitchinterval(1e-6)
                begun = 200

                class Text:
                    def __str__(self):
                        return "".join(chr(65 + i % 26) for i in range(100))

                for number in range(begun):
                    span = tracer.start_span("shared")
                    barrier = threading.Barrier(4)

                    def work(name):
                        barrier.wait()
                        for i in range(5):
                            span.set_attribute(f"{name}.{i}", Text())
                            span.add_event(name, {"i": i, "t": [Text()]})
                        span.update_name("shared by " + name)
                        span.end()

                    threads = [threading.Thread(target=work, args=(name,)) for name in "abcd"]
                    for thread in threads: thread.start()
                    for thread in threads: thread.join()
                """
            ),
            receiver,
        )


@pytest.mark.parametrize("api", ["start_as_current_span", "set_attribute", "record_exception", "get_tracer"])
def test_near_the_end_of_the_stack_a_call_works_or_raises_recursionerror(api: str) -> None:
    calls = {
        "start_as_current_span": "with tracer.start_as_current_span('deep', attributes={'a': [Text()]}):"
        " begun += 1",
        "set_attribute": "top.set_attribute('a', {'b': [Text()]})",
        "record_exception": "top.record_exception(ValueError(Text()))",
        "get_tracer": "otlp_lite.get_tracer('deep', attributes={'a': [Text()]})",
    }
    with Receiver() as receiver:
        well(
            program(
                f"""
                import logging, sys
                logging.disable(logging.CRITICAL)
                sys.setrecursionlimit(400)
                begun, refused = 1, 0

                class Text:
                    def __str__(self):
                        return "text"

                def down(depth):
                    global begun, refused
                    try:
                        {calls[api]}
                    except RecursionError:
                        refused += 1
                    down(depth + 1)

                with tracer.start_as_current_span("top") as top:
                    try:
                        down(0)
                    except RecursionError:
                        pass
                assert refused > 0 or {api != "start_as_current_span"}
                """
            ),
            receiver,
        )


def test_without_memory_what_does_not_fit_is_dropped_and_counted() -> None:
    """The process may take no more memory: no call raises, the span that fits is exported, losses told."""
    with Receiver() as receiver:
        ended = run(
            """
            import resource
            import otlp_lite
            telemetry = otlp_lite.configure()
            tracer = otlp_lite.get_tracer("child")
            tracer.start_span("before").end()
            assert telemetry.force_flush(10)
            large = "x" * (48 << 20)
            with open("/proc/self/statm") as file:
                used = int(file.read().split()[0]) * resource.getpagesize()
            resource.setrlimit(resource.RLIMIT_AS, (used + (40 << 20), resource.RLIM_INFINITY))
            span = tracer.start_span("kept")
            span.set_attribute("small", 1)
            span.set_attribute("large", large)
            span.add_event(large)
            span.add_event("small")
            span.end()
            assert (span.dropped_attributes, span.dropped_events) == (1, 1)
            assert dict(span.attributes) == {"small": 1}
            tracer.start_span(large).end()
            resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
            assert telemetry.shutdown(10)
            traces = telemetry.stats().traces
            assert dict(traces.dropped) == {"no_memory": 1}, traces
            assert (traces.recorded, traces.exported) == (3, 2), traces
            """,
            receiver,
        )
        assert ended.status == 0, ended
        (kept,) = [span for span in receiver.spans() if span.name == "kept"]
        assert (kept.dropped_attributes_count, kept.dropped_events_count) == (1, 1)


def test_a_handler_that_restarts_amid_a_flush_leaves_it_its_batch() -> None:
    """Without a worker: the flush that is interrupted has a batch out, of the region that both use."""

    def interrupting(connection: socket.socket, request: Request) -> bool:
        os.kill(int(request.headers["pid"]), signal.SIGALRM)
        return partial(1)(connection, request)

    with Receiver(interrupting) as receiver:
        ended = run(
            """
            import os, signal, otlp_lite, otlp_lite.export.worker
            def none(run): raise RuntimeError("can't start new thread")
            otlp_lite.export.worker.start_thread = none
            headers = {"pid": str(os.getpid())}
            telemetry = otlp_lite.configure(headers=headers)
            def restart(number, frame):
                otlp_lite.shutdown(0.1)
                otlp_lite.configure(headers=headers)
                otlp_lite.get_tracer("t").start_span("second").end()
                otlp_lite.force_flush(0.1)
                global handled
                handled = True
            handled = False
            signal.signal(signal.SIGALRM, restart)
            for _ in range(5):
                otlp_lite.get_tracer("t").start_span("first").end()
            otlp_lite.force_flush(5)
            assert handled
            assert otlp_lite.force_flush(5)
            traces = otlp_lite.stats().traces
            assert (traces.recorded, traces.exported, traces.rejected, traces.resent) == (6, 5, 1, 0), traces
            assert not traces.dropped, traces
            """,
            receiver,
        )
        assert ended.status == 0 and "rejected 1 of 5" in ended.err, ended
        assert not any(word in ended.err for word in ("dropped", "failed", "Traceback")), ended
        assert receiver.names() == [*["first"] * 5, "second"]
