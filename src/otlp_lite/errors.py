"""The exceptions that otlp_lite raises on purpose."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from opentelemetry.trace import SpanContext


class OtlpLiteError(Exception):
    """Whatever otlp_lite raises by itself."""


class ConfigurationError(OtlpLiteError, ValueError):
    """An argument that cannot be used. The message names it, its value, and what is allowed."""


class StateError(OtlpLiteError, AttributeError):
    """A call that is not legal in the state of a builder's span: a checker of types says so before."""

    def __init__(self, message: str, state: str, call: str, legal: tuple[str, ...]) -> None:
        super().__init__(message)
        self.state = state
        """The name of the type that stands for the state the span is in."""
        self.call = call
        self.legal = legal
        """The calls that are legal in that state."""

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (str(self), self.state, self.call, self.legal)


class NotExported(OtlpLiteError):
    """No receiver has acknowledged a span that was waited for."""

    def __init__(self, message: str, span_context: SpanContext, *more: Any) -> None:
        super().__init__(message)
        self.span_context = span_context
        self._more = more

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (str(self), self.span_context, *self._more)


class NotSampled(NotExported):
    """It was never to be sent: its sampler decided so."""


class Dropped(NotExported):
    """It was given up, before any receiver had said that it took it."""

    def __init__(self, message: str, span_context: SpanContext, reason: str) -> None:
        super().__init__(message, span_context, reason)
        self.reason = reason
        """A DropReason, as `stats()` counts it; or `no_exporter`, `no_provider`: there was none."""


class Rejected(NotExported):
    """The receiver refused its request, or `rejected` of the `records` in it, and does not say which."""

    def __init__(self, message: str, span_context: SpanContext, rejected: int, records: int) -> None:
        super().__init__(message, span_context, rejected, records)
        self.rejected = rejected
        self.records = records


class WaitTimeout(NotExported, TimeoutError):
    """It is not known yet what becomes of it. It may still be sent, and can be waited for again."""
