"""Sends a region to a receiver: tried again as a program's own is, but nothing is ever given up."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from time import monotonic, sleep, time
from typing import Any

from otlp_lite._native import core
from otlp_lite.assemble import destination, secrets
from otlp_lite.config import PROTOCOL, load
from otlp_lite.errors import ConfigurationError
from otlp_lite.export.http import Drained, carrier
from otlp_lite.export.retry import Verdict, backoff, classify, hide, partial_success, refusal, retry_after
from otlp_lite.export.worker import BODY_MAX, BODY_MIN


class Sender:
    """To one receiver, by the settings of the environment. Raises ConfigurationError.

    Who has said nothing good for `export_timeout` seconds is asked no more, for no file.
    """

    def __init__(self, arguments: Mapping[str, Any]) -> None:
        config = load(arguments)
        if config.protocol != PROTOCOL:
            raise ConfigurationError(f"OTEL_EXPORTER_OTLP_PROTOCOL={config.protocol}: expected {PROTOCOL}")
        if config.endpoint.user:
            raise ConfigurationError(
                "endpoint: a user in a URL is shown to all who list processes: expected none, and "
                "OTEL_EXPORTER_OTLP_HEADERS"
            )
        endpoint = destination(config)
        self.url: str = str(endpoint)
        self.words: dict[str, None] = {}
        """What the receiver said of what it took."""
        self.gone: str = ""
        """Why it is asked no more."""
        self._carrier = carrier(endpoint, config)
        self._secrets = tuple(secrets(config, endpoint))
        self._timeout = min(config.timeout, config.export_timeout)
        self._patience = config.export_timeout
        self._records_max = config.max_export_batch_size or 0
        self._bytes_max = BODY_MAX
        self._failures = 0
        self._last_good = 0.0

    def send(self, adopt: Callable[[], core.Region]) -> str:
        """Sends what is in the region that `adopt` gives once somebody listens.

        Returns what stopped us, if anything did. Raises what `adopt` does.
        """
        self._good()
        region: core.Region | None = None
        problem = self.gone
        while not problem:
            kept = False
            try:
                kept = self._carrier.open(self._timeout)
                drained = None if region is None else self._drain(region)
            except (OSError, ValueError) as error:
                self._carrier.close()
                if getattr(error, "acknowledged", 0):
                    self._good()
                    kept = True
                if isinstance(error, core.WrongProtocol):
                    problem = self.gone = self._safe(
                        f"{error}; expected OTLP over HTTP, by convention at port 4318"
                    )
                elif not (kept and isinstance(error.__cause__ or error, ConnectionError)):
                    problem = self._wait(self._safe(str(error)), None)
                continue
            if drained is None or region is None:
                region = adopt()  # its file is as it was until somebody listens
                continue
            batch, answer, done = drained
            if done:
                self._good()
            if batch is not None:
                assert answer is not None
                problem = self._settle(batch, answer)
            if answer is not None and answer.close:
                self._carrier.close()
            if answer is None and not region.adopt_open():
                break
        return problem

    def close(self) -> None:
        self._carrier.close()

    def _drain(self, region: core.Region) -> Drained:
        return self._carrier.drain(region, self._bytes_max, self._records_max, self._timeout, 0)

    def _settle(self, batch: core.Batch, answer: core.Answer) -> str:
        """Does to a pinned batch what the answer says; what stops us, if it does."""
        verdict = classify(answer.status)
        if verdict is Verdict.ACCEPTED and not answer.cut:
            rejected, words = partial_success(answer.body)
            batch.acknowledge(min(rejected, batch.records))
            if words:
                self.words[self._safe(words)] = None
            self._good()
            return ""
        records, size = batch.records, batch.size
        batch.release()
        if verdict is Verdict.HALVE and records > 1 and size > BODY_MIN:
            self._bytes_max = max(min(size, self._bytes_max) // 2, 1)
            return ""
        if verdict is Verdict.RETRY:
            return self._wait(f"HTTP {answer.status}", retry_after(answer.retry_after, time()))
        if verdict is Verdict.ACCEPTED:
            return f"HTTP {answer.status} with a body that is no answer to an export: over 64 KiB"
        said = self._safe(refusal(answer.body))
        return f"refused: HTTP {answer.status}{f': {said}' if said else ''}"

    def _good(self) -> None:
        self._failures = 0
        self._last_good = monotonic()

    def _wait(self, reason: str, wanted: float | None) -> str:
        """Until the next attempt. What stops us, if there is none."""
        self._failures += 1
        heeded = wanted is not None and self._failures == 1
        pause = wanted or 0.0
        if not heeded:
            pause = max(pause, backoff(self._failures, int.from_bytes(os.urandom(4), "little") / 0xFFFFFFFF))
        left = self._last_good + self._patience - monotonic()
        if pause > left:
            self.gone = reason
            return reason
        if self._failures == 1:
            print(f"{self.url}: {reason}; trying again for {left:.0f} s", file=sys.stderr, flush=True)
        sleep(pause)
        return ""

    def _safe(self, words: str) -> str:
        return hide(words, self._secrets)
