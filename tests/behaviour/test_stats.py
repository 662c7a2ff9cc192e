"""stats(): one consistent account at any moment, from anywhere, of this process alone."""

from __future__ import annotations

from typing import Any

import pytest
from child import python
from scripted import Receiver, Start, answer, balanced, hang_up, partial, record, stall

import otlp_lite
from otlp_lite import DropReason


def test_each_snapshot_balances_whatever_happens_meanwhile() -> None:
    """Threads record, the region overwrites, the receiver refuses, rejects, loses answers and is busy. A
    signal's handler asks, too."""
    moods = [answer(400), partial(3), hang_up, answer(503, b"", "Retry-After: 0"), answer()] * 200
    with Receiver(*moods) as receiver:
        python(
            """
            import random, signal, sys, threading, time
            import otlp_lite

            telemetry = otlp_lite.configure(endpoint=sys.argv[1], schedule_delay=0.001, region_size="64KiB")
            tracer = otlp_lite.get_tracer("t")
            sys.setswitchinterval(1e-5)
            seen = {"asked": 0, "by a handler": 0}
            over = threading.Event()

            def ask():
                t = telemetry.stats().traces
                lost = sum(t.dropped.values())
                assert t.recorded + t.adopted == t.exported + t.rejected + lost + t.pending, t
                return t

            def handler(number, frame):
                ask()
                seen["by a handler"] += 1

            def work():
                while not over.is_set():
                    for _ in range(random.randrange(1, 200)):
                        tracer.start_span("s").end()
                    time.sleep(0.0005)

            threads = [threading.Thread(target=work) for _ in range(4)]
            for thread in threads:
                thread.start()
            signal.signal(signal.SIGALRM, handler)
            signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
            began = time.monotonic()
            while time.monotonic() - began < (3 if min(seen.values()) > 100 else 60):
                ask()
                seen["asked"] += 1
            signal.setitimer(signal.ITIMER_REAL, 0)
            over.set()
            for thread in threads:
                thread.join()
            telemetry.shutdown(2)
            t = ask()
            assert t.pending == 0 and t.rejected and t.exported, t
            assert {"refused", "overwritten"} <= set(t.dropped), t
            assert seen["asked"] > 100 and seen["by a handler"] > 100, seen
            """,
            receiver.url,
        )


def test_a_forked_child_begins_at_zero() -> None:
    with Receiver() as receiver:
        python(
            """
            import os, sys
            import otlp_lite

            telemetry = otlp_lite.configure(endpoint=sys.argv[1], schedule_delay=60)
            tracer = otlp_lite.get_tracer("t")
            for _ in range(3):
                tracer.start_span("parent's").end()
            assert telemetry.force_flush() and telemetry.stats().exporter.last_success_age is not None
            if os.fork() == 0:
                stats = otlp_lite.stats()
                assert tuple(stats.traces)[:6] == (0,) * 6
                assert stats.traces.pending == 0 and not stats.traces.dropped
                assert stats.exporter == (None, 0, None)
                tracer.start_span("child's").end()
                assert otlp_lite.stats().traces.recorded == otlp_lite.stats().traces.pending == 1
                os._exit(7)
            assert os.waitstatus_to_exitcode(os.wait()[1]) == 7
            assert (telemetry.stats().traces.recorded, telemetry.stats().traces.exported) == (3, 3)
            """,
            receiver.url,
        )


def test_it_tells_how_exporting_goes(start: Start) -> None:
    with Receiver(answer(), answer(400), stall) as receiver:
        telemetry = start(receiver)
        before = telemetry.stats()
        assert before.traces == (0, 0, 0, 0, 0, 0, {}, 0) and not any(before.region)
        assert before.exporter == (None, 0, None)
        record(telemetry, 1)
        assert telemetry.force_flush()
        first = telemetry.stats().exporter
        assert first.last_success_age is not None and 0 <= first.last_success_age < 5
        assert (first.consecutive_failures, first.last_error) == (0, None)
        record(telemetry, 2)
        assert telemetry.force_flush()
        refused = telemetry.stats()
        assert (refused.exporter.consecutive_failures, refused.exporter.last_error) == (1, "HTTP 400")
        assert refused.traces.dropped == {DropReason.REFUSED: 2} and balanced(refused)


def test_what_it_returns_does_not_change(start: Start) -> None:
    telemetry = start("http://127.0.0.1:1", traces_exporter="none")
    stats: Any = telemetry.stats()
    for place, name in ((stats, "traces"), (stats.traces, "recorded"), (stats.exporter, "last_error")):
        with pytest.raises(AttributeError):
            setattr(place, name, None)
    with pytest.raises(TypeError):
        stats.traces.dropped["refused"] = 1
    before = otlp_lite.stats()
    assert before.traces.recorded == 0 and before is not otlp_lite.stats()
