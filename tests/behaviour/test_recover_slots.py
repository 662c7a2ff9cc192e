"""`python -m otlp_lite recover` of a directory of regions: what the dead have left, and nothing else."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from dying import Dying, heir, ids, names
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from recovering import Done, body_of, recover, send
from scripted import Receiver, Request, answer

IN_USE = "in use: its process lives, or another recovers it"


@pytest.fixture
def folder() -> Iterator[Path]:
    """On a tmpfs."""
    with TemporaryDirectory(dir="/dev/shm") as path:
        yield Path(path) / "regions"


def ids_in(done: Done) -> list[int]:
    return sorted(
        int.from_bytes(span.span_id, "big")
        for line in done.out.splitlines()
        for resource in ExportTraceServiceRequest.FromString(body_of(line)).resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    )


@pytest.mark.parametrize("closing", ["pass", "os.closerange(3, 1 << 10)"])
def test_a_slot_is_left_alone_until_its_process_is_dead(closing: str, folder: Path) -> None:
    """Also where a program has closed the descriptor of its lock, as one does that becomes a daemon."""
    with (
        Dying(f"record(many=50); {closing}; say(); time.sleep(60)", folder) as victim,
        Receiver() as receiver,
    ):
        victim.until(ids=50, facts=1)
        slot = folder / "slot-000.region"
        for done in (recover("--json", folder), send(receiver, folder)):
            assert (done.status, done.out, done.said) == (0, b"", [f"{slot}: {IN_USE}"])
        assert recover(slot).status == 1
        known = sorted(victim.kill())
        assert receiver.requests == []
        assert ids_in(recover("--json", folder)) == known
        assert send(receiver, folder).total["sent"] == 50
        assert ids(receiver) == known
        assert send(receiver, folder).total["sent"] == 0
        assert heir(folder, receiver).start["adopted"] == 0
        assert ids(receiver) == known


def test_an_heir_leaves_a_slot_alone_that_is_being_recovered(folder: Path) -> None:
    """Both are at it at once: each span arrives once."""
    with Receiver() as receiver:
        with Dying("record(many=200); time.sleep(60)", folder) as victim:
            victim.until(ids=200)
            known = sorted(victim.kill())
        held = []

        def hold(connection: socket.socket, request: Request) -> bool:
            held.append(heir(folder, receiver).start["adopted"])
            return answer()(connection, request)

        receiver.script.append(hold)
        done = send(receiver, folder)
        assert done.total["sent"] == 200 and held == [0]
        assert ids(receiver) == known


# ---- Spans that were open ----

SMALL = '{"region_size": "64KiB"}'
FULL = """
    with tracer.start_as_current_span("request"), tracer.start_as_current_span("query"):
        for _ in range(5000):
            tracer.start_span("ended").end()
        say()
        time.sleep(60)
"""


def full(folder: Path) -> None:
    """A region without room for one record more, and two spans that were open."""
    with Dying(FULL, folder, SETTINGS=SMALL) as victim:
        victim.until(facts=1)
        victim.kill()


def unfinished(receiver: Receiver) -> list[str]:
    return sorted(span.name for span in receiver.spans() if span.status.code == 2)


def test_open_spans_of_a_full_region_are_shown(folder: Path) -> None:
    full(folder)
    tree = recover(folder)
    assert tree.status == 0 and tree.total["damaged"] == 0, tree.said
    assert tree.out.count(b"otlp_lite.unfinished=true") == 2
    lines = recover("--json", folder)
    assert lines.status == 0 and lines.total == tree.total
    assert len(ids_in(lines)) == tree.total["whole"] > 100
    assert lines.out.count(b"otlp_lite.unfinished") == 2


def test_open_spans_of_a_full_region_are_sent(folder: Path) -> None:
    """Also where a recovery before has sent but a part."""
    full(folder)
    whole = recover("--json", folder).total["whole"]
    with Receiver(answer(), answer(400)) as receiver:
        done = send(receiver, folder, OTEL_BSP_MAX_EXPORT_BATCH_SIZE="50")
        assert (done.status, done.total["sent"], done.total["left"]) == (1, 50, whole - 50)
        assert done.total["damaged"] == 0
    with Receiver() as receiver:
        done = send(receiver, folder)
        assert (done.status, done.total["whole"], done.total["sent"]) == (0, whole - 50, whole - 50)
        assert len(set(ids(receiver))) == whole - 50 and unfinished(receiver) == ["query", "request"]
        assert send(receiver, folder).total["whole"] == 0


def test_who_sends_what_others_left_gives_nothing_up_for_open_spans(folder: Path) -> None:
    """Nobody records there: they wait until there is room."""
    full(folder)
    whole = recover("--json", folder).total["whole"]
    apart = folder.with_name("apart")
    (folder / "slot-000.region").rename(apart)
    with Dying("record(); time.sleep(60)", folder, SETTINGS=SMALL) as victim:
        victim.until(ids=1)
        victim.kill()
    apart.rename(folder / "slot-007.region")
    with Receiver() as receiver:
        left = heir(folder, receiver, left=True, SETTINGS=SMALL)  # goes on in the first
        assert (left.end["adopted"], left.end["exported"], left.end["dropped"]) == (whole + 1, whole + 1, {})
        assert unfinished(receiver) == ["query", "request"]


def test_files_that_go_meanwhile_are_no_failure(folder: Path) -> None:
    """A process that lives sends what is in them, and removes them."""
    with Dying("record(); time.sleep(60)", folder) as victim:
        victim.until(ids=1)
        victim.kill()
    slot, over = folder / "slot-000.region", threading.Event()

    def come_and_go() -> None:
        while not over.is_set():
            for number in range(40):
                os.link(slot, folder / f"slot-{number}.1.aside")
            for number in range(40):
                os.unlink(folder / f"slot-{number}.1.aside")

    thread = threading.Thread(target=come_and_go)
    thread.start()
    try:
        seen = [recover("--json", folder) for _ in range(8)]
    finally:
        over.set()
        thread.join()
    assert names(folder) == ["slot-000.lock", "slot-000.region"]
    assert [done.status for done in seen] == [0] * 8, [done.said for done in seen]
    assert all(f"{slot}: 1 whole, 0 damaged" in done.said for done in seen)


def test_a_full_region_with_another_table_gives_nothing_up(folder: Path) -> None:
    full(folder)
    whole = recover("--json", folder).total["whole"]
    settings = '{"region_size": "64KiB", "open_spans": 3}'
    with Receiver() as receiver:
        left = heir(folder, receiver, left=True, SETTINGS=settings)
        assert (left.end["adopted"], left.end["exported"], left.end["dropped"]) == (whole, whole, {})
        assert unfinished(receiver) == ["query", "request"]
