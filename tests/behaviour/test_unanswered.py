"""Records given up after they were sent, whose answer was lost: counted, as the receiver may have them."""

from __future__ import annotations

import pytest
from scripted import Receiver, Reply, Start, answer, hang_up, record, stall


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    ("script", "unanswered"),
    [([answer(400)], 0), ([hang_up, answer(400)], 20), ([answer(503), answer(400)], 0)],
)
def test_refused_after_a_lost_answer(start: Start, script: list[Reply], unanswered: int) -> None:
    with Receiver(*script) as receiver:
        telemetry = start(receiver)
        record(telemetry, 20)
        assert telemetry.force_flush()
        stats = telemetry.stats().traces
        assert (dict(stats.dropped), stats.unanswered) == ({"refused": 20}, unanswered)


def test_given_up_at_the_shutdown(start: Start) -> None:
    with Receiver(answer(), stall) as receiver:
        telemetry = start(receiver)
        record(telemetry, 7)
        assert telemetry.force_flush()
        record(telemetry, 5)
        assert not telemetry.shutdown(0.3)
        stats = telemetry.stats().traces
        assert (stats.exported, dict(stats.dropped), stats.unanswered) == (7, {"shutdown": 5}, 5)


def test_never_sent(start: Start) -> None:
    telemetry = start("http://127.0.0.1:1")
    record(telemetry, 5)
    assert not telemetry.shutdown(0.3)
    stats = telemetry.stats().traces
    assert (dict(stats.dropped), stats.unanswered) == ({"shutdown": 5}, 0)
