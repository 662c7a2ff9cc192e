"""Which library or module records, with the shape that exporters written for the stock SDK expect."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from opentelemetry.attributes import BoundedAttributes

from .._native.value import cleaned
from .resource import to_json


class InstrumentationScope:
    """The library or module that a tracer records for; immutable."""

    __slots__ = ("_attributes", "_name", "_schema_url", "_version")

    def __init__(
        self,
        name: str,
        version: str | None = None,
        schema_url: str | None = None,
        attributes: Mapping[str, Any] | None = None,
    ) -> None:
        self._name = name
        self._version = version
        self._schema_url = schema_url or ""
        self._attributes = BoundedAttributes(attributes=cleaned(attributes), immutable=True)

    @property
    def name(self) -> str:
        return self._name

    @property
    def version(self) -> str | None:
        return self._version

    @property
    def schema_url(self) -> str:
        return self._schema_url

    @property
    def attributes(self) -> Mapping[str, Any]:
        return self._attributes

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, InstrumentationScope):
            return NotImplemented
        return (self._name, self._version, self._schema_url, self._attributes) == (
            other._name,
            other._version,
            other._schema_url,
            other._attributes,
        )

    def __hash__(self) -> int:
        return hash((self._name, self._version, self._schema_url))

    def __repr__(self) -> str:
        return f"InstrumentationScope({self._name}, {self._version}, {self._schema_url}, {self._attributes})"

    def to_json(self, indent: int | None = 4) -> str:
        return to_json(
            {
                "name": self._name,
                "version": self._version,
                "schema_url": self._schema_url,
                "attributes": dict(self._attributes) or None,
            },
            indent,
        )
