"""configure(): joins the rooms, once a process."""

from __future__ import annotations

import atexit
import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from time import monotonic, sleep
from types import MappingProxyType, TracebackType
from typing import TYPE_CHECKING, Any

from opentelemetry import trace as trace_api

from . import children, termination
from ._native import core, trace
from .config import PROTOCOL, Config, load, refuse_difference
from .counters import NO_EXPORTER, NO_RECORDS, DropReason, RegionStats, SignalStats, Stats
from .errors import ConfigurationError
from .export.http import Carrier, basic_credentials, carrier, user_of
from .export.signals import TRACES
from .export.worker import WAIT_MAX, Pipeline
from .parse import LEVELS, SAMPLERS, Endpoint, unquote
from .resource import InstrumentationScope, Resource, detect
from .traces.limits import SpanLimits
from .traces.sampling import by_name, plan_of

if TYPE_CHECKING:
    from opentelemetry.trace import TracerProvider
    from opentelemetry.util.types import Attributes

    from .slots.directory import Slots, Sums

RESTART_MAX = 2.0
"""Seconds that a configure() waits for another's restart."""
GIVING_UP = 0.1
"""Seconds for what another's shutdown did not send by the process's end: it is counted, and said."""

_log = logging.getLogger(__name__)
_telemetry: Telemetry | None = None
_first: dict[str, Telemetry] = {}
"""Decides, without a lock that a fork could inherit or a logging handler meet, who was first to configure."""


class Telemetry:
    """What configure() set up. As a context manager it shuts down at the end of the block."""

    def __init__(
        self,
        config: Config,
        provider: TracerProvider,
        pipeline: Pipeline | None,
        slots: Slots | None = None,
    ) -> None:
        self.config: Config = config
        self.tracer_provider = provider
        self._pipeline = pipeline
        self._slots = slots
        self._implicit = False
        """Set up by the environment alone, before configure() was called."""
        self._late: tuple[core.Region | None, int] | None = None
        """At the process's end, of its region: spans that ended after a shutdown, as far as that was said."""

    def __enter__(self) -> Telemetry:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.shutdown()

    def force_flush(self, timeout: float = 5.0) -> bool:
        """Sends what has ended, within `timeout` seconds.

        True when all of it is settled: taken, or given up and counted (refused, rejected, overwritten). What
        was given up is in `stats().traces`.
        """
        provider = self.tracer_provider
        milliseconds = int(min(max(_checked(timeout), 0), WAIT_MAX) * 1000)
        return provider.force_flush(milliseconds) if isinstance(provider, trace.TracerProvider) else True

    def shutdown(self, timeout: float = 2.0) -> bool:
        """Sends what has ended, within `timeout` seconds, and stops.

        What is left is dropped, unless it stays in a file of `region_dir`, and so is what ends later: both
        are counted `shutdown`. True when nothing was left, and when called again. configure() with the same
        settings starts anew, with the same handle, provider and tracers.
        """
        provider = self.tracer_provider
        timeout = min(max(_checked(timeout), 0), WAIT_MAX)
        return provider.shutdown(timeout) if isinstance(provider, trace.TracerProvider) else True

    def _restart(self) -> None:
        """After a shutdown: as configured before. Span processors are called again, and may have ended."""
        provider, before = self.tracer_provider, self._pipeline
        if not isinstance(provider, trace.TracerProvider) or not provider.closed:
            return

        def renew() -> Pipeline | None:
            if before is not None:
                before.abandon()
            self._pipeline = fresh = _pipeline(self.config, self._slots)
            return fresh

        patience = monotonic() + RESTART_MAX
        while not provider.restart(renew) and provider.closed:
            if not provider.restarting or monotonic() > patience:
                _log.warning(
                    "configure() came during a shutdown(): nothing is recorded until it is called again"
                )
                return
            sleep(0.01)  # another thread is at it

    def _set_up(self, config: Config) -> bool:
        """Takes other settings, while nothing was recorded with those of the environment. False: too late."""
        provider = self.tracer_provider
        if config.disabled or not isinstance(provider, trace.TracerProvider):
            return False
        slots = _slots(config)
        pipeline = _pipeline(config, slots)
        if not provider.set_up(**_provided(config, pipeline, slots)):
            if slots is not None:
                slots.give_back_unused()
            return False
        if self._slots is not None:
            slots.succeed(self._slots) if slots is not None else self._slots.give_back_unused()
        self.config = config
        self._pipeline = pipeline
        self._slots = slots
        self._await_termination()
        return True

    def _await_termination(self) -> None:
        if self.config.handle_sigterm:
            termination.before_termination(self._terminate, self.config.exit_timeout)

    def _exit(self) -> None:
        provider = self.tracer_provider
        termination.hold()
        try:
            if isinstance(provider, trace.TracerProvider):
                self._end(provider)
        finally:
            termination.hold()
            termination.over()

    def _terminate(self) -> None:
        """Sends what is left, in a thread of its own; beside a shutdown that is under way, to its end."""
        provider = self.tracer_provider
        if not self.config.handle_sigterm or not isinstance(provider, trace.TracerProvider):
            return
        if termination.spared():
            provider.force_flush(int(self.config.exit_timeout * 1000))
            return
        self._end(provider)

    def _end(self, provider: trace.TracerProvider) -> None:
        """The last shutdown. Other threads go on, and do not say what they lose: that may stop the exit."""
        if self._late is None or self._late[0] is not provider.region:
            self._late = provider.region, _late(provider)
        provider.shutdown(self.config.exit_timeout, exiting=True)
        patience = monotonic() + self.config.exit_timeout
        while provider.closing and monotonic() < patience:
            sleep(0.01)
        if provider.closing and self._pipeline is not None:  # another's shutdown, which is given more time
            self._pipeline.shutdown(GIVING_UP)
        self._tell_late()

    def _tell_late(self) -> None:
        provider = self.tracer_provider
        if self._late is None or not isinstance(provider, trace.TracerProvider):
            return
        region, told = self._late
        late = _late(provider)
        if region is provider.region and late > told:
            self._late = region, late
            with suppress(Exception):  # of a handler of the log
                core.say(
                    _log,
                    logging.WARNING,
                    "%d %s ended after the shutdown had begun: dropped",
                    (late - told, TRACES.records),
                )

    def stats(self) -> Stats:
        """What became of each record, in this process.

        Contexts that could not be left where they were entered are in `tracer_provider.detach_failures`.
        """
        provider = self.tracer_provider
        region = provider.region if isinstance(provider, trace.TracerProvider) else None
        if region is None and self._slots is not None:
            region = self._slots.present()  # nothing was recorded so far, but adopted
        if region is None:
            return Stats(self._in_all(NO_RECORDS), RegionStats(0, 0, 0, 0, 0), NO_EXPORTER)
        exporter = NO_EXPORTER if self._pipeline is None else self._pipeline.stats()
        now = region.stats()
        signal = SignalStats(
            recorded=now.recorded,
            adopted=now.adopted,
            exported=now.exported,
            rejected=now.rejected,
            resent=region.resent,
            unanswered=now.unanswered,
            dropped=MappingProxyType({DropReason(name): count for name, count in now.dropped.items()}),
            pending=now.pending,
        )
        return Stats(
            self._in_all(signal),
            RegionStats(
                region.size,
                now.chunks,
                now.chunks_used,
                now.scopes,
                now.scopes_used,
                open_spans=now.open_spans,
                open_spans_used=now.open_spans_used,
                open_spans_missed=now.open_spans_missed,
                open_spans_cut=now.open_spans_cut,
            ),
            exporter,
        )

    def _in_all(self, signal: SignalStats) -> SignalStats:
        return signal if self._slots is None else _with(signal, self._slots.sums())


def _last_words() -> None:
    if _telemetry is not None:
        _telemetry._tell_late()


atexit.register(_last_words)  # before most, as this is imported early: it comes after theirs


def _late(provider: trace.TracerProvider) -> int:
    """Spans that ended after a shutdown, in this process."""
    if provider.region is None:
        return 0
    now = provider.region.stats()
    return now.dropped.get("shutdown", 0) - now.given_up


def _with(signal: SignalStats, sums: Sums) -> SignalStats:
    """Beside what this process records, what became of what the dead have left elsewhere."""
    dropped = dict(signal.dropped)
    for name, count in sums.dropped.items():
        dropped[DropReason(name)] = dropped.get(DropReason(name), 0) + count
    return signal._replace(
        adopted=signal.adopted + sums.adopted,
        exported=signal.exported + sums.exported,
        rejected=signal.rejected + sums.rejected,
        resent=signal.resent + sums.resent,
        unanswered=signal.unanswered + sums.unanswered,
        dropped=MappingProxyType(dropped),
        pending=signal.pending + sums.pending,
    )


def configure(
    *,
    service_name: str | None = None,
    endpoint: str | None = None,
    traces_endpoint: str | None = None,
    headers: Mapping[str, str] | None = None,
    sampler: Any = None,
    sampler_arg: float | None = None,
    region_size: int | str | None = None,
    on_full: str | None = None,
    region_dir: str | os.PathLike[str] | None = None,
    region_dir_limit: int | None = None,
    open_spans: int | None = None,
    resource_attributes: Mapping[str, Any] | None = None,
    limits: SpanLimits | None = None,
    id_generator: Any = None,
    ids: str | None = None,
    traces_exporter: str | None = None,
    protocol: str | None = None,
    compression: str | None = None,
    timeout: float | None = None,
    certificate: str | None = None,
    client_certificate: str | None = None,
    client_key: str | None = None,
    schedule_delay: float | None = None,
    export_timeout: float | None = None,
    max_queue_size: int | None = None,
    max_export_batch_size: int | None = None,
    span_processors: Sequence[Any] | None = None,
    disabled: bool | None = None,
    handle_sigterm: bool | None = None,
    exit_timeout: float | None = None,
) -> Telemetry:
    """Sets tracing up. docs/settings.md says what each setting means, from the table in `otlp_lite.config`.

    Starts no thread and opens no socket. With `region_dir` it takes a file there, and with it what a dead
    process left, which is sent with the first record or at a flush; no room for one is a ConfigurationError.
    Again with the same settings it returns the same handle, which records again if it was shut down; with
    others it raises ConfigurationError naming the first that differs, as it does for a value that cannot be.
    """
    return _assemble(dict(locals()))


def tracer_provider() -> TracerProvider:
    """Our provider, set up from the environment unless configure() came first: an entry point."""
    if _telemetry is None:
        _assemble({}, implicit=True)
    assert _telemetry is not None
    return _telemetry.tracer_provider


def get_tracer(
    name: str, version: str | None = None, schema_url: str | None = None, attributes: Attributes = None
) -> trace.Tracer:
    """A tracer of ours. Taken before configure(), it records nothing until then, and everything after."""
    return trace.get_tracer(name, version, schema_url, attributes)


def force_flush(timeout: float = 5.0) -> bool:
    """See `Telemetry.force_flush`. Before configure() there is nothing to flush: True."""
    return _telemetry.force_flush(timeout) if _telemetry is not None else True


def shutdown(timeout: float = 2.0) -> bool:
    """See `Telemetry.shutdown`. Before configure() there is nothing to shut down: True."""
    return _telemetry.shutdown(timeout) if _telemetry is not None else True


def stats() -> Stats:
    """See `Telemetry.stats`. Before configure() all is zero."""
    return (_telemetry or Telemetry(load({}, {}), trace_api.NoOpTracerProvider(), None)).stats()


def _assemble(arguments: Mapping[str, Any], implicit: bool = False) -> Telemetry:
    global _telemetry
    config = load(arguments)
    if config.log_level is not None:
        logging.getLogger("otlp_lite").setLevel(LEVELS[config.log_level])
    telemetry = _telemetry
    if telemetry is None:
        built = build(config)
        built._implicit = implicit
        telemetry = _telemetry = _first.setdefault("telemetry", built)
        if telemetry is not built and built._slots is not None:
            built._slots.give_back_unused()
        if telemetry is built:
            if isinstance(telemetry.tracer_provider, trace.TracerProvider):
                trace.set_provider(telemetry.tracer_provider)
                children.at_exit(telemetry._exit)
                telemetry._await_termination()
            _make_global(telemetry.tracer_provider)
            _tell_kernels(config.cpu)
            return telemetry
    if telemetry.config != config and not (telemetry._implicit and telemetry._set_up(config)):
        refuse_difference(telemetry.config, config, arguments, telemetry._implicit)
    telemetry._implicit = telemetry._implicit and implicit
    telemetry._restart()
    return telemetry


def build(config: Config, connect: Callable[[Config], Carrier] | None = None) -> Telemetry:
    """A Telemetry of its own, not global; `connect` gives it another carrier than HTTP."""
    if config.disabled:
        return Telemetry(config, trace_api.NoOpTracerProvider(), None)
    _choose_kernels(config.cpu)
    core.exits_prepare()  # before any fork, and any thread
    slots = _slots(config)
    pipeline = _pipeline(config, slots, connect)
    return Telemetry(config, trace.TracerProvider(**_provided(config, pipeline, slots)), pipeline, slots)


def _slots(config: Config) -> Slots | None:
    """With one for this process, and what the last has left there. ConfigurationError: none can be had."""
    if config.region_dir is None or config.traces_exporter == "none" or config.protocol != PROTOCOL:
        return None
    from .slots.directory import Slots  # loaded only where there is one

    slots = Slots(
        config.region_dir, config.region_size, config.region_dir_limit, config.on_full, config.open_spans
    )
    slots.prepare()
    return slots


def _provided(config: Config, pipeline: Pipeline | None, slots: Slots | None) -> dict[str, Any]:
    """What the provider takes."""
    sampler = by_name(config.sampler, config.sampler_arg) if config.sampler in SAMPLERS else config.sampler

    def resource() -> Resource:  # once a process, before it records
        children.begun()
        termination.begun()
        return detect(config)

    return {
        "resource": resource,
        "scope": InstrumentationScope,
        "sampler": sampler,
        "plan": plan_of(sampler),
        "limits": config.limits or SpanLimits(),
        "id_generator": config.id_generator,
        "ids": config.ids,
        "slots": slots,
        "open_spans": config.open_spans != 0,
        "region_size": config.region_size,
        "on_full": config.on_full,
        "pipeline": pipeline,
        "unsupported": config.protocol != PROTOCOL and config.traces_exporter != "none",
        "span_processors": config.span_processors,
    }


def _pipeline(
    config: Config, slots: Slots | None, connect: Callable[[Config], Carrier] | None = None
) -> Pipeline | None:
    if config.traces_exporter == "none":
        return None
    if config.protocol != PROTOCOL:
        _log.error(
            "OTEL_EXPORTER_OTLP_PROTOCOL=%s is not supported: expected %s (usually at port 4318); no span is "
            "sent, each is counted as unsupported_protocol",
            config.protocol,
            PROTOCOL,
        )
        return None
    endpoint = destination(config)
    return Pipeline(
        carrier(endpoint, config) if connect is None else connect(config),
        str(endpoint),
        timeout=min(config.timeout, config.export_timeout),
        schedule_delay=config.schedule_delay,
        max_records=config.max_export_batch_size or 0,
        secrets=secrets(config, endpoint),
        slots=slots,
        proxy=str(config.proxy) if config.proxy else None,
    )


def destination(config: Config) -> Endpoint:
    """Where traces go."""
    return config.traces_endpoint or config.endpoint.join(TRACES.path)


def _checked(timeout: float) -> float:
    if not isinstance(timeout, (int, float)):
        raise TypeError(f"timeout={timeout!r}: expected a number of seconds")
    if timeout != timeout:
        raise ValueError("timeout=nan: expected a number of seconds")
    return timeout


def secrets(config: Config, endpoint: Endpoint) -> Iterator[str]:
    """What no message may show, in each form that a receiver may have seen and say again."""
    users = [endpoint.user, config.proxy.user if config.proxy else ""]
    for value in config.headers.values():
        kind, _, credentials = value.rpartition(" ")
        yield from (value, credentials)
        if kind.lower() == "basic":
            users.append(user_of(credentials))
    query = endpoint.query.removeprefix("?")
    yield query
    for pair in query.split("&"):
        value = pair.partition("=")[2]
        yield from (pair, value, unquote(value))
    for user in filter(None, users):
        plain, encoded = basic_credentials(user)
        yield from (*user.split(":"), *plain.split(":"), encoded)


def _choose_kernels(name: str | None) -> None:
    if core.kernels_select(name) < 0:
        raise ConfigurationError(f"OTLP_LITE_CPU={name!r}: expected {', '.join(core.kernels_names())}")


def _tell_kernels(name: str | None) -> None:
    if core.kernels_select(name) > 0:
        _log.warning("OTLP_LITE_CPU=%r: this machine lacks it; %s is used", name, core.kernels_name())


def _make_global(provider: TracerProvider) -> None:
    # Not get_tracer_provider(): that may load a provider, ours included, by the environment.
    current = trace_api._TRACER_PROVIDER
    if current is None:
        trace_api.set_tracer_provider(provider)
    elif current is not provider:
        kind = type(current)
        _log.warning(
            "%s.%s is the global TracerProvider already, and stays; otlp_lite.get_tracer() still exports",
            kind.__module__,
            kind.__qualname__,
        )
