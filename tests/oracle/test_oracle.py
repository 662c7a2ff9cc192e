"""Our bytes are the stock SDK's and the reference's, for random calls and for those that matter most."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from google.protobuf.message import Error as ProtobufError
from hypothesis import HealthCheck, given, settings
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from reference import encoder

from .calls import Program
from .compare import difference
from .departures import DEPARTURES, Departure, depart
from .ledger import LEAST, Ledger
from .sdks import SDKS, Requests, model, stock
from .strategies import programs
from .targeted import FAMILIES, SEEDS

RANDOM = settings(
    max_examples=int(os.environ.get("ORACLE_EXAMPLES", "400")),
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)
LEDGERS = Path(__file__).resolve().parents[2] / "build" / "oracle"


@pytest.fixture(scope="session", params=SDKS)
def sdk(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(scope="session")
def ledger(sdk: str, request: pytest.FixtureRequest) -> Iterator[Ledger]:
    """One for each SDK; when its last test has passed, every class must have been hit often enough."""
    ledger = Ledger()
    yield ledger
    LEDGERS.mkdir(parents=True, exist_ok=True)
    (LEDGERS / f"{sdk}.txt").write_text(ledger.table())
    if not request.session.testsfailed:
        missing = ledger.missing()
        assert not missing, (
            f"compared fewer than {LEAST} times (or only a part of this file was run): {missing}"
        )


def check(sdk: str, program: Program) -> tuple[Requests, Counter[str]]:
    """What the SDK exported and what happened on the way, if it is what both oracles say."""
    notes: Counter[str] = Counter()
    said = encoder.encode(model(program, notes))
    actual = SDKS[sdk](program)
    for expected in (stock(depart(program)), [ExportTraceServiceRequest.FromString(said)]):
        unlike = difference(expected, actual)
        assert not unlike, unlike
    return actual, notes


@pytest.mark.parametrize("family", FAMILIES)
def test_targeted_calls(sdk: str, ledger: Ledger, family: str) -> None:
    for seed in SEEDS:
        for program in FAMILIES[family](seed):
            ledger.enter(*check(sdk, program))


@RANDOM
@given(program=programs())
def test_random_calls(sdk: str, ledger: Ledger, program: Program) -> None:
    ledger.enter(*check(sdk, program))


def stale(departure: Departure, sdk: str, rows: Sequence[Departure] = DEPARTURES) -> list[Program]:
    """The probes for which the row is not needed: with the other rows alone, both export the same."""
    others = [row for row in rows if row is not departure]
    return [probe for probe in departure.probes if not differs(probe, others, sdk)]


def differs(program: Program, rows: Sequence[Departure], sdk: str) -> bool:
    try:
        expected = stock(depart(program, rows))
        return bool(difference(expected, SDKS[sdk](program)))
    except (RuntimeError, TypeError, ValueError, ProtobufError):
        return True


@pytest.mark.parametrize("departure", DEPARTURES, ids=lambda departure: departure.name)
def test_each_departure_is_one(sdk: str, departure: Departure) -> None:
    """A row is needed for each of its probes, and with it nothing else differs."""
    for probe in departure.probes:
        check(sdk, probe)
    assert not stale(departure, sdk)
