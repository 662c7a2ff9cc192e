"""How often each way is gone, by which chance, and what all have in common.

LEDGER_ROUNDS says how often (10 times), LEDGER_SEED repeats one round.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeAlias, TypeVar

from scripted import Receiver

from .balance import complaints, read
from .moody import KIND, MOODS, Moods

T = TypeVar("T")
Outcome: TypeAlias = tuple[Counter[str], list[str]]
"""What was counted, and what is wrong."""

TESTS = Path(__file__).resolve().parents[1]
ROUNDS = int(os.environ.get("LEDGER_ROUNDS", "10"))
SEEDS = [os.environ["LEDGER_SEED"]] if "LEDGER_SEED" in os.environ else [str(n) for n in range(ROUNDS)]
CRASHES = ("Fatal Python error", "Segmentation fault", "exporting failed", "SystemError", " raised ")
"""What no process may say."""


class Round:
    """A receiver, and a folder where the processes that export to it keep their counts."""

    def __init__(self, folder: Path, seed: str, kind: bool) -> None:
        folder.mkdir(exist_ok=True)
        self.folder = folder
        self.seed = seed
        self.kind = kind
        """The receiver takes all, at once."""
        self.asked: dict[int, int] = {}
        """Spans that a process had ended before it was told to end."""
        self._moods = Moods(seed, KIND if kind else MOODS)
        self.receiver = Receiver(default=self._moods)

    def settings(self) -> dict[str, str]:
        return {
            "LEDGER_FOLDER": str(self.folder),
            "LEDGER_SEED": self.seed,
            "LEDGER_KIND": "kind" * self.kind,
            "PYTHONPATH": str(TESTS),
            "PYTHONFAULTHANDLER": "1",
        }

    def settle(self, said: str) -> Outcome:
        """Once all processes are gone, who `said` this."""
        self.receiver.close()
        books = read(self.folder, self._moods.receipts)
        for pid, ended in self.asked.items():
            books.asked[pid] = max(books.asked.get(pid, 0), ended)
        wrong = list(complaints(books, self.kind))
        wrong += [f"{word!r} was said" for word in CRASHES if word in said]
        return books.totals(), [f"LEDGER_SEED={self.seed}: {each}" for each in wrong] + [said] * bool(wrong)


def side_by_side(go: Callable[[T], Outcome], rounds: Iterable[T], arrived: str = "arrived") -> Counter[str]:
    """Goes them all, five at a time; what was counted. Fails with all that is wrong, or if none `arrived`."""
    totals: Counter[str] = Counter()
    complaints = []
    with ThreadPoolExecutor(5) as pool:
        for counted, wrong in pool.map(go, rounds):
            totals.update(counted)
            complaints += wrong
    print(f"\n{dict(totals)}")
    assert not complaints, "\n".join(complaints)
    assert totals[arrived] > 0
    return totals
