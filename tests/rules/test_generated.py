"""What is generated is as its generator writes it now, and is marked as such."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from .house import ROOT, files

GENERATOR = "csrc/cpu/generate.py"
GENERATED = "csrc/cpu/generated"


def stale(root: Path) -> str:
    """What the generator finds otherwise than it would write it; empty when nothing."""
    command = [sys.executable, str(root / GENERATOR), "--check"]
    return subprocess.run(command, capture_output=True, text=True).stderr


def test_a_change_by_hand_and_one_of_the_description_are_found(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "csrc/cpu", tmp_path / "csrc/cpu")
    file, described = tmp_path / GENERATED / "kernels_neon.c", tmp_path / "csrc/cpu/described.py"
    assert stale(tmp_path) == ""
    file.write_text(file.read_text("utf-8").replace("vceqq_u8", "vcgeq_u8"), "utf-8")
    assert "kernels_neon.c" in stale(tmp_path)
    shutil.copytree(ROOT / "csrc/cpu", tmp_path / "csrc/cpu", dirs_exist_ok=True)
    described.write_text(described.read_text("utf-8").replace("digit <= 9", "digit <= 8"), "utf-8")
    told = stale(tmp_path)
    assert all(f"kernels_{isa}.c" in told for isa in ("avx2", "avx512", "neon"))


def test_the_generated_kernels_are_up_to_date() -> None:
    assert stale(ROOT) == ""


def test_generated_files_are_marked() -> None:
    generated = files(f"{GENERATED}/*")
    assert len(generated) >= 3
    command = ["git", "-c", "safe.directory=*", "check-attr", "linguist-generated", *generated, GENERATOR]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    assert [line.rsplit(" ", 1)[1] for line in told] == ["true"] * len(generated) + ["unspecified"]
