"""What produces telemetry, with the shape that exporters written for the stock SDK expect."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from opentelemetry.attributes import BoundedAttributes

from .._native.value import cleaned

_log = logging.getLogger(__name__)


def to_json(value: object, indent: int | None) -> str:
    from json import dumps  # loaded only by who asks for it

    return dumps(value, indent=indent, default=lambda odd: odd.hex() if isinstance(odd, bytes) else str(odd))


class Resource:
    """What produces telemetry, as attributes; immutable."""

    __slots__ = ("_attributes", "_schema_url")

    def __init__(self, attributes: Mapping[str, Any], schema_url: str | None = None) -> None:
        self._attributes = BoundedAttributes(attributes=cleaned(attributes), immutable=True)
        self._schema_url = schema_url or ""

    @property
    def attributes(self) -> Mapping[str, Any]:
        return self._attributes

    @property
    def schema_url(self) -> str:
        return self._schema_url

    def merge(self, other: Resource) -> Resource:
        """This resource updated by another. Two different schema URLs: an error is logged, nothing merged.

        https://opentelemetry.io/docs/specs/otel/resource/sdk/#merge
        """
        if self.schema_url and other.schema_url and self.schema_url != other.schema_url:
            _log.error("resources of schemas %s and %s cannot be merged", self.schema_url, other.schema_url)
            return self
        return Resource({**self.attributes, **other.attributes}, self.schema_url or other.schema_url)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Resource):
            return NotImplemented
        return self._schema_url == other._schema_url and self._attributes == other._attributes

    def __hash__(self) -> int:
        return hash((self._schema_url, frozenset(self._attributes)))

    def __repr__(self) -> str:
        return f"Resource({dict(self._attributes)}, {self._schema_url!r})"

    def to_json(self, indent: int | None = 4) -> str:
        return to_json({"attributes": dict(self._attributes), "schema_url": self._schema_url}, indent)
