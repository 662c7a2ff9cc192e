"""`python -m otlp_lite lint`: its arguments, its outputs, its exit status, and what it looks at."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from otlp_lite import check
from otlp_lite.check.codes import TITLES, selected

from .marked import HERE

ROOT = HERE.parents[1]
BAD = """\
from opentelemetry import trace

tracer = trace.get_tracer(__name__)


def f(é="é"): span = tracer.start_span("ü"); span.end(); span.end()
def g():
    tracer.start_as_current_span(
        "a",
    )
"""
GOOD = "def f():\n    return 1\n"


def lint(*arguments: str | Path, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "otlp_lite", "lint", *map(str, arguments)]
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8"}
    return subprocess.run(
        command, capture_output=True, text=True, encoding="utf-8", cwd=folder, env=environment
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "bad.py").write_text(BAD, "utf-8")
    (tmp_path / "good.py").write_text(GOOD, "utf-8")
    return tmp_path


def test_text_has_a_line_for_each_finding(folder: Path) -> None:
    done = lint("bad.py", folder=folder)
    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        'bad.py:6:58: OTL002 span "ü" is ended again: its end is that of line 6',
        'bad.py:8:5: OTL006 span "a" never becomes current: `with` is missing',
    ]
    assert done.stderr == "2 found in 1 file\n"


def test_nothing_found(folder: Path) -> None:
    done = lint("good.py", folder=folder)
    assert (done.returncode, done.stdout) == (0, "")


def test_json(folder: Path) -> None:
    done = lint("--format", "json", ".", folder=folder)
    told: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == 1
    assert (told["files"], told["spans"], told["problems"]) == (2, {"started": 2, "followed": 2}, [])
    first, second = told["findings"]
    assert (first["file"], first["line"], first["column"], first["code"]) == ("./bad.py", 6, 58, "OTL002")
    assert (second["line"], second["end_line"], second["code"]) == (8, 10, "OTL006")


def test_sarif(folder: Path) -> None:
    (folder / "a b.py").write_text("def f(:\n", "utf-8")
    (folder / "other.py").write_bytes((folder / "bad.py").read_bytes())
    done = lint("--format", "sarif", "bad.py", "a b.py", folder / "other.py", folder=folder)
    told: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == 2
    assert told["version"] == "2.1.0" and "sarif-2.1.0" in told["$schema"]
    (run,) = told["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == list(TITLES)
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] == "warning"
    places = [each["locations"][0]["physicalLocation"] for each in run["results"]]
    assert [place["artifactLocation"]["uri"] for place in places] == [
        *["bad.py"] * 2,
        *[(folder / "other.py").as_uri()] * 2,
    ]
    assert (
        places[0]["region"] == {"startLine": 6, "startColumn": 58}
        and run["columnKind"] == "unicodeCodePoints"
    )
    (invocation,) = run["invocations"]
    (problem,) = invocation["toolExecutionNotifications"]
    assert not invocation["executionSuccessful"] and problem["level"] == "error"
    assert problem["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "a%20b.py"


@pytest.mark.parametrize(
    ("arguments", "codes"),
    [
        (("--select", "OTL002"), {"OTL002"}),
        (("--select", "OTL00"), {"OTL002", "OTL006"}),
        (("--ignore", "OTL002,OTL003"), {"OTL006"}),
        (("--ignore", "OTL002", "--ignore", "OTL006"), set()),
        (("--select", "OTL", "--ignore", "OTL006"), {"OTL002"}),
        (("--select", "OTL006", "--ignore", "OTL"), {"OTL006"}),
        (("--select", "OTL006", "--ignore", "OTL006"), set()),
        (("--select", "OTL001"), set()),
    ],
)
def test_codes_are_selected_and_ignored(folder: Path, arguments: tuple[str, ...], codes: set[str]) -> None:
    done = lint("bad.py", *arguments, folder=folder)
    assert set(re.findall(r"OTL\d+", done.stdout)) == codes
    assert done.returncode == (1 if codes else 0)


@pytest.mark.parametrize("wrong", ["X", "OTL4", "otl001", ""])
def test_a_selection_of_no_code_is_an_error(folder: Path, wrong: str) -> None:
    with pytest.raises(ValueError, match="no code begins so"):
        selected([wrong], [])
    done = lint("bad.py", "--ignore", wrong, folder=folder)
    assert (done.returncode, done.stdout) == (2, "") and "OTL001" in done.stderr


@pytest.mark.parametrize(
    ("source", "place"),
    [
        (b"def f(:\n", "1:7: syntax error"),
        (b"if x:\n    y\n  z\n", "3:"),
        (b"a = 1\n\xff = 2\n", ""),
        (b"# coding: nonsense\n", ""),
        (b"# M\xfcller\nx = 1\n", ""),
        (b"x = 1\n\ny = 2  # M\xfcller\n", "3:"),
        (b"a = '\0'\n", ""),
        (b"x = " + b"(" * 5000 + b")" * 5000, ""),
        (b"x = " + b"-" * 50_000 + b"1", ""),
    ],
)
def test_what_does_not_parse_is_told_with_its_place(folder: Path, source: bytes, place: str) -> None:
    (folder / "broken.py").write_bytes(
        b"# opentelemetry\n" + source if not source.startswith(b"#") else source
    )
    place = re.sub(r"^\d+", lambda line: str(int(line[0]) + 1), place)
    done = lint("bad.py", "broken.py", folder=folder)
    assert done.returncode == 2
    assert re.search(rf"^broken.py:{place or '[1-9]'}", done.stderr) and "Traceback" not in done.stderr
    assert done.stdout.count("OTL") == 2, "the other files are looked at"


def test_what_nests_deep_is_followed(folder: Path) -> None:
    deep = "    x = " + " + ".join(['"a"'] * 900) + "\n    y = " + "f(" * 80 + ")" * 80 + "\n"
    (folder / "deep.py").write_text(BAD + deep, "utf-8")
    assert lint("deep.py", folder=folder).stdout.count("OTL") == 2


@pytest.mark.parametrize(
    "test",
    ["-" * 330 + "x", " + ".join("x" * 900), f"x == 0x{'f' * 4000}", f"x in (0x{'f' * 4000}, 1)"],
    ids=["minuses", "a sum", "a number", "numbers"],
)
def test_a_test_that_cannot_be_followed_costs_its_function_alone(folder: Path, test: str) -> None:
    deep = f"def deep(x):\n    if {test}:\n        tracer.start_span('a').end()\n"
    (folder / "deep.py").write_text(BAD + deep, "utf-8")
    done = lint("deep.py", folder=folder)
    assert done.stdout.count("OTL") == 2 and done.returncode == 1


def test_the_end_of_a_file_may_be_odd(folder: Path) -> None:
    (folder / "odd.py").write_text(f"{BAD}# otlp: ignore\n   \\\n\n", "utf-8")
    assert lint("odd.py", folder=folder).stdout.count("OTL") == 2


def test_what_cannot_be_read_is_told(folder: Path) -> None:
    (folder / "loop.py").symlink_to("loop.py")
    for path in ("missing.py", "loop.py"):
        done = lint(path, folder=folder)
        assert done.returncode == 2 and f"{path}: cannot be read: " in done.stderr


def test_no_path_is_an_error() -> None:
    assert lint().returncode == 2


def test_a_folder_is_looked_through(folder: Path) -> None:
    for name in ("a/b.py", "a/c.txt", ".hidden/d.py", "venv/e.py", "node_modules/f.py", "a/__pycache__/g.py"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(BAD, "utf-8")
    (folder / "venv/pyvenv.cfg").touch()
    os.mkfifo(folder / "a/pipe.py")
    (folder / "a/.#b.py").symlink_to("nobody@nowhere")
    (folder / "round").symlink_to(".")
    done = lint(".", folder=folder)
    assert {line.partition(":")[0] for line in done.stdout.splitlines()} == {"./bad.py", "./a/b.py"}
    done = lint("a/c.txt", "a", "a/b.py", folder=folder)
    assert done.stderr == "4 found in 2 files\n", "a named file is looked at whatever its name, and each once"


def test_a_comment_ignores_codes(folder: Path) -> None:
    for comment, left in (
        ("# otlp: ignore[OTL006]", 1),
        ("#otlp:ignore[OTL002,OTL006]", 1),
        ("# why # otlp: ignore -- the reason", 1),
        ("# otlp: ignore[OTL002]", 2),
        ("# otlp: ignore[OTL007]", 2),
    ):
        for line in ("    tracer.start_as_current_span(", '        "a",', "    )"):
            (folder / "bad.py").write_text(BAD.replace(f"{line}\n", f"{line}  {comment}\n"), "utf-8")
            assert lint("bad.py", folder=folder).stdout.count("OTL") == left, (comment, line)


def test_text_that_looks_like_a_comment_ignores_nothing(folder: Path) -> None:
    (folder / "bad.py").write_text(BAD.replace('"a"', '"# otlp: ignore"'), "utf-8")
    assert lint("bad.py", folder=folder).stdout.count("OTL006") == 1


def test_a_terminal_is_not_obeyed(folder: Path) -> None:
    (folder / "a\x1b[31m.py").write_text(BAD.replace("ü", "\x9b31m"), "utf-8")
    done = lint(".", folder=folder)
    assert "\x1b" not in done.stdout and "\x9b" not in done.stdout
    assert "a\\x1b[31m.py:6" in done.stdout


def test_other_commands_do_not_load_it() -> None:
    program = "import sys, otlp_lite.__main__\nassert not [m for m in sys.modules if 'otlp_lite.check' in m]"
    subprocess.run([sys.executable, "-c", program], check=True)


def test_it_needs_the_standard_library_alone() -> None:
    program = "import sys; sys.path.insert(0, sys.argv[1]); from check import files, reports\n"
    program += "print(files.look_at(sys.argv[2]))"
    command = [
        sys.executable,
        "-I",
        "-S",
        "-c",
        program,
        str(Path(check.__file__).parents[1]),
        str(HERE / "bad/ended_twice.py"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.count("OTL002") > 15


def test_the_hook_of_pre_commit_calls_it() -> None:
    hook = (ROOT / ".pre-commit-hooks.yaml").read_text("utf-8")
    (entry,) = re.findall(r"^  entry: (.+)$", hook, re.MULTILINE)
    assert entry.split() == ["otlp-lite", "lint"] and "types: [python]" in hook
    scripts = (ROOT / "pyproject.toml").read_text("utf-8")
    assert 'otlp-lite = "otlp_lite.__main__:main"' in scripts
