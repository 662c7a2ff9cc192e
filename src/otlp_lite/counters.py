"""What stats() shows: what became of each record, how full the region is, how exporting goes."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType
from typing import NamedTuple


class DropReason(str, Enum):
    """Why a record was lost: a string, its name. `dropped.get(reason, 0)`, as what never was is not there."""

    OVERWRITTEN = "overwritten"
    FULL = "full"
    TOO_LARGE = "too_large"
    TABLE_FULL = "table_full"
    REENTERED = "reentered"
    NO_MEMORY = "no_memory"
    REFUSED = "refused"
    SHUTDOWN = "shutdown"
    UNSUPPORTED_PROTOCOL = "unsupported_protocol"
    DAMAGED = "damaged"
    EVICTED = "evicted"

    __repr__ = str.__repr__
    __str__ = str.__str__


MEANINGS: Mapping[str, str] = {
    "overwritten": "the region was full, and newer ones took their place",
    "full": "the region was full",
    "too_large": "each was larger than one may be",
    "table_full": "more instrumentation scopes and resources were in use than the region can hold",
    "reentered": "each ended while another was being written, as in a signal handler",
    "no_memory": "the system refused memory to encode them",
    "refused": "the receiver refused them for good",
    "unsupported_protocol": "the receiver speaks another protocol than http/protobuf",
    "damaged": "a process that died had left them, and their bytes are not what it recorded",
    "rejected": "the receiver took the request, and rejected these",
}
"""For messages, as far as they are not said otherwise."""


class SignalStats(NamedTuple):
    """Records of one signal. At any time recorded + adopted = exported + rejected + dropped + pending."""

    recorded: int
    adopted: int
    """Of processes that died, taken over by this one: with `region_dir` alone."""
    exported: int
    rejected: int
    """The receiver took the request, but refused these of its records (partial success)."""
    resent: int
    """Sent again because an answer was lost: the receiver may have them twice."""
    unanswered: int
    """Of those dropped, at most so many were sent without an answer for good: the receiver may have them."""
    dropped: Mapping[DropReason, int]
    """By DropReason; only reasons that occurred: empty when nothing was lost."""
    pending: int
    """Unsent so far; after a shutdown, left in a file of `region_dir`."""


class RegionStats(NamedTuple):
    """The fixed block of memory; all zero until the first record."""

    size: int
    chunks: int
    chunks_used: int
    scopes: int
    scopes_used: int
    open_spans: int = 0
    """So many can leave word of themselves should the process be killed; 0 without `region_dir`."""
    open_spans_used: int = 0
    open_spans_missed: int = 0
    """Spans that found no room there. They were recorded all the same if they ended."""
    open_spans_cut: int = 0
    """Whose names were over 76 bytes, and are told of by the beginning."""


class ExporterStats(NamedTuple):
    """How exporting goes."""

    last_success_age: float | None
    """Seconds since a receiver last took a request; None when none ever did."""
    consecutive_failures: int
    last_error: str | None


NO_RECORDS = SignalStats(0, 0, 0, 0, 0, 0, MappingProxyType({}), 0)
NO_EXPORTER = ExporterStats(None, 0, None)


class Stats(NamedTuple):
    """A snapshot."""

    traces: SignalStats
    region: RegionStats
    exporter: ExporterStats
