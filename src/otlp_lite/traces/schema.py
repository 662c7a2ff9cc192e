"""Span schemas: the fields of a kind of span, declared as a class that both checkers understand."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, TypeVar, cast, overload

from opentelemetry.trace import SpanKind

from .._native.span import REQUIRED, Schema, SchemaSpan

T = TypeVar("T")

if TYPE_CHECKING:
    from abc import ABCMeta as _Meta

    from opentelemetry.trace import Span as _Base
    from typing_extensions import Self, dataclass_transform
else:
    _Meta = type  # ABCMeta of CPython 3.10 takes no `name` of a schema
    _Base = object  # its spans are SchemaSpans that know it

    def dataclass_transform(**_: object) -> Callable[[T], T]:
        return lambda decorated: decorated


class _Key(NamedTuple):
    name: str
    default: Any


@overload
def key(name: str, /) -> Any:
    """A field of a SpanSchema: the attribute's key. A field that holds None is not sent."""


@overload
def key(name: str, /, *, default: T) -> T:
    """With a default: the field may be left out."""


def key(name: str, /, *, default: Any = REQUIRED) -> Any:
    """A field of a SpanSchema: the attribute's key. A field that holds None is not sent."""
    if not isinstance(name, str) or not name:
        raise TypeError(f"key: {name!r} is not a non-empty str")
    return _Key(name, default)


class _SchemaType(_Meta):
    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, SchemaSpan) and issubclass(instance.schema.of, cls)

    if not TYPE_CHECKING:  # to the checkers a schema is called as its fields say: bind_leaf gives what is

        def __call__(cls, *_: object, **__: object) -> Any:
            raise TypeError(f"{cls.__name__}: a schema is bound to a tracer first, by tracer.bind_leaf()")


@dataclass_transform(field_specifiers=(key,), eq_default=False)
class SpanSchema(_Base, metaclass=_SchemaType):
    """Derive from it to declare spans of one kind: `name`, `kind`, and a field for each attribute.

        class Query(SpanSchema, name="db.query", kind=SpanKind.CLIENT):
            system: str = key("db.system.name")
            rows: int | None = key("db.response.returned_rows", default=None)

    `tracer.bind_leaf(Query)` starts such spans. A field may be set until the end. `name` is the class's own
    unless given. Raises TypeError for a field without key(), for one that a span has already, and for a
    required one after one with a default.
    """

    otlp_lite_keys: ClassVar[Mapping[str, _Key]]
    otlp_lite_schema: ClassVar[Schema]

    if TYPE_CHECKING:

        def __enter__(self) -> Self: ...

    def __init_subclass__(cls, *, name: str | None = None, kind: SpanKind = SpanKind.INTERNAL) -> None:
        keys: dict[str, _Key] = {}
        for base in reversed(cls.__mro__):
            keys.update(vars(base).get("otlp_lite_keys", {}))
        keys.update(_own_keys(cls))
        defaulted = ""
        for field, (_, default) in keys.items():
            if default is not REQUIRED:
                defaulted = field
            elif defaulted:
                raise TypeError(f"{cls.__name__}.{field}: without a default, after {defaulted!r} with one")
        held: dict[str, str] = {}
        for field, (name_of_key, _) in keys.items():
            if (other := held.setdefault(name_of_key, field)) != field:
                raise TypeError(f"{cls.__name__}.{field}: the key {name_of_key!r} is that of {other!r}")
        cls.otlp_lite_keys = keys
        names, defaults = zip(*keys.values(), strict=True) if keys else ((), ())
        cls.otlp_lite_schema = Schema(cls, name or cls.__name__, kind, tuple(keys), names, defaults)


def _annotations(cls: type) -> Mapping[str, Any]:
    if sys.version_info >= (3, 14) and "__annotate_func__" in vars(cls):
        import annotationlib

        return annotationlib.get_annotations(cls, format=annotationlib.Format.STRING)  # evaluates nothing
    return cast(Mapping[str, Any], vars(cls).get("__annotations__", {}))


def _own_keys(cls: type) -> Mapping[str, _Key]:
    keys = {name: value for name, value in vars(cls).items() if isinstance(value, _Key)}
    for name, annotation in _annotations(cls).items():
        if name not in keys and "ClassVar" not in str(annotation):
            raise TypeError(f"{cls.__name__}.{name}: expected `{name}: ... = key(...)`")
    for name in keys:
        if hasattr(SchemaSpan, name):
            raise TypeError(
                f"{cls.__name__}.{name}: a span has a {name!r} of its own; another name is needed"
            )
    return keys
