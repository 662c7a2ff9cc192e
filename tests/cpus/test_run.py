"""The matrix of `make cpus` tells what failed and what was not run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from . import run
from .run import PROCESSORS, Outcome, Processor, judge, matrix

PASSES = "table avx2\nsurvives fork by handler\ntest_a   12 checks, 0 failed\ntest_b   3 checks, 0 failed\n"


def test_a_test_that_passes_is_counted() -> None:
    outcome = Outcome("p", ran=["qemu"])
    judge(outcome, "test_x", 0, PASSES)
    judge(outcome, "test_y", 0, PASSES.replace("avx2", "scalar"))
    assert (outcome.tests, outcome.checks, outcome.tables) == (2, 30, ["avx2", "scalar"])
    assert (outcome.fork, outcome.result) == ("handler", "ok")


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (1, PASSES),
        (-11, PASSES),
        (0, PASSES.replace("3 checks, 0", "3 checks, 1")),
        (0, "nothing that was checked\n"),
    ],
)
def test_a_test_that_fails_is_told(status: int, text: str) -> None:
    outcome = Outcome("p", ran=["qemu"])
    judge(outcome, "test_x", status, text)
    assert outcome.result == "FAILED" and "test_x" in outcome.problems[0]


def test_a_processor_without_its_compiler_was_not_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(run, "PROCESSORS", [Processor("vax", "vax-linux-gnu-gcc", "qemu-vax-static")])
    monkeypatch.setattr("sys.argv", ["run.py"])
    assert run.main() == 1
    told = capsys.readouterr().out
    assert "needs vax-linux-gnu-gcc and qemu-vax-static" in told
    assert re.search(r"^vax +NOT RUN +- +0 ", told, re.MULTILINE)


def test_a_table_that_this_machine_lacks_was_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "build", lambda _: Path("."))
    monkeypatch.setattr(run, "has", lambda *_: False)
    assert run.run(Processor("AVX-1024", table="avx1024"), 1).result == "NOT RUN"


def test_the_matrix_has_eight_processors() -> None:
    assert len({processor.name for processor in PROCESSORS}) == 8
    heads, *lines = matrix([Outcome(processor.name) for processor in PROCESSORS]).splitlines()
    assert len(lines) == 8 and all("NOT RUN" in line for line in lines) and "survives fork by" in heads
