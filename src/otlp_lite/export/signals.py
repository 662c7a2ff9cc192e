"""The signals: a row each."""

from __future__ import annotations

from typing import NamedTuple


class Signal(NamedTuple):
    """What differs between signals on their way out."""

    name: str
    path: str
    """Appended to a base URL."""
    records: str
    """What messages call its records."""


TRACES = Signal("traces", "v1/traces", "span(s)")
