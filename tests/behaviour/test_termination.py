"""SIGTERM: what has ended is sent, and the process ends as it would have."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections import Counter

import pytest
from child import CRASH, run
from clock import Clock
from scripted import Receiver, Request, answer, stall

NOTHING_YET = """
    import os, signal, sys, threading, time
    import otlp_lite
    telemetry = otlp_lite.configure(schedule_delay=60)
    tracer = otlp_lite.get_tracer("t")
"""
BEFORE = f"""{NOTHING_YET}
    for i in range(1000):
        tracer.start_span("ended").end()
"""


def slow(connection: socket.socket, request: Request) -> bool:
    time.sleep(0.6)
    return answer()(connection, request)


KILL = "    os.kill(os.getpid(), signal.SIGTERM)\n"

LATER = "    threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGTERM)).start()\n"


@pytest.mark.parametrize(
    "rest",
    [
        "    with tracer.start_as_current_span('open'):\n    " + KILL,
        LATER + "    time.sleep(60)\n",
        "    threading.Thread(target=lambda: os.kill(os.getpid(), signal.SIGTERM)).start()\n"
        "    time.sleep(60)\n",
        # in the middle of a flush, of a shutdown, of an exit
        LATER + "    telemetry.force_flush()\n    time.sleep(60)\n",
        LATER + "    telemetry.shutdown()\n    time.sleep(60)\n",
        LATER,
        "    def again(): time.sleep(0.2); os.kill(os.getpid(), signal.SIGTERM)\n"
        "    threading.Thread(target=again).start()\n" + KILL,
    ],
    ids=["in a span", "asleep", "by a thread", "flushing", "shutting down", "exiting", "twice"],
)
def test_what_has_ended_is_sent_and_the_signal_ends_the_process(rest: str) -> None:
    with Receiver(default=slow) as receiver:
        ended = run(BEFORE + rest, receiver)
        names = receiver.names()
    assert ended.status == -signal.SIGTERM and not any(word in ended.err for word in CRASH), ended
    assert names.count("ended") == 1000


def test_it_is_over_in_time_and_what_is_left_is_counted() -> None:
    with Receiver(default=stall) as receiver:
        clock = Clock()
        ended = run(
            BEFORE.replace("schedule_delay=60", "schedule_delay=60, exit_timeout=1.0") + KILL, receiver
        )
        took, own = float(clock), clock.own()
    assert ended.status == -signal.SIGTERM and "1000 span(s) dropped at the shutdown" in ended.err, ended
    assert took > 0.8 and own < 8


FROM_OUTSIDE = """
    if os.fork() == 0:
        time.sleep(0.5)
        os.kill(os.getppid(), signal.SIGTERM)
        os._exit(0)
"""


@pytest.mark.parametrize(
    "stuck",
    [
        FROM_OUTSIDE + "    import re; re.match('(a+)+$', 'a' * 50 + 'b')  # and holds the GIL\n",
        "    class Stuck:\n        def shutdown(self): time.sleep(600)\n"
        "    telemetry.tracer_provider.add_span_processor(Stuck())\n" + KILL + "    time.sleep(600)\n",
        "    import logging; logging.getLogger('otlp_lite').addHandler(handler := logging.Handler())\n"
        "    handler.acquire()\n" + KILL + "    time.sleep(600)\n",
    ],
    ids=["the GIL", "a span processor", "a lock of a log handler"],
)
def test_it_is_over_in_time_whatever_is_stuck(stuck: str) -> None:
    with Receiver(default=stall) as receiver:
        ended = run(BEFORE.replace("schedule_delay=60", "exit_timeout=0.5") + stuck, receiver)
    assert ended.status == -signal.SIGTERM, ended


def test_a_program_that_restores_what_it_found_ends_in_order() -> None:
    """As uvicorn does when it has shut down."""
    rest = """
    found = signal.signal(signal.SIGTERM, lambda *_: found and signal.signal(signal.SIGTERM, found))
    os.kill(os.getpid(), signal.SIGTERM)
    signal.raise_signal(signal.SIGTERM)
    time.sleep(60)
    """
    with Receiver(default=slow) as receiver:
        ended = run(BEFORE + rest, receiver)
        assert ended.status == -signal.SIGTERM and receiver.names().count("ended") == 1000, ended


@pytest.mark.parametrize(
    "otherwise",
    ["sys.exit(0)", "(signal.signal(number, signal.SIG_DFL), os.kill(os.getpid(), number))"],
)
@pytest.mark.parametrize("recorded", [True, False])
def test_a_handler_that_calls_the_one_before_ends_in_order(otherwise: str, recorded: bool) -> None:
    """Most do, and see to the end themselves only where that cannot be called."""
    rest = f"""
    before = signal.getsignal(signal.SIGTERM)
    def mine(number, frame):
        print("mine", flush=True)
        before(number, frame) if callable(before) else {otherwise}
    signal.signal(signal.SIGTERM, mine)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(60)
    """
    with Receiver(default=slow) as receiver:
        ended = run((BEFORE if recorded else NOTHING_YET) + rest, receiver)
        assert (ended.status, ended.out) == (-signal.SIGTERM, "mine\n"), ended
        assert len(receiver.names()) == (1000 if recorded else 0)


def test_a_program_that_waits_for_its_signals_gets_them() -> None:
    rest = """
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.Signals)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(0.3)  # for a thread that would take it
    print(signal.sigtimedwait([signal.SIGTERM], 30).si_signo, flush=True)
    """
    with Receiver() as receiver:
        ended = run(BEFORE + rest, receiver)
        assert (ended.status, ended.out, len(receiver.names())) == (0, "15\n", 1000), ended


def test_an_exit_that_is_done_with_sending_is_ended_at_once() -> None:
    """What finalisation still does may hang."""
    rest = """
    class Hangs:  # while no other thread runs any more
        def __del__(self, kill=os.kill, pid=os.getpid(), sleep=time.sleep):
            kill(pid, 15)
            sleep(60)
    hangs = Hangs()
    """
    with Receiver() as receiver:
        ended = run(BEFORE + rest, receiver)
        assert ended.status == -signal.SIGTERM and len(receiver.names()) == 1000, ended


def test_a_process_that_is_forked_meanwhile_sends_its_own() -> None:
    """A pool may go on to begin workers while its own process ends."""
    fork = """
    while not telemetry.tracer_provider.closed:
        time.sleep(0.001)
    if os.fork() == 0:
        tracer.start_span("child's").end()
        assert telemetry.shutdown(10) and not telemetry.stats().traces.dropped
        tracer.start_span("late").end()
        if os.fork() == 0:
            tracer.start_span("of a child that was shut down").end()
            assert telemetry.stats().traces.dropped == {"shutdown": 1}
        else:
            os.wait()
    else:
        time.sleep(60)
    """

    def stall_the_parent(connection: socket.socket, request: Request) -> bool:  # whichever comes first
        return (stall if request.spans()[0].name == "ended" else answer())(connection, request)

    with Receiver(default=stall_the_parent) as receiver:
        ended = run(BEFORE + KILL + fork, receiver)
        names = receiver.names()
    assert ended.status == -signal.SIGTERM and not any(word in ended.err for word in CRASH), ended
    assert [name for name in names if name != "ended"] == ["child's"]


@pytest.mark.parametrize(
    ("rest", "status", "out"),
    [
        (KILL, -15, ""),
        ("    print(signal.getsignal(signal.SIGTERM) == signal.SIG_DFL, flush=True)\n" + KILL, -15, "True\n"),
    ],
)
def test_it_can_be_left_alone(rest: str, status: int, out: str) -> None:
    with Receiver() as receiver:
        one = NOTHING_YET + '    tracer.start_span("ended").end()\n'  # which fills no chunk, and wakes nobody
        ended = run(
            one.replace("schedule_delay=60", "schedule_delay=60, handle_sigterm=False") + rest, receiver
        )
        assert (ended.status, ended.out, receiver.names()) == (status, out, [])


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("    import signal\n    signal.signal(signal.SIGTERM, signal.SIG_IGN)\n", "signal.SIG_IGN"),
        ("    import signal\n    def mine(*_): pass\n    signal.signal(signal.SIGTERM, mine)\n", "mine"),
    ],
)
def test_a_handler_of_the_program_stays(before: str, after: str) -> None:
    rest = f"    assert signal.getsignal(signal.SIGTERM) is {after}\n" + KILL + "    print('on')\n"
    with Receiver() as receiver:
        ended = run(before + BEFORE + rest, receiver)
        assert (ended.status, ended.out, len(receiver.names())) == (0, "on\n", 1000), ended


@pytest.mark.skipif(os.getuid() != 0, reason="a namespace of processes needs root")
def test_the_first_process_of_a_container_sends_and_goes_on() -> None:
    """The kernel does not end it, whatever it does: what it records afterwards is sent, too."""
    early = """
    import os, signal, otlp_lite
    assert os.getpid() == 1
    otlp_lite.configure(schedule_delay=60)
    os.kill(1, signal.SIGTERM)  # before there is anything to send
    """
    rest = """
    for number in range(2):
        tracer.start_span("more").end()
        os.kill(1, signal.SIGTERM)
        while telemetry.stats().traces.pending:
            time.sleep(0.01)
    tracer.start_span("last").end()
    print("on", flush=True)
    """
    with Receiver() as receiver:
        ended = run(early + BEFORE + rest, receiver, command=("unshare", "--pid", "--fork", "--kill-child"))
        names = receiver.names()
    assert (ended.status, ended.out) == (0, "on\n"), ended
    assert (names.count("ended"), names.count("more"), names.count("last")) == (1000, 2, 1)


@pytest.mark.skipif(os.getuid() != 0, reason="a namespace of processes needs root")
def test_the_first_process_sends_for_a_signal_that_comes_while_another_is_answered() -> None:
    rest = """
    class Slow:
        def force_flush(self, timeout_millis=0):
            entered.set()
            time.sleep(0.5)
            return True
    entered = threading.Event()
    telemetry.tracer_provider.add_span_processor(Slow())
    os.kill(1, signal.SIGTERM)
    entered.wait()
    time.sleep(0.1)
    tracer.start_span("between").end()
    os.kill(1, signal.SIGTERM)
    while telemetry.stats().traces.pending:
        time.sleep(0.01)
    print("on", flush=True)
    os._exit(0)
    """
    with Receiver() as receiver:
        ended = run(BEFORE + rest, receiver, command=("unshare", "--pid", "--fork", "--kill-child"))
        names = receiver.names()
    assert (ended.status, ended.out, names.count("between")) == (0, "on\n", 1), ended


def test_a_signal_that_nobody_can_wait_for_ends_the_process() -> None:
    """It comes as the thread that would wait for it cannot be started."""
    rest = """
    from otlp_lite import termination
    def none(run):
        os.kill(os.getpid(), signal.SIGTERM)
        raise RuntimeError("can't start new thread")
    termination.start_thread = none
    tracer.start_span("first").end()
    time.sleep(60)
    """
    with Receiver() as receiver:
        assert run(NOTHING_YET + rest, receiver).status == -signal.SIGTERM


@pytest.mark.skipif(os.getuid() != 0, reason="a namespace of processes needs root")
def test_a_handler_of_the_first_process_sees_to_the_end_itself() -> None:
    """As without us: it finds the default, which cannot be called."""
    rest = """
    before = signal.getsignal(signal.SIGTERM)
    def mine(number, frame):
        before(number, frame) if callable(before) else sys.exit(3)
    signal.signal(signal.SIGTERM, mine)
    os.kill(1, signal.SIGTERM)
    time.sleep(60)
    """
    with Receiver() as receiver:
        ended = run(BEFORE + rest, receiver, command=("unshare", "--pid", "--fork", "--kill-child"))
        assert (ended.status, len(receiver.names())) == (3, 1000), ended


def test_what_ends_after_the_signal_is_said() -> None:
    rest = """
    os.kill(os.getpid(), signal.SIGTERM)
    while not telemetry.tracer_provider.closed:
        time.sleep(0.01)
    for i in range(7):
        tracer.start_span("late").end()
    time.sleep(60)
    """
    with Receiver(default=slow) as receiver:
        ended = run(BEFORE + rest, receiver)
        names = receiver.names()
    assert ended.status == -signal.SIGTERM and Counter(names) == {"ended": 1000}, ended
    assert "7 span(s) ended after the shutdown had begun: dropped" in ended.err, ended


def test_a_handler_of_the_log_that_raises_ends_nothing() -> None:
    """Amid the exit's own shutdown: the process still dies of the signal."""
    rest = """
    import logging
    class Handler(logging.Handler):
        def emit(self, record):
            raise RuntimeError("handler")
    logging.getLogger("otlp_lite").addHandler(Handler())
    def late():
        while not telemetry.tracer_provider.closed:
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGTERM)
        tracer.start_span("late").end()
    threading.Thread(target=late, daemon=True).start()
    """
    with Receiver(default=slow) as receiver:
        ended = run(BEFORE + rest, receiver)
        assert (ended.status, len(receiver.names())) == (-signal.SIGTERM, 1000), ended


@pytest.mark.skipif(os.getuid() != 0, reason="a namespace of processes needs root")
def test_a_child_of_the_first_process_gives_back_what_it_found() -> None:
    """As uvicorn does: its own handler, then what was there before, then the signal again."""
    rest = """
    if os.fork() == 0:
        tracer.start_span("child").end()
        before = signal.signal(signal.SIGTERM, lambda *_: None)
        os.kill(os.getpid(), signal.SIGTERM)
        signal.signal(signal.SIGTERM, before)
        signal.raise_signal(signal.SIGTERM)
        time.sleep(60)
    print(-os.WTERMSIG(os.wait()[1]), flush=True)
    """
    with Receiver() as receiver:
        ended = run(BEFORE + rest, receiver, command=("unshare", "--pid", "--fork", "--kill-child"))
        names = receiver.names()
    assert (ended.status, ended.out, names.count("child")) == (0, "-15\n", 1), ended


@pytest.mark.parametrize("first", ["threading", "_thread"])
def test_configured_in_another_thread_nothing_is_set(first: str) -> None:
    """Whichever thread `threading` takes for the main one, which it does when it is imported."""
    code = f"""
        import signal, {first}, _thread
        def configure():
            import otlp_lite
            otlp_lite.configure()
            over.release()
        over = _thread.allocate_lock()
        over.acquire()
        _thread.start_new_thread(configure, ())
        over.acquire()
        print(signal.getsignal(signal.SIGTERM) is signal.SIG_DFL)
    """
    assert run(code).out == "True\n"
