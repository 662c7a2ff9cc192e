"""Python span processors, for exporters that want each span as an object; the stock SDK is not needed.

Our own exporting goes another way, without objects: who adds one of these pays for it.
"""

from __future__ import annotations

import logging
import os
import threading
from collections import deque
from collections.abc import Sequence
from typing import Any, Protocol

from opentelemetry.context import _SUPPRESS_INSTRUMENTATION_KEY, Context, attach, detach, set_value

from .._native import core
from .._native.span import hook_failed
from ..config import load
from ..errors import ConfigurationError

_log = logging.getLogger(__name__)


class SpanExporter(Protocol):
    """What a processor needs of an exporter; the stock SDK's have it."""

    def export(self, spans: Sequence[Any]) -> Any: ...

    def shutdown(self) -> None: ...


class SpanProcessor:
    """Hooks at the start and the end of each recorded span, on the thread that starts or ends it."""

    def on_start(self, span: Any, parent_context: Context | None = None) -> None:
        """The span has started."""

    def _on_ending(self, span: Any) -> None:
        """The span is ending: it records no more, and has not been kept yet."""

    def on_end(self, span: Any) -> None:
        """The span has ended."""

    def shutdown(self) -> None:
        """The provider shuts down."""

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Exports what has ended. False when that took too long."""
        return True


def _export(exporter: SpanExporter, spans: Sequence[Any]) -> None:
    token = attach(set_value(_SUPPRESS_INSTRUMENTATION_KEY, True))
    try:
        exporter.export(spans)
    except Exception as error:
        hook_failed(exporter, "export", error)
    finally:
        detach(token)


class SimpleSpanProcessor(SpanProcessor):
    """Exports each sampled span as it ends, on the thread that ends it."""

    def __init__(self, span_exporter: SpanExporter) -> None:
        self.span_exporter = span_exporter
        self._closed = False

    def on_end(self, span: Any) -> None:
        if not self._closed and span.context is not None and span.context.trace_flags.sampled:
            _export(self.span_exporter, (span,))

    def shutdown(self) -> None:
        self._closed = True
        self.span_exporter.shutdown()

    def reopen(self) -> None:
        """After a shutdown: configure() was called again."""
        self._closed = False


class BatchSpanProcessor(SpanProcessor):
    """Exports sampled spans from a thread, in batches. A full queue loses its oldest span, and counts it."""

    def __init__(
        self,
        span_exporter: SpanExporter,
        max_queue_size: int | None = None,
        schedule_delay_millis: float | None = None,
        max_export_batch_size: int | None = None,
    ) -> None:
        settings = load({})
        self.span_exporter = span_exporter
        self.dropped: int = 0
        self._size = max_queue_size or settings.max_queue_size or 2048
        self._batch = max_export_batch_size or settings.max_export_batch_size or min(512, self._size)
        self._delay = schedule_delay_millis / 1000 if schedule_delay_millis else settings.schedule_delay
        if min(self._size, self._batch, self._delay) <= 0 or self._batch > self._size:
            raise ConfigurationError(
                "sizes and delay are over 0, and max_export_batch_size <= max_queue_size"
            )
        self._closed = False
        self._begin()

    def _begin(self) -> None:
        self._pid = os.getpid()
        self._queue: deque[Any] = deque()
        self._changed = threading.Condition()
        self._flushes = 0
        """Callers of force_flush that wait."""
        self._exporting = 0
        self._working = True
        threading.Thread(target=self._work, name="otlp_lite-batch", daemon=True).start()

    def on_end(self, span: Any) -> None:
        if self._closed or span.context is None or not span.context.trace_flags.sampled:
            return
        if self._pid != os.getpid():
            self._begin()
        with self._changed:
            if len(self._queue) >= self._size:
                self._queue.popleft()
                self.dropped += 1
            self._queue.append(span)
            if len(self._queue) == self._batch:
                self._changed.notify_all()

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(self._due, self._delay)
                spans = [self._queue.popleft() for _ in range(min(len(self._queue), self._batch))]
                if not spans and self._closed:
                    self._working = False
                    return
                self._exporting = len(spans)
            if spans:
                _export(self.span_exporter, spans)
            with self._changed:
                self._exporting = 0
                self._changed.notify_all()

    def _due(self) -> bool:
        return len(self._queue) >= self._batch or self._closed or (self._flushes > 0 and len(self._queue) > 0)

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        if self._pid != os.getpid():
            return True
        with self._changed:
            self._flushes += 1
            self._changed.notify_all()
            try:
                return self._changed.wait_for(
                    lambda: not self._queue and not self._exporting, timeout_millis / 1000
                )
            finally:
                self._flushes -= 1

    def shutdown(self, timeout_millis: int = 30000) -> None:
        self.shutdown_within(timeout_millis / 1000)

    def shutdown_within(self, timeout: float) -> bool:
        """Exports what there is, within `timeout` seconds. False when some of it was left."""
        self._closed = True
        done = self.force_flush(int(max(timeout, 0) * 1000))
        self.span_exporter.shutdown()
        if not done:
            core.say(
                _log,
                logging.WARNING,
                "%d spans were not exported before the shutdown",
                (len(self._queue),),
            )
        return done

    def reopen(self) -> None:
        """After a shutdown: configure() was called again."""
        if self._pid != os.getpid():  # its lock may be a parent's thread's
            self._closed = False
            self._begin()
            return
        with self._changed:
            self._closed = False
            ended = not self._working
        if ended:
            self._begin()
