"""The public types as data: what must pass, what a type is, and what must fail for one stated reason.

In fail/, a line that must not type-check ends with `# fails: CODE, RULE`: mypy's code (or codes, with `|`)
and pyright's rule. Without these lines the file is clean.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
MARK = re.compile(r"# fails: ([\w|-]+), (\w+)$")

Complaints = dict[tuple[str, int], set[str]]
"""(file, line) -> what a checker calls it."""


def mypy(folder: Path) -> Complaints:
    command = [
        *(sys.executable, "-m", "mypy", "--strict", "--config-file", "", "--namespace-packages"),
        *("--cache-dir", str(ROOT / ".mypy_cache/typing"), "--show-error-codes", "--no-error-summary"),
        *map(str, sorted(folder.glob("*.py"))),
    ]
    environment = {"MYPYPATH": f"{ROOT / 'src'}:{ROOT / 'stubs'}", "PATH": "/usr/bin:/bin"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    told: Complaints = {}
    for file, line, code in re.findall(r"^(.+?):(\d+): error: .*\[([\w-]+)\]$", done.stdout, re.MULTILINE):
        told.setdefault((Path(file).name, int(line)), set()).add(code)
    assert len(re.findall(": error: ", done.stdout)) == sum(map(len, told.values())), done.stdout
    return told


def pyright(folder: Path) -> Complaints:
    settings = {"include": ["."], "extraPaths": [str(ROOT / "src")], "stubPath": str(ROOT / "stubs")}
    (folder / "pyrightconfig.json").write_text(json.dumps({**settings, "pythonVersion": "3.10"}))
    command = [
        sys.executable,
        "-m",
        "pyright",
        "--outputjson",
        "--pythonpath",
        sys.executable,
        "-p",
        str(folder),
    ]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    assert report["summary"]["filesAnalyzed"] == len(list(folder.glob("*.py")))
    told: Complaints = {}
    for each in report["generalDiagnostics"]:
        if each["severity"] == "error":
            place = (Path(each["file"]).name, each["range"]["start"]["line"] + 1)
            told.setdefault(place, set()).add(each.get("rule", "syntax"))
    return told


CHECKERS = {"mypy": mypy, "pyright": pyright}


def marks(sources: dict[str, str], checker: str) -> dict[tuple[str, int], set[str]]:
    """What each marked line must be called; any one of them."""
    found = {}
    for name, source in sources.items():
        for number, line in enumerate(source.splitlines(), 1):
            if mark := MARK.search(line):
                found[name, number] = set(mark.group(1 + list(CHECKERS).index(checker)).split("|"))
    return found


def unmarked(source: str) -> str:
    return "".join("\n" if MARK.search(line) else line for line in source.splitlines(keepends=True))


def read(folder: str) -> dict[str, str]:
    sources = {path.name: path.read_text("utf-8") for path in sorted((HERE / folder).glob("*.py"))}
    assert sources
    return sources


def write(folder: Path, sources: dict[str, str]) -> Path:
    for name, source in sources.items():
        (folder / name).write_text(source, "utf-8")
    return folder


PLANTED = """
from collections.abc import Mapping
from typing_extensions import assert_type
import otlp_lite
assert_type(otlp_lite.stats().traces.recorded, str)
assert_type(otlp_lite.get_tracer("a"), int)
otlp_lite.configure(nothing=1)
otlp_lite.configure(exit_timeout=1)
"""


@pytest.mark.parametrize("checker", CHECKERS)
def test_a_wrong_type_is_found(checker: str, tmp_path: Path) -> None:
    told = CHECKERS[checker](write(tmp_path, {"planted.py": PLANTED}))
    assert [line for _, line in sorted(told)] == [5, 6, 7]


@pytest.mark.parametrize("checker", CHECKERS)
def test_what_is_meant_passes_and_has_the_type_it_says(checker: str, tmp_path: Path) -> None:
    without = {name: unmarked(source) for name, source in read("fail").items()}
    assert CHECKERS[checker](write(tmp_path, {**read("pass"), **read("reveal"), **without})) == {}


@pytest.mark.parametrize("checker", CHECKERS)
def test_what_is_wrong_fails_where_and_as_it_says(checker: str, tmp_path: Path) -> None:
    sources = read("fail")
    expected = marks(sources, checker)
    assert {name for name, _ in expected} == set(sources), "a file without a marked line proves nothing"
    told = CHECKERS[checker](write(tmp_path, sources))
    assert told.keys() == expected.keys()
    assert {place: codes for place, codes in told.items() if not codes <= expected[place]} == {}
