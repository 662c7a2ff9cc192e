"""The ledger sees each fault that is planted into its books."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from clock import Clock
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from scripted import Request

from .balance import Account, complaints, read
from .moody import Receipt

PID = 7
Spans = dict[int, bytes]
"""Ids by number."""
USUAL: Account = {
    "pid": PID,
    "begun": 12,
    "ended": 10,
    "recorded": 11,
    "adopted": 0,
    "exported": 4,
    "rejected": 0,
    "resent": 0,
    "unanswered": 2,
    "dropped": {"overwritten": 4, "shutdown": 3},
    "pending": 0,
}


def ids(*numbers: int) -> Spans:
    return {number: number.to_bytes(8, "big") for number in numbers}


def receipt(
    spans: Spans, *, answered: bool = True, taken: bool = True, instance: str = "i", pid: int = PID
) -> Receipt:
    request = ExportTraceServiceRequest()
    resource = request.resource_spans.add()
    resource.resource.attributes.add(key="service.instance.id").value.string_value = instance
    scope = resource.scope_spans.add()
    for number, span_id in spans.items():
        span = scope.spans.add(name=f"{pid}.1.{number}", span_id=span_id)
        span.attributes.add(key="number").value.int_value = number
    return Receipt(Request("", {}, request.SerializeToString(), Clock(), 1), taken, answered)


def told(folder: Path, receipts: list[Receipt], kind: bool = False, **facts: Any) -> list[str]:
    """What the ledger says of a process that counted as usual but for `facts`."""
    (folder / f"{PID}.1.tally").write_bytes(struct.pack("QQ", 12, 10))
    lines = [{"pid": PID, "asked": 9}] if kind else []
    accounts = facts.pop("accounts", 1)
    lines += [USUAL | facts] * accounts
    (folder / "account").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return list(complaints(read(folder, receipts), kind))


FIRST, LATER = ids(1, 2, 3), ids(4)
ALL = [receipt(FIRST), receipt(LATER)]


def test_books_that_are_right_are_not_complained_of(tmp_path: Path) -> None:
    assert told(tmp_path, ALL) == []
    assert told(tmp_path, [*ALL, receipt(ids(5, 6), answered=False)]) == []
    assert told(tmp_path, [receipt(FIRST, answered=False), receipt(FIRST), receipt(LATER)]) == []
    assert told(tmp_path, [receipt(FIRST, taken=False), *ALL]) == []


FAULTS: dict[str, tuple[str, Callable[[Path], list[str]]]] = {
    "a span that was lost": ("what arrived is not", lambda at: told(at, [receipt(FIRST)])),
    "more than can be there": (
        "what arrived is not",
        lambda at: told(at, [*ALL, receipt(ids(5, 6, 7), answered=False)]),
    ),
    "sent again after its answer": ("again, though it was", lambda at: told(at, [*ALL, receipt(LATER)])),
    "two ids": ("under two ids", lambda at: told(at, [*ALL, receipt({4: b"another "})])),
    "two instances": (
        "of two instances",
        lambda at: told(at, [receipt(FIRST), receipt(LATER, instance="j")]),
    ),
    "an instance of two": ("of one instance", lambda at: told(at, [*ALL, receipt(ids(1), pid=8)])),
    "no account": ("0 accounts", lambda at: told(at, ALL, accounts=0)),
    "two accounts": ("2 accounts", lambda at: told(at, ALL, accounts=2)),
    "pending": ("some are pending", lambda at: told(at, ALL, pending=1, recorded=12)),
    "a drop that is not counted": ("do not balance", lambda at: told(at, ALL, dropped={"overwritten": 4})),
    "an end that is not counted": ("not all were counted", lambda at: told(at, ALL, recorded=9)),
    "asked for and not sent": (
        "had ended before",
        lambda at: told(at, ALL, True, dropped={"shutdown": 7}),
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_told(tmp_path: Path, fault: str) -> None:
    expected, plant = FAULTS[fault]
    found = plant(tmp_path)
    assert any(expected in each for each in found), found
