"""Show each setting and where it comes from, this machine's limits, and how one span reaches the receiver.

Exit status: 0 when the span was taken or the SDK is disabled; 1 when it was not, or a setting is wrong.
"""

from __future__ import annotations

import argparse
import json
import logging
import platform
from collections.abc import Callable, Iterator, Mapping
from time import monotonic
from typing import Any, TypeVar

from otlp_lite._native import core
from otlp_lite._version import __version__
from otlp_lite.assemble import build, destination, secrets
from otlp_lite.cli.machine import facts, room
from otlp_lite.cli.receive import show
from otlp_lite.cli.waterfall import escape
from otlp_lite.config import (
    LIMITS,
    PROTOCOL,
    SETTINGS,
    Config,
    Origin,
    explain,
    load,
    strangers,
    without_secrets,
)
from otlp_lite.errors import ConfigurationError
from otlp_lite.export.health import NO_ANSWER
from otlp_lite.export.http import Carrier, Drained, carrier
from otlp_lite.export.retry import Verdict, classify, hide, partial_success, refusal
from otlp_lite.kernels import cpu
from otlp_lite.parse import GIB, KIB, MIB, seconds
from otlp_lite.traces.limits import SpanLimits

HINTS = (
    (
        "CERTIFICATE_VERIFY_FAILED",
        "OTEL_EXPORTER_OTLP_CERTIFICATE names a file of authorities to trust instead",
    ),
    ("or plain http://?", "nothing there speaks TLS: perhaps the URL should begin with http://"),
    ("Connection refused", "nothing listens there: OTLP over HTTP is at port 4318 by custom"),
    ("HTTP/2", "perhaps a port for gRPC: OTLP over HTTP is at port 4318 by custom"),
    ("HTTP 401", "OTEL_EXPORTER_OTLP_HEADERS gives credentials"),
    ("HTTP 403", "OTEL_EXPORTER_OTLP_HEADERS gives credentials"),
    ("HTTP 404", "v1/traces is appended to OTEL_EXPORTER_OTLP_ENDPOINT, but not to its TRACES_ENDPOINT"),
)
"""What an error contains, and what may help."""

T = TypeVar("T")


class Watched:
    """A carrier, and what came of its last exchange."""

    def __init__(self, inner: Carrier) -> None:
        self._inner = inner
        self.attempts: int = 0
        self.connected: float | None = None
        """Seconds that connecting took."""
        self.answered: float | None = None
        """Seconds from the request's first byte to the answer's last."""
        self.status: int | None = None
        self.body: bytes = b""
        self.late: bool = False
        """It was told to give up."""
        self._busy = False

    def open(self, timeout: float) -> bool:
        self.attempts += 1
        self.connected = self.answered = self.status = None
        kept, self.connected = self._timed(lambda: self._inner.open(timeout))
        return kept

    def drain(
        self, region: core.Region, max_bytes: int, max_records: int, timeout: float, until: int
    ) -> Drained:
        drained, took = self._timed(lambda: self._inner.drain(region, max_bytes, max_records, timeout, until))
        _, answer, done = drained
        if answer is not None or done:
            self._note(took, answer)
        return drained

    def exchange(self, batch: core.Batch, timeout: float) -> core.Answer:
        answer, took = self._timed(lambda: self._inner.exchange(batch, timeout))
        self._note(took, answer)
        return answer

    def usable(self) -> float:
        return self._inner.usable()

    def interrupt(self) -> None:
        self.late = self._busy
        self._inner.interrupt()

    def close(self) -> None:
        self._inner.close()

    def _timed(self, call: Callable[[], T]) -> tuple[T, float]:
        self._busy = True
        start = monotonic()
        try:
            return call(), monotonic() - start
        finally:
            self._busy = False

    def _note(self, seconds: float, answer: core.Answer | None) -> None:
        """None: all was accepted, with an empty answer."""
        self.answered = seconds
        self.status, self.body = (200, b"") if answer is None else (answer.status, answer.body)


class Findings(logging.Handler):
    """What otlp_lite warns of while this is in use, each once. The worker's words are told as its answer."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.messages: dict[str, None] = {}
        self._logger = logging.getLogger("otlp_lite")

    def emit(self, record: logging.LogRecord) -> None:
        if not record.name.endswith(".export.health"):
            self.messages[record.getMessage()] = None

    def __enter__(self) -> Findings:
        self._logger.addHandler(self)
        self._logger.propagate = False
        return self

    def __exit__(self, *error: object) -> None:
        self._logger.propagate = True
        self._logger.removeHandler(self)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument(
        "--timeout",
        type=_seconds,
        default=10.0,
        metavar="SECONDS",
        help="for sending the span, connecting included (default: %(default)g)",
    )


def _seconds(text: str) -> float:
    try:
        return seconds(float(text))
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text}: expected a number of seconds, over 0, at most 86400"
        ) from None


def run(args: argparse.Namespace) -> int:
    with Findings() as findings:
        report = examine(args.timeout)
    report["findings"] = [*findings.messages, *report["findings"]]
    if args.json:
        show([json.dumps(report, indent=2).replace("\x7f", "\\u007f")])
    else:
        show([escape(line) for line in lines(report)])
    return 0 if report["ok"] else 1


def examine(timeout: float) -> dict[str, Any]:
    """All there is to say, as data."""
    config = load({})
    origins = explain(config)
    limits = SpanLimits()
    settings = [
        _setting(row.name, without_secrets(row, getattr(config, row.name)), origins) for row in SETTINGS
    ]
    span_limits = [_setting(name, getattr(limits, name), origins) for name, _, _ in LIMITS]
    kernels = _kernels(config)
    region_dir = _region_dir(config)
    sending = _send(config, timeout)
    wrong = [variable for origin in origins.values() for variable in origin.wrong]
    if region_dir is not None and region_dir["error"]:
        wrong.append(origins["region_dir"].variable)
    return {
        "otlp_lite": __version__,
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "ok": sending["ok"] and not wrong,
        "wrong": wrong,
        "settings": settings,
        "span_limits": span_limits,
        "findings": [f"{name} is set, and is no setting of otlp_lite" for name in strangers()],
        "kernels": kernels,
        "machine": facts(),
        "region_dir": region_dir,
        "sending": sending,
    }


def _setting(name: str, value: Any, origins: Mapping[str, Origin]) -> dict[str, Any]:
    variable, wrong, second = origins[name]
    plain = value is None or isinstance(value, (bool, int, float, str))
    if isinstance(value, dict):
        plain, value = True, {key: str(each) for key, each in value.items()}
    return {
        "name": name,
        "value": value if plain else repr(value),
        "source": variable or "default",
        "ignored": {**wrong, **second},
    }


def _kernels(config: Config) -> dict[str, Any]:
    built = core.kernels_names()
    offered = [name for name in built if core.kernels_select(name) == 0]
    core.kernels_select(None)
    core.kernels_select(config.cpu)
    running = core.kernels_name()
    told = {"running": running, "wanted": config.cpu or running, "offered": offered, "built": built}
    each = {name: kernel._asdict() for name, kernel in cpu().kernels.items()}
    return {**told, "reason": cpu().reason, "each": each}


def _region_dir(config: Config) -> dict[str, Any] | None:
    """Where regions are files: as it is there, nothing is made or taken. None: nowhere."""
    if config.region_dir is None:
        return None
    from otlp_lite.slots.directory import Slots  # loaded only where there is one

    slots = Slots(
        config.region_dir, config.region_size, config.region_dir_limit, config.on_full, config.open_spans
    )
    told: dict[str, Any] = {"path": config.region_dir, "files": None, "error": None}
    try:
        census = slots.census()
        told["files"] = None if census is None else census._asdict()
        told |= room(config.region_dir)
    except (ConfigurationError, OSError) as error:
        told["error"] = str(error)
    return told


def _send(config: Config, timeout: float) -> dict[str, Any]:
    """One span by the pipeline that a program has, whatever the sampler says, and what came of it."""
    endpoint = destination(config)
    told: dict[str, Any] = {"ok": False, "url": str(endpoint)}
    if config.disabled:
        return {**told, "ok": True, "nothing": "the settings disable the SDK"}
    if config.traces_exporter == "none":
        return {**told, "ok": True, "nothing": "OTEL_TRACES_EXPORTER is none"}
    if config.protocol != PROTOCOL:
        return {**told, "error": f"OTEL_EXPORTER_OTLP_PROTOCOL={config.protocol}: expected {PROTOCOL}"}
    watched = Watched(carrier(endpoint, config))
    try:
        quiet = {"sampler": "always_on", "region_dir": None}  # what the dead left is not the doctor's
        telemetry = build(Config({**vars(config), **quiet}), lambda _: watched)
    except ConfigurationError as error:
        return {**told, "error": str(error)}
    span = telemetry.tracer_provider.get_tracer("otlp_lite.doctor").start_span("otlp_lite doctor")
    span.end()
    telemetry.shutdown(timeout)
    stats = telemetry.stats()
    told |= {
        "ok": stats.traces.exported == 1,
        "trace_id": f"{span.get_span_context().trace_id:032x}",
        "attempts": watched.attempts,
        "connect_seconds": watched.connected,
        "round_trip_seconds": watched.answered,
        "status": watched.status,
    }
    if watched.status is None:
        reason = stats.exporter.last_error or "the span was lost before it was sent"
        told["error"] = f"nothing within {timeout:g} s" if watched.late and reason == NO_ANSWER else reason
    elif classify(watched.status) is Verdict.ACCEPTED:
        told["rejected"], words = partial_success(watched.body)
        told["words"] = hide(words, secrets(config, endpoint))
    else:
        told["error"] = f"HTTP {watched.status}"
        told["words"] = hide(refusal(watched.body), secrets(config, endpoint))
    told["hint"] = next((hint for part, hint in HINTS if part in told.get("error", "")), None)
    return told


# ---- As text ----


def lines(report: Mapping[str, Any]) -> Iterator[str]:
    yield f"otlp_lite {report['otlp_lite']}, {report['python']}"
    for title, name in (("settings", "settings"), ("limits of a span", "span_limits")):
        yield from ("", title)
        for setting in report[name]:
            yield from _setting_lines(**setting)
    if report["findings"]:
        yield from ("", "findings", *(f"  {finding}" for finding in report["findings"]))
    yield from ("", "machine")
    kernels, machine = report["kernels"], report["machine"]
    offered, built = ", ".join(kernels["offered"]), ", ".join(kernels["built"])
    wanted = "" if kernels["wanted"] == kernels["running"] else f", not {kernels['wanted']} as wanted"
    yield _row("kernels", f"{kernels['running']}{wanted} (offered here: {offered}; built: {built})")
    for name, kernel in kernels["each"].items():
        yield _row("", f"{name}: {kernel['table']}, {kernel['reason']}")
    yield _row("open files", _pair(machine["open_files"], str))
    yield _row("locked memory", _pair(machine["locked_memory"], _size))
    yield _row("memory of the cgroup", _size(machine["memory"]))
    for path, space in machine["tmpfs"].items():
        writable = "" if space is None or space["writable"] else ", not writable"
        yield _row(path, "no tmpfs" if space is None else f"tmpfs, {_size(space['free'])} free{writable}")
    if report["region_dir"] is not None:
        yield from _region_dir_lines(**report["region_dir"])
    yield _row("seccomp", machine["seccomp"] or "unknown")
    yield _row("threads", "can start" if machine["threads"] else "cannot start: only flushes send")
    clock = machine["clock_source"] or "unknown"
    yield _row(
        "clock source", clock if clock == "tsc" else f"{clock}, not the TSC: each span costs a little more"
    )
    yield from ("", "sending a span")
    yield from _sending_lines(report["sending"])
    taken = "" if report["sending"]["ok"] else "the span was not taken"
    wrong = ", ".join(report["wrong"])
    yield from ("", "; ".join(filter(None, (taken, wrong and f"wrong: {wrong}"))) or "all is well")


def _row(name: str, value: str, source: str = "") -> str:
    return f"  {name:25} {value:32} {source}".rstrip()


def _setting_lines(name: str, value: Any, source: str, ignored: Mapping[str, str]) -> Iterator[str]:
    yield _row(name, "-" if value is None else str(value), source)
    for variable, why in ignored.items():
        yield _row("", f"{variable}: {why}" if variable == source else f"{variable} is ignored: {why}")


def _region_dir_lines(
    path: str,
    files: Mapping[str, int] | None,
    error: str | None,
    file_system: str = "",
    free: int = 0,
    writable: bool = False,
) -> Iterator[str]:
    if error:
        yield _row("region_dir", error)
        return
    limits = "" if writable else ", not writable"
    if file_system != "tmpfs":
        limits += "; meant is a tmpfs, as a disk would be written all day"
    yield _row("region_dir", f"{path}: {file_system}, {_size(free)} free{limits}")
    if files is None:
        yield _row("", "not there: the first start makes it")
    else:
        yield _row(
            "", "files: {living} in use, {dead} that the dead left, {aside} moved aside".format(**files)
        )


def _sending_lines(sending: Mapping[str, Any]) -> Iterator[str]:
    yield _row("to", sending["url"])
    if "nothing" in sending:
        yield _row("", f"{sending['nothing']}: nothing is sent")
        return
    if "trace_id" in sending:
        yield _row("trace", sending["trace_id"])
    if sending.get("connect_seconds") is not None:
        yield _row("connected", f"in {sending['connect_seconds'] * 1000:.2f} ms")
    if sending.get("round_trip_seconds") is not None:
        yield _row("answer", f"HTTP {sending['status']} in {sending['round_trip_seconds'] * 1000:.2f} ms")
    if sending.get("attempts", 1) > 1:
        yield _row("attempts", str(sending["attempts"]))
    if sending.get("words"):
        yield _row("it says", sending["words"])
    if "error" in sending:
        yield _row("error", sending["error"])
    if sending.get("hint"):
        yield _row("hint", sending["hint"])
    rejected = "the receiver rejected it" if sending.get("rejected") else "not taken"
    yield _row("result", "taken" if sending["ok"] else rejected)


def _pair(limit: Mapping[str, int | None], said: Callable[[Any], str]) -> str:
    soft, hard = (said(each) if each is not None else "unlimited" for each in (limit["soft"], limit["hard"]))
    return f"{soft} (could be raised to {hard})" if soft != hard else soft


def _size(size: int | None) -> str:
    if size is None:
        return "no limit"
    for unit, name in ((GIB, "GiB"), (MIB, "MiB"), (KIB, "KiB")):
        if size >= unit:
            return f"{size / unit:.1f} {name}"
    return f"{size} bytes"
