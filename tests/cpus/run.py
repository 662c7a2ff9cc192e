"""The C tests on every processor that the core has code for, and a matrix of what ran: `make cpus`.

Native programs force each table of this machine; the others are cross-compiled and run by qemu-user. AVX-512
runs in an emulated processor (bochs.py) too, wherever this is. Fails if any test failed, or any processor was
not run.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
KERNEL_TESTS = ("test_cpu", "test_kernels", "test_encode", "test_scratch", "test_port")
"""Those in which the table matters, and the one that tells how the private page survives a fork."""
LIMIT = 240  # seconds that one test may take on a loaded machine
ROUNDS = {"DAMAGES": "200", "DEATHS": "10", "KILLS": "2", "SHORTER": "4"}
"""Of what goes on for as long as it is told: the same C has them all in `make test`."""


@dataclass(frozen=True)
class Processor:
    """A row: with which compiler its tests are built, what runs them, on which models, and by which table."""

    name: str
    compiler: str = ""
    emulator: str = ""
    models: tuple[tuple[str, tuple[str, ...]], ...] = (("", ()),)
    """A model that the emulator is told, and the tests that run on it: none is all."""
    table: str = ""
    emulated: bool = False
    """In bochs.py, besides."""
    one_core: bool = False
    """qemu 7.2 lets a load of aarch64 pass the store before it, both sequentially consistent (989 of 65 536
    tries, on two cores): a record is slept through, and it is not the core's doing."""


PROCESSORS = (
    Processor("scalar", table="scalar", models=(("", KERNEL_TESTS),)),
    Processor("AVX2", table="avx2", models=(("", KERNEL_TESTS),)),
    Processor("AVX-512", table="avx512", models=(("", KERNEL_TESTS),), emulated=True),
    Processor("NEON, aarch64", "aarch64-linux-gnu-gcc", "qemu-aarch64-static", one_core=True),
    Processor(
        "NEON, armv7",
        "arm-linux-gnueabihf-gcc",
        "qemu-arm-static",
        # A processor of the time; one that has CRC-32C's instruction; one without NEON.
        models=(
            ("cortex-a15", ()),
            ("max", ("test_cpu", "test_kernels")),
            ("cortex-a15,neon=off", ("test_cpu", "test_encode")),
        ),
    ),
    Processor("riscv64", "riscv64-linux-gnu-gcc", "qemu-riscv64-static"),
    Processor("s390x", "s390x-linux-gnu-gcc", "qemu-s390x-static"),
    Processor("i686", "i686-linux-gnu-gcc"),
)


@dataclass
class Outcome:
    """What became of a row."""

    processor: str
    ran: list[str] = field(default_factory=list)
    """By what its tests were run; empty: it was not run."""
    tests: int = 0
    checks: int = 0
    tables: list[str] = field(default_factory=list)
    fork: str = ""
    vectors: int = 0
    """Of each kernel, at least, in the emulated processor."""
    seconds: float = 0
    problems: list[str] = field(default_factory=list)

    @property
    def result(self) -> str:
        return "FAILED" if self.problems and self.ran else "ok" if self.ran else "NOT RUN"


def build(processor: Processor) -> Path:
    """Where its tests are, built."""
    folder, settings = ROOT / "build/csrc", []
    if processor.compiler:
        folder = ROOT / "build/cpus" / processor.compiler
        settings = [f"BUILD={folder}", f"CC={processor.compiler}", "CFLAGS=-static -g0"]
    command = ["make", "-s", "-C", str(ROOT / "csrc"), *settings, "tests"]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        raise RuntimeError(f"does not build:\n{done.stdout[-4000:]}")
    return folder / "tests"


def run_test(program: Path, processor: Processor, model: str, outcome: Outcome) -> None:
    environment = ROUNDS | {
        name: value for name, value in os.environ.items() if not name.startswith("OTLP_LITE_")
    }
    command = [str(program)]
    if processor.emulator:
        command = [processor.emulator, *(["-cpu", model] if model else []), *command]
        environment["OTLITE_EMULATED"] = "1"
    if processor.table:
        environment["OTLP_LITE_CPU"] = processor.table
    try:
        done = subprocess.run(
            command,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            errors="replace",
            timeout=LIMIT,
        )
        status, text = done.returncode, done.stdout
    except subprocess.TimeoutExpired:
        status, text = -1, f"took longer than {LIMIT} s"
    judge(outcome, " ".join(filter(None, (program.name, model))), status, text)


def judge(outcome: Outcome, name: str, status: int, text: str) -> None:
    """Adds what a test told to its row."""
    counted = [
        tuple(map(int, pair)) for pair in re.findall(r" (\d+) checks, (\d+) failed$", text, re.MULTILINE)
    ]
    outcome.tests += 1
    outcome.checks += sum(checks for checks, _ in counted)
    if status or not counted or any(failed for _, failed in counted):
        outcome.problems.append(f"{name} failed ({status}):\n{text[-3000:]}")
    for table in re.findall(r"^table (\w+)$", text, re.MULTILINE):
        if table not in outcome.tables:
            outcome.tables.append(table)
    outcome.fork = "".join(re.findall(r"^survives fork by (.*)$", text, re.MULTILINE)) or outcome.fork


def emulate(vectors: int, outcome: Outcome) -> None:
    """AVX-512 in bochs.py."""
    command = [sys.executable, str(ROOT / "tests/cpus/bochs.py"), str(vectors)]
    done = subprocess.run(command, capture_output=True, text=True)
    told = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode or not told:
        outcome.problems.append(f"bochs.py: {done.stdout}{done.stderr[-3000:]}")
    if told:
        outcome.ran.append("bochscpu 0.3.1")
        outcome.vectors = min(line.get("vectors", 0) for line in told)


def run(processor: Processor, vectors: int) -> Outcome:
    outcome = Outcome(processor.name)
    began = time.monotonic()
    missing = [tool for tool in (processor.compiler, processor.emulator) if tool and not shutil.which(tool)]
    if missing:
        outcome.problems.append(f"needs {' and '.join(missing)}")
        return outcome
    try:
        folder = build(processor)
    except RuntimeError as error:
        outcome.problems.append(str(error))
        return outcome
    cores = os.sched_getaffinity(0)  # of this thread, and of what it starts
    if processor.one_core:
        os.sched_setaffinity(0, {max(cores)})
    try:
        run_all(processor, folder, vectors, outcome)
    finally:
        os.sched_setaffinity(0, cores)
    outcome.seconds = time.monotonic() - began
    return outcome


def run_all(processor: Processor, folder: Path, vectors: int, outcome: Outcome) -> None:
    if not processor.table or has(processor.table, folder):
        outcome.ran.append(
            processor.emulator or ("this machine" if processor.table else "this machine, 32 bits")
        )
        for model, chosen in processor.models:
            for program in sorted(folder.glob("test_*")):
                if program.suffix != ".d" and (not chosen or program.name in chosen):
                    run_test(program, processor, model, outcome)
    elif not processor.emulated:
        outcome.problems.append("this machine has it not")
    if processor.emulated:
        emulate(vectors, outcome)


def has(table: str, folder: Path) -> bool:
    """Whether this machine runs a table, as test_kernels tells."""
    listed = subprocess.run([folder / "test_cpu", "tables"], capture_output=True, text=True).stdout
    return table in listed.split()


HEADS = (
    "processor",
    "result",
    "run by",
    "tests",
    "checks",
    "tables",
    "survives fork by",
    "vectors",
    "seconds",
)


def matrix(outcomes: Sequence[Outcome]) -> str:
    lines = [HEADS]
    for each in outcomes:
        lines.append(
            (
                each.processor,
                each.result,
                " and ".join(each.ran) or "-",
                str(each.tests),
                str(each.checks),
                " ".join(each.tables) or "-",
                each.fork or "-",
                str(each.vectors or "-"),
                f"{each.seconds:.0f}",
            )
        )
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vectors", type=int, default=100_000, help="of each kernel in bochs.py")
    parser.add_argument("--jobs", type=int, default=2, help="processors at a time")
    options = parser.parse_args()
    with ThreadPoolExecutor(options.jobs) as pool:
        outcomes = list(pool.map(lambda processor: run(processor, options.vectors), PROCESSORS))
    for each in outcomes:
        for problem in each.problems:
            print(f"{each.processor}: {problem}\n")
    print(matrix(outcomes))
    return 0 if all(each.result == "ok" for each in outcomes) else 1


if __name__ == "__main__":
    raise SystemExit(main())
