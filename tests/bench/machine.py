"""The facts of a machine and an environment that a figure is worthless without."""

from __future__ import annotations

import datetime
import os
import platform
import re
import sys
import sysconfig
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

# What the kernels, the timer and the checksums of the compared SDKs can make use of.
_FLAGS = (
    *("sse4_2", "pclmulqdq", "popcnt", "avx2", "bmi2", "avx512f", "avx512bw", "avx512dq", "avx512vl"),
    *("avx512vbmi", "avx512_vbmi2", "avx512_vnni", "constant_tsc", "nonstop_tsc"),
    *("asimd", "crc32", "pmull", "sve", "neon"),
)
_CLOCK = Path("/sys/devices/system/clocksource/clocksource0/current_clocksource")

Facts = dict[str, object]


def facts(distributions: Sequence[str], command: str) -> Facts:
    """What docs/performance.md says about a run; nothing that names the host, its user or its paths."""
    cpu = _cpuinfo()
    present = set(cpu.get("flags", cpu.get("Features", "")).split())
    return {
        "cpu": cpu_name(),
        "cores": len(os.sched_getaffinity(0)),
        "flags": [flag for flag in _FLAGS if flag in present],
        "architecture": platform.machine(),
        "memory_mib": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20,
        "kernel": platform.release(),
        "libc": " ".join(platform.libc_ver()),
        "clocksource": _CLOCK.read_text().strip() if _CLOCK.exists() else "unknown",
        "load_at_start": round(os.getloadavg()[0], 2),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "compiler": platform.python_compiler(),
        "pgo": "--enable-optimizations" in (sysconfig.get_config_var("CONFIG_ARGS") or ""),
        "versions": {name: version_of(name) for name in dict.fromkeys(distributions)},
        "date": datetime.datetime.now(datetime.timezone.utc).date().isoformat(),
        "command": command,
    }


def cpu_name() -> str:
    cpu = _cpuinfo()
    return cpu.get("model name") or cpu.get("Model") or f"{platform.machine()} {sys.platform}"


def slug() -> str:
    """The machine's name as a file name: 'amd-epyc-9654'."""
    words = re.sub(r"\((?:r|tm)\)|\bprocessor\b|\b\d+-core\b|\bcpu\b|@.*", " ", cpu_name().lower())
    return re.sub(r"[^a-z0-9]+", "-", words).strip("-") or "machine"


def _cpuinfo() -> dict[str, str]:
    """The first processor's fields."""
    first = Path("/proc/cpuinfo").read_text().partition("\n\n")[0]
    return {
        name.strip(): value.strip() for name, _, value in (line.partition(":") for line in first.splitlines())
    }


def version_of(distribution: str) -> str | None:
    """Of an installed distribution."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None
