"""Each figure of docs/performance.md comes from a committed run of the bench."""

from __future__ import annotations

import re
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
    if not (ROOT / DOCUMENT).exists():
        return  # test_docs.py fails as long as a document links it
    document = text(DOCUMENT)
    assert not stale(ROOT / DOCUMENT)
    (run,) = re.findall("<!-- bench: (.+?) -->", document)
    changed, block, end = document.partition("<!-- /bench -->")
    last = max(at for at, character in enumerate(changed) if character.isdigit())
    changed = changed[:last] + str((int(changed[last]) + 1) % 10) + changed[last + 1 :]
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / run).resolve().parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / "docs" / run, tmp_path / "docs" / run)
    (tmp_path / DOCUMENT).write_text(changed + block + end)
    assert stale(tmp_path / DOCUMENT), "a figure was changed by hand, and nobody noticed"
