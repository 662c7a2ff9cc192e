"""The model of the chunks' protocol: its steps are the C functions'; safe, and each record leaves."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from .sites import ROOT, sites

MODEL = Path(__file__).with_name("chunk.pml")

NUMBER = "a number, which the model counts by itself"
CHAINS = "chained records: the explorer runs them"
PLACES = "places of records: the explorer runs them"
COLLECTORS = "the lock of collectors: the model has one; the explorer runs two"
TABLES = "tables: the explorer runs them"
OPEN = "open spans: the explorer runs them"
ONE_THREAD = "no other thread is there: the explorer kills the one at each store"

LEFT_OUT = {
    "count_recorded": NUMBER,
    "count_lost": NUMBER,
    "otlite_batch_acknowledge": NUMBER,
    "otlite_batch_drop": NUMBER,
    "otlite_region_lost": NUMBER,
    "count_damaged": ONE_THREAD,
    "begin": ONE_THREAD,
    "leave_room": ONE_THREAD,
    "otlite_region_init": "no other thread is there, and a region without its seal is none",
    "skip_damaged": "adopted chunks: the explorer runs them",
    "fill_chain": CHAINS,
    "append_chain": CHAINS,
    "otlite_batch_collect": COLLECTORS,
    "set_pinned": COLLECTORS,
    "tell_place": PLACES,
    "otlite_place_leave": "called beside no recording that has a place, as the GIL sees to",
    "otlite_region_reanchor": "clocks: the explorer runs them",
    "condemn": TABLES,
    "find_entry": TABLES,
    "enter_locked": TABLES,
    "claim": OPEN,
    "fill": OPEN,
    "give_back": OPEN,
    "otlite_open_begin": OPEN,
    "otlite_open_clear": OPEN,
    "otlite_open_lost": NUMBER,
}
"""Functions of csrc/region that store atomically, and are no steps of the model."""

BEYOND = {
    "free_if_settled": "loads, and takes",
    "leave_chunk": "completes, and wakes",
    "reserve": "joins the steps",
    "collect_items": "loads",
    "otlite_chunk_cursors": "loads",
    "adopt_chunks": "joins the steps",
}
"""Steps of the model that store nothing atomically themselves."""


def storing() -> set[str]:
    """The functions of csrc/region that store to an atomic word."""
    files = {path.name for path in (ROOT / "csrc/region").iterdir()}
    return {site.function for site in sites() if site.file in files and not site.access.startswith("load")}


def steps(model: str) -> set[str]:
    return set(re.findall(r"^inline (\w+)\(", model, re.MULTILINE))


def spin(folder: Path, defines: str, compiler: str = "", check: str = "") -> str:
    """What spin says of the model with these constants."""
    subprocess.run(["spin", *defines.split(), "-a", MODEL], cwd=folder, check=True, capture_output=True)
    subprocess.run(
        ["cc", "-O2", "-w", "-DCOLLAPSE", *compiler.split(), "-o", "pan", "pan.c"], cwd=folder, check=True
    )
    command = ["./pan", "-m100000", *check.split()]
    told = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout
    assert "max search depth too small" not in told
    return told


def summary(told: str) -> tuple[int, int]:
    """Errors, and states."""
    (errors,) = re.findall(r"errors: (\d+)", told)
    (states,) = re.findall(r"^ *([\d.e+]+) states, stored", told, re.MULTILINE)
    return int(errors), int(float(states))


def test_the_steps_are_the_functions() -> None:
    modelled = steps(MODEL.read_text("utf-8"))
    assert storing() - modelled == set(LEFT_OUT)
    assert modelled - storing() == set(BEYOND)
    code = "\n".join(path.read_text("utf-8") for path in (ROOT / "csrc/region").iterdir())
    assert [name for name in BEYOND if f" {name}(" not in code] == []


def test_a_step_without_its_function_is_found() -> None:
    assert steps("inline publish(c)\n{\n}\n\ninline publish_now(c)\n{\n}\n") - storing() == {"publish_now"}


@pytest.mark.parametrize(
    "defines",
    ["-DWRITERS=1 -DRECORDS=3", "-DWRITERS=1 -DRECORDS=4 -DROOM=2", "-DWRITERS=2 -DRECORDS=1"],
)
def test_no_record_is_torn_lost_or_sent_twice(
    defines: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    errors, states = summary(spin(tmp_path, defines, "-DSAFETY"))
    with capsys.disabled():
        print(f"\n    {defines}: {states} states", end="")
    assert errors == 0


def test_each_record_leaves(tmp_path: Path) -> None:
    assert summary(spin(tmp_path, "-DWRITERS=1 -DRECORDS=2 -DLIVE", "", "-a -f"))[0] == 0


def test_a_planted_fault_is_found(tmp_path: Path) -> None:
    """A commit that is released, but not sequentially consistent, is slept through; one that is not even
    released may be seen before the record's bytes."""
    assert summary(spin(tmp_path, "-DWRITERS=1 -DRECORDS=2 -DLIVE -DWEAK", "", "-a -f"))[0] == 1
    assert summary(spin(tmp_path, "-DWRITERS=1 -DRECORDS=1 -DTORN", "-DSAFETY"))[0] == 1
