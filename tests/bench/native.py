"""The rows that programs in C measure, and what CPython's own functions take for the same work.

A folder holds them: `record NAME COUNT` prints {"row": NAME, "ns": per span}; `kernels` prints lines
{"kernel", "data", "n", "table", "ns_median"}; `build.json` states how they were built.
"""

from __future__ import annotations

import binascii
import json
import os
import random
import re
import statistics
import subprocess
import timeit
from collections.abc import Callable
from pathlib import Path
from shutil import which
from typing import Any

from judge import significant
from rows import CPYTHON

_RECORDS = 1_000_000
_COUNTED = (2_000, 12_000)  # spans of the two runs under valgrind, whose difference leaves start-up out
_INPUTS = 64  # different ones, so that branches are not learnt by heart
_REPEATS = 200
_RUNS_A_ROUND = 7


def record(program: Path, row: str, rounds: int, count_instructions: bool) -> dict[str, Any]:
    """The median over the rounds of ns a span, and the instructions of one as callgrind counts them."""
    # Each takes a tenth of a second, and where its memory came to lie differs: many are cheap.
    runs = rounds * _RUNS_A_ROUND
    samples = [line["ns"] for _ in range(runs) for line in _lines([str(program), row, str(_RECORDS)])]
    figure: dict[str, Any] = {"ns": significant(statistics.median(samples)), "rounds": samples}
    if count_instructions and which("valgrind"):
        figure["instructions"] = significant(instructions_a_span(program, row))
    return figure


def instructions_a_span(program: Path, row: str, *table: str) -> float:
    """With the kernels of that table, or valgrind's best."""
    few, many = _COUNTED
    spent = _instructions(program, row, many, *table) - _instructions(program, row, few, *table)
    return spent / (many - few)


def _instructions(program: Path, row: str, count: int, *table: str) -> int:
    tool = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={os.devnull}"]
    command = [*tool, str(program), row, str(count), *table]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found = re.search(r"Collected : (\d+)", done.stderr)
    if not found:
        raise RuntimeError(f"callgrind gave no count:\n{done.stderr}")
    return int(found[1])


def kernels(program: Path) -> list[dict[str, Any]]:
    """A line a kernel, kind of data, n and table, CPython's own among them; ns a call, the call included."""
    found = [
        {
            "kernel": line["kernel"],
            "data": line["data"],
            "n": line["n"],
            "table": line["table"],
            "ns": significant(line["ns_median"]),
        }
        for line in _lines([str(program)])
    ]
    places = dict.fromkeys((line["kernel"], line["data"], line["n"]) for line in found)
    for kernel, data, n in places:
        if (kernel, data) in _CPYTHON:
            ns = significant(_cpython(*_CPYTHON[kernel, data], n))
            found.append({"kernel": kernel, "data": data, "n": n, "table": CPYTHON, "ns": ns})
    return found


_encode: Callable[[Any], object] = str.encode
# The same work in CPython: a function, and what its argument is drawn from. (An ASCII string is never stored
# in two or four bytes a character, so that CPython has nothing like those rows.)
_CPYTHON: dict[tuple[str, str], tuple[Callable[[Any], object], bytes | str]] = {
    ("hex_encode", "random"): (binascii.hexlify, bytes(range(256))),
    ("latin1_to_utf8", "ASCII"): (_encode, "abcd"),
    ("latin1_to_utf8", "20% non-ASCII"): (_encode, "abcd\xe9"),
    ("latin1_to_utf8", "100% non-ASCII"): (_encode, "\xe9\xfc"),
    ("ucs2_to_utf8", "20% non-ASCII"): (_encode, "abcd\u0436"),
    ("ucs2_to_utf8", "100% non-ASCII"): (_encode, "\u0436\u4e2d"),
    ("ucs4_to_utf8", "20% non-ASCII"): (_encode, "abcd\U0001f600"),
    ("ucs4_to_utf8", "100% non-ASCII"): (_encode, "\U0001f600\U0001f601"),
}


def _cpython(function: Callable[[Any], object], alphabet: bytes | str, n: int) -> float:
    draw = random.Random(n)
    inputs = [
        bytes(draw.choices(alphabet, k=n))
        if isinstance(alphabet, bytes)
        else "".join(draw.choices(alphabet, k=n))
        for _ in range(_INPUTS)
    ]
    names = {"function": function, "inputs": inputs}
    times = timeit.repeat("for each in inputs: function(each)", globals=names, number=_REPEATS, repeat=5)
    return statistics.median(times) / (_REPEATS * _INPUTS) * 1e9


def _lines(command: list[str]) -> list[dict[str, Any]]:
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)
    return [json.loads(line) for line in done.stdout.splitlines()]
