"""Each program says the same on the stock SDK and on ours, run unmodified as a whole process."""
# pip, beside opentelemetry-api: pytest opentelemetry-sdk opentelemetry-exporter-otlp-proto-http
# opentelemetry-instrumentation-{flask,wsgi,asgi,urllib} flask, and tomli on CPython 3.10.

from __future__ import annotations

import ast
import os
from pathlib import Path

import pytest

from .compare import load_departures
from .harness import HERE, Program, complaints, run_both

ORACLE = os.environ.get("PROGRAMS_ORACLE", "stock")
SDK = os.environ.get("PROGRAMS_SDK", "otlp_lite")
EVERY = int(os.environ.get("PROGRAMS_EVERY", "1"))
FIRST = int(os.environ.get("PROGRAMS_FIRST", "0"))
PROGRAMS = [Program.read(path) for path in sorted(HERE.glob("p_*.py"))]
API_AND_CONTRIB = {"baggage", "context", "instrumentation", "propagate", "trace", "util"}
DEPARTURES = load_departures(HERE / "departures.toml")


@pytest.mark.parametrize("program", PROGRAMS[FIRST::EVERY], ids=lambda program: program.name)
def test_same_export(program: Program) -> None:
    sdks = (ORACLE, SDK)
    rows = [row for row in DEPARTURES if row.program == program.name]
    found = complaints(program, sdks, run_both(program, sdks), rows)
    if found:
        pytest.fail("\n".join(found), pytrace=False)


def imported(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def foreign(names: set[str]) -> set[str]:
    """Of imported names, those of otlp_lite, and those of OpenTelemetry that are neither API nor contrib."""
    ours = {name for name in names if name.split(".")[0] == "otlp_lite"}
    otel = {name for name in names if name.startswith("opentelemetry.")}
    return ours | {name for name in otel if name.split(".")[1] not in API_AND_CONTRIB}


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.name)
def test_program_imports_only_the_api_and_contrib(program: Program) -> None:
    assert not foreign(imported(program.path))


def test_an_sdk_import_is_noticed() -> None:
    assert foreign({"opentelemetry.sdk.trace", "opentelemetry.trace"}) == {"opentelemetry.sdk.trace"}
    assert foreign({"otlp_lite.testing", "opentelemetry", "threading"}) == {"otlp_lite.testing"}


def test_rows_name_programs_and_say_why() -> None:
    names = {program.name for program in PROGRAMS}
    assert len(names) >= 34
    for row in DEPARTURES:
        assert row.program in names, row
        assert row.reason, row
        assert len(set(row.sides.values())) == len(row.sides) == 2, row
    assert len({(row.program, row.where, *row.sides) for row in DEPARTURES}) == len(DEPARTURES)
