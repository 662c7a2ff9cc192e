"""How each weakening of an atomic access ends: the table mutations.txt, and what writes it anew.

`python -m order.mutations`, in tests/proof, looks for the cheapest run that catches each weakening, and
keeps the reasons of those that none catches; one without a reason has a question mark, which fails the tests.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from .explorer import Run, build, explore
from .sites import mutations

TABLE = Path(__file__).with_name("mutations.txt")
HEAD = """\
# mutations.txt - each release, acquire, seq access, compare-exchange and addition of csrc, weakened
#
# Under each the cheapest run of the explorer that catches it (scenario, preemptions + old values); or the
# definitions with which the model finds fault; or why it does no harm. Which there are is derived from csrc:
# sites.py. Written by `python -m order.mutations` in tests/proof, but for the reasons.
"""

SCENARIOS = (
    *("idle", "registrars", "collectors", "pair", "busy", "clock", "statistics", "chunk"),
    *("tight", "release", "drop", "wake", "table", "open", "crowd", "places", "overwrite", "newest", "chain"),
)
SIGNALS = ("signal", "ceasing", "signals")
"""Those of csrc/port/terminate.c."""
DEADLY = ("durable", "links", "sealed", "adopted", "spans")
"""Those in which the threads are killed in each state."""
ALONE = ("adoption", "room", "creation")
"""Those of one thread, which has one schedule."""
KINDS = ("caught", "modelled", "harmless")
SLOW = ("overwrite", "newest", "chain")
LEVELS = ((0, 1), (1, 0), (1, 1), (0, 2), (2, 0), (2, 1))


class Verdict(NamedTuple):
    """The run that catches a weakening, or why none does."""

    caught: Run | None
    reason: str = ""
    kind: str = "caught"


def read(text: str) -> dict[str, Verdict]:
    """The table's rows by mutation."""
    rows: dict[str, Verdict] = {}
    mutation = ""
    for line in text.splitlines():
        if line.startswith("#") or not line.strip():
            continue
        if not line.startswith(" "):
            mutation = line
            continue
        kind, _, rest = line.strip().partition(" ")
        if mutation in rows or kind not in KINDS:
            raise ValueError(f"{TABLE.name}: {mutation}: {line}")
        if kind == "caught":
            scenario, bounds = rest.split()
            preemptions, stale = bounds.split("+")
            rows[mutation] = Verdict(Run(scenario, int(preemptions), int(stale)))
        else:
            rows[mutation] = Verdict(None, rest, kind)
    return rows


def write(rows: dict[str, Verdict]) -> str:
    lines = [HEAD]
    for mutation, verdict in rows.items():
        lines.append(f"{mutation}\n    {verdict.kind} {verdict.caught or verdict.reason}\n")
    return "".join(lines)


def runs(mutation: str, levels: Sequence[tuple[int, int]] = LEVELS) -> list[Run]:
    """All that a weakening may be caught by, the cheapest first."""
    alone = [Run(scenario, 0, 0) for scenario in ALONE]
    match mutation.partition(":")[0]:
        case "terminate.c":
            return [Run(scenario, *level) for level in levels for scenario in SIGNALS]
        case "recover.c":
            return alone
        case _:
            return [
                *alone,
                *(Run(scenario, 0, 0) for scenario in DEADLY),
                *(
                    Run(scenario, preemptions, stale)
                    for preemptions, stale in levels
                    for scenario in (*SCENARIOS, *DEADLY)
                    if scenario not in SLOW or preemptions < 2
                    if scenario not in DEADLY or preemptions + stale < 2
                ),
            ]


def catch(mutation: str) -> Run | None:
    for run in runs(mutation):
        if explore(run, mutation).found:
            return run
    return None


def judge(mutation: str, known: Verdict | None) -> Verdict:
    """A verdict that holds is kept."""
    if known is not None and (known.caught is None or explore(known.caught, mutation).found):
        return known
    run = catch(mutation)
    return Verdict(run) if run else Verdict(None, "?", "harmless")


def survey() -> None:
    """Writes the table anew."""
    build()
    known = read(TABLE.read_text("utf-8")) if TABLE.exists() else {}
    names = mutations()
    rows: dict[str, Verdict] = {}
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for name, verdict in zip(
            names, pool.map(lambda each: judge(each, known.get(each)), names), strict=True
        ):
            rows[name] = verdict
            print(name, verdict.caught or verdict.reason, flush=True)
    TABLE.write_text(write(rows), "utf-8")


if __name__ == "__main__":
    survey()
