"""Send what dead processes left in their files, or print it.

Without --endpoint nothing is sent and no file is changed. What a living process holds is passed over. Exit
status: 0 when all was whole, and sent; 1 when something was damaged, refused, or not sent (what is left stays
in its file); 2 for wrong arguments or settings.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from otlp_lite._native import core
from otlp_lite.cli import otlp
from otlp_lite.cli.left import Gone, InUse, Left, Refused, found
from otlp_lite.cli.receive import leave_stdout, show, terminal_style
from otlp_lite.cli.sending import Sender
from otlp_lite.cli.waterfall import Traces, draw, escape
from otlp_lite.errors import ConfigurationError
from otlp_lite.export.worker import BODY_MAX


@dataclass
class Account:
    """What was in a file, in spans, and what became of it."""

    path: str
    whole: int = 0
    offered: int = 0
    """Of the whole ones, sent before without an answer for good."""
    damaged: int = 0
    sent: int = 0
    rejected: int = 0
    left: int = 0
    problems: list[str] = field(default_factory=list)
    passed_over: bool = False
    """Its process lives, or there is nothing in it: no failure."""

    def settle(self, stats: core.Stats) -> None:
        """What became of it. What the reader alone took for whole is damaged: who adopts looks at more."""
        gone = stats.exported + stats.rejected
        self.left = min(stats.pending + stats.open_spans_used, self.whole - gone)
        self.damaged += self.whole - gone - self.left
        self.whole = gone + self.left
        self.offered = min(self.offered, self.whole)
        self.sent, self.rejected = stats.exported, stats.rejected

    def well(self) -> bool:
        return not (self.damaged or self.rejected or self.left or (self.problems and not self.passed_over))

    def line(self, sending: bool) -> str:
        said = []
        if self.whole or self.damaged or not self.problems:
            offered = f" ({self.offered} offered before, and may have arrived)" if self.offered else ""
            said.append(f"{self.whole} whole{offered}, {self.damaged} damaged")
            if sending:
                said.append(f"{self.sent} sent, {self.rejected} rejected, {self.left} left")
        return escape(f"{self.path}: {'; '.join([*said, *self.problems])}")


class Outlet(Protocol):
    """What is done with what was left."""

    changing: bool

    def take(self, left: Left, account: Account) -> None: ...
    def end(self) -> None: ...


class Printed:
    """Batch after batch of a copy."""

    changing: bool = False

    def take(self, left: Left, account: Account) -> None:
        region = left.region()
        strange = alone = 0
        while True:
            batch = region.collect(BODY_MAX, 1 if alone else 0)
            if batch is None and region.adopt_open():
                continue
            if batch is None:
                break
            alone = max(alone - 1, 0)
            try:
                self._read(batch)
            except ValueError:
                if batch.records > 1:  # one of them
                    alone = batch.records
                    batch.release()
                    continue
                strange += 1
            else:
                self._print()
            batch.acknowledge()
        account.settle(region.stats())
        if strange:
            account.problems.append(f"{strange} not printed, whose bytes are no span of OTLP")

    def end(self) -> None:
        sys.stdout.flush()

    def _read(self, batch: core.Batch) -> None:
        """Raises ValueError where its bytes are no request."""
        raise NotImplementedError

    def _print(self) -> None:
        """What was read."""
        raise NotImplementedError


class Lines(Printed):
    """A request of OTLP/JSON each."""

    def _read(self, batch: core.Batch) -> None:
        self._line = batch.json()

    def _print(self) -> None:
        sys.stdout.buffer.write(self._line)
        sys.stdout.buffer.write(b"\n")


class Trees(Printed):
    """Waterfalls, of all files together; past MAX_PENDING_SPANS spans the oldest trace is drawn as it is."""

    def __init__(self) -> None:
        self._traces = Traces()
        self._style = terminal_style()

    def end(self) -> None:
        self._print(float("inf"))
        super().end()

    def _read(self, batch: core.Batch) -> None:
        self._traces.add(otlp.decode(batch.tobytes()), 0.0)

    def _print(self, now: float = 0.0) -> None:
        for trace in self._traces.due(now):
            show([*draw(trace, self._style), ""])


class Sent:
    """To a receiver."""

    changing: bool = True

    def __init__(self, endpoint: str) -> None:
        self._sender = Sender({"endpoint": endpoint})
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, signal.SIG_DFL)  # at once, not after an answer: a file survives that

    def take(self, left: Left, account: Account) -> None:
        if account.whole == 0:
            return
        account.left = account.whole
        taken: list[core.Region] = []

        def adopt() -> core.Region:
            taken.append(left.region())
            return taken[0]

        try:
            problem = self._sender.send(adopt)
        finally:
            for region in taken:
                account.settle(region.stats())
        if problem:
            account.problems.append(problem)

    def end(self) -> None:
        self._sender.close()
        for words in self._sender.words:
            print(f"{self._sender.url}: {words}", file=sys.stderr)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", nargs="+", metavar="PATH", help="a file, or a directory of such")
    how = parser.add_mutually_exclusive_group()
    how.add_argument(
        "--endpoint",
        metavar="URL",
        help="send it there, v1/traces appended, and mark what was taken; headers, certificates, compression "
        "and proxies are those of the environment",
    )
    how.add_argument("--json", action="store_true", help="print OTLP/JSON, a request a line, and no trees")


def run(args: argparse.Namespace) -> int:
    outlet: Outlet
    try:
        outlet = Sent(args.endpoint) if args.endpoint is not None else Lines() if args.json else Trees()
    except ConfigurationError as error:
        print(f"otlp_lite recover: {error}", file=sys.stderr)
        return 2
    accounts: list[Account] = []
    try:
        seen: dict[object, Account] = {}
        for path in args.paths:
            _recover(path, outlet, accounts, seen)
        outlet.end()
    except BrokenPipeError:
        raise
    except OSError as error:
        print(f"otlp_lite recover: not printed: {error.strerror}", file=sys.stderr)
        leave_stdout()
        return 1
    finally:
        _report(accounts, outlet.changing)
    return 0 if all(account.well() for account in accounts) else 1


def _identity(file: Path) -> tuple[object, ...]:
    """The same for all paths of a file, which need not be there; a link is one of its own."""
    try:
        folder = os.stat(file.parent)
    except OSError:
        return (file,)
    return folder.st_dev, folder.st_ino, file.name


def _recover(path: str, outlet: Outlet, accounts: list[Account], seen: dict[object, Account]) -> None:
    """What a path names and none before it: `seen` are the files of those."""
    try:
        files = list(found(path))
    except OSError as error:
        accounts.append(Account(path or repr(path), problems=[f"not opened: {error.strerror}"]))
        return
    if not files:
        accounts.append(
            Account(path, problems=["no file called slot-*.region or slot-*.aside"], passed_over=True)
        )
    for file, reason in files:
        if (whole := _identity(file)) in seen:
            if file == Path(path):
                seen[whole].passed_over = False  # named by itself, too
            continue
        account = seen[whole] = Account(str(file))
        accounts.append(account)
        try:
            if reason:
                raise Refused(reason)
            _recover_file(Left(file, outlet.changing), outlet, account)
        except Refused as error:
            account.problems.append(str(error))
            account.passed_over = isinstance(error, InUse) and file != Path(path)
            if isinstance(error, Gone) and file != Path(path):
                accounts.remove(account)


def _recover_file(left: Left, outlet: Outlet, account: Account) -> None:
    try:
        account.offered, account.damaged = left.records.offered, left.records.damaged
        account.whole = left.records.pending + left.records.offered
        if left.cut:
            account.problems.append(f"cut short: {left.cut} bytes are missing")
        outlet.take(left, account)
    finally:
        left.close()


def _report(accounts: list[Account], sending: bool) -> None:
    total = Account("total")
    for account in accounts:
        print(account.line(sending), file=sys.stderr)
        for name in ("whole", "offered", "damaged", "sent", "rejected", "left"):
            setattr(total, name, getattr(total, name) + getattr(account, name))
    print(total.line(sending), file=sys.stderr)
