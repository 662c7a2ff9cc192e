"""Receive traces over OTLP/HTTP and print them as waterfalls, until Ctrl-C.

Takes POST /v1/traces with protobuf bodies, plain or gzip; JSON is not taken.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
import threading
import time
from collections import Counter
from contextlib import suppress

from otlp_lite.cli.otlp import TracesRequest
from otlp_lite.cli.server import DEFAULT_LIMITS, Limits, Receiver
from otlp_lite.cli.waterfall import Style, Traces, draw, escape

TICK_SECONDS = 0.1
GREETING = """\
listening at {}, POST /v1/traces (OTLP/HTTP protobuf; JSON is not taken); Ctrl-C ends
a request: up to {} bytes as sent, {} after decompression, {} messages"""


NAMES_MAX, NAME_MAX = 1000, 60
"""Services counted by name, and characters of it that are kept."""
OTHERS = "(others)"


def _limit(text: str) -> int:
    return _whole(text, 1, None, "over 0")


def _port(text: str) -> int:
    return _whole(text, 0, 65535, "of a port, 0 to 65535")


def _whole(text: str, least: int, most: int | None, which: str) -> int:
    with suppress(ValueError):
        value = int(text)
        if least <= value and (most is None or value <= most):
            return value
    raise argparse.ArgumentTypeError(f"{text}: expected a whole number {which}")


def _rate(text: str) -> float:
    with suppress(ValueError):
        value = float(text)
        if 0 <= value < float("inf"):
            return value
    raise argparse.ArgumentTypeError(f"{text}: expected a number, 0 or more")


class Log:
    """What has arrived: counted whole, shown up to so many lines or traces a second."""

    def __init__(self, shown_per_second: float, style: Style) -> None:
        self.spans: Counter[str] = Counter()
        self.requests: int = 0
        self.refused: Counter[int] = Counter()
        self.drawn: int = 0
        self.not_drawn: int = 0
        self._style = style
        self._traces = Traces()
        self._lock = threading.Lock()
        self._notices: list[str] = []
        self._per_second = shown_per_second
        self._allowance = max(shown_per_second, 1.0)
        self._refilled = time.monotonic()

    def on_request(self, request: TracesRequest) -> None:
        with self._lock:
            self.requests += 1
            for service, count in self._traces.add(request, time.monotonic()).items():
                name = service[:NAME_MAX]
                if name not in self.spans and len(self.spans) >= NAMES_MAX:
                    name = OTHERS
                self.spans[name] += count

    def on_refused(self, status: int, message: str) -> None:
        with self._lock:
            self.refused[status] += 1
            if len(self._notices) < 10:  # a tick; the rest shows in the total
                self._notices.append(f"refused with {status}: {escape(message[:200])}")

    def lines(self, everything: bool = False) -> list[str]:
        """What there is to print now."""
        with self._lock:
            lines, self._notices = self._notices, []
            now = time.monotonic()
            self._allowance = min(
                self._allowance + (now - self._refilled) * self._per_second, max(self._per_second, 1.0)
            )
            self._refilled = now
            for trace in self._traces.due(float("inf") if everything else now):
                if self._allowance >= 1.0 or self._per_second == 0:
                    self._allowance -= 1.0
                    self.drawn += 1
                    lines += [*draw(trace, self._style), ""]
                else:
                    self.not_drawn += 1
            return lines

    def total(self) -> str:
        refused = ", ".join(f"{count} with {status}" for status, count in sorted(self.refused.items()))
        services = ", ".join(f"{escape(name)} {count}" for name, count in self.spans.most_common(10))
        spans = f"{sum(self.spans.values())} ({services})" if services else "0"
        return (
            f"total: spans {spans}; requests {self.requests}, refused: {refused or 'none'}; "
            f"traces shown {self.drawn}, not shown {self.not_drawn}"
        )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="address to listen at (default: %(default)s)")
    add("--port", type=_port, default=4318, help="0 takes a free one (default: %(default)s)")
    limits = DEFAULT_LIMITS
    add(
        "--max-body", type=_limit, default=limits.body, metavar="BYTES", help="as sent (default: %(default)s)"
    )
    add(
        "--max-inflated",
        type=_limit,
        default=limits.inflated,
        metavar="BYTES",
        help="after decompression (default: %(default)s)",
    )
    add(
        "--traces-per-second",
        type=_rate,
        default=10.0,
        metavar="N",
        help="show no more than this, but count all; 0 shows all (default: %(default)g)",
    )
    add(
        "--attribute",
        action="append",
        default=[],
        metavar="KEY",
        help="show this attribute instead of the usual choice; may be repeated",
    )


def terminal_style(attributes: tuple[str, ...] = ()) -> Style:
    """Colours and the real width on a terminal only; ASCII where stdout cannot do more."""
    terminal = sys.stdout.isatty()
    unicode = (sys.stdout.encoding or "").lower().replace("-", "") in ("utf8", "utf16", "gb18030")
    return Style(shutil.get_terminal_size().columns if terminal else 120, unicode, terminal, attributes)


def show(lines: list[str]) -> None:
    """In one write, unbuffered or not: who has read the last line may go, and nothing is left to write."""
    if lines:
        encoding = sys.stdout.encoding or "ascii"
        text = "".join(f"{line}\n" for line in lines).encode(encoding, "backslashreplace").decode(encoding)
        sys.stdout.write(text)  # print() would write its empty end, too
        sys.stdout.flush()


def leave_stdout() -> None:
    """It takes no more: the flush at exit must not fail again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def end_on_signals() -> None:
    """SIGINT and SIGTERM raise KeyboardInterrupt, even if SIGINT came ignored, as in a shell's background."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)


def run(args: argparse.Namespace) -> int:
    log = Log(args.traces_per_second, terminal_style(tuple(args.attribute)))
    limits = Limits(args.max_body, args.max_inflated)
    try:
        receiver = Receiver(args.host, args.port, log.on_request, log.on_refused, limits)
    except (OSError, OverflowError) as error:
        print(f"otlp_lite receive: cannot listen at {args.host}:{args.port}: {error}", file=sys.stderr)
        return 1
    end_on_signals()
    try:
        threading.Thread(target=receiver.serve_forever, args=(TICK_SECONDS,), daemon=True).start()
        show([GREETING.format(receiver.url, *limits), ""])
        while True:
            time.sleep(TICK_SECONDS)
            show(log.lines())
    except KeyboardInterrupt:
        with suppress(KeyboardInterrupt):  # who is in a hurry
            receiver.shutdown()
            receiver.server_close()
        show([*log.lines(everything=True), log.total()])
    finally:
        receiver.server_close()
    return 0
