"""Runs workers in interleaved rounds against the receiver, and keeps what they measured."""

from __future__ import annotations

import itertools
import math
import random
import statistics
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from shutil import which
from typing import Any, NamedTuple

from judge import significant
from peers import OURS, PEERS
from process import Options, Worker
from rows import TWIN, Row
from sink import Authority, Receiver

_ATTEMPTS = 3  # of a round that an SDK made void by losing spans
_FIRST_RATE = {OURS: 128_000}  # spans a second; the search doubles and halves from here
_FIRST_RATE_ELSEWHERE = 8_000


class Settings(NamedTuple):
    """How much is measured."""

    rounds: int
    bursts: int  # of each row, in a round
    step_seconds: int  # of a paced rate
    doublings: int  # of the paced rate at most, or halvings
    bisections: int  # between the last whole rate and the first that was not
    drain_seconds: int
    rss_spans: int  # of ours
    rss_spans_elsewhere: int


FULL = Settings(
    rounds=5,
    bursts=20,
    step_seconds=6,
    doublings=6,
    bisections=3,
    drain_seconds=2,
    rss_spans=10_000_000,
    rss_spans_elsewhere=100_000,
)
QUICK = Settings(
    rounds=1,
    bursts=3,
    step_seconds=1,
    doublings=1,
    bisections=0,
    drain_seconds=1,
    rss_spans=10_000,
    rss_spans_elsewhere=5_000,
)


class Outcome(NamedTuple):
    """A worker's report, and what the receiver counted of it."""

    report: dict[str, Any]
    arrived: int
    in_window: int
    attempt: int = 0


@dataclass
class Samples:
    """What one peer gave for one row: a value a round, what is shown beside, the rounds that were void."""

    values: list[float] = field(default_factory=list)
    beside: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    void: int = 0
    notes: list[str] = field(default_factory=list)
    steps: list[dict[str, Any]] = field(default_factory=list)

    def add(self, value: float, **beside: float) -> None:
        self.values.append(value)
        for name, other in beside.items():
            self.beside[name].append(other)

    def figure(self) -> dict[str, Any]:
        """As it is written: medians, rounded as they are printed, so that each printed figure is here."""
        return {
            "value": significant(statistics.median(self.values)) if self.values else None,
            "rounds": [significant(value, 4) for value in self.values],
            "beside": {name: significant(statistics.median(values)) for name, values in self.beside.items()},
            "void": self.void,
            "notes": self.notes,
            **({"steps": self.steps} if self.steps else {}),
        }


class _Turns(NamedTuple):
    """A worker that takes turns with others, and what it was asked for."""

    worker: Worker
    scenario: str
    peer: str
    keys: list[str]
    options: Options
    receiver: Receiver


class Bench:
    """The samples of one run, by row and peer."""

    def __init__(self, settings: Settings, receiver: Receiver, peers: Sequence[str]) -> None:
        self.settings = settings
        self.receiver = receiver
        self.peers = peers
        self.samples: dict[str, dict[str, Samples]] = defaultdict(lambda: defaultdict(Samples))
        self.notes: list[str] = []
        self.bursts: dict[tuple[str, str], dict[int, list[float]]] = defaultdict(dict)

    def run(self, rows: Sequence[Row]) -> None:
        """Measures the rows: those of `_GROUPS` and `_ALONE` in rounds, then each of the long ones."""
        for number in range(self.settings.rounds):
            first = number % len(self.peers)
            peers = [*self.peers[first:], *self.peers[:first]]
            for group in _GROUPS:
                self._in_turns(number, group, peers, rows)
            for scenario, measure in _ALONE.items():
                for peer in peers:
                    if keys := _keys(rows, scenario, peer):
                        self._say(number, scenario, peer)
                        measure(self, peer, keys)
        for row in rows:
            peers = [peer for peer in self.peers if peer in row.peers]
            if row.scenario == "paced":
                for peer in peers:
                    self._paced(peer)
            elif row.key == "rss_http":
                self._memory(row.key, peers, self.receiver)
            elif row.key == "rss_https":
                if which("openssl") is None:
                    self.notes.append("failed: rss_https needs the openssl command")
                    continue
                with tempfile.TemporaryDirectory() as folder, Receiver(Authority(Path(folder))) as receiver:
                    self._memory(row.key, peers, receiver)

    def _say(self, number: int, scenario: str, peer: str) -> None:
        say(f"round {number + 1} of {self.settings.rounds}, {scenario}, {peer}")

    def _in_turns(self, number: int, group: Sequence[str], peers: Sequence[str], rows: Sequence[Row]) -> None:
        """A round of scenarios that are compared: each worker rests while another records."""
        with ExitStack() as stack:
            begun: list[_Turns] = []
            for peer, scenario in itertools.product(peers, group):
                if keys := _keys(rows, scenario, peer):
                    self._say(number, scenario, peer)
                    options: dict[str, int | str] = {
                        "rows": ",".join(_beside(_keys(rows, group[0], peer), keys)),
                        "bursts": self.settings.bursts,
                        "twins": int(peer == OURS and scenario == group[0]),
                        "folder": stack.enter_context(tempfile.TemporaryDirectory(dir="/dev/shm")),
                    }
                    receiver = stack.enter_context(Receiver())
                    worker = stack.enter_context(Worker(scenario, peer, receiver, options, takes_turns=True))
                    begun.append(_Turns(worker, scenario, peer, keys, options, receiver))
            order = random.Random(number)  # of turns: none always follows the same other
            while waiting := [each.worker for each in begun if each.worker.waits]:
                for worker in order.sample(waiting, len(waiting)):
                    worker.go_on()
            for each in begun:
                self._calls(number, each)

    def _calls(self, number: int, turns: _Turns) -> None:
        first, scenario, peer, keys, options, receiver = turns
        if not (done := self._worker(scenario, peer, keys, options, receiver, first=first)):
            return
        for row, bursts in done.report["figures"].items():
            if row.removesuffix(TWIN) in keys:
                thread, wall = bursts["thread"], bursts["wall"]
                self.samples[row][peer].add(statistics.median(thread), wall=statistics.median(wall))
                if done.attempt == 0:
                    self.bursts[row, peer][number] = thread

    def _values(self, scenario: str, peer: str, keys: list[str], options: Options) -> None:
        if done := self._worker(scenario, peer, keys, options):
            for row, value in done.report["figures"].items():
                if row.removesuffix(TWIN) in keys:
                    self.samples[row][peer].add(value)

    def _cpu(self, peer: str, keys: list[str]) -> None:
        self._values("cpu", peer, keys, {"bursts": self.settings.bursts, "twins": int(peer == OURS)})

    def _setup(self, peer: str, keys: list[str]) -> None:
        self._values("setup", peer, keys, {})

    def _drain(self, peer: str, keys: list[str]) -> None:
        """Whatever is lost here is lost because the loop outruns the exporter: only arrivals count."""
        seconds = self.settings.drain_seconds
        if done := self._worker("drain", peer, keys, {"seconds": seconds}, lossy=True):
            recorded = done.report["spans"] / done.report["elapsed"]
            self.samples["drain"][peer].add(done.in_window / seconds, recorded=recorded)

    def _paced(self, peer: str) -> None:
        """Doubles or halves the rate until whole and not whole meet, then bisects the factor between."""
        samples = self.samples["paced"][peer]
        whole = broken = 0.0
        rate: float = _FIRST_RATE.get(peer, _FIRST_RATE_ELSEWHERE)
        doublings, bisections = self.settings.doublings, self.settings.bisections
        while True:
            say(f"paced, {peer}, {round(rate)} spans/s")
            options = {"rate": round(rate), "seconds": self.settings.step_seconds}
            done = self._worker("paced", peer, ["paced"], options, lossy=True)
            if not done:
                return
            sent, held = done.report["spans"], done.report["held"]
            step = {"rate": round(rate), "sent": sent, "arrived": done.arrived, "held": held}
            samples.steps.append(step | {"losses": done.report["losses"]})
            if done.arrived == sent and held:
                whole = rate
            else:
                broken = rate
            if whole and broken:
                if not bisections:
                    break
                bisections -= 1
                rate = math.sqrt(whole * broken)
            else:
                if not doublings:
                    break
                doublings -= 1
                rate = rate * 2 if whole else rate / 2
        if not broken:
            samples.notes.append("no rate tried was too high")
        if whole:
            samples.add(round(whole))
        else:
            samples.notes.append(f"none whole: at {round(broken)} spans/s neither")

    def _memory(self, key: str, peers: list[str], receiver: Receiver) -> None:
        """Megabytes (10^6) over the median of processes that import the API and no more."""
        apis = [self._worker("memory", "api", [key], {"spans": 0}, receiver) for _ in range(3)]
        if not all(apis):
            return
        api = statistics.median(done.report["resident"] for done in apis if done)
        for peer in peers:
            say(f"{key}, {peer}")
            spans = self.settings.rss_spans if peer == OURS else self.settings.rss_spans_elsewhere
            if done := self._worker("memory", peer, [key], {"spans": spans}, receiver):
                over, peak = (done.report[name] - api for name in ("resident", "peak"))
                self.samples[key][peer].add(over / 1e6, peak=peak / 1e6)

    def _worker(
        self,
        scenario: str,
        peer: str,
        keys: list[str],
        options: Options,
        receiver: Receiver | None = None,
        *,
        lossy: bool = False,
        first: Worker | None = None,
    ) -> Outcome | None:
        """One worker's outcome, tried again where spans were lost; the notes explain a None.

        The `first` attempt may have had its turns already; those after it are alone.
        """
        receiver = receiver or self.receiver
        samples = [self.samples[key][peer] for key in keys]
        why = ""
        for attempt in range(_ATTEMPTS):
            if first and attempt == 0:
                report, failure = first.report()
            else:
                with Worker(scenario, peer, receiver, options) as worker:
                    report, failure = worker.report()
            taken = receiver.take(report.get("opens", 0.0), report.get("closes", 0.0))
            if failure or taken["errors"]:
                why = failure or f"failed: the receiver refused: {taken['errors'][0]}"
                break
            sent = report["spans"] if PEERS[peer].exports and scenario != "unsampled" else 0
            if lossy or taken["spans"] == sent:
                return Outcome(report, taken["spans"], taken["window"], attempt)
            why = f"void: {taken['spans']} of {sent} spans arrived; the peer counts {report['losses']}"
            for each in samples:
                each.void += 1
        say(f"{scenario}, {peer}: {why}")
        for each in samples:
            each.notes.append(why)
        return None


_GROUPS = (("calls", "filed", "opened"), ("unsampled",))
"""Scenarios of a round whose workers take turns, of all peers; the first is what others are compared with."""
_ALONE: dict[str, Callable[[Bench, str, list[str]], None]] = {
    "cpu": Bench._cpu,
    "drain": Bench._drain,
    "setup": Bench._setup,
}
"""Scenarios of a round whose workers follow each other, peer by peer."""


def _keys(rows: Sequence[Row], scenario: str, peer: str) -> list[str]:
    return [row.key for row in rows if row.scenario == scenario and peer in row.peers]


def _beside(plain: list[str], keys: list[str]) -> list[str]:
    """The plain rows, each of `keys` in its plain one's place: alone, a row finds its code in the caches."""
    instead = {key.partition("_via_")[0]: key for key in keys if key not in plain}
    rows = [instead.get(row, row) for row in plain]
    return rows + [key for key in keys if key not in rows]


def say(line: str) -> None:
    """Progress, apart from the table."""
    print(line, file=sys.stderr, flush=True)
