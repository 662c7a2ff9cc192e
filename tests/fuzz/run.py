"""Fuzzes: `python -m fuzz.run SECONDS`, in tests; each target is first shown a fault that it must report.

The seconds are those of all targets together, one a processor at a time. Exits with 1 when something was
found, a planted fault was not, or a file that a target names is reached to less than 90 %.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from . import headers, targets

REACHED_MIN = 90.0
"""Percent of the lines of each file that a target names."""
PLANTED_SECONDS = 60
"""For so long a planted fault may stay unseen."""


class Row(NamedTuple):
    """A target's run."""

    name: str
    executions: int
    seconds: float
    coverage: dict[str, float]
    report: str


def see_faults() -> list[str]:
    """Targets that do not report the fault that was planted for them."""
    blind = []
    for target in targets.TARGETS:
        began = time.monotonic()
        corpus = targets.PLANTED / target.name / "corpus"
        shutil.rmtree(corpus, ignore_errors=True)
        shutil.copytree(targets.seed(target), corpus)
        outcome = targets.run(targets.planted(target), target, PLANTED_SECONDS, corpus)
        first = outcome.report.partition("\n")[0] or "NOTHING"
        print(
            f"planted in {target.fault.file:20} {time.monotonic() - began:4.0f} s  {first[:110]}", flush=True
        )
        if not outcome.report:
            blind.append(target.name)
        for crash in targets.CRASHES.glob(f"{target.name}-*"):
            crash.unlink()
    try:
        headers.fuzz(0, 1, plant=True)
        blind.append("headers")
    except headers.Wrong as error:
        print(f"planted in a tracer                     {str(error)[:110]}", flush=True)
    return blind


def run_one(target: targets.Target, seconds: float) -> Row:
    outcome = targets.run(targets.BUILD / f"checked/fuzz_{target.name}", target, seconds)
    coverage = {} if outcome.report else targets.coverage(target)
    return Row(target.name, outcome.executions, outcome.seconds, coverage, outcome.report)


def run_headers(seconds: float) -> Row:
    began = time.monotonic()
    seed = int.from_bytes(os.urandom(4), "little")
    try:
        count, coverage = headers.fuzz(seconds, seed)
    except headers.Wrong as error:
        return Row("headers", 0, time.monotonic() - began, {}, f"seed {seed}: {error}")
    return Row("headers", count, time.monotonic() - began, coverage, "")


def show(rows: list[Row]) -> int:
    """Prints the rows; the number of failures."""
    failures = 0
    for row in rows:
        rate = row.executions / row.seconds if row.seconds else 0
        print(f"{row.name:10} {row.executions:12,} executions, {rate:10,.0f} a second")
        for file, share in row.coverage.items():
            low = share < REACHED_MIN
            failures += low
            print(f"    {file:40} {share:5.1f} % of lines{' - TOO FEW' if low else ''}")
        if row.report:
            failures += 1
            print(f"FOUND by {row.name}:\n{row.report}\nits input is in {targets.CRASHES}")
    print(f"{'all':10} {sum(row.executions for row in rows):12,} executions")
    return failures


def main(seconds: float) -> int:
    targets.make()
    blind = see_faults()
    if blind:
        print(f"not reported: the fault planted for {', '.join(blind)}")
        return 1
    jobs = max(1, len(os.sched_getaffinity(0)))
    share = seconds * jobs / (len(targets.TARGETS) + 1)
    with ThreadPoolExecutor(jobs) as pool:
        # The longest to settle first; the headers in this thread's interpreter, as the others are programs.
        waiting = [pool.submit(run_one, target, share) for target in targets.TARGETS]
        rows = [each.result() for each in [*waiting, pool.submit(run_headers, share)]]
    return int(show(rows) != 0)


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1])))
