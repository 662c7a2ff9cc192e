"""Runs workers in interleaved rounds against the receiver, and keeps what they measured."""

from __future__ import annotations

import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from shutil import which
from typing import Any, NamedTuple

from peers import OURS, PEERS
from rows import TWIN, Row
from sink import Authority, Receiver

_WORKER = Path(__file__).with_name("worker.py")
# Of the user's environment; its proxies, certificate bundles and OTEL_* settings would change the peers.
_INHERITED = ("PATH", "HOME", "LANG", "TMPDIR", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "PYTHONPATH")
_ATTEMPTS = 3  # of a round that an SDK made void by losing spans
_FIRST_RATE = {OURS: 128_000}  # spans a second; the search doubles and halves from here
_FIRST_RATE_ELSEWHERE = 8_000

Options = Mapping[str, int | str]


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


def significant(value: float, digits: int = 3) -> float:
    """`value` with so many significant digits, an int where nothing follows the point."""
    rounded = float(f"{value:.{digits}g}")
    return int(rounded) if rounded == int(rounded) else rounded


class Bench:
    """The samples of one run, by row and peer."""

    def __init__(self, settings: Settings, receiver: Receiver, peers: Sequence[str]) -> None:
        self.settings = settings
        self.receiver = receiver
        self.peers = peers
        self.samples: dict[str, dict[str, Samples]] = defaultdict(lambda: defaultdict(Samples))
        self.notes: list[str] = []
        self._beside: list[str] = []

    def run(self, rows: Sequence[Row]) -> None:
        """Measures the rows: those of `_ROUND` in interleaved rounds, then each of the long ones."""
        self._beside = [row.key for row in rows if row.scenario == "calls" and OURS in row.peers]
        for number in range(self.settings.rounds):
            first = number % len(self.peers)
            for group in _ROUND:
                for peer in (*self.peers[first:], *self.peers[:first]):
                    for scenario, measure in group.items():
                        keys = [row.key for row in rows if row.scenario == scenario and peer in row.peers]
                        if keys:
                            say(f"round {number + 1} of {self.settings.rounds}, {scenario}, {peer}")
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

    def _calls(self, peer: str, keys: list[str], scenario: str = "calls", **more: str | int) -> None:
        twins = int(peer == OURS)
        options = {"rows": ",".join(keys), "bursts": self.settings.bursts, "twins": twins, **more}
        if done := self._worker(scenario, peer, keys, options):
            for row, bursts in done.report["figures"].items():
                if row.removesuffix(TWIN) not in keys:
                    continue
                thread, wall = statistics.median(bursts["thread"]), statistics.median(bursts["wall"])
                self.samples[row][peer].add(thread, wall=wall)

    def _unsampled(self, peer: str, keys: list[str]) -> None:
        self._calls(peer, keys, "unsampled")

    def _filed(self, peer: str, keys: list[str], scenario: str = "filed") -> None:
        """Beside the same rows as the plain one: alone, a row finds its code and data in the caches."""
        (key,) = keys
        plain = key.partition("_via_")[0]
        rows = [key if row == plain else row for row in self._beside]
        with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
            all_rows = ",".join(rows if key in rows else [*rows, key])
            self._calls(peer, keys, scenario, rows=all_rows, folder=folder, twins=0)

    def _opened(self, peer: str, keys: list[str]) -> None:
        self._filed(peer, keys, "opened")

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
    ) -> Outcome | None:
        """One worker's outcome, tried again where spans were lost; the notes explain a None."""
        receiver = receiver or self.receiver
        samples = [self.samples[key][peer] for key in keys]
        why = ""
        for _ in range(_ATTEMPTS):
            report, failure = _run(scenario, peer, receiver, options)
            taken = receiver.take(report.get("opens", 0.0), report.get("closes", 0.0))
            if failure or taken["errors"]:
                why = failure or f"failed: the receiver refused: {taken['errors'][0]}"
                break
            sent = report["spans"] if PEERS[peer].exports and scenario != "unsampled" else 0
            if lossy or taken["spans"] == sent:
                return Outcome(report, taken["spans"], taken["window"])
            why = f"void: {taken['spans']} of {sent} spans arrived; the peer counts {report['losses']}"
            for each in samples:
                each.void += 1
        say(f"{scenario}, {peer}: {why}")
        for each in samples:
            each.notes.append(why)
        return None


_ROUND: tuple[dict[str, Callable[[Bench, str, list[str]], None]], ...] = (
    {"calls": Bench._calls, "filed": Bench._filed, "opened": Bench._opened},
    {"unsampled": Bench._unsampled},
    {"cpu": Bench._cpu},
    {"drain": Bench._drain},
    {"setup": Bench._setup},
)
"""Scenarios of a round: those of a group follow each other peer by peer, as they are compared."""


def _run(scenario: str, peer: str, receiver: Receiver, options: Options) -> tuple[dict[str, Any], str | None]:
    """A worker's report, or why it made none."""
    pairs = [f"{name}={value}" for name, value in options.items()]
    command = [sys.executable, str(_WORKER), scenario, peer, receiver.endpoint, *pairs]
    limit = 60 + int(options.get("spans", 0)) / 4000
    try:
        done = subprocess.run(
            command,
            check=False,
            capture_output=True,
            text=True,
            timeout=limit,
            env=_environment(scenario, receiver),
        )
    except subprocess.TimeoutExpired:
        return {}, f"failed: no report after {limit:.0f} s"
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        return {}, f"failed: exit {done.returncode}: {last}"
    report: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return report, None


def _environment(scenario: str, receiver: Receiver) -> dict[str, str]:
    """The same settings for every peer, and none of the user's."""
    environment = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    environment |= {"OTEL_SERVICE_NAME": "bench", "OTEL_EXPORTER_OTLP_COMPRESSION": "none"}
    if scenario == "unsampled":
        environment["OTEL_TRACES_SAMPLER"] = "always_off"
    if receiver.root:
        environment["OTEL_EXPORTER_OTLP_CERTIFICATE"] = receiver.root
    return environment


def say(line: str) -> None:
    """Progress, apart from the table."""
    print(line, file=sys.stderr, flush=True)
