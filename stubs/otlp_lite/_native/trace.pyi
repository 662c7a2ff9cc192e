"""Types of the compiled provider and tracers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from types import TracebackType
from typing import Any, Literal, ParamSpec, Protocol, TypeVar, final

from opentelemetry.context import Context
from opentelemetry.trace import Link, Span, SpanKind
from opentelemetry.trace import Tracer as ApiTracer
from opentelemetry.trace import TracerProvider as ApiTracerProvider
from opentelemetry.util._decorator import _AgnosticContextManager
from opentelemetry.util.types import Attributes, AttributeValue

from otlp_lite._native.core import Region
from otlp_lite.traces.schema import SpanSchema

_P = ParamSpec("_P")
_S = TypeVar("_S", bound=SpanSchema)

class _Pipeline(Protocol):
    """What takes the records away."""

    def opened(self, region: Region) -> bool: ...
    def force_flush(self, timeout: float) -> bool: ...
    def shutdown(self, timeout: float) -> bool: ...
    def wait_for(
        self, known: Callable[[], bool], timeout: float, wake: Callable[[], None] | None = None
    ) -> Any: ...

class _Slots(Protocol):
    """Where regions outlive their processes."""

    def region(self) -> Region | None: ...
    def waiting(self) -> bool: ...

@final
class CurrentSpan(_AgnosticContextManager[Span]):  # by its type alone: what the API says a tracer returns
    """Makes a new span current for a with-block, or for each call of a function that it decorates."""

    def __enter__(self) -> Span: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> Literal[False]: ...

@final
class Tracer(ApiTracer):
    """See `opentelemetry.trace.Tracer`."""

    @property
    def instrumentation_scope(self) -> Any: ...
    @property
    def resource(self) -> Any: ...
    def start_span(
        self,
        name: str,
        context: Context | None = None,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        start_time: int | None = None,
        record_exception: bool = True,
        set_status_on_exception: bool = True,
    ) -> Span: ...
    def start_as_current_span(
        self,
        name: str,
        context: Context | None = None,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        start_time: int | None = None,
        record_exception: bool = True,
        set_status_on_exception: bool = True,
        end_on_exit: bool = True,
    ) -> CurrentSpan: ...
    def leaf(
        self, name: str, attributes: Attributes = None, kind: SpanKind = SpanKind.INTERNAL, /
    ) -> Span: ...
    def bind_leaf(self, schema: Callable[_P, _S], /) -> Callable[_P, _S]: ...

@final
class BoundLeaf:
    """What `Tracer.bind_leaf` binds: the `__self__` of the function that it returns."""

def span(
    name: str,
    attributes: Attributes = None,
    kind: SpanKind = SpanKind.INTERNAL,
    links: Sequence[Link] | None = None,
    /,
    **more: AttributeValue,
) -> CurrentSpan: ...

@final
class TracerProvider(ApiTracerProvider):
    """See `opentelemetry.trace.TracerProvider`."""

    def __init__(
        self,
        *,
        resource: Callable[[], Any],
        scope: Callable[[str, str, str | None, Attributes], Any],
        sampler: Any,
        plan: tuple[Any, ...] | None = ...,
        limits: Any,
        region_size: int,
        on_full: str = "overwrite",
        id_generator: Any = None,
        ids: str = "random",
        pipeline: _Pipeline | None = None,
        unsupported: bool = False,
        span_processors: Iterable[Any] = (),
        slots: _Slots | None = None,
        open_spans: bool = False,
    ) -> None: ...
    def set_up(self, **settings: Any) -> bool: ...
    @property
    def sampler(self) -> Any: ...
    @property
    def id_generator(self) -> Any: ...
    @property
    def root_flags(self) -> int: ...
    @property
    def resource(self) -> Any: ...
    @property
    def region(self) -> Region | None: ...
    @property
    def detach_failures(self) -> int: ...
    @property
    def closed(self) -> bool: ...
    @property
    def closing(self) -> bool: ...
    @property
    def restarting(self) -> bool: ...
    def restart(self, renew: Callable[[], _Pipeline | None]) -> bool: ...
    def get_tracer(
        self,
        instrumenting_module_name: str,
        instrumenting_library_version: str | None = None,
        schema_url: str | None = None,
        attributes: Attributes = None,
    ) -> Tracer: ...
    def add_span_processor(self, span_processor: Any) -> None: ...
    def force_flush(self, timeout_millis: int = 30000) -> bool: ...
    def shutdown(self, timeout: float = 2.0, *, exiting: bool = False) -> bool: ...

def get_tracer(
    name: str, version: str | None = None, schema_url: str | None = None, attributes: Attributes = None
) -> Tracer: ...
def set_provider(provider: TracerProvider | None) -> None: ...
def call_off_span(processor: Any, hook: str, *arguments: Any) -> Any: ...
