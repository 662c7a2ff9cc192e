"""What the helpers for tests give."""

from __future__ import annotations

from typing_extensions import assert_type

from otlp_lite.testing import Collected, collect

with collect(resource={"service.name": "shop"}) as collected:
    assert_type(collected, Collected)
    assert_type(collected.requests(), list[bytes])
