"""The stubs say what the extensions have: no more, no less, and the same beside them as in stubs/."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
STUBS = ROOT / "stubs/otlp_lite/_native"
ALLOWED = Path(__file__).with_name("stubtest.txt")


def stubtest(*modules: str, path: str) -> str:
    """What stubtest complains of."""
    command = [sys.executable, "-m", "mypy.stubtest", "--allowlist", str(ALLOWED), *modules]
    environment = {**os.environ, "MYPYPATH": path, "MYPY_CACHE_DIR": str(ROOT / ".mypy_cache/stubtest")}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0 or "error: " in done.stdout, done.stdout + done.stderr
    return done.stdout if done.returncode else ""


def test_a_name_too_many_and_one_too_few_are_found(tmp_path: Path) -> None:
    (tmp_path / "otlp_lite/_native").mkdir(parents=True)
    (tmp_path / "otlp_lite/__init__.pyi").touch()
    (tmp_path / "otlp_lite/_native/__init__.pyi").touch()
    stub = (STUBS / "value.pyi").read_text().replace("def cleaned(", "def uncleaned(")
    (tmp_path / "otlp_lite/_native/value.pyi").write_text(stub)
    told = stubtest("otlp_lite._native.value", path=str(tmp_path))
    assert "value.uncleaned is not present at runtime" in told
    assert "value.cleaned is not present in stub" in told


def test_the_stubs_are_those_of_the_extensions() -> None:
    modules = [f"otlp_lite._native.{path.stem}" for path in sorted(STUBS.glob("*.pyi"))]
    extensions = {path.name.partition(".")[0] for path in (ROOT / "src/otlp_lite/_native").glob("*.pyx")}
    assert {module.rpartition(".")[2] for module in modules} == extensions
    assert stubtest(*modules, path=f"{ROOT / 'src'}:{ROOT / 'stubs'}") == ""


def test_the_stubs_beside_the_extensions_are_these() -> None:
    beside = {path.name: path.read_text() for path in (ROOT / "src/otlp_lite/_native").glob("*.pyi")}
    assert beside == {path.name: path.read_text() for path in STUBS.glob("*.pyi")}, (
        "build again: pip install -e ."
    )
