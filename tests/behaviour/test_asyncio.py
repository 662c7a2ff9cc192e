"""A loop of asyncio goes on, whatever the receiver does, while it records and another thread flushes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from child import CRASH, environment
from scripted import Receiver, answer, mute, stall
from test_names import apart
from ticking import LASTS

PROGRAM = Path(__file__).with_name("ticking.py")


@contextmanager
def peer(does: str) -> Iterator[str]:
    """Its URL."""
    if does == "refuses":
        yield "http://127.0.0.1:1"
    elif does == "cannot be connected to":
        with mute() as listener:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    else:
        with Receiver(default=answer() if does == "answers" else stall) as receiver:
            yield receiver.url


def said(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert done.returncode == 0 and not any(word in done.stderr for word in CRASH), done
    found: dict[str, Any] = json.loads(done.stdout)
    assert found["recorded"] > 100
    return found


def ticked(url: str, where: str) -> dict[str, Any]:
    command = [sys.executable, str(PROGRAM), url, where]
    return said(
        subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=60, check=False)
    )


@pytest.mark.parametrize("does", ["answers", "stalls", "refuses", "cannot be connected to"])
def test_a_loop_goes_on(does: str) -> None:
    with peer(does) as url:
        found = ticked(url, "executor")
    assert found["own gap"] < LASTS / 3 and found["flushed"] is (does == "answers"), found


def test_a_loop_goes_on_while_a_name_is_resolved() -> None:
    found = said(apart("unresolved", "executor", program=PROGRAM))
    assert found["own gap"] < LASTS / 3 and found["flushed"] is False, found


def test_a_flush_in_the_loop_itself_is_seen_to_block_it() -> None:
    with peer("stalls") as url:
        found = ticked(url, "loop")
    assert found["gap"] > LASTS * 0.8 and found["flushed"] is False, found
