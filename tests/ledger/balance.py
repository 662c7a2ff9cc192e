"""Holds what arrived against what each process counted itself."""

from __future__ import annotations

import json
import struct
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .moody import Receipt, entries

Account = dict[str, Any]


@dataclass
class Books:
    """Of one round, by process: what was counted whatever the death, what it said at its end, what came."""

    tallies: dict[int, tuple[int, int]]
    """Spans that it was about to end, and that had ended."""
    accounts: dict[int, list[Account]]
    asked: dict[int, int]
    """Of those that had ended before the end of the process was asked for, the most that is known."""
    arrived: dict[int, set[bytes]] = field(default_factory=lambda: defaultdict(set))
    twice: dict[int, set[bytes]] = field(default_factory=lambda: defaultdict(set))
    wrong: list[str] = field(default_factory=list)

    def totals(self) -> Counter[str]:
        found: Counter[str] = Counter(processes=len(self.tallies))
        for account in (account for said in self.accounts.values() for account in said):
            for name in ("recorded", "exported", "unanswered", "resent"):
                found[name] += account[name]
            for reason, number in account["dropped"].items():
                found[f"dropped {reason}"] += number
        found["arrived"] = sum(map(len, self.arrived.values()))
        found["arrived twice"] = sum(map(len, self.twice.values()))
        return found


def tallied(folder: Path) -> dict[int, tuple[int, int]]:
    """By process, of all its threads."""
    found: dict[int, tuple[int, int]] = {}
    for path in folder.glob("*.tally"):
        data = path.read_bytes()
        if len(data) == 16:  # else its thread was about to begin
            begun, ended = struct.unpack("QQ", data)
            before = found.get(pid := int(path.name.partition(".")[0]), (0, 0))
            found[pid] = (before[0] + begun, before[1] + ended)
    return found


def read(folder: Path, receipts: list[Receipt]) -> Books:
    accounts: dict[int, list[Account]] = defaultdict(list)
    asked: dict[int, int] = defaultdict(int)
    for line in (folder / "account").read_text().splitlines() if (folder / "account").exists() else ():
        fact = json.loads(line)
        if "asked" in fact:
            asked[fact["pid"]] = max(asked[fact["pid"]], fact["asked"])
        else:
            accounts[fact["pid"]].append(fact)
    books = Books(tallied(folder), accounts, asked)
    _receive(books, receipts)
    return books


def _receive(books: Books, receipts: list[Receipt]) -> None:
    answered: dict[bytes, bool] = {}
    known: dict[tuple[int, int, int], bytes] = {}
    instances: dict[int, str] = {}
    for entry in entries(receipts):
        if answered.get(entry.span_id, False):
            books.wrong.append(f"again, though it was answered: {entry}")
        if entry.span_id in answered:
            books.twice[entry.pid].add(entry.span_id)
        answered[entry.span_id] = entry.answered
        books.arrived[entry.pid].add(entry.span_id)
        if known.setdefault((entry.pid, entry.thread, entry.number), entry.span_id) != entry.span_id:
            books.wrong.append(f"one span under two ids: {entry}")
        if instances.setdefault(entry.pid, entry.instance) != entry.instance:
            books.wrong.append(f"one process of two instances: {entry}")
    if len(set(instances.values())) != len(instances):
        books.wrong.append(f"two processes of one instance: {instances}")


def complaints(books: Books, kind: bool) -> Iterator[str]:
    """What does not hold; a `kind` receiver took all, at once."""
    yield from books.wrong[:10]
    for pid in sorted(books.tallies.keys() | books.arrived.keys() | books.accounts.keys()):
        tally, accounts = books.tallies.get(pid, (0, 0)), books.accounts.get(pid, [])
        arrived = len(books.arrived.get(pid, ()))
        if len(accounts) != 1 and (accounts or arrived or tally[1]):
            yield f"process {pid}: {len(accounts)} accounts, of {tally[1]} spans, {arrived} arrived"
        for account in accounts:
            for complaint in _unbalanced(account, arrived, books.asked.get(pid, 0) if kind else 0):
                yield f"process {pid}: {complaint}: {arrived} arrived, {tally} tallied, {account}"


def _unbalanced(account: Mapping[str, Any], arrived: int, asked: int) -> Iterator[str]:
    dropped = account["dropped"]
    if account["pending"] != 0:
        yield "some are pending"
    left = account["exported"] + account["rejected"] + sum(dropped.values()) + account["pending"]
    if account["recorded"] + account["adopted"] != left:
        yield "the counters do not balance"
    if not account["ended"] <= account["recorded"] <= account["begun"]:
        yield "not all were counted"
    if not 0 <= arrived - account["exported"] <= account["unanswered"]:
        yield "what arrived is not what was counted"
    if arrived < asked - dropped.get("overwritten", 0):
        yield f"{asked} had ended before the end was asked for"
