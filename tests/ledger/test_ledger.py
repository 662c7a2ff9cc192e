"""Eight threads record while their process ends: what arrives is what was counted; no loss goes unsaid."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import NamedTuple

import pytest
from child import environment
from clock import until

from .balance import tallied
from .rounds import SEEDS, TESTS, Outcome, Round, side_by_side

Program = subprocess.Popen[str]


def leave_alone(program: Program) -> None:
    """It ends by itself."""


def terminate(program: Program) -> None:
    program.send_signal(signal.SIGTERM)


def terminate_all(program: Program) -> None:
    os.killpg(program.pid, signal.SIGTERM)


class Way(NamedTuple):
    program: str
    statuses: tuple[int, ...] = (0,)
    end: Callable[[Program], None] = leave_alone


WAYS = {
    "main returns while threads run": Way("returns"),
    "main returns while daemon threads run": Way("daemons"),
    "sys.exit, in threads too": Way("exits_in_threads", (3,)),
    "SIGTERM": Way("is_ended", (-15,), terminate),
    "SIGTERM about the end": Way("daemons", (0, -15), terminate),
    "os.fork in a span": Way("forks"),
    "os.fork in a span, and SIGTERM for all": Way("forks", (0, 1, -15), terminate_all),
    **{
        f"{kind}, {method}": Way(f"{kind}-{method}")
        for kind in ("processes", "pools", "executors")
        for method in ("fork", "spawn", "forkserver")
    },
}


def go(way: Way, seed: str, folder: Path) -> Outcome:
    """A program from its start to the end of its last process."""
    random = Random(f"{seed} {way.program}")
    ledger = Round(folder, seed, kind=int(seed) % 3 == 0)
    variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": ledger.receiver.url, **ledger.settings()}
    program = subprocess.Popen(
        [sys.executable, str(TESTS / "ledger/program.py"), way.program],
        env=environment(variables),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        until(lambda: program.poll() is not None or any(ended_spans(folder).values()), 30)
        time.sleep(random.uniform(0, 0.4))
        if way.statuses == (-15,):  # that alone ends it
            ledger.asked = ended_spans(folder)
        way.end(program)
        said = program.communicate(timeout=60)[1]  # until no process has its end of the pipe any more
    except subprocess.TimeoutExpired:
        os.killpg(program.pid, signal.SIGABRT)  # each thread says where it is
        said = program.communicate()[1]
    totals, wrong = ledger.settle(said)
    if program.returncode not in way.statuses:
        wrong += [f"LEDGER_SEED={seed}: it ended with {program.returncode}", said]
    return totals, wrong


def ended_spans(folder: Path) -> dict[int, int]:
    return {pid: ended for pid, (_, ended) in tallied(folder).items()}


@pytest.mark.parametrize("name", WAYS)
def test_each_span_is_counted_and_what_arrives_is_what_was_counted(name: str, tmp_path: Path) -> None:
    side_by_side(lambda seed: go(WAYS[name], seed, tmp_path / seed), SEEDS)
