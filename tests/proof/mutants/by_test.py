"""A plugin of pytest: tells coverage which test runs, here and in its children, and how long each took."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from coverage import Coverage

NAME, SECONDS = "MUTANTS_TEST", "MUTANTS_SECONDS"
"""Variables: the test that runs, which is coverage's context; the file that the seconds are written to."""
_seconds: dict[str, float] = {}


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_logstart(nodeid: str) -> None:
    os.environ[NAME] = nodeid
    coverage = Coverage.current()
    if coverage is not None:
        coverage.switch_context(nodeid)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    _seconds[report.nodeid] = _seconds.get(report.nodeid, 0.0) + report.duration


def pytest_sessionfinish() -> None:
    Path(os.environ[SECONDS]).write_text(json.dumps(_seconds), "utf-8")
