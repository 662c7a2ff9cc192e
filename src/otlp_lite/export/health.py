"""How exporting goes: what is remembered, when the next attempt may be made, and what is said of it."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable
from contextlib import suppress
from time import monotonic

from .._native import core
from ..counters import MEANINGS, ExporterStats
from .retry import backoff, hide
from .signals import TRACES

WARN_EVERY = 300.0
"""Seconds between two warnings of one outage."""
OF_ROOM = ("overwritten", "full", "too_large", "table_full")
"""Losses that a larger region would not have had."""
NO_ANSWER = "no answer"
KEYS_MAX = 64
"""Things logged once each."""

_log = logging.getLogger(__name__)


def _losses(stats: core.Stats) -> dict[str, int]:
    return {**stats.dropped, "rejected": stats.rejected}


class Health:
    """Of one pipeline. `secrets` never appear in a message, whatever a receiver says.

    A log handler that raises ends nothing: neither the worker, nor what a caller does.
    """

    def __init__(self, url: str, secrets: Iterable[str]) -> None:
        self.url = url
        self._secrets = frozenset(secrets)
        self.reset()

    def reset(self) -> None:
        """As in a process that has not recorded yet."""
        self._backing_off: float = 0.0
        """Until when we wait by ourselves; not when someone waits for us."""
        self.not_before: float = 0.0
        """Until when the receiver asked to be left alone."""
        self._failures = 0
        self._retries = 0
        """Failures since the receiver last answered for good."""
        self._last_error: str | None = None
        self._last_success: float | None = None
        self._warned_at: float | None = None
        self._outage = False
        self._logged: set[str] = set()
        self._losses_before: dict[str, int] = {}
        """Of the region, when another emptied it."""
        self._losses_told: dict[str, int] = {}

    def starts_with(self, region: core.Region) -> None:
        """What `region` has lost so far is not ours to tell."""
        self._losses_before = _losses(region.stats())

    def stats(self) -> ExporterStats:
        age = None if self._last_success is None else monotonic() - self._last_success
        return ExporterStats(age, self._failures, self._last_error)

    def last_error(self) -> str:
        """Before an attempt was interrupted, whose own error says nothing about the receiver."""
        return self._last_error or NO_ANSWER

    def resume(self) -> float:
        """When the next attempt may be made."""
        return max(self._backing_off, self.not_before)

    def hurry(self) -> None:
        """No waiting of our own."""
        self._backing_off = 0.0

    def succeeded(self) -> None:
        """A receiver took a request."""
        if self._outage:
            self._say(
                logging.INFO, "exporting to %s works again, after %d failures", self.url, self._failures
            )
        self._outage = False
        self._failures = self._retries = 0
        self._backing_off = self.not_before = 0.0
        self._last_success = monotonic()

    def refused(self, reason: str) -> None:
        """A receiver answered for good, and took nothing."""
        self._retries = 0
        self._failures += 1
        self._last_error = reason

    def failed(self, reason: str, wanted: float | None, pending: int, quiet: bool, said: bool) -> None:
        """An attempt failed: the next is after `wanted` seconds, or when we think fit. An outage has begun.

        It is warned of, unless it is `quiet`, or lately was; `said`: another message has told it.
        """
        self._failures += 1
        self._retries += 1
        self._last_error = reason = self.safe(reason)
        chance = int.from_bytes(os.urandom(4), "little") / 0xFFFFFFFF
        now = monotonic()
        self.not_before = now + (wanted or 0.0)
        # The receiver's word alone holds once: "at once", again and again, is no answer.
        heeded = wanted is not None and self._retries == 1
        self._backing_off = 0.0 if heeded else now + backoff(self._retries, chance)
        self._outage = self._outage or said
        recent = self._warned_at is not None and now - self._warned_at < WARN_EVERY
        if not (quiet or recent):
            self._warned_at = now
            self._outage = True
            self._say(
                logging.WARNING,
                "exporting to %s failed%s: %s. It is tried again; %d %s in memory, until that is full",
                self.url,
                f" {self._retries} times" if self._retries > 1 else "",
                reason,
                pending,
                TRACES.records,
            )

    def given_up(self, records: int, kept: str = "") -> None:
        """At the shutdown; `kept` in a file, for the process that comes next."""
        self._last_error = self.last_error()
        self._say(
            logging.WARNING,
            "%d %s %s at the shutdown: the receiver at %s did not take them in time (%s)",
            records,
            TRACES.records,
            f"stay in {kept}, for the next start to send," if kept else "dropped",
            self.url,
            self._last_error,
        )

    def told(self, reason: str, records: int) -> None:
        """The first loss for this reason is said elsewhere."""
        self._losses_told.setdefault(reason, records)

    def tell_losses(self, region: core.Region, last: bool = False) -> None:
        """The first of each kind, and at the `last` how many it were in all."""
        lost = _losses(region.stats())
        for reason in lost.keys() & MEANINGS.keys():
            count, told = lost[reason] - self._losses_before.get(reason, 0), self._losses_told.get(reason, 0)
            if count > told and (told == 0 or last):
                self._losses_told[reason] = count
                room = f" (region_size={region.size}, at most {region.record_max} bytes each)"
                self._say(
                    logging.WARNING,
                    "%d %s lost so far, counted as %r: %s%s",
                    count,
                    TRACES.records,
                    reason,
                    MEANINGS[reason],
                    room if reason in OF_ROOM else "",
                )

    def once(self, key: str, level: int, message: str, *arguments: object, exc_info: bool = False) -> None:
        """Says it, the first time with this key, and the first KEYS_MAX of these."""
        if key not in self._logged and len(self._logged) < KEYS_MAX:
            self._logged.add(key)
            self._say(level, message, *arguments, exc_info=exc_info)

    def safe(self, words: str) -> str:
        """What a receiver or the system said, on one line, without what we must not tell."""
        return hide(words, self._secrets)

    def _say(self, level: int, message: str, *arguments: object, exc_info: bool = False) -> None:
        with suppress(Exception):
            core.say(_log, level, message, arguments, exc_info)
