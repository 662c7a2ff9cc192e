"""The benchmark: every peer beside every other in one run, one report, one JSON file."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import machine
import native
from judge import Results, judge
from measure import FULL, QUICK, Bench, Settings, say
from peers import OURS, PEERS
from report import render
from rows import C_ROWS, ROWS
from sink import Receiver

_ROOT = Path(__file__).parents[2]
_CEILING_BODIES = (1 << 16, 1 << 20)  # bytes: about a batch of 512 spans, and the largest request
_KERNELS = "kernels"


def main() -> int:
    options = _options()
    peers: list[str] = options.peers or list(PEERS)
    missing = [peer for peer in peers if not _installed(peer)]
    if missing:
        say(f"not installed: {', '.join(missing)}; install the extra `bench`, or choose with --peers")
        return 1
    settings = _settings(options)
    rows = [row for row in ROWS.values() if not options.only or row.key in options.only]
    distributions = [name for peer in peers for name in PEERS[peer].distributions]
    results: Results = {
        "machine": machine.facts(distributions, " ".join(["python tests/bench/run.py", *sys.argv[1:]])),
        "settings": settings._asdict(),
        "whole": _is_whole(options),
        "notes": [],
    }
    with Receiver() as receiver:
        ceilings = [receiver.ceiling(size, 0.1 if options.quick else 0.5) for size in _CEILING_BODIES]
        results["ceiling"] = [each._asdict() for each in ceilings]
        bench = Bench(settings, receiver, peers)
        bench.run(rows)
    results["notes"] += bench.notes
    results["rows"] = {
        row: {peer: samples.figure() for peer, samples in by_peer.items() if samples.values or samples.notes}
        for row, by_peer in bench.samples.items()
    }
    _native(results, options, settings.rounds, wanted=OURS in peers)
    judge(results, bench.bursts)
    print(render(results))
    path = _destination(options)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(results, indent=1) + "\n")
    say(f"written to {os.path.relpath(path)}")
    return int(_failed(results))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    names = [*ROWS, *(row.name for row in C_ROWS), _KERNELS]
    parser.add_argument(
        "--quick", action="store_true", help="under a minute: a smoke test, no figures to quote"
    )
    parser.add_argument(
        "--only", action="append", choices=names, metavar="ROW", help=f"one of {', '.join(names)}"
    )
    parser.add_argument("--peers", type=lambda text: text.split(","), help=f"some of {','.join(PEERS)}")
    parser.add_argument("--rounds", type=int, help=f"interleaved rounds, {FULL.rounds} unless told")
    parser.add_argument(
        "--rss-spans", type=float, metavar="MILLIONS", help="of otlp_lite's spans before memory is read"
    )
    parser.add_argument(
        "--build", type=Path, default=_ROOT / "build/bench", help="where record and kernels are"
    )
    parser.add_argument("--out", type=Path, help="the JSON; a full run's is docs/bench/<machine>.json")
    options = parser.parse_args()
    if unknown := set(options.peers or ()) - set(PEERS):
        parser.error(f"no peer is called {', '.join(sorted(unknown))}")
    return options


def _settings(options: argparse.Namespace) -> Settings:
    settings = QUICK if options.quick else FULL
    if options.rounds:
        settings = settings._replace(rounds=options.rounds)
    if options.rss_spans:
        settings = settings._replace(rss_spans=round(options.rss_spans * 1e6))
    return settings


def _installed(peer: str) -> bool:
    """Its distributions' first modules; `find_spec` of a submodule would import, and charge nobody."""
    return all(find_spec(module.partition(".")[0]) for module in PEERS[peer].modules) and all(
        machine.version_of(name) for name in PEERS[peer].distributions
    )


def _native(results: Results, options: argparse.Namespace, rounds: int, wanted: bool) -> None:
    """The rows of the programs in C, which are there before this runs."""
    results |= {"c": {}, "kernels": [], "build": {}}
    asked = [name for name in (*(row.name for row in C_ROWS), _KERNELS) if name in (options.only or [name])]
    if not wanted or not asked:
        return
    folder: Path = options.build
    needed = {"build.json", *(_KERNELS if name == _KERNELS else "record" for name in asked)}
    missing = sorted(name for name in needed if not (folder / name).exists())
    if missing:
        results["notes"].append(f"failed: of the programs in C, {', '.join(missing)} is missing")
        return
    results["build"] = json.loads((folder / "build.json").read_text())
    for name in asked:
        say(f"in C, {name}")
        try:
            if name == _KERNELS:
                results["kernels"] = native.kernels(folder / name)
            else:
                quick: bool = options.quick
                results["c"][name] = native.record(folder / "record", name, rounds, not quick)
        except subprocess.SubprocessError as error:
            results["notes"].append(f"failed: in C, {name}: {error}")


def _destination(options: argparse.Namespace) -> Path:
    """Only a whole run replaces the committed file."""
    if options.out:
        return Path(options.out)
    if _is_whole(options):
        return _ROOT / "docs/bench" / f"{machine.slug()}.json"
    return _ROOT / "build/bench/partial.json"


def _is_whole(options: argparse.Namespace) -> bool:
    return not (options.quick or options.only or options.peers)


def _failed(results: Results) -> bool:
    """Whether a program in C or a worker of ours broke, or a row of ours has no figure.

    A peer may do what it does (lose spans, crash, never come back): the report says so.
    """
    ours: list[dict[str, Any]] = [figures[OURS] for figures in results["rows"].values() if OURS in figures]
    found = [*results["notes"], *(note for figure in ours for note in figure["notes"])]
    return any(note.startswith("failed") for note in found) or any(figure["value"] is None for figure in ours)


if __name__ == "__main__":
    sys.exit(main())
