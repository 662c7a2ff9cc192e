"""However a process ends, in the middle of a span or not: no crash, no hang, what had ended is exported."""

from __future__ import annotations

import os
import textwrap
import time
from typing import NamedTuple

import pytest
from child import CRASH, run
from clock import Clock
from scripted import Receiver, answer, stall


class Exit(NamedTuple):
    name: str
    code: str
    names: set[str]
    """Of the spans that arrive."""
    status: int = 0
    traceback: bool = False
    """The program's own."""
    sure: bool = True
    """False: which of them arrive is a race."""

    def __str__(self) -> str:
        return self.name


BEFORE = """
import atexit, gc, os, signal, sys, threading, time
import otlp_lite
telemetry = otlp_lite.configure()
tracer = otlp_lite.get_tracer("exit")
tracer.start_span("before").end()
"""

EXITS = [
    Exit("at the end of main", "open = tracer.start_span('open')", {"before"}),
    Exit(
        "sys.exit in a span",
        "with tracer.start_as_current_span('left'):\n"
        " with tracer.start_as_current_span('inner'): sys.exit(3)",
        {"before", "left", "inner"},
        status=3,
    ),
    Exit(
        "an exception in a span",
        "with tracer.start_as_current_span('left'): raise ValueError('x')",
        {"before", "left"},
        status=1,
        traceback=True,
    ),
    Exit(
        "a span entered and never left",
        "manager = tracer.start_as_current_span('open'); manager.__enter__()",
        {"before"},
        sure=False,
    ),
    Exit(
        "os._exit in a span",
        "telemetry.force_flush(10)\nwith tracer.start_as_current_span('left'): os._exit(4)",
        {"before"},
        status=4,
    ),
    Exit(
        "a signal that kills",
        "telemetry.force_flush(10)\n"
        "with tracer.start_as_current_span('left'):\n os.kill(os.getpid(), signal.SIGTERM)\n time.sleep(60)",
        {"before"},
        status=-15,
    ),
    Exit(
        "Ctrl-C in a span",
        "with tracer.start_as_current_span('left'):\n os.kill(os.getpid(), signal.SIGINT)\n time.sleep(9)",
        {"before", "left"},
        status=-2,
        traceback=True,
    ),
    Exit(
        "sys.exit in a thread's span",
        """
        def work():
            with tracer.start_as_current_span("left"):
                sys.exit(5)
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        """,
        {"before", "left"},
    ),
    Exit(
        "a thread that outlives main",
        """
        def work():
            time.sleep(0.3)
            with tracer.start_as_current_span("late"):
                pass
        threading.Thread(target=work).start()
        """,
        {"before", "late"},
    ),
    Exit(
        "daemon threads that go on recording",
        """
        def work():
            while True:
                with tracer.start_as_current_span("daemon", attributes={"a": [1, 2, "x"]}) as span:
                    span.add_event("event", {"b": 1.5})
        telemetry.force_flush(10)
        for _ in range(8):
            threading.Thread(target=work, daemon=True).start()
        time.sleep(0.1)
        """,
        {"before", "daemon"},
    ),
    Exit(
        "daemon threads inside spans",
        """
        inside = threading.Semaphore(0)
        def work():
            with tracer.start_as_current_span("held"):
                inside.release()
                time.sleep(60)
        for _ in range(4):
            threading.Thread(target=work, daemon=True).start()
            inside.acquire()
        """,
        {"before"},
    ),
    Exit(
        "atexit functions registered after",
        "atexit.register(lambda: tracer.start_span('at exit').end())",
        {"before", "at exit"},
    ),
    Exit(
        "a generator that waits in a span",
        """
        def generate():
            with tracer.start_as_current_span("generator"):
                yield
        generator = generate()
        next(generator)
        """,
        {"before"},
        sure=False,
    ),
    Exit(
        "an event loop that is not closed",
        """
        import asyncio
        async def work():
            with tracer.start_as_current_span("task"):
                await asyncio.sleep(60)
        loop = asyncio.new_event_loop()
        task = loop.create_task(work())
        loop.run_until_complete(asyncio.sleep(0))
        """,
        {"before"},
        sure=False,
    ),
    Exit(
        "finalisers of what modules hold",
        """
        class Last:
            def __init__(self): self.span = tracer.start_span("held")
            def __del__(self, tracer=tracer):
                self.span.set_attribute("a", ["x"])
                self.span.end()
                with tracer.start_as_current_span("last"):
                    tracer.start_span("leaf").end()
        kept = Last()
        cycle = [Last()]
        cycle.append(cycle)
        sys.modules["last"] = Last()
        otlp_lite.last = Last()
        """,
        {"before"},
        sure=False,
    ),
    Exit(
        "the modules taken away first",
        """
        for name in [name for name in sys.modules if name.startswith(("otlp_lite", "opentelemetry"))]:
            del sys.modules[name]
        del otlp_lite, telemetry
        gc.collect()
        with tracer.start_as_current_span("orphan"):
            pass
        """,
        {"before", "orphan"},
    ),
    Exit(
        "a span that is dropped with the interpreter",
        "import builtins; builtins.kept = tracer.start_as_current_span('kept'); builtins.kept.__enter__()",
        {"before"},
        sure=False,
    ),
    Exit(
        "a processor that exits",
        """
        class Leaving:
            def on_end(self, span): sys.exit(6)
        telemetry.tracer_provider.add_span_processor(Leaving())
        with tracer.start_as_current_span("left"):
            pass
        """,
        {"before", "left"},
        status=6,
    ),
    Exit(
        "a processor whose shutdown raises",
        """
        class Bad:
            def shutdown(self): raise RuntimeError("bad")
        telemetry.tracer_provider.add_span_processor(Bad())
        tracer.start_span("after").end()
        """,
        {"before", "after"},
        traceback=True,
    ),
    Exit("a shutdown before the end", "telemetry.shutdown(10)\ntracer.start_span('lost').end()", {"before"}),
]


@pytest.mark.parametrize("exit", EXITS, ids=str)
def test_what_had_ended_is_exported(exit: Exit) -> None:
    with Receiver() as receiver:
        ended = run(BEFORE + textwrap.dedent(exit.code), receiver, timeout=30)
        assert ended.status == exit.status, ended
        crash = [word for word in CRASH if word != "Traceback" or not exit.traceback]
        assert not any(word in ended.err for word in crash), ended
        names = receiver.names()
        assert set(names) == exit.names if exit.sure else set(names) >= exit.names
        ids = [span.span_id for span in receiver.spans()]
        assert len(ids) == len(set(ids))


def test_the_first_span_of_all_may_be_recorded_at_exit() -> None:
    with Receiver() as receiver:
        ended = run(
            """
            import atexit
            import otlp_lite
            otlp_lite.configure()
            atexit.register(lambda: otlp_lite.get_tracer("exit").start_span("first").end())
            """,
            receiver,
        )
        assert (ended.status, ended.err) == (0, "")
        assert receiver.names() == ["first"]


def test_what_ends_after_the_shutdown_at_exit_is_counted() -> None:
    with Receiver() as receiver:
        ended = run(
            """
            import atexit

            @atexit.register
            def late():
                with tracer.start_as_current_span("late"):
                    pass
                print(dict(telemetry.stats().traces.dropped), telemetry.shutdown(), telemetry.force_flush())

            import otlp_lite
            telemetry = otlp_lite.configure()
            tracer = otlp_lite.get_tracer("exit")
            tracer.start_span("before").end()
            """,
            receiver,
        )
        assert (ended.status, ended.out) == (0, "{'shutdown': 1} True True\n")
        assert "span 'late' ended after the shutdown: it is dropped" in ended.err
        assert ended.err.count("\n") == 1
        assert receiver.names() == ["before"]


@pytest.mark.parametrize(
    "left",
    [
        "resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))",
        pytest.param(
            "os.chroot(tempfile.mkdtemp())", marks=pytest.mark.skipif(os.getuid() != 0, reason="needs root")
        ),
    ],
)
def test_an_exit_that_can_open_no_file_keeps_its_status(left: str) -> None:
    """CPython before 3.14 ends our threads by what the C library would only then load."""
    with Receiver() as receiver:
        ended = run(
            f"""
            import os, resource, sys, tempfile
            import otlp_lite
            telemetry = otlp_lite.configure()
            otlp_lite.get_tracer("t").start_span("first").end()
            assert telemetry.force_flush()
            {left}
            sys.exit(3)
            """,
            receiver,
        )
        assert (ended.status, ended.err, receiver.names()) == (3, "", ["first"]), ended


@pytest.mark.parametrize("threads", [0, 4])
def test_an_exit_does_not_wait_for_a_receiver_that_says_nothing(threads: int) -> None:
    """The worker is in a request, others wait in force_flush() or record; the process ends in its time."""
    with Receiver(default=stall) as receiver:
        clock = Clock()
        ended = run(
            f"""
            import threading, time
            import otlp_lite
            telemetry = otlp_lite.configure(exit_timeout=1.5)
            tracer = otlp_lite.get_tracer("exit")

            def work(flushes):
                while True:
                    with tracer.start_as_current_span("x", attributes={{"a": "x" * 1000}}):
                        pass
                    if flushes:
                        telemetry.force_flush(30)

            for number in range({threads}):
                threading.Thread(target=work, args=(number % 2,), daemon=True).start()
            tracer.start_span("first").end()
            telemetry.force_flush(0.3)
            """,
            receiver,
        )
        took = clock.own()
        assert ended.status == 0 and not any(word in ended.err for word in CRASH), ended
        assert took < 5, took
        assert len(receiver.requests) >= 1, (took, ended)


def test_an_exit_waits_for_a_receiver_that_is_slow() -> None:
    def slowly(connection: object, request: object) -> bool:
        time.sleep(0.3)
        return answer()(connection, request)  # type: ignore[arg-type]

    with Receiver(default=slowly) as receiver:
        ended = run(
            """
            import otlp_lite
            telemetry = otlp_lite.configure(max_export_batch_size=100)
            for number in range(400):
                otlp_lite.get_tracer("exit").start_span(str(number)).end()
            """,
            receiver,
        )
        assert (ended.status, ended.err) == (0, "")
        assert receiver.names() == [str(number) for number in range(400)]


def test_an_exit_tries_a_receiver_that_was_busy_again() -> None:
    with Receiver(answer(503)) as receiver:
        ended = run(
            """
            import otlp_lite
            otlp_lite.configure(exit_timeout=10)
            otlp_lite.get_tracer("exit").start_span("a").end()
            """,
            receiver,
        )
        assert ended.status == 0 and receiver.names() == ["a", "a"]


def test_what_threads_end_after_the_exits_own_shutdown_is_said() -> None:
    """Its number, by who ends the process: CPython aborts where another keeps the lock of sys.stderr."""
    code = """
    import atexit, threading, time
    import otlp_lite
    closed, over = threading.Event(), threading.Event()
    def then():  # runs after ours
        closed.set()
        over.wait()
    atexit.register(then)
    telemetry = otlp_lite.configure()
    tracer = otlp_lite.get_tracer("exit")
    tracer.start_span("before").end()
    def late():
        closed.wait()
        for i in range(7):
            tracer.start_span("late").end()
        over.set()
    threading.Thread(target=late, daemon=True).start()
    """
    with Receiver() as receiver:
        ended = run(textwrap.dedent(code), receiver)
        assert receiver.names() == ["before"]
    assert (ended.status, ended.err) == (0, "7 span(s) ended after the shutdown had begun: dropped\n"), ended


def test_what_anothers_shutdown_did_not_send_by_the_end_is_counted_and_said() -> None:
    """A daemon thread's, which has a minute, while the process stays `exit_timeout` at most."""
    code = """
    import threading
    import otlp_lite
    telemetry = otlp_lite.configure(exit_timeout=0.5)
    otlp_lite.get_tracer("exit").start_span("before").end()
    threading.Thread(target=telemetry.shutdown, args=(60,), daemon=True).start()
    while not telemetry.tracer_provider.closed:
        pass
    """
    with Receiver(default=stall) as receiver:
        clock = Clock()
        ended = run(textwrap.dedent(code), receiver)
        assert clock.own() < 10
    assert ended.status == 0 and "1 span(s) dropped at the shutdown" in ended.err, ended
