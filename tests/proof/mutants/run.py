"""Puts small faults into the core and the Python rooms: `python -m mutants.run`, in tests/proof.

Which, is drawn by the commit's number, or by --seed. Each is tested by the narrowest tests that cover its
file (covering.py), on lines that these execute, and in C only where the compiler makes other code of it;
what these let pass in C, they try once more under UBSan. Those that nobody could notice are listed, with
the reason, in equivalent.toml, or where whole lines are such, in places.py, and not counted.
Fails when fewer than 85 % are noticed.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from random import Random
from typing import NamedTuple

from . import c_code, python_code
from .places import Mutant

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[3]
EQUIVALENT = Path(__file__).with_name("equivalent.toml")
KILLED_MIN = 0.85
SHARES = {"C": 4, "Python": 1}
"""Of one language's mutants to the other's: those of C take a tenth of the time."""
JOBS = max(1, len(os.sched_getaffinity(0)))


class Verdict(NamedTuple):
    """How a mutant ended."""

    mutant: Mutant
    name: str
    line: int
    by: str
    """What noticed it; empty when nothing did."""
    seconds: float


def commit_seed() -> int:
    command = ["git", "-c", "safe.directory=*", "rev-parse", "HEAD"]
    return int(subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout, 16)


def equivalents() -> dict[str, str]:
    """Mutants that nobody can notice, and why."""
    rows = tomllib.loads(EQUIVALENT.read_text("utf-8")).get("mutant", [])
    return {row["name"]: row["reason"] for row in rows}


class Kind(NamedTuple):
    """Mutants of one language."""

    mutants: list[Mutant]
    test: c_code.Tester | python_code.Tester


def draw(mutants: list[Mutant], random: Random) -> list[Mutant]:
    """All of them, in a random order in which none of a line comes before one of each other line."""
    shuffled = random.sample(mutants, len(mutants))
    seen: dict[tuple[str, int], int] = {}
    ranks = {}
    for mutant in shuffled:
        place = (mutant.file, c_code.line_of(mutant))
        seen[place] = seen.get(place, 0) + 1
        ranks[mutant] = seen[place]
    return sorted(shuffled, key=ranks.__getitem__)


def judge(kind: Kind, mutants: list[Mutant], count: int, excused: dict[str, str]) -> list[Verdict]:
    """Tests mutants until `count` have a verdict; those that are no change or no program are passed over."""
    waiting: SimpleQueue[Mutant] = SimpleQueue()
    for mutant in mutants:
        waiting.put(mutant)
    verdicts: list[Verdict] = []

    def work(number: int) -> None:
        while len(verdicts) < count and not waiting.empty():
            mutant = waiting.get()
            source = (ROOT / mutant.file).read_text("utf-8")
            name, began = mutant.name(source), time.monotonic()
            if name in excused:
                continue
            by = kind.test.run(mutant, number)
            if by is None or len(verdicts) >= count:
                continue
            verdicts.append(Verdict(mutant, name, mutant.line(source), by, time.monotonic() - began))
            if not by:
                print(f"SURVIVES {mutant.file}:{verdicts[-1].line}\n    {name}", flush=True)

    with ThreadPoolExecutor(JOBS) as pool:
        list(pool.map(work, range(JOBS)))
    return verdicts


def see_planted(kinds: dict[str, Kind]) -> list[str]:
    """What is wrong with the testers: each sees a gross fault, and tells of one that no test covers."""
    wrong = []
    for name, kind in kinds.items():
        for tests, seen in kind.test.planted():
            by = kind.test.run(kind.test.gross(), 0, tests)
            told = f"noticed by {by}" if by else "survives"
            print(f"planted in {name}, tested by {', '.join(tests)}: {told}")
            if bool(by) != seen:
                wrong.append(f"planted in {name}, tested by {', '.join(tests)}: it {told}")
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=60, help="mutants that are tested")
    parser.add_argument("--seed", type=int, help="instead of the commit's number")
    parser.add_argument("--only", default="", help="files whose name has this in it")
    options = parser.parse_args()
    seed = commit_seed() if options.seed is None else options.seed
    random = Random(seed)
    began = time.monotonic()
    rooms = {"C": c_code, "Python": python_code}
    kinds = {
        name: Kind(*room.prepare(JOBS))
        for name, room in rooms.items()
        if any(options.only in file for file in room.sources())
    }
    all_names = {
        mutant.name((ROOT / mutant.file).read_text("utf-8"))
        for kind in kinds.values()
        for mutant in kind.mutants
    }
    excused = equivalents()
    print(f"prepared in {time.monotonic() - began:.0f} s; seed {seed}")
    known = set() if options.only else excused.keys()
    problems = [f"equivalent.toml: {name}: there is none" for name in known - all_names]
    problems += see_planted(kinds)
    chosen = {
        name: [mutant for mutant in draw(kind.mutants, random) if options.only in mutant.file]
        for name, kind in kinds.items()
    }
    parts = sum(SHARES[name] for name, mutants in chosen.items() if mutants)
    verdicts: list[Verdict] = []
    for name, kind in kinds.items():
        if chosen[name]:
            since = time.monotonic()
            verdicts += judge(kind, chosen[name], options.count * SHARES[name] // parts, excused)
            print(f"{name} in {time.monotonic() - since:.0f} s", flush=True)
    survivors = [verdict for verdict in verdicts if not verdict.by]
    slowest = max(verdicts, key=lambda verdict: verdict.seconds)
    print(f"the slowest took {slowest.seconds:.0f} s: {slowest.name}, {slowest.by or 'survives'}")
    killed = len(verdicts) - len(survivors)
    share = killed / len(verdicts) if verdicts else 0.0
    all_mutants = sum(len(kind.mutants) for kind in kinds.values())
    print(
        f"{killed} of {len(verdicts)} noticed, {100 * share:.0f} %, of {all_mutants} that there are; "
        f"{len(excused)} listed as equivalent; {time.monotonic() - began:.0f} s"
    )
    if share < KILLED_MIN:
        problems.append(f"under {100 * KILLED_MIN:.0f} % are noticed")
    for problem in problems:
        print(problem)
    return int(bool(problems))


if __name__ == "__main__":
    sys.exit(main())
