"""A resolver that hangs, really: in namespaces whose only name server does not answer."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from clock import Clock

PROGRAM = Path(__file__).with_name("hanging_names.py")
UNSHARE = ["unshare", "--mount", "--net", *([] if os.geteuid() == 0 else ["--map-root-user"])]


def apart(*arguments: str, program: Path = PROGRAM) -> subprocess.CompletedProcess[str]:
    if subprocess.run([*UNSHARE, "true"], capture_output=True).returncode != 0:
        pytest.skip("this machine gives no namespaces to us")
    command = [*UNSHARE, sys.executable, str(program), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def test_deadlines_hold_while_a_name_is_resolved_and_the_data_stays() -> None:
    child = apart()
    assert (child.returncode, child.stdout) == (0, "done\n"), child.stderr


def test_a_process_ends_though_its_worker_waits_for_a_name() -> None:
    clock = Clock()
    child = apart("exit")
    assert (child.returncode, child.stdout) == (0, "done\n"), child.stderr
    assert clock.own() < 7  # the resolver would have waited for 30
    assert child.stderr.count("WARNING") == 1 and "1 span(s) dropped at the shutdown" in child.stderr
