"""The contrib instrumentations: what is found in them is told in docs/lint.md; what is planted is found."""

from __future__ import annotations

import re
import subprocess
import sys
import time
import zipfile
from collections import Counter
from pathlib import Path

import pytest

from otlp_lite.check.files import File, look_at
from otlp_lite.check.module import check

from .marked import HERE
from .planting import Plant, plants

ROOT = HERE.parents[1]
LIST = HERE / "contrib.txt"
ROW = re.compile(
    r"^\| (opentelemetry-instrumentation-[\w-]+) (\S+) \| `(\S+):(\d+)` \| (OTL\d+) \| .{20,} \|$",
    re.MULTILINE,
)


@pytest.fixture(scope="session")
def contrib() -> Path:
    """Their sources, from PyPI: nothing of them is installed or run."""
    folder = ROOT / "build/contrib"
    done = folder / "done"
    wanted = LIST.read_text("utf-8")
    if not done.exists() or done.read_text("utf-8") != wanted:
        wheels = folder / "wheels"
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
        subprocess.run([*command, "--dest", str(wheels), "--requirement", str(LIST)], check=True)
        for line in wanted.splitlines()[1:]:
            name, _, version = line.partition("==")
            (wheel,) = wheels.glob(f"{name.replace('-', '_')}-{version}-*.whl")
            with zipfile.ZipFile(wheel) as file:
                file.extractall(folder / "src" / line)
        done.write_text(wanted, "utf-8")
    return folder / "src"


@pytest.fixture(scope="session")
def files(contrib: Path) -> list[File]:
    """What is found in each of their files."""
    packages = LIST.read_text("utf-8").splitlines()[1:]
    return [look_at(str(file)) for package in packages for file in sorted((contrib / package).rglob("*.py"))]


def say(capsys: pytest.CaptureFixture[str], words: str) -> None:
    with capsys.disabled():
        print(f"\n{words}")


def test_what_is_found_is_true_and_told(
    contrib: Path, files: list[File], capsys: pytest.CaptureFixture[str]
) -> None:
    tracked = [each for file in files for each in file.tracked]
    found: set[tuple[str, str, str, int, str]] = set()
    for file in files:
        package, _, path = str(Path(file.path).relative_to(contrib)).partition("/")
        name, _, version = package.partition("==")
        for each in file.findings:
            found.add((name, version, path, each.at.line, each.code))
            say(capsys, f"{package}: {path}:{each.at.line}: {each.code} {each.message}")
    followed = sum(each.followed for each in tracked)
    packages = len(LIST.read_text("utf-8").splitlines()) - 1
    say(
        capsys,
        f"{packages} packages, {len(files)} files: {len(tracked)} spans tracked, {followed} of them followed",
    )
    assert 30 <= packages <= 50
    assert [file.problem for file in files if file.problem is not None] == []
    assert followed >= 30 and followed == len(tracked)
    rows = ROW.findall((ROOT / "docs/lint.md").read_text("utf-8"))
    assert found == {(name, version, path, int(line), code) for name, version, path, line, code in rows}


def test_an_end_moved_above_a_use_is_found(files: list[File], capsys: pytest.CaptureFixture[str]) -> None:
    planted: list[tuple[str, Plant]] = []
    for file in files:
        source = Path(file.path).read_text("utf-8")
        planted += [(file.path, plant) for plant in plants(source)]
    missed = [
        f"{path}:{plant.line}: {plant.name}"
        for path, plant in planted
        if not any(
            each.at.line == plant.line and each.code == "OTL001"
            for each in check(plant.source.encode()).findings
        )
    ]
    kinds = Counter(plant.moved for _, plant in planted)
    say(
        capsys,
        f"{len(planted)} planted ({kinds[True]} an end() that was moved, {kinds[False]} the end that a block "
        f"or another function makes, put above a use), {len(planted) - len(missed)} found",
    )
    assert len(planted) > 100 and kinds[True] > 0
    assert missed == []


def test_a_hundred_thousand_lines_in_time(files: list[File], capsys: pytest.CaptureFixture[str]) -> None:
    sources = [Path(file.path).read_bytes() for file in files]
    lines = 0
    began = time.process_time()
    while lines < 100_000:
        for source in sources:
            check(source)
            lines += source.count(b"\n")
    took = time.process_time() - began
    say(capsys, f"{lines} lines of instrumentations in {took:.2f} s of one processor")
    assert took < 10 * lines / 100_000


def test_an_end_is_moved_and_written() -> None:
    moved, written = plants(
        "def f():\n    span = tracer.start_span('a')\n    span.add_event(\n        'b'\n    )\n"
        "    span.end()\n"
        "def g():\n    with tracer.start_as_current_span('a') as span:\n        span.add_event('b')\n"
        "    def h():\n        span.add_event('b')\n"
    )
    assert moved.moved and moved.line == 4
    assert moved.source.splitlines()[2:7] == [
        "    span.end()",
        "    span.add_event(",
        "        'b'",
        "    )",
        "    pass",
    ]
    assert not written.moved and written.source.splitlines()[written.line - 2] == "        span.end()"
