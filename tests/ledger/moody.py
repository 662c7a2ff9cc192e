"""What the receiver of the ledger does to each request, by chance, and what it notes of it."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import NamedTuple

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from scripted import Reply, Request, answer, hang_up, reset


@dataclass
class Receipt:
    """A request, and what became of it here."""

    request: Request
    taken: bool
    answered: bool
    """Its whole answer was sent."""


class Mood(NamedTuple):
    """One way to treat a request, and how often."""

    weight: int
    taken: bool
    answers: bool
    reply: Reply


def after(low: float, high: float, reply: Reply) -> Reply:
    """Stalls first, as long as chance says."""
    chance = Random(0)

    def stalled(connection: socket.socket, request: Request) -> bool:
        time.sleep(chance.uniform(low, high))
        return reply(connection, request)

    return stalled


def cut_short(connection: socket.socket, request: Request) -> bool:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Le")
    return False


MOODS = (
    Mood(40, True, True, answer()),
    Mood(8, True, True, after(0.02, 0.15, answer())),
    Mood(6, True, True, answer(200, b"", "Connection: close", keep=False)),
    Mood(8, True, True, answer(keep=False)),
    Mood(8, True, False, hang_up),
    Mood(6, True, False, reset),
    Mood(3, True, False, cut_short),
    Mood(4, True, False, after(0.1, 1.5, hang_up)),
    Mood(3, False, False, hang_up),
    Mood(4, False, True, answer(429)),
    Mood(4, False, True, answer(429, b"", "Retry-After: 0")),
    Mood(2, False, True, answer(429, b"", "Retry-After: 1")),
    Mood(4, False, True, answer(503)),
)
KIND = MOODS[:1]


class Moods:
    """A receiver's reply, which is another each time."""

    def __init__(self, seed: str, moods: tuple[Mood, ...] = MOODS) -> None:
        self.receipts: list[Receipt] = []
        self._moods = moods
        self._weights = [mood.weight for mood in moods]
        self._random = Random(seed)
        self._lock = threading.Lock()

    def __call__(self, connection: socket.socket, request: Request) -> bool:
        with self._lock:
            mood = self._random.choices(self._moods, self._weights)[0]
            receipt = Receipt(request, mood.taken, False)
            self.receipts.append(receipt)
        keep = mood.reply(connection, request)
        receipt.answered = mood.answers
        return keep


class Entry(NamedTuple):
    """A span that was taken: by its id, its process's pid and instance, its thread and number there."""

    span_id: bytes
    pid: int
    instance: str
    thread: int
    number: int
    answered: bool


def entries(receipts: list[Receipt]) -> Iterator[Entry]:
    """In the order in which they came."""
    for receipt in receipts:
        if not receipt.taken:
            continue
        for resource in ExportTraceServiceRequest.FromString(receipt.request.content()).resource_spans:
            identity = {each.key: each.value.string_value for each in resource.resource.attributes}
            for scope in resource.scope_spans:
                for span in scope.spans:
                    pid, thread, number = map(int, span.name.split("."))
                    assert span.attributes[0].value.int_value == number
                    yield Entry(
                        span.span_id, pid, identity["service.instance.id"], thread, number, receipt.answered
                    )
