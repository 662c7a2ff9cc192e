"""`python -m otlp_lite recover` of damaged files: whole records or a clear error, never a wrong record."""

from __future__ import annotations

import os
import random
import resource
import struct
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from dead import Left, Record, spans
from recovering import Done, numbers, received, recover, send
from scripted import Receiver

SIZE = 1 << 16
EXPECTED = "expected a file that a process of otlp_lite made"


class Whole(NamedTuple):
    """A file, and what it holds."""

    data: bytes
    records: list[Record]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Whole:
    left = Left()
    left.whose("shop", "one", "urn:a")
    left.record(spans(30))
    left.whose("till", "two", "", "urn:b")
    left.record(spans(30, 1))
    (chained,) = spans(1, 2)
    chained.name = "x" * 9000
    left.record([chained])
    path = left.write(tmp_path_factory.mktemp("whole") / "left", SIZE)
    return Whole(path.read_bytes(), left.records)


def word(value: int, other: str = "=") -> bytes:
    return struct.pack(f"{other}I", value)


def changed(data: bytes, at: int, new: bytes) -> bytes:
    return data[:at] + new + data[at + len(new) :]


def other_end(data: bytes) -> bytes:
    """The header's words as a machine of the other byte order writes them."""
    return data[:8] + b"".join(data[at : at + 4][::-1] for at in range(8, 4096, 4)) + data[4096:]


def check(done: Done, records: list[Record], where: str) -> None:
    """No record is printed that was not recorded, none twice, and none is missing that was whole."""
    strange = Counter(done.records()) - Counter(records)
    assert not strange, (where, strange)
    assert done.total["whole"] == len(done.records()), where


CUT = "and those are damaged"
pytestmark = pytest.mark.sources
STRANGE: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "empty": (lambda data: b"", f"empty: {EXPECTED}"),
    "zeros": (lambda data: bytes(9000), "no region, as it begins with "),
    "text": (lambda data: b"text of ours\n", f"no region, as it begins with b'text of ': {EXPECTED}"),
    "magic": (lambda data: data[:5], "a region cut short: 5 bytes are there, not even a header"),
    "words": (lambda data: data[:20], "a region cut short: 20 bytes are there, not even a header"),
    "head": (lambda data: data[:60], f"a region cut short: of {SIZE} bytes 60 are there, {CUT}"),
    "older": (lambda data: changed(data, 8, word(1)), "a region of layout 1: expected "),
    "newer": (lambda data: changed(data, 8, word(99)), "a region of layout 99: expected "),
    "other end": (other_end, "a region of a machine of the other byte order: it can be read on such a one"),
    "32 bits": (
        lambda data: changed(data, 16, word(4)),
        "a region of a 32-bit process: expected a 64-bit one, as this is",
    ),
    "header": (
        lambda data: changed(data, 28, b"\xff"),
        "a region whose header is damaged: nothing vouches for its records",
    ),
    "size": (
        lambda data: changed(data, 24, word(2 * SIZE)),
        f"a region cut short: of {2 * SIZE} bytes {SIZE} are there, {CUT}",
    ),
}


@pytest.mark.parametrize("kind", STRANGE)
def test_what_cannot_be_read_is_named(kind: str, whole: Whole, tmp_path: Path) -> None:
    make, said = STRANGE[kind]
    path = tmp_path / "strange"
    data = make(whole.data)
    path.write_bytes(data)
    with Receiver() as receiver:
        for done in (recover("--json", path), recover(path), send(receiver, path)):
            assert done.status == 1 and done.out == b""
            (line,) = done.said
            assert line.startswith(f"{path}: {said}")
        assert receiver.requests == []
    assert path.read_bytes() == data


def test_a_cut_file_gives_what_is_there(whole: Whole, tmp_path: Path) -> None:
    """At each length, by itself and sent; what is missing is said."""
    data, records = whole
    found = []
    for size in (3000, 5000, 9000, 20_000, 30_000, 40_000, 50_000, 60_000, SIZE - 1):
        path = tmp_path / str(size)
        path.write_bytes(data[:size])
        done = recover("--json", path)
        assert done.status == 1 and done.said[0].endswith(f"cut short: {SIZE - size} bytes are missing")
        assert path.stat().st_size == size
        check(done, records, f"cut to {size}")
        found.append(done.total["whole"])
        with Receiver() as receiver:
            sent = send(receiver, path)
            assert sent.status == 1 and sent.total["sent"] == done.total["whole"] and sent.total["left"] == 0
            assert Counter(received(receiver)) == Counter(done.records())
            count = len(receiver.requests)
            assert send(receiver, path).total["sent"] == 0 and len(receiver.requests) == count
    assert found[0] == 0 and found == sorted(found) and len(set(found)) > 3 and found[-1] >= len(records) - 1


def test_a_cut_file_that_cannot_grow_is_refused(whole: Whole, tmp_path: Path) -> None:
    path = tmp_path / "cut"
    path.write_bytes(whole[0][:50_000])

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))

    with Receiver() as receiver:
        done = recover("--endpoint", receiver.url, path, prepare=limit)
        assert done.status == 1 and done.said[0].endswith("not taken over: File too large")
        assert receiver.requests == []
    assert path.stat().st_size == 50_000


def test_holes_are_filled_before_they_are_written_to(whole: Whole, tmp_path: Path) -> None:
    """Of a copy with holes on a full disk: an error, and no signal."""
    path = tmp_path / "holes"
    path.write_bytes(whole.data[:50_000])
    os.truncate(path, SIZE)
    assert os.stat(path).st_blocks * 512 < SIZE
    with Receiver() as receiver:
        assert send(receiver, path).total["sent"] > 0
    assert os.stat(path).st_blocks * 512 >= SIZE


def test_flipped_bits_lose_their_records_alone(whole: Whole, tmp_path: Path) -> None:
    """Three hundred files, a flip each: of the data's, at most its record is lost, and it is counted."""
    data, records = whole
    rng = random.Random(7)
    data_at = data.index(b"\x12", SIZE // 4)
    for number in range(300):
        at = rng.randrange(4096) if number % 3 == 0 else rng.randrange(data_at, SIZE)
        flipped = bytes([data[at] ^ 1 << rng.randrange(8)])
        (tmp_path / f"slot-{number:03}.{at}.aside").write_bytes(changed(data, at, flipped))
    done = recover("--json", tmp_path)
    assert done.status == 1
    allowed = Counter({record: count * 300 for record, count in Counter(records).items()})
    assert not Counter(done.records()) - allowed
    assert len(done.records()) == done.total["whole"]
    lines = {line.split(":")[0].removeprefix(f"{tmp_path}/"): line for line in done.said}
    assert len(lines) == 300
    damaged = 0
    for name, line in lines.items():
        counted = numbers(line)
        if int(name.split(".")[1]) >= data_at:
            assert counted["whole"] + counted["damaged"] == len(records), line
            assert counted["damaged"] <= 30, line  # a chunk's index tells where each of its records begins
            damaged += counted["damaged"]
        else:
            assert counted or "a region" in line, line
    assert damaged > 20


def test_many_flips_and_noise_are_survived(whole: Whole, tmp_path: Path) -> None:
    """Sent, which also writes: nothing that was not recorded, and the second time nothing."""
    data, records = whole
    rng = random.Random(8)
    for number in range(60):
        wrong = bytearray(data)
        for _ in range(rng.choice((2, 20, 200))):
            at = rng.randrange(4096, SIZE)
            size = rng.choice((1, 1, 4, 64))
            wrong[at : at + size] = rng.choice((bytes(size), rng.randbytes(size), b"\xff" * size))
        (tmp_path / f"slot-{number:03}.region").write_bytes(wrong[:SIZE])
    printed = recover("--json", tmp_path)
    allowed = Counter({record: count * 60 for record, count in Counter(records).items()})
    with Receiver() as receiver:
        done = send(receiver, tmp_path)
        assert done.status == 1 and done.total["damaged"] > 100
        assert (done.total["sent"], done.total["left"]) == (done.total["whole"], 0)
        got = received(receiver)
        assert not Counter(got) - allowed
        assert Counter(got) == Counter(printed.records()) and len(got) == done.total["sent"] > 100
        count = len(receiver.requests)
        again = send(receiver, tmp_path)
        assert again.total["sent"] == 0 and len(receiver.requests) == count


def test_damaged_records_are_counted_and_the_rest_is_sent(whole: Whole, tmp_path: Path) -> None:
    data, records = whole
    at = data.index(b"s11")
    path = tmp_path / "left"
    path.write_bytes(changed(data, at, b"x11"))
    with Receiver() as receiver:
        done = send(receiver, path)
        assert done.status == 1
        assert done.said == [f"{path}: 60 whole, 1 damaged; 60 sent, 0 rejected, 0 left"]
        assert Counter(records) - Counter(received(receiver)) == Counter([records[11]])
        done = send(receiver, path)
        assert done.status == 0 and done.total["sent"] == 0


def test_bytes_that_are_no_span_are_told(tmp_path: Path) -> None:
    """A program in C may record anything: the rest is printed."""
    left = Left()
    left.whose("shop", "one")
    left.record(spans(5))
    left.record_bytes(b"\x12\x03\xff\xff\xff")
    left.record(spans(5, 1))
    path = left.write(tmp_path / "left")
    for form in ((), ("--json",)):
        done = recover(*form, path)
        assert done.status == 1
        assert done.said == [f"{path}: 11 whole, 0 damaged; 1 not printed, whose bytes are no span of OTLP"]
    assert done.records() == left.records
