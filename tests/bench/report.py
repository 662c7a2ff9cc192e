"""Draws the table of a run: for the terminal, and into docs/performance.md between its markers.

`report.py [--check] DOCUMENT` fills each block that starts `<!-- bench: FILE.json -->` (relative to the
document) and ends `<!-- /bench -->`; with --check it only tells whether they are up to date.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from judge import Results
from peers import OURS, PEERS
from rows import C_ROWS, ROWS, TWIN


class Table(NamedTuple):
    """Headings and lines of cells, drawn as text or as Markdown."""

    title: str
    head: list[str]
    lines: list[list[str]]


def tables(results: Results) -> list[Table]:
    """Every table of a run that has a line."""
    drawn = [_main(results), _targets(results), _c(results), _kernels(results)]
    return [table for table in drawn if table.lines]


def _main(results: Results) -> Table:
    measured = {peer for figures in results["rows"].values() for peer in figures}
    peers = [peer for peer in dict.fromkeys((OURS, *PEERS)) if peer in measured]
    lines = []
    for key, row in ROWS.items():
        figures = results["rows"].get(key)
        if not figures:
            continue
        lines.append([row.title, row.unit, *(_cell(figures.get(peer)) for peer in peers)])
        twin = results["rows"].get(key + TWIN, {}).get(OURS)
        if twin:
            lines.append(
                ["- its uncacheable twin", row.unit, *(_cell(twin) if peer == OURS else "" for peer in peers)]
            )
        for name in dict.fromkeys(name for figure in figures.values() for name in figure["beside"]):
            cells = [_text(figures.get(peer, {}).get("beside", {}).get(name)) for peer in peers]
            lines.append([f"- {name}", row.unit, *cells])
    return Table("Figures (in brackets: times ours)", ["what", "unit", *peers], lines)


def _cell(figure: dict[str, Any] | None) -> str:
    if figure is None:
        return ""
    if figure["value"] is None:
        return "void" if figure["void"] else figure["notes"][0].partition(":")[0]
    ratio = f" ({figure['ratio']}x)" if "ratio" in figure else ""
    return f"{figure['value']}{ratio}"


def _text(value: float | None) -> str:
    return "" if value is None else str(value)


def _targets(results: Results) -> Table:
    lines = []
    for target in results["targets"]:
        if target["reached"] is None and not results["whole"]:
            continue
        sign = "" if target["bound"] == "min" else "<= "
        bounds = [
            f"{sign}{target[name]} {target['unit']}" if target[name] else "" for name in ("at_least", "aim")
        ]
        reached = "" if target["reached"] is None else f"{target['reached']} {target['unit']}"
        each = target.get("rounds") or []
        spread = f"{min(each)} to {max(each)}" if len(each) > 1 else ""
        if 1 < len(each) < results["settings"]["rounds"]:
            spread += f" ({len(each)} rounds)"
        lines.append([target["title"], target["against"] or "", reached, spread, *bounds, target["verdict"]])
    return Table("Targets", ["what", "against", "reached", "rounds", "at least", "aim", "verdict"], lines)


def _c(results: Results) -> Table:
    lines = [
        [row.title, str(figure["ns"]), _text(figure.get("instructions"))]
        for row in C_ROWS
        if (figure := results["c"].get(row.name))
    ]
    return Table("In C, a span", ["what", "ns", "instructions"], lines)


def _kernels(results: Results) -> Table:
    """A line a kernel, kind of data and n; a column a table."""
    names = list(dict.fromkeys(line["table"] for line in results["kernels"]))
    times: dict[tuple[str, str, int], dict[str, float]] = {}
    for line in results["kernels"]:
        times.setdefault((line["kernel"], line["data"], line["n"]), {})[line["table"]] = line["ns"]
    lines = [
        [kernel, data, str(n), *(_text(by_table.get(name)) for name in names)]
        for (kernel, data, n), by_table in times.items()
    ]
    return Table("Kernels, ns a call", ["kernel", "data", "n", *names], lines)


def notes(results: Results) -> list[str]:
    """What the tables leave out: void rounds, failures, how much was measured."""
    found = list(results["notes"])
    for key, figures in results["rows"].items():
        for peer, figure in figures.items():
            if figure["void"]:
                found.append(f"{key}, {peer}: {figure['void']} void rounds")
            for note, times in Counter(figure["notes"]).items():
                found.append(f"{key}, {peer}: {note}" + (f" ({times} times)" if times > 1 else ""))
    return found


def facts(results: Results) -> list[str]:
    """The machine, the versions, the command and the receiver's own ceiling, a line each."""
    machine, settings = results["machine"], results["settings"]
    versions = ", ".join(f"{name} {number or 'absent'}" for name, number in machine["versions"].items())
    ceilings = ", ".join(
        f"{each['posts_per_second']} posts/s of {each['body_bytes']} bytes ({each['mib_per_second']} MiB/s)"
        for each in results["ceiling"]
    )
    return [
        f"{machine['cpu']}, {machine['cores']} cores, {' '.join(machine['flags'])}",
        f"Linux {machine['kernel']}, {machine['libc']}, clocksource {machine['clocksource']}, "
        f"load {machine['load_at_start']} at the start",
        f"{machine['python']} ({machine['compiler']}), PGO {'yes' if machine['pgo'] else 'no'}",
        versions,
        f"{machine['date']}: {machine['command']}",
        f"Medians of {settings['rounds']} rounds of {settings['bursts']} bursts; steps of the paced rate of "
        f"{settings['step_seconds']} s; RSS after {settings['rss_spans']} spans of otlp_lite, "
        f"{settings['rss_spans_elsewhere']} of the others",
        f"The receiver alone takes {ceilings}",
        *(f"C: {name} {value}" for name, value in results["build"].items()),
    ]


def render(results: Results) -> str:
    """The whole report for a terminal."""
    return "\n".join([*facts(results), *(_plain(table) for table in tables(results)), *notes(results)])


def _plain(table: Table) -> str:
    rows = [table.head, *table.lines]
    widths = [max(len(row[column]) for row in rows) for column in range(len(table.head))]

    def line(row: Sequence[str]) -> str:
        first, *rest = (
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        return "  ".join([first, *rest]).rstrip()

    return "\n".join(
        [
            "",
            table.title,
            line(table.head),
            "-" * (sum(widths) + 2 * len(widths) - 2),
            *map(line, table.lines),
        ]
    )


def markdown(results: Results) -> str:
    """The same for a document."""
    parts = ["\n".join(f"- {fact}" for fact in facts(results))]
    for table in tables(results):
        rule = "|".join(["---", *("---:" for _ in table.head[1:])])
        rows = [table.head, *table.lines]
        body = ["| " + " | ".join(row) + " |" for row in rows]
        parts.append("\n".join([f"### {table.title}", "", body[0], f"|{rule}|", *body[1:]]))
    if left_out := notes(results):
        parts.append("\n".join(f"- {note}" for note in left_out))
    return "\n\n".join(parts)


_BLOCK = re.compile(r"(<!-- bench: (\S+) -->\n).*?(<!-- /bench -->)", re.DOTALL)


def fill(document: str, load: Callable[[str], Results]) -> str:
    """The document with each of its blocks drawn anew; ValueError without one."""
    filled, blocks = _BLOCK.subn(
        lambda found: f"{found[1]}\n{markdown(load(found[2]))}\n\n{found[3]}", document
    )
    if not blocks:
        raise ValueError("the document has no `<!-- bench: FILE.json -->` ... `<!-- /bench -->`")
    return filled


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("document", type=Path)
    parser.add_argument("--check", action="store_true", help="change nothing, and fail if it is out of date")
    options = parser.parse_args()
    path: Path = options.document
    before = path.read_text()
    after = fill(before, lambda name: json.loads((path.parent / name).read_text()))
    if options.check:
        if after != before:
            print(f"{path} does not show what its JSON holds: run report.py {path}", file=sys.stderr)
        return int(after != before)
    path.write_text(after)
    return 0


if __name__ == "__main__":
    sys.exit(main())
