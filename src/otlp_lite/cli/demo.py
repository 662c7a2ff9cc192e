"""Trace a small Flask shop under load, watch its traces, and see what the tracing costs.

Runs an OTLP receiver and the same shop three times (untraced, under opentelemetry-sdk, under otlp_lite), each
a process of its own on the loopback, in turns. Ends by itself in half a minute.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import importlib.util
import platform
import signal
import statistics
import sys
import time
from dataclasses import dataclass, field
from os import cpu_count

from otlp_lite.cli.demo_child import Child, ChildError
from otlp_lite.cli.receive import show, terminal_style
from otlp_lite.cli.waterfall import escape

VARIANTS = ("none", "opentelemetry-sdk", "otlp_lite")
WATERFALLS_PER_SECOND = 0.7
STATUS_SECONDS = 2.0
REQUEST_SECONDS = 5.0
START_SECONDS = 12.0
LAST_ROUND_AT = 22.0  # whatever happened, no round begins later than this, counted from the start
INSTALL = "pip install 'otlp_lite[demo]'"

# The load: method, path, expected status, spans made when traced (contrib's server span and the shop's own).
TURN = (
    ("GET", "/products?q=tea", 200, 4),
    ("POST", "/checkout/7", 200, 5),
    ("GET", "/products?q=green", 200, 4),
    ("POST", "/checkout/10", 402, 5),
    ("POST", "/checkout/12", 200, 5),
)
SLICE = 20 * len(TURN)  # requests

WIDTHS = (18, 8, 8, 8, 8, 7, 8, 9, 6)
HEADINGS = (
    ("", "CPU", "tracing", "latency", "tracing", "spans", "spans", "spans", "spans"),
    ("", "us/req", "adds us", "us/req", "adds us", "/s", "made", "received", "lost"),
)
EXPLANATION = """\
Medians of {} interleaved rounds of {} requests; one client, one connection.
CPU: of the shop's whole process, the export of its spans included (a flush ends
each round). "tracing adds": the median difference to the untraced shop in the
same round. It holds contrib's Flask instrumentation, Python code that every SDK
runs alike. spans/s: what one client makes of this shop, not an SDK's limit.
"""


class DemoError(Exception):
    """Why the demo cannot go on."""


@dataclass(eq=False)
class Contestant:
    """One variant: its process, and what each slice of load measured."""

    name: str
    service: str
    child: Child
    connection: http.client.HTTPConnection = field(init=False)
    label: str = ""
    made: int = 0
    received: int = 0
    unflushed: int = 0
    cpu_us: list[float] = field(default_factory=list)
    latency_us: list[float] = field(default_factory=list)
    spans_per_second: list[float] = field(default_factory=list)

    @property
    def traced(self) -> bool:
        return self.name != "none"

    def connect(self) -> None:
        ready = self.child.hear(START_SECONDS)
        self.label = ready["label"]
        self.connection = http.client.HTTPConnection("127.0.0.1", ready["port"], timeout=REQUEST_SECONDS)

    def slice(self, first: int, measured: bool = True) -> None:
        """The load once, then a flush; `first` is the request of a turn to begin with."""
        self.child.ask("begin")
        latencies, spans, start = [], 0, time.perf_counter()
        for number in range(first, first + SLICE):
            method, path, status, made = TURN[number % len(TURN)]
            latencies.append(self._request(method, path, status))
            spans += made
        used = self.child.ask("end")
        elapsed = time.perf_counter() - start
        if self.traced:
            self.made += spans
            self.unflushed += not used["flushed"]
        if measured:
            self.cpu_us.append(used["cpu"] * 1e6 / len(latencies))
            self.latency_us.append(statistics.median(latencies) * 1e6)
            self.spans_per_second.append(spans / elapsed)

    def _request(self, method: str, path: str, status: int) -> float:
        start = time.perf_counter()
        try:
            self.connection.request(method, path)
            response = self.connection.getresponse()
            response.read()
        except (OSError, http.client.HTTPException) as error:
            raise DemoError(f"{self.name}: {method} {path}: {error!r}") from None
        if response.status != status:
            raise DemoError(f"{self.name}: {method} {path} answered {response.status}, not {status}")
        return time.perf_counter() - start

    def row(self, base: Contestant | None) -> list[str]:
        """A line of the report, as in HEADINGS."""
        cpu, latency = (f"{statistics.median(times):,.0f}" for times in (self.cpu_us, self.latency_us))
        if not self.traced:
            return ["untraced", cpu, "", latency, *[""] * 5]
        more_cpu = more_latency = ""
        if base:
            more_cpu = median_difference(self.cpu_us, base.cpu_us)
            more_latency = median_difference(self.latency_us, base.latency_us)
        rate = f"{statistics.median(self.spans_per_second):,.0f}"
        counts = [f"{count:,}" for count in (self.made, self.received, self.made - self.received)]
        return [self.name, cpu, more_cpu, latency, more_latency, rate, *counts]

    def losses(self) -> str:
        """What the SDK itself says of its losses."""
        stats = self.child.ask("stats")
        late = f"; {self.unflushed} flushes did not end in time" if self.unflushed else ""
        if not stats:
            return f"{self.name} keeps no count of its losses{late}."
        dropped = stats.pop("dropped")
        reasons = ", ".join(f"{reason} {count}" for reason, count in dropped.items() if count) or "none"
        counts = ", ".join(f"{key} {count:,}" for key, count in stats.items())
        return f"{self.name} stats(): {counts}; dropped: {reasons}{late}."


def median_difference(mine: list[float], its: list[float]) -> str:
    return f"{statistics.median(a - b for a, b in zip(mine, its, strict=False)):+,.0f}"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--seconds", type=float, default=14.0, help="how long the load runs (default: %(default)g)")
    add("--variants", default=",".join(VARIANTS), help="which to run (default: %(default)s)")


def run(args: argparse.Namespace) -> int:
    variants = args.variants.split(",")
    unknown = [name for name in variants if name not in VARIANTS]
    if unknown:
        return _fail(f"no variant {escape(unknown[0])!r}: there are {', '.join(VARIANTS)}")
    for module in ("flask", "opentelemetry.instrumentation.flask"):
        if not _installed(module):
            return _fail(f"the demo needs {module}: {INSTALL}")
    began = time.monotonic()
    with contextlib.ExitStack() as stack:
        try:
            demo = Demo(variants, stack)
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, demo.stop)
            demo.start()
            demo.load(began, args.seconds)
            show(demo.report())
        except (DemoError, ChildError) as error:
            return _fail(str(error))
    return 0


def _installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:  # of a parent package
        return False


def _fail(message: str) -> int:
    print(f"otlp_lite demo: {message}", file=sys.stderr)
    return 1


class Demo:
    def __init__(self, variants: list[str], stack: contextlib.ExitStack) -> None:
        self.stack = stack
        self.stopping: bool = False
        self.notes: list[str] = []
        self.variants = variants
        self.contestants: list[Contestant] = []

    def stop(self, *_: object) -> None:
        """Ctrl-C: ends the load after the slice under way, with a report; a second one ends at once."""
        if self.stopping:
            raise KeyboardInterrupt
        self.stopping = True

    def start(self) -> None:
        style = terminal_style()
        charset, colour = "unicode" if style.unicode else "ascii", "colour" if style.colour else "plain"
        rate = str(WATERFALLS_PER_SECOND)
        self.receiver: Child = self._child("demo_receiver", str(style.width), charset, colour, rate)
        url = self.receiver.hear(START_SECONDS)["url"]
        for name in self.variants:
            service = f"shop ({name})"
            child = self._child("demo_service", name, service, url)
            self.contestants.append(Contestant(name, service, child))
        for contestant in list(self.contestants):
            try:
                contestant.connect()
            except ChildError as error:
                if contestant.name != "opentelemetry-sdk":
                    raise DemoError(f"{contestant.name} did not start: {error}") from None
                self.contestants.remove(contestant)
                self.notes.append(f"The opentelemetry-sdk row is missing ({error}): {INSTALL}")
        show(
            [
                f"otlp_lite demo: Python {platform.python_version()}, {platform.system()} "
                f"{platform.machine()}, {cpu_count()} CPUs; receiver at {url}",
                f"the same shop, a process each: {'; '.join(one.label for one in self.contestants)}",
                *self.notes,
                "",
            ]
        )

    def _child(self, module: str, *arguments: str) -> Child:
        child = Child(module, *arguments)
        self.stack.callback(child.close)
        return child

    def load(self, began: float, seconds: float) -> None:
        """Rounds of a slice each, the first of a round another each time; round -1 warms up, unmeasured."""
        start = time.monotonic()
        told = start
        number = -1
        while number < 1 or time.monotonic() < min(start + seconds, began + LAST_ROUND_AT):
            for index in range(len(self.contestants)):
                if self.stopping:
                    show([f"interrupted in round {number}" if number >= 0 else "interrupted", ""])
                    return
                contestant = self.contestants[(number + index) % len(self.contestants)]
                contestant.slice(number, measured=number >= 0)
                self.poll()
            number += 1
            if time.monotonic() - told >= STATUS_SECONDS:
                told = time.monotonic()
                show([f"-- {told - start:.0f} s, round {number}: {self.status()}", ""])

    def poll(self) -> None:
        news = self.receiver.ask("poll")
        show(news["lines"])
        for contestant in self.contestants:
            contestant.received = news["spans"].get(contestant.service, 0)

    def status(self) -> str:
        traced = [one for one in self.contestants if one.traced and one.spans_per_second]
        rates = [statistics.median(one.spans_per_second) for one in traced]
        return "; ".join(
            f"{one.name} {rate:,.0f} spans/s, lost {one.made - one.received}"
            for one, rate in zip(traced, rates, strict=True)
        )

    def report(self) -> list[str]:
        self.poll()
        measured = [one for one in self.contestants if one.cpu_us]
        if not measured:
            return ["nothing was measured"]
        base = next((one for one in measured if not one.traced), None)
        table = [*HEADINGS, *(one.row(base) for one in measured)]
        lines = [row[0].ljust(WIDTHS[0]) + "".join(map(str.rjust, row[1:], WIDTHS[1:])) for row in table]
        lines.insert(len(HEADINGS), "-" * sum(WIDTHS))
        rounds = max(len(one.cpu_us) for one in measured)
        lines += ["", EXPLANATION.format(rounds, SLICE)]
        return lines + [one.losses() for one in measured if one.traced] + self.notes
