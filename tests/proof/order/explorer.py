"""Runs the explorer: which scenario with which bounds, one mutation or none."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
FULL = os.environ.get("ORDER") == "full"
"""More than the minutes of CI."""
BUILD = HERE.parents[2] / "build/order"


class Run(NamedTuple):
    """A scenario with at most so many preemptions and so many loads of old values, in one execution."""

    scenario: str
    preemptions: int
    stale: int

    def __str__(self) -> str:
        return f"{self.scenario} {self.preemptions}+{self.stale}"


class Outcome(NamedTuple):
    """What the explorer says: whether it found fault, and its words."""

    found: bool
    text: str

    @property
    def last(self) -> str:
        return self.text.strip().splitlines()[-1]


def build() -> Path:
    subprocess.run(["make", "-s", "-C", HERE], check=True)
    return BUILD / "explore"


def explore(run: Run, mutation: str = "", timeout: float = 600) -> Outcome:
    command = [str(BUILD / "explore"), "--preemptions", str(run.preemptions), "--stale", str(run.stale)]
    if mutation:
        command += ["--weaken", mutation]
    done = subprocess.run([*command, run.scenario], capture_output=True, text=True, timeout=timeout)
    if done.returncode not in (0, 1):
        raise RuntimeError(f"{command}: {done.returncode}\n{done.stdout[-2000:]}{done.stderr}")
    return Outcome(done.returncode == 1, done.stdout)
