"""`python -m otlp_lite recover` of a directory of regions: what the dead have left, and nothing else."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from dying import Dying, heir, ids
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
