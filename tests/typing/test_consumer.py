"""Who installs the wheel has its types: a project of theirs checks strictly, by both checkers, each Python.

The project is consumer/: a FastAPI application, a command line, a library of the API alone, and its user.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from checkers import ROOT

PROJECT = Path(__file__).with_name("consumer")
VERSIONS = ("3.10", "3.14")
"""The lowest and the highest CPython."""
PLANTED = """
import otlp_lite
live = otlp_lite.SpanBuilder("a").start()
live.set_attribute("k", object())
live.end().set_attribute("k", 1)
otlp_lite.configure(nothing=1)
"""


class Consumer(NamedTuple):
    """An environment in which the wheel is installed, beside what ours has, and a copy of the project."""

    python: Path
    project: Path


def run(*command: str | Path, cwd: Path = ROOT, may_fail: bool = False, **variables: str) -> str:
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "OTLP_LITE_"))}
    done = subprocess.run(command, cwd=cwd, env=ours | variables, capture_output=True, text=True)
    assert may_fail or done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def consumer(tmp_path_factory: pytest.TempPathFactory) -> Consumer:
    folder = tmp_path_factory.mktemp("consumer")
    run("sh", ".ci/sdist", folder / "sdist", PYTHON=sys.executable)
    (sdist,) = (folder / "sdist").glob("*.tar.gz")
    run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, sdist)
    (wheel,) = folder.glob("*.whl")
    run(sys.executable, "-m", "venv", "--without-pip", folder / "venv")
    python = folder / "venv/bin/python"
    run(sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps", wheel)
    (site,) = (folder / "venv").glob("lib/python*/site-packages")
    (site / "others.pth").write_text(
        sysconfig.get_path("purelib")
    )  # what lies there, not what its own .pth add
    where = run(python, "-c", "import otlp_lite; print(otlp_lite.__file__)", cwd=folder)
    assert where.startswith(str(site)) and (site / "otlp_lite/py.typed").exists()
    project = folder / "project"
    shutil.copytree(PROJECT, project, ignore=shutil.ignore_patterns("__pycache__"))
    return Consumer(python, project)


def mypy(consumer: Consumer, version: str) -> list[str]:
    """`FILE:LINE` of each complaint."""
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file", "", "--no-error-summary"]
    command += ["--cache-dir", str(consumer.project.parent / "cache"), "--python-version", version]
    files = sorted(path.name for path in consumer.project.glob("*.py"))
    said = run(
        *command,
        "--python-executable",
        consumer.python,
        *files,
        cwd=consumer.project,
        may_fail=True,
        MYPYPATH="",
    )
    return [line for line in said.splitlines() if ": error: " in line]


def pyright(consumer: Consumer, version: str) -> list[str]:
    settings = {"include": ["."], "typeCheckingMode": "strict", "pythonVersion": version}
    (consumer.project / "pyrightconfig.json").write_text(json.dumps(settings))
    command: list[str | Path] = [sys.executable, "-m", "pyright", "--outputjson"]
    command += ["--pythonpath", consumer.python]
    report = json.loads(run(*command, "-p", consumer.project, may_fail=True))
    assert report["summary"]["filesAnalyzed"] == len(list(consumer.project.glob("*.py")))
    return [
        f"{Path(each['file']).name}:{each['range']['start']['line'] + 1}: error: {each['message']}"
        for each in report["generalDiagnostics"]
        if each["severity"] == "error"
    ]


Checker = Callable[[Consumer, str], list[str]]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("checker", [mypy, pyright])
def test_the_project_checks(consumer: Consumer, checker: Checker, version: str) -> None:
    assert checker(consumer, version) == []
    planted = consumer.project / "planted.py"
    planted.write_text(PLANTED)
    try:
        told = {line.partition(" ")[0] for line in checker(consumer, version)}
    finally:
        planted.unlink()
    assert told == {f"planted.py:{line}:" for line in (4, 5, 6)}


def test_the_project_runs(consumer: Consumer) -> None:
    out = run(
        consumer.python, "command.py", "one\ntwo", "--endpoint", "http://127.0.0.1:9", cwd=consumer.project
    )
    assert out == "not in time\n6 5 0\n"
    assert run(consumer.python, "both.py", cwd=consumer.project) == "4\n"
    assert run(consumer.python, "-c", "import service; print(service.app.title)", cwd=consumer.project)
