"""`python -m otlp_lite receive` decodes exactly, bounds what it takes and outlives hostile peers."""

from __future__ import annotations

import gzip
import random
import re
import socket
import struct
import subprocess
import sys
import time
import zlib
from collections import Counter
from collections.abc import Iterator

import pytest
from clock import Clock
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import DecodeError as OracleError
from google.protobuf.message import Message
from google.rpc.status_pb2 import Status
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from receiving import PROTOBUF, Running

from otlp_lite.cli import otlp, waterfall

# --- the decoder against opentelemetry-proto ---------------------------------------------------------------

REQUEST = ExportTraceServiceRequest.DESCRIPTOR
OUR_NAMES = {"ExportTraceServiceRequest": "TracesRequest"}
WIRE = {  # the other types are varints
    FieldDescriptor.TYPE_DOUBLE: 1,
    FieldDescriptor.TYPE_FIXED64: 1,
    FieldDescriptor.TYPE_FIXED32: 5,
    FieldDescriptor.TYPE_STRING: 2,
    FieldDescriptor.TYPE_BYTES: 2,
    FieldDescriptor.TYPE_MESSAGE: 2,
}
NUMBERS = (0, 1, 2, 127, 128, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**63 - 1, 2**63, 2**64 - 1)
STRINGS = ("", "a", "service.name", "h\u00e9", "\u20ac", "\U0001f642", "\x1b[31m\x00", "x" * 200)


def varint(value: int, length: int = 0) -> bytes:
    """`value`, padded to `length` bytes when that is more than it needs."""
    out = bytearray()
    while value > 127 or len(out) < length - 1:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def delimited(number: int, body: bytes, length: int = 0) -> bytes:
    return varint(number << 3 | 2) + varint(len(body), length) + body


def scalar(rng: random.Random, wire: int) -> bytes:
    return {0: varint(rng.choice(NUMBERS), rng.randint(1, 10)), 1: rng.randbytes(8), 5: rng.randbytes(4)}[
        wire
    ]


def unknown_field(rng: random.Random, number: int, wires: tuple[int, ...] = (0, 1, 2, 3, 5)) -> bytes:
    wire = rng.choice(wires)
    if wire == 2:
        return delimited(number, rng.randbytes(3), rng.randint(1, 5))
    if wire == 3:
        inner = (unknown_field(rng, rng.randint(1, 99)) for _ in range(rng.randint(0, 2)))
        return varint(number << 3 | 3) + b"".join(inner) + varint(number << 3 | 4)
    return varint(number << 3 | wire) + scalar(rng, wire)


def wire_message(
    rng: random.Random, descriptor: Descriptor | None, hits: Counter[str], depth: int = 0
) -> bytes:
    """Any legal encoding of any message: fields in any order, repeated, padded, among unknown ones."""
    assert descriptor is not None
    parts = []
    for _ in range(rng.randint(0 if depth else 1, 4)):
        field = rng.choice(descriptor.fields)
        wire = WIRE.get(field.type, 0)
        dice = rng.random()
        if dice < 0.06:
            parts.append(unknown_field(rng, rng.randint(20, 2**29 - 1)))
            hits["unknown number"] += 1
        elif dice < 0.12:
            parts.append(unknown_field(rng, field.number, tuple({0, 1, 2, 3, 5} - {wire})))
            hits["another wire type"] += 1
        elif wire == 2:
            if field.type == FieldDescriptor.TYPE_MESSAGE:
                body = wire_message(rng, field.message_type, hits, depth + 1) if depth < 12 else b""
            elif field.type == FieldDescriptor.TYPE_STRING:
                body = rng.choice(STRINGS).encode()
            else:
                body = rng.randbytes(rng.choice((0, 8, 16)))
            length = rng.randint(1, 5)
            parts.append(delimited(field.number, body, length))
            hits[f"{descriptor.name}.{field.name}"] += 1
            hits[f"length of {length} bytes"] += len(varint(len(body))) < length
        else:
            parts.append(varint(field.number << 3 | wire, rng.randint(1, 5)) + scalar(rng, wire))
            hits[f"{descriptor.name}.{field.name}"] += 1
    return b"".join(parts)


def convert(value: object) -> object:
    return as_ours(value) if isinstance(value, Message) else value


def as_ours(message: Message) -> object:
    """What the oracle decoded, in our types: every field of its descriptor must be one of ours."""
    name = message.DESCRIPTOR.name
    ours = getattr(otlp, OUR_NAMES.get(name, name))
    if name == "AnyValue":
        kind = message.WhichOneof("value")
        if kind == "string_value_strindex":
            return otlp.AnyValue(otlp.StringIndex(getattr(message, kind)))
        return ours(convert(getattr(message, kind)) if kind else None)
    values = {field.name: getattr(message, field.name) for field in message.DESCRIPTOR.fields}
    repeated = {field.name for field in message.DESCRIPTOR.fields if field.is_repeated}
    return ours(
        **{
            key: [convert(v) for v in value] if key in repeated else convert(value)
            for key, value in values.items()
        }
    )


def both(data: bytes) -> tuple[str, str]:
    """How we and how the oracle read `data`; repr, so that NaN equals NaN and 0.0 does not equal -0.0."""
    try:
        ours = repr(otlp.decode(data))
    except otlp.DecodeError as error:
        ours = "field number 0" if str(error).endswith("field number 0") else "malformed"
    try:
        theirs = repr(as_ours(ExportTraceServiceRequest.FromString(data)))
    except OracleError:
        theirs = "malformed"
    if ours == "field number 0":  # numbers begin at 1; the oracle takes a 0 inside groups it skips
        return "malformed", "malformed"
    return ours, theirs


def test_decodes_what_the_oracle_decodes() -> None:
    hits: Counter[str] = Counter()

    @settings(max_examples=4000, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.integers(0, 2**64))
    def check(seed: int) -> None:
        ours, theirs = both(wire_message(random.Random(seed), REQUEST, hits))
        assert theirs != "malformed"
        assert ours == theirs

    check()
    wanted = {
        f"{name}.{field.name}"
        for name, descriptor in messages(REQUEST).items()
        for field in descriptor.fields
    }
    wanted |= {"unknown number", "another wire type", *(f"length of {n} bytes" for n in (2, 3, 4, 5))}
    assert {what: hits[what] for what in wanted if hits[what] < 50} == {}


def messages(descriptor: Descriptor, found: dict[str, Descriptor] | None = None) -> dict[str, Descriptor]:
    found = {} if found is None else found
    if descriptor.name not in found:
        found[descriptor.name] = descriptor
        for field in descriptor.fields:
            if field.message_type:
                messages(field.message_type, found)
    return found


def whole_request(seed: int) -> bytes:
    """A request of at least 200 bytes."""
    for attempt in range(seed * 1000, seed * 1000 + 1000):
        data = wire_message(random.Random(attempt), REQUEST, Counter())
        if 200 <= len(data) <= 2000:
            return data
    raise AssertionError("the generator makes nothing long enough")


def test_cut_off_anywhere_it_says_what_the_oracle_says() -> None:
    outcomes: Counter[bool] = Counter()
    for seed in range(3):
        data = whole_request(seed)
        for end in range(len(data)):
            ours, theirs = both(data[:end])
            assert ours == theirs, f"cut at {end}"
            outcomes[ours == "malformed"] += 1
    assert min(outcomes[True], outcomes[False]) > 0


def test_damaged_anywhere_it_says_what_the_oracle_says() -> None:
    outcomes: Counter[bool] = Counter()
    for seed in range(3):
        rng, data = random.Random(seed), whole_request(seed)
        for _ in range(1500):
            damaged = bytearray(data)
            for _ in range(rng.randint(1, 3)):
                damaged[rng.randrange(len(data))] = rng.choice((rng.randrange(256), 0, 0x7F, 0x80, 0xFF))
            ours, theirs = both(bytes(damaged))
            assert ours == theirs, bytes(damaged).hex()
            outcomes[ours == "malformed"] += 1
    assert min(outcomes[True], outcomes[False]) > 50


def nested_arrays(depth: int) -> bytes:
    value = b"\x10\x01"
    for _ in range(depth):
        value = delimited(5, delimited(1, value))
    return delimited(1, delimited(1, delimited(1, delimited(2, value))))


MALFORMED = {
    "length of 6 bytes": varint(10) + varint(0, 6),
    "tag of 6 bytes": varint(10, 6) + b"\0",
    "varint of 11 bytes": varint(50 << 3) + varint(1, 11),
    "tag over 32 bits": varint(2**32 + 8) + b"\0",
    "length past the end": varint(10) + varint(2**31 - 1),
    "field number 0": b"\0\0",
    "wire type 6": b"\x0e\0",
    "group that is not closed": b"\x0b",
    "group closed by another": b"\x0b\x14",
    "close without a group": b"\x0c",
    "string that is not UTF-8": delimited(1, delimited(3, b"\xff")),
    "surrogate": delimited(1, delimited(3, b"\xed\xa0\x80")),
    "100 groups and one": b"\x0b" * 101 + b"\x0c" * 101,
    "100 messages and one": nested_arrays(49),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_malformed_bytes_are_refused_with_a_reason(case: str) -> None:
    with pytest.raises(OracleError):
        ExportTraceServiceRequest.FromString(MALFORMED[case])
    with pytest.raises(otlp.DecodeError, match=r"byte \d+: ."):
        otlp.decode(MALFORMED[case])


def test_field_number_0_in_an_unknown_group_is_refused_unlike_the_oracle() -> None:
    ExportTraceServiceRequest.FromString(b"\x0b\0\0\x0c")
    with pytest.raises(otlp.DecodeError, match="field number 0"):
        otlp.decode(b"\x0b\0\0\x0c")


@pytest.mark.parametrize("data", [b"\x0b" * 100 + b"\x0c" * 100, nested_arrays(48)])
def test_nesting_that_protobuf_takes_is_taken(data: bytes) -> None:
    ours, theirs = both(data)
    assert ours == theirs != "malformed"


def test_messages_of_a_request_are_bounded() -> None:
    data = delimited(1, delimited(2, delimited(2, b"") * 98))
    assert len(otlp.decode(data, max_messages=100).resource_spans[0].scope_spans[0].spans) == 98
    with pytest.raises(otlp.TooManyMessages):
        otlp.decode(data, max_messages=99)


# --- the waterfall -----------------------------------------------------------------------------------------

IDS = st.sampled_from([b"", b"a" * 8, b"b" * 8, b"c" * 8, b"d" * 8])
TIMES = st.sampled_from([0, 1, 10**18, 10**18 + 1500, 2**64 - 1])
VALUES = st.builds(otlp.AnyValue, st.text() | st.binary())
SPANS = st.builds(
    otlp.Span,
    trace_id=st.just(b"t" * 16),
    span_id=IDS,
    parent_span_id=IDS,
    name=st.text(max_size=60),
    kind=st.integers(-(2**31), 2**31 - 1),
    start_time_unix_nano=TIMES,
    end_time_unix_nano=TIMES,
    attributes=st.lists(st.builds(otlp.KeyValue, st.text(), VALUES)),
    status=st.builds(otlp.Status, st.text(), st.integers(0, 3)),
)


def traces_of(spans: list[otlp.Span], service: str = "shop") -> list[waterfall.Trace]:
    resource = otlp.Resource([otlp.KeyValue("service.name", otlp.AnyValue(service))])
    traces = waterfall.Traces()
    traces.add(otlp.TracesRequest([otlp.ResourceSpans(resource, [otlp.ScopeSpans(spans=spans)])]), 0.0)
    return [*traces.due(float("inf")), *traces.due(float("inf"))]  # each once


@settings(deadline=None)
@given(st.lists(SPANS, min_size=1, max_size=12), st.text(max_size=30), st.booleans())
def test_any_spans_are_drawn_once_each_on_safe_lines(
    spans: list[otlp.Span], service: str, unicode: bool
) -> None:
    (trace,) = traces_of(spans, service)
    for width in (80, 120):
        lines = waterfall.draw(trace, waterfall.Style(width, unicode))
        assert len(lines) == 1 + len({span.span_id for span in spans})
        for line in lines:
            assert line.isprintable()
            assert sum(map(waterfall.columns, line)) <= width


def test_the_tree_follows_parents_whatever_the_order() -> None:
    rows = [("d", "b", 3), ("c", "a", 4), ("b", "a", 2), ("a", "", 1), ("z", "y", 5)]
    spans = [
        otlp.Span(b"t" * 16, name.encode(), "", parent.encode(), 0, name, 1, start, start + 9)
        for name, parent, start in rows
    ]
    (trace,) = traces_of(spans)
    shown = [line.split("internal")[0].strip() for line in waterfall.draw(trace, waterfall.Style())[1:]]
    assert shown == ["a", "├─ b", "│  └─ d", "└─ c", "z"]


def test_a_chain_of_thousands_and_a_loop_are_drawn() -> None:
    chain = [
        otlp.Span(b"t" * 16, struct.pack(">Q", n + 1), "", struct.pack(">Q", n) if n else b"")
        for n in range(5000)
    ]
    (trace,) = traces_of(chain)
    drawn = waterfall.draw(trace, waterfall.Style())
    assert "and 4900 more spans" in drawn[-1]
    # what is deeper than can be indented stands where a child of the last of that would, with its depth
    column = drawn[1 + waterfall.MAX_INDENT].index("\u2514")
    assert [drawn[1 + depth].index(f"[{depth}]") for depth in (9, 10, 50)] == [column + 3] * 3
    loop = [otlp.Span(b"t" * 16, b"a" * 8, "", b"b" * 8), otlp.Span(b"t" * 16, b"b" * 8, "", b"a" * 8)]
    (trace,) = traces_of(loop)
    assert len(waterfall.draw(trace, waterfall.Style())) == 3


# --- the receiver, as a process ----------------------------------------------------------------------------

GOOD = ExportTraceServiceRequest.FromString(
    delimited(1, delimited(2, delimited(2, b"\x2a\x04good")))
).SerializeToString()
LIMIT, INFLATED = 20_000, 100_000


@pytest.fixture
def receiver() -> Iterator[Running]:
    running = Running("--max-body", str(LIMIT), "--max-inflated", str(INFLATED))
    yield running
    if running.process.poll() is None:
        assert running.post(GOOD) == (200, b""), "it must outlive whatever the test sent"
        output, errors = running.stop()
        assert errors == ""
        assert "total: spans" in output
    assert running.process.returncode == 0


def body_of(size: int) -> bytes:
    """A legal request of exactly `size` bytes: one unknown field."""
    return delimited(50, bytes(size - 2 - 5), 5)


def test_bodies_are_bounded_before_and_after_decompression(receiver: Running) -> None:
    zipped = {**PROTOBUF, "Content-Encoding": "gzip"}
    assert f"up to {LIMIT} bytes as sent, {INFLATED} after decompression" in receiver.greeting
    assert receiver.post(body_of(LIMIT)) == (200, b"")
    assert receiver.post(body_of(LIMIT + 1))[0] == 413
    assert receiver.post(gzip.compress(body_of(INFLATED)), zipped) == (200, b"")
    assert receiver.post(gzip.compress(body_of(INFLATED + 1)), zipped)[0] == 413
    assert receiver.post(zlib.compress(body_of(INFLATED)), {**zipped, "Content-Encoding": "deflate"}) == (
        200,
        b"",
    )
    assert receiver.post(gzip.compress(GOOD) * 16, zipped) == (200, b"")
    before = receiver.peak_mib()
    bomb = gzip.compress(bytes(18 << 20))
    assert len(bomb) < LIMIT
    assert receiver.post(bomb, zipped)[0] == 413
    assert receiver.peak_mib() - before < 4
    for damaged in (
        gzip.compress(GOOD)[:-3],
        gzip.compress(GOOD) + b"more",
        b"",
        GOOD,
        gzip.compress(GOOD) * 17,
    ):
        assert receiver.post(damaged, zipped)[0] == 400


def test_a_body_far_over_the_limit_gets_its_answer(receiver: Running) -> None:
    status, answer = receiver.post(bytes(30 << 20))
    assert status == 413
    assert f"larger than {LIMIT} bytes" in Status.FromString(answer).message


REFUSALS = [
    (415, "POST", "/v1/traces", {"Content-Type": "application/json"}),
    (415, "POST", "/v1/traces", {"Content-Type": "text/plain"}),
    (415, "POST", "/v1/traces", {"Content-Type": "application/x-protobuf-text"}),
    (415, "POST", "/v1/traces", {**PROTOBUF, "Content-Encoding": "br"}),
    (404, "POST", "/v1/metrics", PROTOBUF),
    (404, "POST", "/", PROTOBUF),
    (404, "GET", "/v1/traces/", {}),
    (405, "GET", "/v1/traces", {}),
    (405, "PUT", "/v1/traces", PROTOBUF),
    (405, "DELETE", "/v1/traces", PROTOBUF),
]


def test_only_otlp_protobuf_posts_are_taken(receiver: Running) -> None:
    for status, method, path, headers in REFUSALS:
        got, answer = receiver.post(GOOD, headers, path, method)
        assert (got, method, path, headers) == (status, method, path, headers)
        assert Status.FromString(answer).message
    for _ in range(2):
        assert receiver.post(GOOD, {"Content-Type": "Application/X-Protobuf; charset=utf-8"}) == (200, b"")
    status, answer = receiver.post(b"\x0a\x05cut")
    assert status == 400
    assert "byte 1: a length of 5, but 3 bytes are left" in Status.FromString(answer).message
    output, errors = receiver.stop()
    assert errors == ""
    assert (
        "spans 2 (unknown 2); requests 2, refused: 1 with 400, 3 with 404, 3 with 405, 4 with 415; " in output
    )


def head(*lines: str) -> bytes:
    return "\r\n".join(
        ("POST /v1/traces HTTP/1.1", "Host: x", "Content-Type: application/x-protobuf", *lines, "", "")
    ).encode()


def test_one_connection_carries_many_requests(receiver: Running) -> None:
    plain = head(f"Content-Length: {len(GOOD)}") + GOOD
    chunks = b"".join(b"%x;ext=1\r\n%s\r\n" % (len(piece), piece) for piece in (GOOD[:3], GOOD[3:]))
    chunked = head("Transfer-Encoding: chunked") + chunks + b"0\r\nTrailer: x\r\n\r\n"
    malformed = head("Content-Length: 1") + b"\xff"
    answers = receiver.raw(plain + chunked + malformed + plain)
    assert re.findall(rb"HTTP/1\.1 (\d+)", answers) == [b"200", b"200", b"400", b"200"]


def test_a_client_that_waits_for_100_continue_gets_it(receiver: Running) -> None:
    with socket.create_connection(("127.0.0.1", receiver.port), timeout=5) as connection:
        connection.sendall(head(f"Content-Length: {len(GOOD)}", "Expect: 100-continue"))
        assert connection.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(GOOD)
        assert connection.recv(1000).startswith(b"HTTP/1.1 200 ")


BROKEN = {
    "oversized header": (head("X: " + "x" * 70_000), b"431"),
    "too many headers": (head(*(f"X{n}: 1" for n in range(200))), b"431"),
    "oversized request line": (b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\n\r\n", b"414"),
    "not HTTP": (b"\x16\x03\x01\x02\x00\x01\xfc\x03\x03\r\n\r\n", b"400"),
    "unknown method": (b"BREW /v1/traces HTTP/1.1\r\n\r\n", b"501"),
    "no length": (head(), b"411"),
    "two lengths": (
        head(*(f"Content-Length: {size}" for size in (len(GOOD), 2 * len(GOOD)))) + 2 * GOOD,
        b"400",
    ),
    "length with a sign": (head(f"Content-Length: +{len(GOOD)}") + GOOD, b"400"),
    "negative length": (head("Content-Length: -1"), b"400"),
    "length of 5000 digits": (head("Content-Length: " + "9" * 5000), b"413"),
    "length and chunked": (head("Content-Length: 5", "Transfer-Encoding: chunked") + b"0\r\n\r\n", b"400"),
    "chunk over the limit": (head("Transfer-Encoding: chunked") + b"ffffffff\r\n", b"413"),
    "chunks over the limit": (
        head("Transfer-Encoding: chunked") + b"4E20\r\n%s\r\n1\r\n" % bytes(LIMIT),
        b"413",
    ),
    "chunk of a negative size": (head("Transfer-Encoding: chunked") + b"-5\r\n", b"400"),
    "endless trailers": (head("Transfer-Encoding: chunked") + b"0\r\n" + b"A: b\r\n" * 50, b"400"),
    "cut off body": (head("Content-Length: 100") + b"x", b"400"),
}


def test_broken_requests_are_answered_and_outlived(receiver: Running) -> None:
    for case, (data, status) in BROKEN.items():
        assert re.findall(rb"^HTTP/1\.1 (\d+)", receiver.raw(data)) == [status], case
    rng = random.Random(1)
    for _ in range(50):
        receiver.raw(rng.randbytes(rng.randint(1, 300)) + b"\r\n\r\n")


def test_slow_and_idle_clients_block_nobody(receiver: Running) -> None:
    partial = [
        b"",
        b"POST /v1",
        head("Content-Length: 1000") + b"x",
        head("Transfer-Encoding: chunked") + b"5",
    ]
    connections = [socket.create_connection(("127.0.0.1", receiver.port)) for _ in range(20)]
    try:
        for index, connection in enumerate(connections):
            connection.sendall(partial[index % len(partial)])
        clock = Clock()
        assert receiver.post(GOOD) == (200, b"")
        assert clock.own() < 2
    finally:
        for connection in connections:
            connection.close()


def test_connections_are_bounded_and_come_free_again(receiver: Running) -> None:
    connections = [socket.create_connection(("127.0.0.1", receiver.port)) for _ in range(64)]
    assert receiver.raw(b"", end=False).startswith(b"HTTP/1.1 503 ")
    for connection in connections:
        connection.close()
    deadline = time.monotonic() + 5
    while receiver.raw(head(f"Content-Length: {len(GOOD)}") + GOOD)[9:12] != b"200":
        assert time.monotonic() < deadline


@pytest.mark.parametrize("compression", [Compression.NoCompression, Compression.Gzip])
def test_spans_of_a_real_sdk_are_shown(compression: Compression) -> None:
    running = Running("--attribute", "shop.item", "--attribute", "evil")
    provider = TracerProvider(resource=Resource({"service.name": "shop\x9b1m"}))
    url = f"http://127.0.0.1:{running.port}/v1/traces"
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(url, compression=compression)))
    tracer = provider.get_tracer("test")
    evil = "\x1b]0;owned\x07\x9b31m\x7f\u202eabc\u2066\r"
    with tracer.start_as_current_span("GET /order", kind=trace.SpanKind.SERVER):
        with tracer.start_as_current_span(
            "load " + evil, attributes={"shop.item": 7, "evil": evil, "other": 1}
        ):
            pass
        with pytest.raises(ValueError), tracer.start_as_current_span("charge"):
            raise ValueError("declined" + evil)
    provider.shutdown()
    output, errors = running.stop()
    assert (errors, running.process.returncode) == ("", 0)
    assert all(line.isprintable() for line in output.splitlines())
    lines = output.splitlines()
    first = next(index for index, line in enumerate(lines) if line.startswith("trace "))
    assert "shop\\x9b1m" in lines[first] and "3 spans" in lines[first] and "1 failed" in lines[first]
    assert re.match(r"  GET /order +server +█+ ", lines[first + 1])
    assert re.match(r"  ├─ load \\x1b\]0;owned\\x07\\x9b31m\\x7f", lines[first + 2])
    assert "shop.item=7  evil=\\x1b]0;" in lines[first + 2] and "other" not in output
    assert re.match(r"  └─ charge +internal .* ERROR ValueError: declined\\x1b", lines[first + 3])
    assert "total: spans 3 (shop\\x9b1m 3); requests 1, refused: none; traces shown 1, not shown 0" in output


def test_a_port_in_use_is_said_so(receiver: Running) -> None:
    again = subprocess.run(
        [sys.executable, "-m", "otlp_lite", "receive", "--port", str(receiver.port)],
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert again.returncode == 1
    assert again.stderr.startswith("otlp_lite receive: cannot listen at 127.0.0.1:")


def test_the_package_alone_does_not_import_the_commands() -> None:
    code = "import sys, otlp_lite; print([name for name in sys.modules if name.startswith('otlp_lite.cli')])"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=20).stdout
        == "[]\n"
    )
