"""Runs the programs on otlp_lite over another opentelemetry-api, and says where they leave the stock SDK's way.

oldest_api.py PYTHON: PYTHON has otlp_lite and that API; the interpreter that runs this has the stock SDK. It
runs beside the folder of the tests. Programs that need more than the API are left out: contrib's parts of
another age say other things.
"""

from __future__ import annotations

import sys
from unittest import mock

sys.path.insert(0, "tests")

from programs.compare import load_departures
from programs.harness import HERE, Program, Run, complaints, free_port, run

SDKS = ("stock", "otlp_lite")


def needs_contrib(program: Program) -> bool:
    return "opentelemetry.instrumentation" in program.path.read_text("utf-8")


def run_over(python: str, program: Program) -> Run:
    with mock.patch.object(sys, "executable", python):
        return run(program, "otlp_lite", free_port())


def main() -> int:
    departures = load_departures(HERE / "departures.toml")
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
