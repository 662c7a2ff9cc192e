"""The reasons of losses are the core's. White: the core's own list is seen nowhere else."""

from __future__ import annotations

from otlp_lite import DropReason
from otlp_lite._native import core


def test_reasons_of_losses_are_the_core_s() -> None:
    """But for what is lost with whole files, of which the core knows nothing."""
    assert [reason.value for reason in DropReason] == [*core.LOSSES, "evicted"]
