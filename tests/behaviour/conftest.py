"""A telemetry of its own for each test that exports."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Mapping

import pytest
from opentelemetry.context import Context, attach, detach
from scripted import Receiver, Start

from otlp_lite import Telemetry
from otlp_lite.assemble import build
from otlp_lite.config import load
from otlp_lite.export import retry
from otlp_lite.testing import Collected, collect

signal.signal(signal.SIGINT, signal.default_int_handler)
"""Children of tests find it as from a terminal, though this is a job in the background."""
os.environ["no_proxy"] = "*"
"""Children of tests reach receivers of this machine, whatever else the machine reaches by a proxy."""


@pytest.fixture
def start() -> Iterator[Start]:
    """Makes a telemetry of its own for a receiver; shut down after the test."""
    made = []

    def make(
        receiver: Receiver | str, environ: Mapping[str, str] | None = None, **settings: object
    ) -> Telemetry:
        url = receiver if isinstance(receiver, str) else receiver.url
        arguments = {"endpoint": url, "schedule_delay": 60, "timeout": 5, **settings}
        telemetry = build(load(arguments, environ or {}))
        made.append(telemetry)
        return telemetry

    yield make
    for telemetry in made:
        telemetry.shutdown(0.2)


@pytest.fixture
def collected() -> Iterator[Collected]:
    token = attach(Context())
    with collect() as collected:
        yield collected
    detach(token)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Backs off by milliseconds."""
    monkeypatch.setattr(retry, "BACKOFF_MIN", 0.01)
    monkeypatch.setattr(retry, "BACKOFF_MAX", 0.05)
