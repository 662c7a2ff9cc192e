"""mypy and pyright over a folder of files: what each says of which line."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[2]


class Said(NamedTuple):
    """Of one line. `code` is mypy's, or pyright's rule; empty for what is no error, as a revealed type."""

    file: str
    line: int
    code: str
    words: str


def mypy(folder: Path) -> list[Said]:
    command = [
        *(sys.executable, "-m", "mypy", "--strict", "--config-file", "", "--namespace-packages"),
        *("--cache-dir", str(ROOT / ".mypy_cache/typing"), "--show-error-codes", "--no-error-summary"),
        *map(str, sorted(folder.glob("*.py"))),
    ]
    environment = {"MYPYPATH": f"{ROOT / 'src'}:{ROOT / 'stubs'}", "PATH": "/usr/bin:/bin"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    errors = re.findall(r"^(.+?):(\d+): error: (.*?) +\[([\w-]+)\]$", done.stdout, re.MULTILINE)
    notes = re.findall(r"^(.+?):(\d+): note: (.*)$", done.stdout, re.MULTILINE)
    assert len(re.findall(": error: ", done.stdout)) == len(errors), done.stdout
    said = [Said(Path(file).name, int(line), code, words) for file, line, words, code in errors]
    return said + [Said(Path(file).name, int(line), "", words) for file, line, words in notes]


def pyright(folder: Path) -> list[Said]:
    settings = {"include": ["."], "extraPaths": [str(ROOT / "src")], "stubPath": str(ROOT / "stubs")}
    (folder / "pyrightconfig.json").write_text(json.dumps({**settings, "pythonVersion": "3.10"}))
    command = [sys.executable, "-m", "pyright", "--outputjson", "--pythonpath", sys.executable]
    done = subprocess.run([*command, "-p", str(folder)], capture_output=True, text=True)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    assert report["summary"]["filesAnalyzed"] == len(list(folder.glob("*.py")))
    return [
        Said(
            Path(each["file"]).name,
            each["range"]["start"]["line"] + 1,
            each.get("rule", "syntax") if each["severity"] == "error" else "",
            each["message"],
        )
        for each in report["generalDiagnostics"]
    ]


CHECKERS: dict[str, Callable[[Path], list[Said]]] = {"mypy": mypy, "pyright": pyright}


def write(folder: Path, sources: dict[str, str]) -> Path:
    for name, source in sources.items():
        (folder / name).write_text(source, "utf-8")
    return folder


def read(folder: Path) -> dict[str, str]:
    sources = {path.name: path.read_text("utf-8") for path in sorted(folder.glob("*.py"))}
    assert sources
    return sources


def without(source: str, mark: re.Pattern[str]) -> str:
    """A source with its marked lines left empty."""
    return "".join("\n" if mark.search(line) else line for line in source.splitlines(keepends=True))
