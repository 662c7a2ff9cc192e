"""Sixty-four threads on the smallest region: whatever becomes of a span, it is counted once."""

from __future__ import annotations

from child import python
from scripted import Receiver, answer

THREADS, SPANS = 64, 200


def test_totals_of_many_threads_add_up() -> None:
    """Recorded = exported + dropped by reason + pending, while they record and when they have ended."""
    with Receiver(default=answer()) as receiver:
        told = python(
            """
            import sys, threading
            import otlp_lite

            threads, spans = int(sys.argv[2]), int(sys.argv[3])
            telemetry = otlp_lite.configure(endpoint=sys.argv[1], schedule_delay=0.001, region_size="64KiB")
            tracer = otlp_lite.get_tracer("t")
            sys.setswitchinterval(1e-5)
            together = threading.Barrier(threads)
            accounts = []

            def account():
                t = telemetry.stats().traces
                assert t.recorded == t.exported + t.rejected + sum(t.dropped.values()) + t.pending, t
                return t

            def work():
                together.wait()
                for number in range(spans):
                    with tracer.start_as_current_span("s") as span:
                        span.set_attribute("text", "x" * (number % 7 * 100))
                accounts.append(account())

            workers = [threading.Thread(target=work) for _ in range(threads)]
            for worker in workers:
                worker.start()
            for worker in workers:
                worker.join()
            assert len(accounts) == threads and account().recorded == threads * spans
            assert telemetry.force_flush(30)
            t = account()
            assert t.recorded == threads * spans and t.pending == 0 and t.exported, t
            telemetry.shutdown(5)
            print(t.exported)
            """,
            receiver.url,
            str(THREADS),
            str(SPANS),
        )
        names = receiver.names()
    assert set(names) == {"s"}
    assert len(names) == int(told.stdout)
