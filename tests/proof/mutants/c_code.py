"""Mutants of the core: which lines its tests execute, and the test programs built with a mutant."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from pathlib import Path

from .covering import C_FOLDERS, C_TESTS, tests_of
from .places import Mutant, of_c

ROOT = Path(__file__).resolve().parents[3]
CORE, TESTS, BUILD = ROOT / "csrc", ROOT / "tests/c", ROOT / "build/mutants"
COMPILER = os.environ.get("CC", "cc")
FLAGS = ("-std=c11", "-O1", "-pthread", "-w", f"-I{CORE}", f"-I{TESTS}")
SANITIZED = ("-fsanitize=undefined", "-fno-sanitize-recover=all")
FEW = {"DAMAGES": "400", "DEATHS": "10"}
"""Rounds of the tests that go on for as long as they are told."""
GROSS = ("csrc/http/answer.c", "status < 100 || status > 599", "status < 100 || status > 199")


@cache
def text_of(file: str) -> str:
    return (ROOT / file).read_text("utf-8")


@cache
def line_of(mutant: Mutant) -> int:
    return mutant.line(text_of(mutant.file))


def sources() -> list[str]:
    return sorted(str(path.relative_to(ROOT)) for folder in C_FOLDERS for path in (CORE / folder).glob("*.c"))


def run_test(program: Path, limit: float) -> tuple[bool, float]:
    """Whether it passed in time, and how long it took. It ends where it tells of a failure (check.h)."""
    began = time.monotonic()
    read, write = os.pipe()
    process = subprocess.Popen(
        [program], env={**os.environ, **FEW}, stdout=subprocess.DEVNULL, stderr=write, start_new_session=True
    )
    os.close(write)
    os.set_blocking(read, False)
    told, status = b"", None
    while status is None and b": not so: " not in told and time.monotonic() < began + limit:
        with suppress(subprocess.TimeoutExpired):
            status = process.wait(0.05)
        with suppress(BlockingIOError):
            told = told[-20:] + os.read(read, 1 << 16)
    os.close(read)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)  # with children that a mutant never lets end
    process.wait()
    return status == 0, time.monotonic() - began


def compile_test(name: str, target: str, *first: str) -> None:
    command = [COMPILER, *first, *FLAGS, "-c", str(TESTS / f"test_{name}.c"), "-o", target]
    subprocess.run(command, check=True)


class Tester:
    """Test programs that are linked with a mutant before the library."""

    def __init__(self, seconds: dict[str, float]) -> None:
        self._seconds = seconds
        self._plain: dict[str, bytes] = {}

    def _compile(self, file: str, source: str, folder: Path, *more: str) -> bytes | None:
        """The object, without what tells where it was made; None where it does not compile."""
        name = str(Path(file).relative_to("csrc"))
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(source, "utf-8")
        command = [COMPILER, *FLAGS, *more, f"-iquote{(ROOT / file).parent}", "-c", name, "-o", "mutant.o"]
        if subprocess.run(command, cwd=folder, capture_output=True).returncode:
            return None
        return (folder / "mutant.o").read_bytes()

    def _noticed_by(self, file: str, folder: Path, tests: Sequence[str], *more: str) -> str:
        """Links what was compiled last."""
        for test in tests:
            program = folder / f"test_{test}"
            objects = [str(BUILD / f"tests/test_{test}.o"), str(folder / "mutant.o")]
            if f'#include "{Path(file).relative_to("csrc")}"' in text_of(f"tests/c/test_{test}.c"):
                objects[0] = str(folder / "test.o")
                compile_test(test, objects[0], f"-I{folder}", *more)
            library = str(BUILD / "plain/libotlite.a")
            command = [COMPILER, "-pthread", *more, "-o", str(program), *objects, library, "-lrt"]
            subprocess.run(command, check=True, capture_output=True)
            if not run_test(program, 5 + 4 * self._seconds[test])[0]:
                return test
        return ""

    def run(self, mutant: Mutant, number: int, tests: Sequence[str] = ()) -> str | None:
        """What noticed it, empty when nothing did; None for one that is no program, or the same one."""
        folder, source = BUILD / f"work-{number}", text_of(mutant.file)
        changed, chosen = mutant.apply(source), tests or tests_of(mutant.file, C_TESTS)
        if mutant.file not in self._plain:
            self._plain[mutant.file] = self._compile(mutant.file, source, folder) or b""
        made = self._compile(mutant.file, changed, folder)
        if made is None or made == self._plain[mutant.file]:
            return None
        by = self._noticed_by(mutant.file, folder, chosen)
        if by:
            return by
        if self._compile(mutant.file, changed, folder, "-O3") == self._compile(
            mutant.file, source, folder, "-O3"
        ):
            return None
        self._compile(mutant.file, changed, folder, *SANITIZED)  # as `make -C csrc asan` has it
        by = self._noticed_by(mutant.file, folder, chosen, *SANITIZED)
        return by and f"{by} under UBSan"

    def gross(self) -> Mutant:
        file, right, wrong = GROSS
        start = text_of(file).index(right)
        return Mutant(file, start, start + len(right), wrong, "planted")

    def planted(self) -> list[tuple[tuple[str, ...], bool]]:
        """Tests, and whether they notice the gross fault."""
        return [(("http",), True), (("id",), False)]


def prepare(jobs: int) -> tuple[list[Mutant], Tester]:
    """Builds the tests once and the library twice, runs them once, and finds the lines that were executed."""
    names = sorted({name for file in sources() for name in tests_of(file, C_TESTS)})
    covered = BUILD / "covered"
    for old in covered.rglob("*.gcda"):
        old.unlink()
    make = ["make", "-s", f"-j{jobs}", "-C", str(CORE), "library"]
    for more in (
        [f"BUILD={covered}", "CFLAGS=-O0 -g0 --coverage -Wno-error"],
        [f"BUILD={BUILD / 'plain'}", "CFLAGS=-O1 -g0"],
    ):
        subprocess.run([*make, *more], check=True, stdout=subprocess.DEVNULL)
    (BUILD / "tests").mkdir(exist_ok=True)

    def compile_and_run(name: str) -> float:
        target, program = BUILD / f"tests/test_{name}.o", BUILD / f"tests/test_{name}"
        compile_test(name, str(target))
        library = str(covered / "libotlite.a")
        command = [COMPILER, "-pthread", "--coverage", "-o", str(program), str(target), library, "-lrt"]
        subprocess.run(command, check=True)
        passed, seconds = run_test(program, 300)
        if not passed:
            raise RuntimeError(f"test_{name} fails without a mutant")
        return seconds

    with ThreadPoolExecutor(jobs) as pool:
        seconds = dict(zip(names, pool.map(compile_and_run, names), strict=True))
    found: list[Mutant] = []
    for file in sources():
        found += of_c(file, text_of(file), executed(file, covered))
    return found, Tester(seconds)


def executed(file: str, covered: Path) -> set[int]:
    """The lines of a file that the tests ran."""
    inside = covered / Path(file).relative_to("csrc")
    counts = list(inside.parent.glob(f"{inside.stem}*.gcda"))
    if not counts:
        raise RuntimeError(f"{file}: no test ran it")
    lines: set[int] = set()
    for each in counts:
        command = ["gcov", "--json-format", "--stdout", str(each)]
        told = subprocess.run(command, cwd=CORE, check=True, capture_output=True, text=True).stdout
        for part in json.loads(told)["files"]:
            if part["file"] == str(Path(file).relative_to("csrc")):
                lines |= {line["line_number"] for line in part["lines"] if line["count"] > 0}
    return lines
