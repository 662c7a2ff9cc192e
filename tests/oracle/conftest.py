"""Settings of the oracle's tests: where hypothesis keeps its files, quiet SDKs, no settings from outside."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis.configuration import set_hypothesis_home_dir

TESTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS))
set_hypothesis_home_dir(TESTS.parent / "build" / "hypothesis")


@pytest.fixture(autouse=True, scope="package")
def quiet() -> Iterator[None]:
    """SDKs log every attribute that they refuse, and the stock one every attribute that it loses."""
    loggers = [logging.getLogger(name) for name in ("opentelemetry", "otlp_lite")]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)
    yield
    for logger in loggers:
        logger.setLevel(logging.NOTSET)


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("OTEL_")]:
        monkeypatch.delenv(name)
