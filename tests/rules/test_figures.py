"""Each figure of docs/performance.md comes from a committed run of the bench."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from .house import ROOT, text

DOCUMENT = "docs/performance.md"


def stale(document: Path) -> bool:
    command = [sys.executable, str(ROOT / "tests/bench/report.py"), "--check", str(document)]
    return subprocess.run(command, capture_output=True).returncode != 0


def test_a_missing_run_is_found(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("<!-- bench: missing.json -->\n30x\n<!-- /bench -->\n")
    assert stale(tmp_path / "a.md")


def test_the_figures_are_those_of_the_bench(tmp_path: Path) -> None:
    document = text(DOCUMENT)
    assert not stale(ROOT / DOCUMENT)
    drawn, end, rest = document.partition("<!-- /bench -->")
    last = max(at for at, character in enumerate(drawn) if character.isdigit())
    drawn = drawn[:last] + str((int(drawn[last]) + 1) % 10) + drawn[last + 1 :]
    shutil.copytree(ROOT / "docs", tmp_path / "docs")
    (tmp_path / DOCUMENT).write_text(drawn + end + rest)
    assert stale(tmp_path / DOCUMENT), "a figure was changed by hand, and nobody noticed"
