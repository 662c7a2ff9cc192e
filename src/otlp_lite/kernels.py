"""Which of the core's kernels run on this machine, and why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from ._native import core


class Kernel(NamedTuple):
    """What runs of one kernel: the instruction set whose it is, and why it is that one's."""

    table: str
    reason: str


class Cpu(NamedTuple):
    """The table of kernels in use ("scalar", "avx2", "avx512", "neon"), and what each kernel is of."""

    table: str
    reason: str
    kernels: Mapping[str, Kernel]
    """By the kernel's name. One that the table lacks is the next best table's: `crc32c`, of "crc"."""


def cpu() -> Cpu:
    """Which kernels run, and why: this machine's best, or what OTLP_LITE_CPU says once configure() ran."""
    (_, table, reason), *rest = (line.split(" ", 2) for line in core.kernels_describe().splitlines())
    return Cpu(table, reason, {name: Kernel(of, why) for name, of, why in rest})
