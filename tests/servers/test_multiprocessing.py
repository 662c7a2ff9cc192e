"""multiprocessing: what its processes and pools record is sent as they end, by whichever start method."""

from __future__ import annotations

import sys

import pytest
from scripted import Receiver

from .serving import Server, arrived, each_has_its_own_instance

NAMES = [
    *("parent", "open", "work", "exits", "raises"),
    *("leaves_threads", *(f"leaves_threads, {what}" for what in ("thread", "pool 0", "pool 1"))),
    *("has_a_child", "has_a_child, child", "has_a_child, forked"),
    *(f"{kind} {number}" for kind in ("pool", "executor") for number in range(8)),
]


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_children_send_what_they_recorded(method: str) -> None:
    with Receiver() as receiver, Server(receiver, sys.executable, "families.py", method) as program:
        assert program.process.wait(60) == 0, program.log()
        spans = arrived(receiver)
        assert sorted(span.name for span in spans) == sorted(NAMES), program.log()
        assert each_has_its_own_instance(spans)
        assert not any(word in program.log() for word in ("dropped", "lost", "Fatal")), program.log()
