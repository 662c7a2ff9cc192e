"""A plugin of pytest: tells coverage which test runs, here and in its children, and how long each took."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from coverage import Coverage

NAME, TOLD = "MUTANTS_TEST", "MUTANTS_TOLD"
"""Variables: the test that runs, which is coverage's context; the file that the seconds are written to."""
_seconds: dict[str, float | None] = {}
"""None: it failed."""


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_logstart(nodeid: str) -> None:
    os.environ[NAME] = nodeid
    coverage = Coverage.current()
    if coverage is not None:
        coverage.switch_context(nodeid)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    before = _seconds.get(report.nodeid, 0.0)
    _seconds[report.nodeid] = None if report.failed or before is None else before + report.duration


def pytest_sessionfinish() -> None:
    Path(os.environ[TOLD]).write_text(json.dumps(_seconds), "utf-8")
