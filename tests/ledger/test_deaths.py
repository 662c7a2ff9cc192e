"""A program that records into files is killed at any moment: the next start sends what it had recorded, once.

DEATH_ROUNDS says how often (20 times), LEDGER_SEED repeats one round.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from .deaths import Fault, go
from .rounds import side_by_side

ROUNDS = int(os.environ.get("DEATH_ROUNDS", "20"))
SEEDS = [os.environ["LEDGER_SEED"]] if "LEDGER_SEED" in os.environ else [str(n) for n in range(ROUNDS)]


def lose(folder: Path, moment: str) -> None:
    """The files are what they were a while before the death."""
    for region in folder.glob("*.region"):
        if moment == "before":
            shutil.copy(region, region.with_suffix(".before"))
    for copy in folder.glob("*.before"):
        if moment == "after":
            copy.replace(copy.with_suffix(".region"))


def repeat(folder: Path, moment: str) -> None:
    """After the first recovery they are what they were before it."""
    for region in folder.glob("*.region"):
        if moment == "after":
            shutil.copy(region, region.with_suffix(".after"))
    for copy in folder.glob("*.after"):
        if moment == "between":
            copy.replace(copy.with_suffix(".region"))


def damage(folder: Path, moment: str) -> None:
    """A bit of each is flipped, where it has a record."""
    for region in folder.glob("*.region"):
        data = bytearray(region.read_bytes()) if moment == "after" else bytearray()
        if (at := data.find(b"pad")) >= 0:
            data[at] ^= 1
            region.write_bytes(data)


@pytest.mark.parametrize(
    ("fault", "words"), [(lose, "lost: "), (repeat, "sent by a second recovery"), (damage, "'damaged': ")]
)
def test_a_fault_is_told(fault: Fault, words: str) -> None:
    told: list[str] = []
    for seed in range(1000, 1006):
        told += go(str(seed), fault)[1]
        if any(words in each for each in told):
            return
    pytest.fail(f"{words!r} is not among {told}")


def test_what_was_recorded_survives_its_process_once() -> None:
    totals = side_by_side(go, SEEDS, "recovered")
    assert totals["said"] > 0
