"""Span limits, with the names, defaults and variables of the stock SDK."""

from __future__ import annotations

from ..config import LIMITS, limit_from_variable
from ..errors import ConfigurationError

_VARIABLE = {name: variable for name, variable, _ in LIMITS}
_DEFAULT = 128


class SpanLimits:
    """How much a span may hold.

    Each limit is a count; None, for its variable or the default; or UNSET, for no limit. Counts are 128 by
    default, lengths unlimited. A limit of one kind beats the general one, `max_attributes` or
    `max_attribute_length`; no limit for `max_attributes` means 128, as in the stock SDK.
    """

    UNSET = -1

    def __init__(
        self,
        max_attributes: int | None = None,
        max_events: int | None = None,
        max_links: int | None = None,
        max_span_attributes: int | None = None,
        max_event_attributes: int | None = None,
        max_link_attributes: int | None = None,
        max_attribute_length: int | None = None,
        max_span_attribute_length: int | None = None,
    ) -> None:
        self.max_events: int | None = _limit("max_events", max_events, _DEFAULT)
        self.max_links: int | None = _limit("max_links", max_links, _DEFAULT)
        general = _limit("max_attributes", max_attributes, None)
        general = _DEFAULT if general is None else general
        self.max_attributes: int | None = general
        self.max_span_attributes: int | None = _limit("max_span_attributes", max_span_attributes, general)
        self.max_event_attributes: int | None = _limit("max_event_attributes", max_event_attributes, general)
        self.max_link_attributes: int | None = _limit("max_link_attributes", max_link_attributes, general)
        self.max_attribute_length: int | None = _limit("max_attribute_length", max_attribute_length, None)
        self.max_span_attribute_length: int | None = _limit(
            "max_span_attribute_length", max_span_attribute_length, self.max_attribute_length
        )

    def __eq__(self, other: object) -> bool:
        return type(other) is SpanLimits and vars(self) == vars(other)

    def __hash__(self) -> int:
        return hash(tuple(vars(self).values()))

    def __repr__(self) -> str:
        return f"SpanLimits({', '.join(f'{name}={value}' for name, value in vars(self).items())})"


def _limit(name: str, value: int | None, default: int | None) -> int | None:
    if value is None:
        return limit_from_variable(_VARIABLE[name], default)
    if value == SpanLimits.UNSET:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ConfigurationError(f"{name}={value!r}: expected a whole number, None or SpanLimits.UNSET")
    return value
