"""os.fork(): a span is sent once, by the process that began it."""

from __future__ import annotations

import socket
import textwrap
import threading

import pytest
from child import well
from clock import until
from scripted import Receiver, Request, answer, hang_up

from .serving import arrived, each_has_its_own_instance

SET_UP = """\
import os, sys, threading
import otlp_lite
telemetry = otlp_lite.configure(schedule_delay=60)
tracer = otlp_lite.get_tracer("fork")
def span(name):
    return tracer.start_as_current_span(name, attributes={"pid": os.getpid()})
def await_child(pid):
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
"""
PROGRAMS = {
    "in a span, off the end": (
        """
        with span("parent's"):
            pid = os.fork()
            with span("child's" if pid == 0 else "beside it"):
                pass
        if pid:
            await_child(pid)
        """,
        ["parent's", "child's", "beside it"],
    ),
    "in a span, by sys.exit": (
        """
        with span("parent's"):
            pid = os.fork()
            if pid == 0:
                with span("child's"):
                    sys.exit(0)
            await_child(pid)
        """,
        ["parent's", "child's"],
    ),
    "where the parent is recording and sending": (
        """
        with span("before"):
            pass
        telemetry.force_flush(10)
        with span("waiting"):
            pass
        pid = os.fork()
        if pid == 0:
            with span("child's"):
                pass
            assert telemetry.stats().traces.recorded == 1
        else:
            await_child(pid)
        """,
        ["before", "waiting", "child's"],
    ),
    "where the child records nothing": (
        """
        with span("parent's"):
            pid = os.fork()
            if pid == 0:
                sys.exit(0)
            await_child(pid)
        """,
        ["parent's"],
    ),
    "before configure()'s provider was used": (
        """
        pid = os.fork()
        with span("child's" if pid == 0 else "parent's"):
            pass
        if pid:
            await_child(pid)
        """,
        ["parent's", "child's"],
    ),
    "where another thread of the child flushes as it begins to record": (
        """
        from otlp_lite.export.health import Health
        def flush_meanwhile(*_):
            thread = threading.Thread(target=telemetry.force_flush)
            thread.start()
            thread.join()
        with span("parent's"):
            pass
        Health.starts_with = flush_meanwhile  # called in the middle
        pid = os.fork()
        with span("child's" if pid == 0 else "beside it"):
            pass
        if pid:
            await_child(pid)
        """,
        ["parent's", "child's", "beside it"],
    ),
    "again and again": (
        """
        for generation in range(5):
            with span(f"generation {generation}"):
                pass
            pid = os.fork()
            if pid:
                await_child(pid)
                break
        """,
        [f"generation {number}" for number in range(5)],
    ),
    "and the child leaves by os._exit after a flush": (
        """
        pid = os.fork()
        if pid == 0:
            with span("child's"):
                pass
            telemetry.force_flush(10)
            with span("lost"):
                os._exit(0)
        await_child(pid)
        """,
        ["child's"],
    ),
    "with threads that go on recording": (
        """
        stop = threading.Event()
        def work():
            while not stop.is_set():
                tracer.start_span("busy").end()
        tracer.start_span("busy").end()
        threads = [threading.Thread(target=work) for _ in range(2)]
        for thread in threads:
            thread.start()
        pids = []
        for number in range(20):
            pid = os.fork()
            if pid == 0:
                with span(f"child {number}"):
                    pass
                sys.exit(0)
            pids.append(pid)
        stop.set()
        for pid in pids:
            await_child(pid)
        """,
        [f"child {number}" for number in range(20)],
    ),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_each_sends_its_own(name: str) -> None:
    program, expected = PROGRAMS[name]
    with Receiver() as receiver:
        well(SET_UP + textwrap.dedent(program), receiver)
        spans = [span for span in receiver.spans() if span.name != "busy"]
        assert sorted(span.name for span in spans) == sorted(expected)
        assert len({span.span_id for span in receiver.spans()}) == len(receiver.spans())
        if "busy" not in program:
            assert each_has_its_own_instance(arrived(receiver))
        inner = {span.name: span for span in spans}
        if "parent's" in inner and inner.get("child's") and inner["child's"].parent_span_id:
            assert inner["child's"].parent_span_id == inner["parent's"].span_id


def test_a_processor_sees_a_span_end_in_the_process_that_began_it() -> None:
    with Receiver() as receiver:
        printed = well(
            SET_UP
            + textwrap.dedent(
                """
                class Said:
                    def on_end(self, span):
                        os.write(1, f"{os.getpid() == parent} {span.name}\\n".encode())  # whole
                telemetry.tracer_provider.add_span_processor(Said())
                parent = os.getpid()
                with span("parent's"):
                    pid = os.fork()
                    with span("child's" if pid == 0 else "beside it"):
                        pass
                if pid:
                    await_child(pid)
                """
            ),
            receiver,
        )
        assert sorted(printed.splitlines()) == ["False child's", "True beside it", "True parent's"]


WORKER_WRITES = """
threading.Thread(target=telemetry.force_flush, args=(5,), daemon=True).start()
"""
BATCH_WRITES = """
class Exporter:
    def export(self, spans):
        raise RuntimeError
    def shutdown(self):
        pass
from otlp_lite.traces.processor import BatchSpanProcessor
telemetry.tracer_provider.add_span_processor(BatchSpanProcessor(Exporter(), schedule_delay_millis=10))
with span("parent's"):
    pass
"""


@pytest.mark.parametrize(
    ("writes", "stuck"),
    [(WORKER_WRITES, False), (WORKER_WRITES, True), (BATCH_WRITES, False)],
    ids=["the worker", "the worker, for ever", "a span processor's"],
)
def test_no_process_forks_while_a_thread_of_ours_writes_to_the_log(writes: str, stuck: bool) -> None:
    """A lock as sys.stderr has: a child would find it held. A handler that is stuck stops no fork."""
    with Receiver(default=hang_up) as receiver:
        well(
            SET_UP
            + textwrap.dedent(
                f"""
                import logging, time
                stream, writing = threading.Lock(), threading.Event()

                class Handler(logging.Handler):
                    def emit(self, record):
                        with stream:
                            writing.set()
                            time.sleep({600 if stuck else 0.3})

                logging.getLogger("otlp_lite").addHandler(Handler())
                with span("parent's"):
                    pass
                """
            )
            + writes
            + textwrap.dedent(
                f"""
                assert writing.wait(10)
                pid = os.fork()
                if pid == 0:
                    os._exit(stream.acquire(timeout=5) == {stuck})
                await_child(pid)
                os._exit(0)
                """
            ),
            receiver,
        )


def test_forks_that_signals_interrupt_leave_nothing_held() -> None:
    """By handlers that raise. (In logging, whose lock they may leave held, no thread forks again.)"""
    with Receiver() as receiver:
        well(
            SET_UP
            + textwrap.dedent(
                """
                import random, signal, time
                def interrupt(*_): raise KeyboardInterrupt
                signal.signal(signal.SIGALRM, interrupt)
                signal.signal(signal.SIGCHLD, signal.SIG_IGN)
                parent, seed = os.getpid(), random.Random(1)
                sys.unraisablehook = lambda _: None  # of hooks that are interrupted
                span("first").__enter__().set_attribute("key", object())  # a warning: the log is set up
                def fork():
                    try:
                        os.fork()
                    finally:
                        if os.getpid() != parent:
                            os._exit(0)
                for _ in range(500):
                    try:
                        signal.setitimer(signal.ITIMER_REAL, seed.uniform(1e-6, 2e-4))
                        fork()
                        time.sleep(0.001)
                    except KeyboardInterrupt:
                        if os.getpid() != parent:
                            os._exit(0)
                signal.setitimer(signal.ITIMER_REAL, 0)
                def warned(odd):
                    began = time.monotonic()
                    span("next").__enter__().set_attribute("key", odd)
                    took.append(time.monotonic() - began)
                took = []
                for odd in ({object()}, sys, Ellipsis, warned):
                    thread = threading.Thread(target=warned, args=(odd,))
                    thread.start()
                    thread.join()
                assert min(took) < 0.4, took  # a lock that is left held is waited for half a second
                """
            ),
            receiver,
        )


def test_a_child_that_configures_anew_leaves_its_parents_request_alone() -> None:
    answered = threading.Event()

    def slow(connection: socket.socket, request: Request) -> bool:
        if request.connection == 1:
            answered.wait(10)
        return answer()(connection, request)

    with Receiver(default=slow) as receiver:
        child = SET_UP.replace("60", "0.01") + textwrap.dedent(
            """
            import time, urllib.request
            with span("parent's"):
                pass
            time.sleep(0.5)
            pid = os.fork()
            if pid == 0:
                assert telemetry.shutdown() and otlp_lite.configure(schedule_delay=0.01) is telemetry
                with span("child's"):
                    pass
                assert telemetry.force_flush(10)
                os._exit(0)
            await_child(pid)
            print("over", flush=True)
            assert telemetry.force_flush(20)
            traces = telemetry.stats().traces
            assert (traces.exported, traces.resent) == (1, 0), traces
            """
        )

        def answer_when_the_child_was() -> None:
            until(lambda: "child's" in receiver.names(), 20)
            answered.set()

        threading.Thread(target=answer_when_the_child_was, daemon=True).start()
        well(child, receiver)
        assert sorted(receiver.names()) == ["child's", "parent's"]


def test_the_processors_of_a_child_that_is_forked_in_its_parents_end_work() -> None:
    """What its parent had shut down is opened again, and what it adds is kept."""
    with Receiver() as receiver:
        printed = well(
            SET_UP
            + textwrap.dedent(
                """
                import atexit, time
                from otlp_lite.traces.processor import BatchSpanProcessor, SpanProcessor

                class Exporter:
                    def export(self, spans): print(*(span.name for span in spans), flush=True)
                    def shutdown(self): pass

                class Forking(SpanProcessor):
                    def shutdown(self):
                        global pid
                        pid = os.fork()

                class Seeing:
                    def on_end(self, span): print("seen", span.name, flush=True)

                provider, parent = telemetry.tracer_provider, os.getpid()
                provider.add_span_processor(BatchSpanProcessor(Exporter()))
                provider.add_span_processor(Forking())
                with span("parent's"):
                    pass
                telemetry._exit()
                if os.getpid() == parent:
                    await_child(pid)
                else:
                    provider.add_span_processor(Seeing())
                    with span("child's"):
                        pass
                    assert provider.force_flush(5000)
                    os._exit(0)
                """
            ),
            receiver,
        )
        assert printed.split("\n")[:3] == ["parent's", "seen child's", "child's"]
