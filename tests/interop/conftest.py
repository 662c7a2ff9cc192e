"""Two deliveries that several tests look at: one to the Collector, one to rotel."""

from __future__ import annotations

import pytest

from . import otlp_json, receivers, rotel_log
from .delivery import Delivery, generate


@pytest.fixture(scope="session")
def collected(tmp_path_factory: pytest.TempPathFactory) -> Delivery:
    folder = tmp_path_factory.mktemp("collector")
    with receivers.collector(folder) as (port, spans):
        truth = generate(folder, f"http://127.0.0.1:{port}")
    return truth, otlp_json.read(spans)


@pytest.fixture(scope="session")
def logged(tmp_path_factory: pytest.TempPathFactory) -> Delivery:
    folder = tmp_path_factory.mktemp("rotel")
    with receivers.rotel(folder) as (port, log):
        truth = generate(folder, f"http://127.0.0.1:{port}")
    return truth, rotel_log.read(log)
