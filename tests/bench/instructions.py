"""Instructions that a span takes, as callgrind counts them, against docs/bench/instructions.json.

`python tests/bench/instructions.py` prints them, by kernel table, and fails where one is over 5 % off what is
committed. A change that costs more, or saves as much, says so in its commit: `--update` writes them anew.
What it must report, slower code in C and in Python, it is shown, too. None of AVX-512, which valgrind lacks.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from shutil import which
from typing import Any

import machine
import native
from workload import SHAPES

ROOT = Path(__file__).resolve().parents[2]
COMMITTED = ROOT / "docs/bench/instructions.json"
APART = 0.05
"""The share by which a count may be off the committed one."""
TABLES = ("scalar", "avx2")
C_ROWS = ("encode", "record", "json")
PYTHON_ROWS = ("start_end", "current5", "current5.twin", "leaf4")
COUNTS = (200, 700)
"""Spans of two bursts in Python, whose difference leaves out what a burst takes by itself."""
PLANTED = ("record/scratch.c", "if (scratch->live[list] == scratch->fields)", "if (scratch->fields == 0)")
"""A file of csrc, and how it loses its quick way for a span of attributes alone."""

Rows = dict[str, dict[str, float]]
"""Instructions a span, by row and kernel table."""


# ---- In C ----


def in_c(program: Path, rows: Sequence[str] = C_ROWS) -> Rows:
    return {row: {table: native.instructions_a_span(program, row, table) for table in TABLES} for row in rows}


def planted_program(build: Path, folder: Path) -> Path:
    """The program `record` over a core that was made slower."""
    file, right, wrong = PLANTED
    source = (ROOT / "csrc" / file).read_text("utf-8")
    if source.count(right) != 1:
        raise ValueError(f"{file}: {source.count(right)} times, not once: {right}")
    slower, program = folder / Path(file).name, folder / "record"
    slower.write_text(source.replace(right, wrong), "utf-8")
    compiler = [
        os.environ.get("CC", "cc"),
        "-std=c11",
        "-O2",
        "-g",
        "-fPIC",
        "-pthread",
        f"-I{ROOT / 'csrc'}",
    ]
    sources = [str(slower), str(ROOT / "tests/bench/record.c"), str(build.parent / "csrc/libotlite.a")]
    subprocess.run([*compiler, "-o", str(program), *sources, "-lrt"], check=True)
    return program


# ---- In Python ----


def in_python(folder: Path, rows: Sequence[str] = PYTHON_ROWS, tables: Sequence[str] = TABLES) -> Rows:
    """Of the installed package, in a process for each table."""
    marks = folder / "marks.so"
    source = ROOT / "tests/bench/callgrind/marks.c"
    compiler = os.environ.get("CC", "cc")
    subprocess.run([compiler, "-shared", "-fPIC", "-O2", "-o", str(marks), str(source)], check=True)
    found: Rows = {row: {} for row in rows}
    for table in tables:
        out = folder / table
        out.mkdir(exist_ok=True)
        tool = ["valgrind", "--tool=callgrind", "--instr-atstart=no", f"--callgrind-out-file={out}/counts"]
        command = [*tool, sys.executable, str(Path(__file__).resolve()), "--child", str(marks), *rows]
        environment = {
            **os.environ,
            "OTLP_LITE_CPU": table,
            "PYTHONHASHSEED": "0",
            "PYTHONMALLOC": "pymalloc",
        }
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)}: {done.returncode}\n{done.stdout}{done.stderr}")
        spent = _dumped(out)
        few, many = COUNTS
        for row in rows:
            found[row][table] = (spent[row, many] - spent[row, few]) / (many - few)
    return found


def _dumped(folder: Path) -> dict[tuple[str, int], int]:
    """The instructions of each burst, by row and number of spans."""
    spent = {}
    for file in folder.glob("counts.*"):
        text = file.read_text("utf-8", "replace")
        name = re.search(r"^desc: Trigger: Client Request: (\S+) (\d+)$", text, re.MULTILINE)
        total = re.search(r"^(?:summary|totals): (\d+)", text, re.MULTILINE)
        if name and total:
            spent[name[1], int(name[2])] = int(total[1])
    return spent


def child(marks: str, rows: Sequence[str]) -> None:
    """Runs the bursts of each row. A row `more` is current5 with one more attribute."""
    import gc

    from otlp_lite import cpu
    from otlp_lite.assemble import build
    from otlp_lite.config import load
    from otlp_lite.testing import collect

    build(load({"endpoint": "http://127.0.0.1:9"}, os.environ)).shutdown(0)  # chooses the kernels
    if cpu().table != os.environ["OTLP_LITE_CPU"]:
        raise RuntimeError(f"the kernels are those of {cpu().table}")
    library = ctypes.CDLL(marks)
    gc.disable()  # when it runs depends on what was imported

    def more(tracer: Any, work: Sequence[Any]) -> None:
        for _ in work:
            with tracer.start_as_current_span("GET /users/{id}") as span:
                span.set_attribute("http.request.method", "GET")
                span.set_attribute("http.route", "/users/{id}")
                span.set_attribute("http.response.status_code", 200)
                span.set_attribute("app.cached", True)
                span.set_attribute("app.ratio", 0.25)
                span.set_attribute("app.more", 1)

    from workload import fresh

    with collect() as collected:
        tracer = collected.tracer_provider.get_tracer("bench")
        for row in rows:
            shape, _, twin = row.partition(".")
            burst = more if row == "more" else SHAPES[shape].twin if twin else SHAPES[shape].plain
            for count in (COUNTS[0], *COUNTS):  # the first warms up
                work = fresh(count) if twin else range(count)
                library.marks_begin()
                burst(tracer, work)
                library.marks_end(f"{row} {count}".encode())
                collected.requests()


# ---- Against what is committed ----


def toolchains() -> dict[str, str]:
    """What counts depend on, beside the code: another compiler or interpreter has counts of its own."""
    facts = machine.facts((), "")
    pgo = "with PGO" if facts["pgo"] else "without PGO"
    compiler = subprocess.run(
        [os.environ.get("CC", "cc"), "-dumpfullversion"], capture_output=True, text=True, check=True
    ).stdout.strip()
    return {
        "c": f"{facts['architecture']}, {os.environ.get('CC', 'cc')} {compiler}",
        "python": f"{facts['architecture']}, {facts['python']} {pgo}, {facts['compiler']}",
    }


def apart(counted: Rows, committed: Rows) -> list[str]:
    """Rows that are further off than they may be, or that one side alone has."""
    told = []
    for row in sorted(counted.keys() | committed.keys()):
        ours, theirs = counted.get(row, {}), committed.get(row, {})
        for table in sorted(ours.keys() | theirs.keys()):
            now, then = ours.get(table), theirs.get(table)
            if now is None or then is None:
                told.append(f"{row}, {table}: {'not counted' if now is None else 'not committed'}")
            elif abs(now - then) > APART * then:
                told.append(f"{row}, {table}: {now:.0f} instructions, {then:.0f} committed")
    return told


def show(title: str, rows: Rows, committed: Rows) -> None:
    print(title)
    for row, counts in rows.items():
        for table, count in counts.items():
            then = committed.get(row, {}).get(table)
            change = f"{100 * (count / then - 1):+6.1f} %" if then else "   new"
            print(f"    {row:14} {table:8} {count:8.0f} instructions a span {change}")


def see_faults(build: Path, folder: Path, committed: dict[str, Rows]) -> list[str]:
    """Slower code that is not reported; empty when all is."""
    blind = []
    slower = in_c(planted_program(build, folder), ("encode",))
    found = apart(slower, {"encode": committed["c"]["encode"]})
    print(f"planted: a quick way lost in C: {', '.join(found)}")
    if not found:
        blind.append(f"a quick way lost in C: {slower}")
    counts = in_python(folder, ("more",), ("avx2",))["more"]
    dearer = {"current5": {"avx2": counts["avx2"]}}
    found = apart(dearer, {"current5": {"avx2": committed["python"]["current5"]["avx2"]}})
    print(f"planted: one attribute more in Python: {', '.join(found)}")
    if not found:
        blind.append(f"one attribute more in Python: {dearer}")
    return blind


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--update", action="store_true", help="write docs/bench/instructions.json anew")
    parser.add_argument("--build", type=Path, default=ROOT / "build/bench", help="where record is")
    options = parser.parse_args()
    if not which("valgrind"):
        print("instructions: needs valgrind", file=sys.stderr)
        return int(bool(os.environ.get("CI")))
    known: dict[str, dict[str, Rows]] = json.loads(COMMITTED.read_text()) if COMMITTED.exists() else {}
    names = toolchains()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        counted = {"c": in_c(options.build / "record"), "python": in_python(folder)}
        problems: list[str] = []
        for kind, rows in counted.items():
            committed = known.get(kind, {}).get(names[kind], {})
            show(f"{kind}: {names[kind]}", rows, committed)
            if not committed:
                print("    nothing is committed for these: --update")
                problems += [f"no counts of {names[kind]}"] if kind == "c" else []
            elif not options.update:
                problems += apart(rows, committed)
        problems += [f"NOT REPORTED: {each}" for each in see_faults(options.build, folder, counted)]
    if options.update:
        for kind, rows in counted.items():
            rounded: Rows = {
                row: {table: round(count) for table, count in counts.items()} for row, counts in rows.items()
            }
            known.setdefault(kind, {})[names[kind]] = rounded
        COMMITTED.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n")
        problems = [each for each in problems if each.startswith("NOT")]
    for each in problems:
        print(each)
    return int(bool(problems))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        child(sys.argv[2], sys.argv[3:])
    else:
        sys.exit(main())
