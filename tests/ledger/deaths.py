"""One death: a program is killed, and the next start sends what it had recorded; judged by what it said."""

from __future__ import annotations

import json
import os
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from child import environment
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from scripted import Receiver

from .known import may_fill, pad
from .moody import KIND, MOODS, Mood, Moods, Receipt
from .rounds import CRASHES, TESTS, Outcome

PROGRAM = str(TESTS / "ledger" / "mortal.py")
ANSWERS = (*KIND, *(mood for mood in MOODS if mood.answers and not mood.taken))
"""Some take it; others refuse for the moment."""
UNSAID = 500
"""Spans overwritten for those that a process's threads did not live to say: as many as a few chunks hold."""
NONE = tuple(mood for mood in ANSWERS if not mood.taken)
TMPFS = "/dev/shm"


class Name(NamedTuple):
    """Of a span."""

    pid: int
    thread: int
    number: int


@dataclass
class Books:
    """What was said, and what came: in its life, in its recovery, in a second one."""

    said: set[Name] = field(default_factory=set)
    overwritten: dict[int, int] = field(default_factory=dict)
    """As each process said it."""
    arrived: list[tuple[str, list[Receipt]]] = field(default_factory=list)
    counted: list[dict[str, Any]] = field(default_factory=list)
    """By each recovery."""
    wrong: list[str] = field(default_factory=list)


Fault = Callable[[Path, str], None]
"""Does something to the directory before the death, after it, or after the first recovery."""


def no_fault(folder: Path, moment: str) -> None:
    pass


# ---- Processes ----


def _begin(way: str, folder: Path, seed: str, receiver: Receiver) -> subprocess.Popen[bytes]:
    settings = {
        "OTLP_LITE_REGION_DIR": str(folder),
        "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url,
        "DEATH_SEED": seed,
        "PYTHONPATH": str(TESTS),
        "PYTHONFAULTHANDLER": "1",
        "PYTHONHASHSEED": "0",
    }
    return subprocess.Popen(
        [sys.executable, PROGRAM, way],
        env=environment(settings),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


class _Saying:
    """What a program and its children say."""

    def __init__(self, program: subprocess.Popen[bytes]) -> None:
        self._program = program
        self.data = bytearray()

    def read(self, seconds: float, until: bytes | None = None) -> None:
        """For so long, or until it ends or has said that."""
        assert self._program.stdout is not None
        deadline = time.monotonic() + seconds
        with selectors.DefaultSelector() as selector:
            selector.register(self._program.stdout, selectors.EVENT_READ)
            while selector.select(max(deadline - time.monotonic(), 0)):
                part = os.read(self._program.stdout.fileno(), 1 << 16)
                self.data += part
                if not part or (until is not None and until in self.data):
                    break

    def kill(self) -> None:
        os.killpg(self._program.pid, signal.SIGKILL)
        self.read(30)

    def complaints(self) -> str:
        assert self._program.stderr is not None
        return self._program.stderr.read().decode()


def live_and_die(books: Books, folder: Path, seed: str, receiver: Receiver, fault: Fault) -> str:
    """What it complained of."""
    random = Random(f"{seed} death")
    with _begin("live", folder, seed, receiver) as program:
        saying = _Saying(program)
        if random.random() < 0.9:
            saying.read(30, until=b"\n")
        saying.read(random.uniform(0, 0.6))
        fault(folder, "before")
        if fault is not no_fault:
            saying.read(0.2)
        saying.kill()
        complaints = saying.complaints()
    for line in saying.data.decode().split("\n")[:-1]:
        name = Name(*map(int, line.split()[0].split(".")))
        books.said.add(name)
        books.overwritten[name.pid] = max(books.overwritten.get(name.pid, 0), int(line.split()[1]))
    return complaints


def recover(books: Books, folder: Path, seed: str, receiver: Receiver, killed: float | None = None) -> str:
    """The next start; what it complained of. It is `killed` after so many seconds."""
    with _begin("inherit", folder, seed, receiver) as program:
        saying = _Saying(program)
        saying.read(90 if killed is None else killed)
        if killed is not None or not saying.data:
            saying.kill()
        complaints = saying.complaints()
    if saying.data:
        books.counted.append(json.loads(saying.data))
    elif killed is None:
        books.wrong.append("the next start did not come to its end")
    return complaints


# ---- What became of it ----


class Entry(NamedTuple):
    """A span as it came."""

    name: Name
    span_id: bytes
    whole: bool


def _entries(receipt: Receipt) -> Iterator[Entry | None]:
    """None: a span that never ended, and that nobody said."""
    if not receipt.taken:
        return
    for resource in ExportTraceServiceRequest.FromString(receipt.request.content()).resource_spans:
        for scope in resource.scope_spans:
            for span in scope.spans:
                attributes = {each.key: each.value for each in span.attributes}
                if "otlp_lite.unfinished" in attributes:
                    yield None
                    continue
                name = Name(*map(int, span.name.split(".")))
                whole = (
                    attributes["number"].int_value == name.number
                    and attributes["pad"].string_value == pad(*name)
                    and len(span.trace_id) == 16
                    and 0 < span.start_time_unix_nano <= span.end_time_unix_nano
                    and scope.scope.name == "mortal"
                )
                yield Entry(name, span.span_id, whole)


def judge(books: Books, unsaid: int) -> Counter[str]:
    """What was counted. What does not hold is added to what is wrong.

    So many spans of a process may be overwritten `unsaid`.
    """
    totals: Counter[str] = Counter(rounds=1, said=len(books.said))
    seen: dict[Name, Entry] = {}
    repeatable: set[Name] = set()
    """What came with the last request over a connection: its answer may not have been read."""
    for part, receipts in books.arrived:
        last: dict[int, set[Name]] = {}
        for receipt in receipts:
            every = list(_entries(receipt))
            entries = [entry for entry in every if entry is not None]
            totals["unfinished"] += len(every) - len(entries)
            if entries:
                last[receipt.request.connection] = {entry.name for entry in entries}
            totals[part] += len(entries)
            for entry in entries:
                before = seen.setdefault(entry.name, entry)
                if before is not entry:
                    totals["twice"] += 1
                    if before.span_id != entry.span_id or entry.name not in repeatable:
                        books.wrong.append(f"twice: {before} {entry}")
                if not entry.whole:
                    books.wrong.append(f"torn: {entry}")
                if part == "again":
                    books.wrong.append(f"sent by a second recovery: {entry}")
        repeatable |= set().union(*last.values())
    _invented(books, seen)
    # In a full region the oldest make room for the spans that were open: at each start a few chunks at most.
    gave_way = sum(counted["dropped"].get("overwritten", 0) for counted in books.counted)
    if gave_way > unsaid * len(books.counted) or (gave_way and not totals["unfinished"]):
        books.wrong.append(f"overwritten by the next start: {gave_way}")
    for pid, lost in Counter(name.pid for name in books.said - seen.keys()).items():
        told = books.overwritten[pid]
        totals["overwritten"] += lost
        beyond = max(lost - told - unsaid, 0)
        if beyond > gave_way:
            books.wrong.append(f"lost: {lost} of process {pid}, which counted {told}")
        gave_way = max(gave_way - beyond, 0)
    for counted in books.counted:
        dropped = sum(counted["dropped"].values())
        if counted["recorded"] + counted["adopted"] != counted["exported"] + dropped or counted["pending"]:
            books.wrong.append(f"the counters do not balance: {counted}")
        if dropped != counted["dropped"].get("overwritten", 0):
            books.wrong.append(f"dropped by the next start: {counted}")
    return totals


def _invented(books: Books, seen: dict[Name, Entry]) -> None:
    highest: dict[tuple[int, int], int] = defaultdict(lambda: -1)
    for name in books.said:
        highest[name[:2]] = max(highest[name[:2]], name.number)
    for name in seen:
        if name.number > highest[name[:2]] + 1:  # one that a thread did not live to say
            books.wrong.append(f"invented: {name}")


# ---- A round ----


def go(seed: str, fault: Fault = no_fault) -> Outcome:
    """A life, a death, a recovery, perhaps one that is killed itself before, and a second one."""
    random = Random(f"{seed} round")
    books = Books()
    base = Path(tempfile.mkdtemp(dir=TMPFS))
    folder = base / "regions"
    alive = random.choice((KIND, ANSWERS, NONE))
    said = ""
    try:
        with _receiver(books, "alive", seed, alive) as receiver:
            said += live_and_die(books, folder, seed, receiver, fault)
        fault(folder, "after")
        if random.random() < 0.3:
            with _receiver(books, "recovered", seed, KIND) as receiver:
                said += recover(books, folder, seed, receiver, killed=random.uniform(0.15, 0.6))
        with _receiver(books, "recovered", seed, KIND) as receiver:
            said += recover(books, folder, seed, receiver)
        fault(folder, "between")
        with _receiver(books, "again", seed, KIND) as receiver:
            said += recover(books, folder, seed, receiver)
    finally:
        shutil.rmtree(base)
    totals = judge(books, UNSAID if may_fill(seed) else 0)
    wrong = books.wrong[:10]
    wrong += [f"{word!r} was said" for word in CRASHES if word in said]
    return totals, [f"LEDGER_SEED={seed}: {each}" for each in wrong] + [said] * bool(wrong)


@contextmanager
def _receiver(books: Books, part: str, seed: str, moods: tuple[Mood, ...]) -> Iterator[Receiver]:
    reply = Moods(f"{seed} {part}", moods)
    books.arrived.append((part, reply.receipts))
    with Receiver(default=reply) as receiver:
        yield receiver
