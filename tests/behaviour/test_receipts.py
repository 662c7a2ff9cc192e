"""Receipts: what became of a record, exactly, whatever the receiver does."""

from __future__ import annotations

import asyncio
import gc
import pickle
import random
import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from child import well
from clock import Clock, until
from opentelemetry.trace import Span as ApiSpan
from scripted import Receiver, Reply, Request, Start, answer, balanced, hang_up, partial, stall

from otlp_lite import (
    Dropped,
    DropReason,
    EndedSpan,
    ExportedSpan,
    LiveSpan,
    NotExported,
    NotSampled,
    OtlpLiteError,
    Rejected,
    SpanBuilder,
    StateError,
    Telemetry,
    WaitTimeout,
)
from otlp_lite.export import worker
from otlp_lite.traces.processor import SpanProcessor

REFUSES = "http://127.0.0.1:9"


def end(telemetry: Telemetry, count: int, name: str = "s", size: int = 10) -> list[EndedSpan]:
    tracer = telemetry.tracer_provider.get_tracer("test")
    return [
        SpanBuilder(f"{name}{i}", tracer=tracer).with_attribute("text", "x" * size).start().end()
        for i in range(count)
    ]


def fate(ended: EndedSpan, timeout: float = 0) -> str:
    """In a word."""
    try:
        ended.wait(timeout)
        return "exported"
    except Dropped as error:
        return error.reason
    except NotExported as error:
        return type(error).__name__


def fates(ended: list[EndedSpan], timeout: float = 0) -> dict[str, int]:
    return dict(Counter(fate(each, timeout) for each in ended))


# ---- What a receiver says ----


@pytest.mark.parametrize("environ", [{}, {"OTEL_EXPORTER_OTLP_COMPRESSION": "gzip"}])
def test_what_is_acknowledged_is_exported_at_once(start: Start, environ: dict[str, str]) -> None:
    with Receiver() as receiver:
        telemetry = start(receiver, environ)
        before = time.time_ns()
        ended = end(telemetry, 3)
        clock = Clock()
        exported = ended[0].wait(10)
        assert clock.own() < 2, "it waited for the schedule delay of a minute"
        assert fates(ended) == {"exported": 3}
        assert ended[0].wait(0) == exported
        assert telemetry.stats().traces.exported == 3
        (first, *_) = receiver.spans()
        assert exported.trace_id == int.from_bytes(first.trace_id, "big")
        assert exported.span_id == int.from_bytes(first.span_id, "big")
        assert exported.endpoint == f"{receiver.url}/v1/traces"
        assert before <= exported.acknowledged_at <= time.time_ns()
        assert pickle.loads(pickle.dumps(exported)) == exported


def test_a_partial_success_tells_of_none(start: Start) -> None:
    with Receiver(partial(2, "no")) as receiver:
        telemetry = start(receiver)
        ended = end(telemetry, 5)
        with pytest.raises(
            Rejected, match="rejected 2 of the 5 spans of its request, and did not say which"
        ) as raised:
            ended[0].wait(5)
        assert (raised.value.rejected, raised.value.records) == (2, 5)
        assert fates(ended) == {"Rejected": 5}
        assert fates(end(telemetry, 3), 5) == {"exported": 3}
        assert telemetry.stats().traces.exported == 6


def test_words_without_a_rejection_are_a_success(start: Start) -> None:
    with Receiver(partial(0, "as you like")) as receiver:
        assert fates(end(start(receiver), 2), 5) == {"exported": 2}


def test_a_refused_request_is_rejected(start: Start) -> None:
    with Receiver(answer(400)) as receiver:
        ended = end(start(receiver), 4)
        with pytest.raises(Rejected, match=r"rejected 4 of the 4 spans of its request$"):
            ended[3].wait(5)
        assert fates(ended) == {"Rejected": 4}


@pytest.mark.usefixtures("quick")
def test_what_is_sent_again_is_exported_once_it_is_answered(start: Start) -> None:
    with Receiver(hang_up, answer(503), answer(413), hang_up) as receiver:
        ended = end(start(receiver), 40, size=300)
        assert fates(ended, 10) == {"exported": 40}


def test_another_protocol(start: Start) -> None:
    def settings(connection: socket.socket, request: Request) -> bool:
        connection.sendall(b"\x00\x00\x00\x04\x00\x00\x00\x00\x00")
        return False

    with Receiver(default=settings) as receiver:
        assert fates(end(start(receiver), 3), 5) == {"unsupported_protocol": 3}


# ---- What is lost here ----


def test_overwritten_to_the_last_record(start: Start) -> None:
    telemetry = start(REFUSES, region_size="64KiB")
    ended = end(telemetry, 3000, size=100)
    with pytest.raises(Dropped, match="dropped as 'overwritten': the region was full, and newer ones"):
        ended[0].wait(0)
    found = fates(ended)
    traces = telemetry.stats().traces
    assert found == {"overwritten": traces.dropped[DropReason.OVERWRITTEN], "WaitTimeout": traces.pending}
    assert [fate(each) for each in ended] == sorted((fate(each) for each in ended), reverse=True)


def test_full_and_too_large(start: Start) -> None:
    telemetry = start(REFUSES, region_size="64KiB", on_full="drop")
    found = fates(end(telemetry, 20, "s" * 60000) + end(telemetry, 2000, size=100))
    traces = telemetry.stats().traces
    assert found.pop("WaitTimeout") == traces.pending
    assert found == {str(reason): count for reason, count in traces.dropped.items()}
    assert set(found) == {"full", "too_large"}


def test_large_records(start: Start) -> None:
    with Receiver() as receiver:
        assert fates(end(start(receiver), 30, size=50000), 5) == {"exported": 30}


def test_overwritten_while_somebody_waits(start: Start) -> None:
    telemetry = start(REFUSES, region_size="64KiB")
    (ended,) = end(telemetry, 1)
    timer = threading.Timer(0.2, lambda: end(telemetry, 3000, size=100))
    timer.start()
    clock = Clock()
    assert fate(ended, 20) == "overwritten"
    assert clock.own() < 10
    timer.join()


def test_who_asks_beside_a_shutdown_hears_what_that_sends(start: Start) -> None:
    asked = threading.Event()

    def slow(connection: socket.socket, request: Request) -> bool:
        asked.set()
        time.sleep(0.5)
        return answer()(connection, request)

    with Receiver(default=slow) as receiver:
        telemetry = start(receiver)
        (ended,) = end(telemetry, 1)
        shutting = threading.Thread(target=telemetry.shutdown, args=(20,))
        shutting.start()
        assert asked.wait(20)
        assert fate(ended, 20) == "exported"
        shutting.join()
        assert fate(end(telemetry, 1)[0], 20) == "shutdown"


def test_shutdown(start: Start) -> None:
    telemetry = start(REFUSES)
    ended = end(telemetry, 2)
    timer = threading.Timer(0.2, lambda: telemetry.shutdown(0.1))
    timer.start()
    assert fate(ended[0], 20) == "shutdown"
    timer.join()
    assert fates(ended + end(telemetry, 3)) == {"shutdown": 5}


def test_what_stays_in_a_file_is_not_known_here(start: Start, tmp_path: Path) -> None:
    telemetry = start(REFUSES, region_dir=str(tmp_path))
    ended = end(telemetry, 2)
    telemetry.shutdown(0.1)
    clock = Clock()
    with pytest.raises(WaitTimeout, match="nothing sends it here any more"):
        ended[0].wait(20)
    assert clock.own() < 2


def test_into_a_file(start: Start, tmp_path: Path) -> None:
    with Receiver() as receiver:
        telemetry = start(receiver, region_dir=str(tmp_path))
        assert fates(end(telemetry, 5), 5) == {"exported": 5}


def test_not_sampled(start: Start) -> None:
    ended = end(start(REFUSES, {"OTEL_TRACES_SAMPLER": "always_off"}), 1)[0]
    with pytest.raises(NotSampled, match=r"^span 's0' of trace [0-9a-f]{32}: it was not to be sent"):
        ended.wait(1)
    assert ended.get_span_context().is_valid


def test_without_an_exporter_and_without_a_provider(start: Start) -> None:
    telemetry = start(REFUSES, {"OTEL_TRACES_EXPORTER": "none"})
    assert fates(end(telemetry, 1)) == {"no_exporter": 1}
    out = well("""
        from otlp_lite import SpanBuilder, Dropped, LiveSpan, get_tracer
        from opentelemetry import trace
        for tracer in (None, get_tracer("a"), trace.get_tracer("b")):
            live = SpanBuilder("early", tracer=tracer).start()
            live.set_attribute("k", 1)
            with live.current(), live.child("inner").start() as child:
                child.event("seen")
            try:
                live.end().wait(1)
            except Dropped as error:
                print(error.reason, live.is_recording())
    """)
    assert out == "no_provider False\n" * 3


# ---- Waiting ----


def test_in_time(start: Start) -> None:
    with Receiver(default=stall) as receiver:
        (ended,) = end(start(receiver), 1)
        for timeout in (0.0, 0.3):
            clock = Clock()
            with pytest.raises(
                WaitTimeout, match=f"not settled within {timeout:g} s; it may still be sent"
            ) as raised:
                ended.wait(timeout)
            assert timeout <= float(clock) and clock.own() < timeout + 1
            assert isinstance(raised.value, TimeoutError) and isinstance(raised.value, OtlpLiteError)
            assert raised.value.span_context == ended.get_span_context()


@pytest.mark.parametrize("timeout", [-1, float("nan"), float("inf"), None, "1", True])
def test_a_timeout_that_is_none(start: Start, timeout: float) -> None:
    (ended,) = end(start(REFUSES), 1)
    with pytest.raises(ValueError, match=r"^timeout: .* is not a number of seconds, 0 or more$"):
        ended.wait(timeout)
    with pytest.raises(ValueError, match="timeout"):
        asyncio.run(ended.wait_async(timeout))


def test_many_wait_at_once(start: Start) -> None:
    def slowly(connection: socket.socket, request: Request) -> bool:
        time.sleep(0.05)
        return answer()(connection, request)

    with Receiver(default=slowly) as receiver:
        telemetry = start(receiver)
        found: list[str] = []

        def service(number: int) -> None:
            for each in end(telemetry, 20, f"{number}-"):
                found.append(fate(each, 20))

        threads = [threading.Thread(target=service, args=(i,)) for i in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert Counter(found) == {"exported": 160}


def test_the_loop_goes_on_meanwhile(start: Start) -> None:
    def slowly(connection: socket.socket, request: Request) -> bool:
        time.sleep(0.3)
        return answer()(connection, request)

    async def main(telemetry: Telemetry) -> list[ExportedSpan | BaseException]:
        ended = end(telemetry, 3)
        waiting = [asyncio.ensure_future(each.wait_async(10)) for each in ended]
        turns = 0
        while not all(each.done() for each in waiting):
            await asyncio.sleep(0.01)
            turns += 1
        assert turns > 10
        waiting[0].result()
        return await asyncio.gather(*waiting, ended[0].wait_async(0), return_exceptions=True)

    with Receiver(default=slowly) as receiver:
        found = asyncio.run(main(start(receiver)))
        assert [type(each) for each in found] == [ExportedSpan] * 4


def test_async_in_time_and_cancelled(start: Start) -> None:
    async def main(telemetry: Telemetry) -> None:
        ended = end(telemetry, 2)
        with pytest.raises(WaitTimeout):
            await ended[0].wait_async(0.2)
        task = asyncio.ensure_future(ended[1].wait_async(20))
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        end(telemetry, 3000, size=100)
        with pytest.raises(Dropped):
            await ended[1].wait_async(20)

    asyncio.run(main(start(REFUSES, region_size="64KiB")))


def test_without_a_worker_the_caller_sends(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    def none_can(run: Callable[[], None]) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(worker, "start_thread", none_can)
    with Receiver() as receiver:
        telemetry = start(receiver)
        assert fates(end(telemetry, 3), 5) == {"exported": 3}
        assert asyncio.run(end(telemetry, 1)[0].wait_async(5)).endpoint.startswith(receiver.url)
    telemetry = start(REFUSES, timeout=0.2)
    clock = Clock()
    assert fate(end(telemetry, 1)[0], 0.5) == "WaitTimeout"
    assert float(clock) > 0.4 and clock.own() < 1
    with Receiver(default=answer(503, b"", "Retry-After: 60")) as busy:
        (ended,) = end(start(busy), 1)
        clock = Clock()
        assert fate(ended, 0.5) == "WaitTimeout"
        assert clock.own() < 1


def test_the_worker_does_not_wait_for_itself(start: Start) -> None:
    import logging

    found: list[str] = []
    kept: list[EndedSpan] = []

    class Asks(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            found.append(fate(kept[0], 20))

    handler = Asks()
    log = logging.getLogger("otlp_lite")
    log.addHandler(handler)
    try:
        kept.extend(end(start(REFUSES, timeout=0.5), 1))
        clock = Clock()
        assert fate(kept[0], 1) == "WaitTimeout"
        assert until(lambda: bool(found))
        assert set(found) == {"WaitTimeout"} and clock.own() < 5
    finally:
        log.removeHandler(handler)


# ---- Processes, processors, memory ----


def test_after_a_fork() -> None:
    with Receiver() as receiver:
        out = well(
            """
            import os, time, otlp_lite
            from otlp_lite import SpanBuilder, WaitTimeout
            telemetry = otlp_lite.configure(schedule_delay=60)
            SpanBuilder("first").start().end().wait(5)
            before = SpanBuilder("before").start().end()
            live = SpanBuilder("live").start()
            child = os.fork()
            if child == 0:
                began = time.monotonic()
                for ended in (before, live.end()):
                    try:
                        ended.wait(5)
                    except WaitTimeout as error:
                        print("another process" in str(error), time.monotonic() - began < 2, flush=True)
                del before, ended
                print(SpanBuilder("of the child").start().end().wait(5).endpoint[:7], flush=True)
                os._exit(0)
            os.waitpid(child, 0)
            print(before.wait(5).endpoint[:7], live.end().wait(5).endpoint[:7])
            """,
            receiver,
        )
        assert out.splitlines() == ["True True", "True True", "http://", "http:// http://"]
        assert Counter(receiver.names()) == Counter(["first", "before", "live", "of the child"])


def test_span_processors_see_it_as_any_span(start: Start) -> None:
    seen: list[tuple[str, object]] = []

    class Processor(SpanProcessor):
        def on_start(self, span: ApiSpan, parent_context: object = None) -> None:
            span.set_attribute("started", True)

        def _on_ending(self, span: ApiSpan) -> None:
            span.set_attribute("late", True)

        def on_end(self, span: LiveSpan) -> None:
            seen.append((span.name, dict(span.attributes)))  # type: ignore[attr-defined]
            time.sleep(0.1)  # the worker may have sent it by now

    with Receiver() as receiver:
        telemetry = start(receiver, span_processors=[Processor()], schedule_delay=0.01)
        assert fates(end(telemetry, 2), 5) == {"exported": 2}
    assert seen == [(f"s{i}", {"text": "x" * 10, "started": True}) for i in range(2)]


def test_who_ends_it_while_it_ends_gets_no_receipt(start: Start) -> None:
    told: list[str] = []

    class Meddles(SpanProcessor):
        def _on_ending(self, span: ApiSpan) -> None:
            self.on_end(span)

        def on_end(self, span: ApiSpan) -> None:
            with pytest.raises(StateError) as raised:
                span.end()
            told.append(raised.value.call)

    with Receiver() as receiver:
        telemetry = start(receiver, span_processors=[Meddles()])
        assert fates(end(telemetry, 2), 5) == {"exported": 2}
        assert told == ["end"] * 4


@pytest.mark.parametrize("late", ["while it ends", "once it has ended"])
def test_of_two_who_end_it_one_has_a_receipt(start: Start, late: str) -> None:
    """The other is held up by its arguments until the span ends, in a processor, or has ended."""
    began, held = threading.Event(), threading.Event()
    threads: list[threading.Thread] = []
    refused: list[StateError] = []

    class Holds(SpanProcessor):
        def _on_ending(self, span: ApiSpan) -> None:
            began.set()
            if late == "while it ends":
                held.wait(5)

    class Moment(int):
        def __int__(self) -> int:
            threads[0].start()
            began.wait(5)
            if late == "once it has ended":
                threads[0].join()
            return time.time_ns()

    with Receiver() as receiver:
        telemetry = start(receiver, span_processors=[Holds()])
        live = SpanBuilder("both", tracer=telemetry.tracer_provider.get_tracer("t")).start()
        receipts: list[EndedSpan] = []
        threads.append(threading.Thread(target=lambda: receipts.append(live.end())))
        try:
            live.end(Moment(1))
        except StateError as error:
            refused.append(error)
        held.set()
        threads[0].join()
        assert len(refused) == 1 and receipts[0].wait(5).endpoint.startswith(receiver.url)
        assert len(receiver.spans()) == 1


def test_the_endpoint_behind_a_proxy_is_the_receivers(start: Start) -> None:
    with Receiver() as proxy:
        telemetry = start("http://collector.invalid:4318", {"http_proxy": proxy.url})
        assert end(telemetry, 1)[0].wait(5).endpoint == "http://collector.invalid:4318/v1/traces"


def test_receipts_take_what_their_holders_take(start: Start) -> None:
    with Receiver() as receiver:
        telemetry = start(receiver, region_size="64KiB", schedule_delay=0.01)

        def work() -> None:
            for _ in range(20):
                kept = end(telemetry, 50)
                end(telemetry, 50)
                kept[-1].wait(5)
            receiver.requests.clear()

        work()
        gc.collect()
        before = sys.getallocatedblocks()
        for _ in range(5):
            work()
        gc.collect()
        assert sys.getallocatedblocks() - before < 200
        assert telemetry.force_flush(5) and balanced(telemetry.stats())


# ---- Against what the receiver knows ----


class Moody:
    """Answers by chance, and remembers which spans it has told what of."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.taken: set[str] = set()
        self.refused: set[str] = set()

    def __call__(self, connection: socket.socket, request: Request) -> bool:
        names = {span.name for span in request.spans()}
        replies: list[tuple[Reply, set[str] | None]] = [
            (answer(), self.taken),
            (answer(200, b"\n\0"), self.taken),
            (partial(0, "well"), self.taken),
            (partial(1, "hm"), self.refused),
            (answer(400), self.refused),
            (answer(503, b"", "Retry-After: 0"), None),
            (hang_up, None),
            (answer(keep=False), self.taken),
        ]
        reply, told = self.random.choice(replies)
        if told is not None:
            told |= names
        return reply(connection, request)


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("seed", range(4))
def test_each_receipt_is_what_the_receiver_said(start: Start, seed: int) -> None:
    moody = Moody(seed)
    with Receiver(default=moody) as receiver:
        telemetry = start(
            receiver,
            {"OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "40"} if seed % 2 else {},
            region_size="64KiB",
            schedule_delay=0.005,
        )
        kept: list[tuple[str, EndedSpan]] = []

        def service(number: int) -> None:
            chance = random.Random(f"{seed} {number}")
            for turn in range(150):
                name = f"{number}-{turn}-"
                ended = end(telemetry, chance.randrange(12), name, chance.choice((10, 200, 3000)))
                kept.extend((f"{name}{i}", each) for i, each in enumerate(ended))
                if ended and chance.random() < 0.1:
                    fate(chance.choice(ended), 5)

        threads = [threading.Thread(target=service, args=(i,)) for i in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert telemetry.force_flush(30)
        assert until(lambda: telemetry.stats().traces.pending == 0)
        told: dict[str, set[str]] = {}
        for name, ended in kept:
            told.setdefault(fate(ended), set()).add(name)
        traces = telemetry.stats().traces
        assert told.pop("exported") == moody.taken
        assert told.pop("Rejected") == moody.refused
        lost = {str(reason): count for reason, count in traces.dropped.items() if str(reason) != "refused"}
        assert {reason: len(names) for reason, names in told.items()} == lost
        assert len(moody.taken) + len(moody.refused) + sum(lost.values()) == traces.recorded == len(kept)


def test_errors_can_be_pickled(start: Start) -> None:
    with Receiver(partial(1)) as receiver:
        ended = end(start(receiver), 2)
        live = SpanBuilder("a").start()
        live.end()
        for call in (lambda: ended[0].wait(5), live.end):
            with pytest.raises((Rejected, StateError)) as raised:
                call()
            again = pickle.loads(pickle.dumps(raised.value))
            assert (type(again), str(again), vars(again)) == (
                type(raised.value),
                str(raised.value),
                vars(raised.value),
            )
