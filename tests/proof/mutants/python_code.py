"""Mutants of the Python rooms: a copy of the package for each worker, before the installed one."""

from __future__ import annotations

import compileall
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from py_compile import PycInvalidationMode
from threading import Lock
from typing import NamedTuple

from coverage import CoverageData
from coverage.exceptions import DataError

from . import by_test
from .c_code import line_of, text_of
from .covering import PYTHON, PYTHON_TESTS, left_out, tests_of
from .places import Mutant, of_python

ROOT = Path(__file__).resolve().parents[3]
BUILD = ROOT / "build/mutants/python"
STARTS_COVERAGE = """import os
if "COVERAGE_PROCESS_START" in os.environ:
    import _thread, coverage, sys, threading
    coverage.process_startup()
    start = _thread.start_new_thread

    def start_traced(function, *arguments):
        def run(*given, **named):
            sys.settrace(threading.gettrace())
            function(*given, **named)
        return start(run, *arguments)

    _thread.start_new_thread = start_traced
"""
"""For each process whose path begins with the copy's folder. Coverage sees the threads of threading alone."""
QUICKEST = 50
"""Tests of a line that are tried before all of its file's."""
PASSING_MIN = 0.9
"""Of a file's tests: coverage opens files itself, and takes time, which a few of them do not allow."""
GROSS = (f"{PYTHON}/traces/sampling.py", "round(rate * (cls.TRACE_ID_LIMIT + 1))", "cls.TRACE_ID_LIMIT")


def sources() -> list[str]:
    top = ROOT / PYTHON
    files = sorted(str(path.relative_to(top)) for path in top.rglob("*.py"))
    return [f"{PYTHON}/{file}" for file in files if not left_out(file)]


def _path(test: str) -> str:
    """Of a test, or a file of them: in tests/behaviour, unless it names its folder."""
    return f"tests/{test}" if "/" in test.partition("::")[0] else f"tests/behaviour/{test}"


def _short(path: str) -> str:
    """The other way round."""
    return path.removeprefix("tests/").removeprefix("behaviour/")


def run_tests(package: Path, tests: Sequence[str], limit: float, *options: str, **more: str) -> str:
    """The first of tests, or of files of them, that fails, or that it takes too long; empty when all pass."""
    path = os.pathsep.join([str(package.parent), str(ROOT / "tests/proof")])
    environment = {**os.environ, "PYTHONPATH": path, **more}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-m", "not once"]
    command += [*options, *map(_path, tests)]
    process = subprocess.Popen(
        command,
        env=environment,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        told, late = process.communicate(timeout=limit)[0], False
    except subprocess.TimeoutExpired:
        told, late = "", True
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)  # with what it has left running
    if late:
        process.communicate()
        return f"{limit:.0f} s"
    if process.returncode == 0:
        return ""
    failed = [line for line in told.splitlines() if line.startswith(("FAILED", "ERROR"))]
    return failed[0][:100] if failed else f"pytest ended with {process.returncode}"


class Measured(NamedTuple):
    """What tests do without a mutant."""

    seconds: dict[str, float]
    """By test."""
    tests: dict[tuple[str, int], set[str]]
    """That execute a line, themselves or by a child: by file of the package, and line."""

    def quickest(self, file: str, line: int) -> list[str]:
        """Tests of a line, the quickest first."""
        those = self.tests.get((file, line), set()) & self.seconds.keys()
        return sorted(those, key=lambda test: (self.seconds[test], test))


def measure(package: Path, tests: str) -> Measured:
    """Of one file of tests."""
    folder = BUILD / f"lines-{tests.removesuffix('.py').replace('/', '-')}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    settings = folder / "settings"
    settings.write_text(
        f"[run]\ndata_file = {folder}/data\nparallel = true\ninclude = {package}/*\n"
        f"context = ${{{by_test.NAME}-}}\n"
    )
    told = {"COVERAGE_PROCESS_START": str(settings), by_test.TOLD: str(folder / "told")}
    by = run_tests(package, [tests], 300, "--maxfail=0", "-p", "mutants.by_test", **told)
    told_of: dict[str, float | None] = {}
    with suppress(FileNotFoundError):
        told_of = json.loads((folder / "told").read_text("utf-8"))
    found = Measured({}, {})
    for test, seconds in told_of.items():
        if seconds is None:
            print(f"left out, as it fails without a mutant where lines are counted: {test}", flush=True)
        else:
            found.seconds[_short(test)] = seconds
    if len(found.seconds) < PASSING_MIN * len(told_of) or not told_of:
        raise RuntimeError(f"{tests}: without a mutant: {by}")
    for file in folder.glob("data.*"):
        data = CoverageData(str(file))
        try:
            data.read()
        except DataError:  # of a process that was killed as it wrote that
            continue
        for name in data.measured_files():
            for line, those in data.contexts_by_lineno(name).items():
                known = found.tests.setdefault((str(Path(name).relative_to(package)), line), set())
                known.update(map(_short, those))
    return found


class Tester:
    """Tests in processes that import a worker's copy of the package."""

    def __init__(self, packages: list[Path]) -> None:
        self._packages = packages
        self._lock = Lock()
        self._measured: dict[str, Future[Measured]] = {}

    def _measured_file(self, tests: str, package: Path) -> Future[Measured]:
        """By whoever asks first; others wait."""
        with self._lock:
            mine = tests not in self._measured
            future = self._measured.setdefault(tests, Future())
        if mine:
            try:
                future.set_result(measure(package, tests))
            except Exception as error:
                future.set_exception(error)
        return future

    def run(self, mutant: Mutant, number: int, tests: Sequence[str] = ()) -> str | None:
        """What noticed it, empty when nothing did; None where no test comes, or that does not compile."""
        package, source = self._packages[number], text_of(mutant.file)
        file = mutant.file.removeprefix(f"{PYTHON}/")
        chosen, changed = tuple(tests) or tests_of(file, PYTHON_TESTS), mutant.apply(source)
        try:
            compile(changed, mutant.file, "exec")
        except SyntaxError:
            return None

        def try_with(those: Sequence[str], limit: float) -> str:
            (package / file).write_text(changed, "utf-8")
            try:
                return run_tests(package, those, limit)
            finally:
                (package / file).write_text(source, "utf-8")

        comes, limit, rest = bool(tests), 30.0, []
        for each in chosen:  # the next file is not measured for what one notices
            found = self._measured_file(each, package).result()
            limit += 3 * sum(found.seconds.values())
            quickest = found.quickest(file, line_of(mutant))[:QUICKEST]
            if tests or (file, line_of(mutant)) in found.tests:
                comes = True
                rest += [test for test in found.seconds if test not in quickest]
            by = (
                try_with(quickest, 20 + 5 * sum(map(found.seconds.__getitem__, quickest))) if quickest else ""
            )
            if by:
                return by
        # A fixture's child may have done for another test what it is not known for.
        return try_with(rest, limit) if comes and rest else "" if comes else None

    def gross(self) -> Mutant:
        file, right, wrong = GROSS
        start = text_of(file).index(right)
        return Mutant(file, start, start + len(right), wrong, "planted")

    def planted(self) -> list[tuple[tuple[str, ...], bool]]:
        """Tests, and whether they notice the gross fault."""
        return [(("test_sampling.py",), True), (("test_settings_page.py",), False)]


def copy_of_package(number: int) -> Path:
    """Its bytecode holds for a text, not a time: a mutant may come within a second of the last."""
    package = BUILD / f"{number}/src/otlp_lite"
    shutil.rmtree(package, ignore_errors=True)
    shutil.copytree(
        ROOT / PYTHON, package, ignore=shutil.ignore_patterns("*.so", "__pycache__", "*.p[yx][xd]")
    )
    for library in (ROOT / PYTHON / "_native").glob("*.so"):
        (package / "_native" / library.name).symlink_to(library)
    (package.parent / "sitecustomize.py").write_text(STARTS_COVERAGE)
    compileall.compile_dir(package, quiet=1, invalidation_mode=PycInvalidationMode.CHECKED_HASH)
    return package


def prepare(jobs: int) -> tuple[list[Mutant], Tester]:
    with ThreadPoolExecutor(jobs) as pool:
        packages = list(pool.map(copy_of_package, range(jobs)))
    where = subprocess.run(
        [sys.executable, "-c", "import otlp_lite; print(otlp_lite.__file__)"],
        env={**os.environ, "PYTHONPATH": str(packages[0].parent)},
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    if Path(where).parent != packages[0]:
        raise RuntimeError(f"what tests would import is {where}")
    mutants: list[Mutant] = []
    for file in sources():
        mutants += of_python(file, text_of(file))
    return mutants, Tester(packages)
