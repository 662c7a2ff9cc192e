"""Runs the programs on otlp_lite over another opentelemetry-api, beside the stock SDK over the newest one."""
# programs_over.py PYTHON, beside the folder of the tests: PYTHON has otlp_lite and that API, and the
# interpreter that runs this the stock SDK. A program that needs contrib is left out: contrib's parts are tied
# to their API.

from __future__ import annotations

import sys
from pathlib import Path
from unittest import mock

sys.path.insert(0, "tests")

from programs.compare import load_departures
from programs.harness import HERE, Program, Run, complaints, free_port, run

SDKS = ("stock", "otlp_lite")
OF_THE_API = Path(__file__).with_name("departures.toml")


def needs_contrib(program: Program) -> bool:
    return "opentelemetry.instrumentation" in program.path.read_text("utf-8")


def run_over(python: str, program: Program) -> Run:
    with mock.patch.object(sys, "executable", python):
        return run(program, "otlp_lite", free_port())


def main() -> int:
    departures = load_departures(HERE / "departures.toml") + load_departures(OF_THE_API)
    programs = [Program.read(path) for path in sorted(HERE.glob("p_*.py"))]
    chosen = [program for program in programs if not needs_contrib(program)]
    wrong = 0
    for program in chosen:
        rows = [row for row in departures if row.program == program.name]
        runs = run(program, "stock", free_port()), run_over(sys.argv[1], program)
        if found := complaints(program, SDKS, runs, rows):
            wrong += 1
            print(f"---- {program.name}", *found, sep="\n")
    print(f"{wrong} of {len(chosen)} programs differ")
    return int(wrong > 0 or not chosen)


if __name__ == "__main__":
    raise SystemExit(main())
