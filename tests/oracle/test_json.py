"""Our OTLP/JSON is what protobuf's own JSON says of the same bytes, but for OTLP's departures; both ways."""

from __future__ import annotations

import base64
import contextlib
import json
import math
import os
import random
import struct
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format
from google.protobuf.message import DecodeError
from hypothesis import given
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, EntityRef
from reference import encoder

from otlp_lite import SpanLimits
from otlp_lite.testing import collect

from . import matrix
from .calls import End, Program, Start
from .sdks import model
from .strategies import programs
from .targeted import FAMILIES, TIME
from .test_decoders import damaged
from .test_decoders import programs as decoders_programs
from .test_oracle import RANDOM

pytestmark = pytest.mark.sources
ROOT = Path(__file__).resolve().parents[2]
TRANSCODE = matrix.BUILD / "transcode"
Transcode = Callable[[Sequence[bytes]], matrix.Answers]
IDS = {"traceId", "spanId", "parentSpanId"}
PIECES = ((1 << 20, 1 << 16), (1, 64), (3, 65), (40, 100), (700, 4096))
"""Bytes of a segment, at most, and the room for each part of the line."""
DOUBLES = int(os.environ.get("ORACLE_DOUBLES", "1000000"))
MUTATIONS = 3000


def build() -> None:
    subprocess.run(
        ["make", "-s", "-C", ROOT / "csrc", "library"], check=True, timeout=600, capture_output=True
    )
    compile = [os.environ.get("CC", "cc"), "-std=c11", "-O2", "-Wall", "-Wextra", "-Werror", "-pthread"]
    sources = ["-Icsrc", "tests/oracle/transcode.c", "build/csrc/libotlite.a", "-lrt"]
    subprocess.run([*compile, "-o", TRANSCODE, *sources], cwd=ROOT, check=True, capture_output=True)


@pytest.fixture(scope="module", params=PIECES, ids="segments of {0[0]}, room of {0[1]}".format)
def ours(request: pytest.FixtureRequest) -> matrix.Decoder:
    """The core's transcoder, as a decoder whose answers are JSON."""
    piece, room = request.param
    return matrix.ready(matrix.Decoder("cc", build, (str(TRANSCODE), str(piece), str(room))))


@pytest.fixture(scope="module")
def whole() -> matrix.Decoder:
    return matrix.ready(matrix.Decoder("cc", build, (str(TRANSCODE), *map(str, PIECES[0]))))


def each_object(value: Any, change: Callable[[dict[str, Any]], None]) -> Any:
    """`value`, each of whose objects `change` has changed in place."""
    if isinstance(value, dict):
        change(value)
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        each_object(inner, change)
    return value


def to_hex(message: dict[str, Any]) -> None:
    for key in message.keys() & IDS:
        message[key] = base64.b64decode(message[key]).hex()


def to_base64(message: dict[str, Any]) -> None:
    for key in message.keys() & IDS:
        message[key] = base64.b64encode(bytes.fromhex(message[key])).decode()


def said_by_protobuf(body: bytes) -> Any:
    message = ExportTraceServiceRequest.FromString(body)
    return each_object(json_format.MessageToDict(message, use_integers_for_enums=True), to_hex)


def text_of(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def read_back(line: bytes) -> bytes:
    """The request that protobuf reads from a line."""
    request = ExportTraceServiceRequest()
    json_format.ParseDict(each_object(json.loads(line), to_base64), request)
    return request.SerializeToString(deterministic=True)


def with_one_nan(body: bytes) -> bytes:
    """JSON knows one NaN only."""
    request = ExportTraceServiceRequest.FromString(body)
    return read_back(text_of(each_object(json_format.MessageToDict(request), to_hex)).encode())


def bodies_of(programs: Iterator[Program]) -> list[bytes]:
    return [encoder.encode(request) for request in map(model, programs) if request.scopes]


def check(transcode: Transcode, bodies: Sequence[bytes]) -> None:
    """Byte for byte, as the bytes are canonical: fields stand in the order of their numbers."""
    for body, line in zip(bodies, transcode(bodies), strict=True):
        assert line is not None
        assert line.decode() == text_of(said_by_protobuf(body))
        assert read_back(line) == (with_one_nan(body) if b"NaN" in line else body)


def always(line: bytes) -> Transcode:
    return lambda bodies: [line for _ in bodies]


def test_a_wrong_line_is_found(whole: matrix.Decoder) -> None:
    bodies = bodies_of(iter([Program((Start("a", TIME, attributes={"x": 0.1, "y": True}), End(0, TIME)))]))
    check(whole.decode, bodies)
    (line,) = whole.decode(bodies)
    assert line is not None
    for right, wrong in ((b"0.1", b"0.10"), (b"true", b"1"), (b'"kind":1', b'"kind":"1"'), (b"Id", b"ID")):
        assert line.replace(right, wrong) != line
        with pytest.raises(AssertionError):
            check(always(line.replace(right, wrong)), bodies)


def test_targeted_calls(ours: matrix.Decoder) -> None:
    seeds = range(3)
    bodies = bodies_of(program for make in FAMILIES.values() for seed in seeds for program in make(seed))
    bodies += bodies_of(decoders_programs())
    assert len(bodies) > 100
    check(ours.decode, bodies)


@RANDOM
@given(program=programs())
def test_random_calls(whole: matrix.Decoder, program: Program) -> None:
    """Of what the SDK has recorded, by its own `Batch.json`, and of what the reference encodes."""
    with collect(limits=SpanLimits(**program.limits), resource=dict(program.resource)) as collected:
        program.run(collected.tracer_provider)
        lines: dict[bytes, bytes] = {}
        region = collected.tracer_provider.region
        while region is not None and (batch := region.collect(1 << 20)) is not None:
            lines[batch.tobytes()] = batch.json()
            batch.acknowledge()
            with pytest.raises(RuntimeError):
                batch.json()
    check(lambda bodies: [lines[body] for body in bodies], list(lines))
    check(whole.decode, bodies_of(iter([program])))


def test_fields_that_we_never_encode(ours: matrix.Decoder) -> None:
    """Entities, what a resource dropped, an enum of tomorrow, and numbers at their ends."""
    request = ExportTraceServiceRequest()
    spans = request.resource_spans.add()
    spans.resource.dropped_attributes_count = 2**32 - 1
    entity = EntityRef(schema_url="u", type="host", id_keys=["", 'a"b'], description_keys=["c"])
    spans.resource.entity_refs.extend([entity, EntityRef()])
    span = spans.scope_spans.add().spans.add(trace_id=b"short", flags=2**32 - 1, end_time_unix_nano=2**64 - 1)
    spans.scope_spans.add()
    span.events.add()
    span.status.MergeFromString(b"\x18" + b"\xff" * 9 + b"\x01")  # code -1
    for value in (-(2**63), 2**63 - 1, 0, -1):
        span.attributes.add(key="n", value=AnyValue(int_value=value))
    span.attributes.add(value=AnyValue(bool_value=False))
    span.attributes.add(value=AnyValue(string_value=""))
    for size in range(10):
        span.attributes.add(value=AnyValue(bytes_value=bytes(range(256 - size, 256))))
    span.attributes.add().value.array_value.values.extend([AnyValue(), AnyValue(double_value=0)])
    check(ours.decode, [b"", request.SerializeToString(deterministic=True)])


def within(content: bytes, *tags: int) -> bytes:
    """A field of bytes in one of bytes, and so on; the innermost has the first tag."""
    for tag in tags:
        content = bytes([tag]) + encoder.varint(len(content)) + content
    return content


def test_text(ours: matrix.Decoder) -> None:
    """Each control character, quotes, code points of every width; where it is no UTF-8, U+FFFD a byte."""
    texts = [
        bytes(range(128)),
        "é€😀".encode() * 50,
        b"\xff",
        b"a\xe2\x82",
        b"\xed\xa0\x80 \xc0\x80\xf0\x9f\x98",
    ]
    rng = random.Random(5)
    for _ in range(300):
        size = rng.randrange(80)
        texts.append(bytes(rng.choice([rng.randrange(256), 0x61, 0xE2, 0x82, 0xAC]) for _ in range(size)))
    bodies = [within(text, 42, 18, 18, 10) for text in texts]  # the name of a span with nothing else
    for line, text in zip(ours.decode(bodies), texts, strict=True):
        assert line is not None
        (span,) = json.loads(line)["resourceSpans"][0]["scopeSpans"][0]["spans"]
        assert span.get("name", "") == "".join(read_bytewise(text))


def read_bytewise(text: bytes) -> Iterator[str]:
    """The valid sequence at each place, or U+FFFD for a byte."""
    at = 0
    while at < len(text):
        size, character = 1, "\ufffd"
        for more in range(1, 5):
            with contextlib.suppress(UnicodeDecodeError):
                size, character = more, text[at : at + more].decode()
                break
        yield character
        at += size


def doubles() -> Iterator[float]:
    """Random bits, both sides of every exponent's ends, of round decimals and of powers of ten."""
    rng = random.Random(9)
    bits = [rng.getrandbits(64) for _ in range(DOUBLES)]
    ends = (0, 1, 2, 2**51 - 1, 2**51, 2**51 + 1, 2**52 - 2, 2**52 - 1)
    bits += [exponent << 52 | fraction for exponent in range(2048) for fraction in ends]
    yield from struct.unpack(f"<{len(bits)}d", struct.pack(f"<{len(bits)}Q", *bits))
    round_ones = [float(f"{digits}e{power}") for power in range(-324, 309) for digits in (1, 2, 5, 9.5)]
    round_ones += [rng.randrange(10**15) / 10 ** rng.randrange(20) for _ in range(DOUBLES // 10)]
    for value in round_ones:
        yield from (value, math.nextafter(value, 0), math.nextafter(value, math.inf))


def test_doubles(whole: matrix.Decoder) -> None:
    """As Python's repr() writes them."""
    values = list(doubles())
    array = b"".join(b"\n\t!" + struct.pack("<d", value) for value in values)
    (line,) = whole.decode([within(array, 42, 18, 10, 10, 10)])  # an attribute of the resource
    assert line is not None
    names = {math.inf: '"Infinity"', -math.inf: '"-Infinity"'}
    told = line.decode().partition('"values":[')[2].partition("]")[0]
    for value, text in zip(values, told.split(","), strict=True):
        expected = '"NaN"' if math.isnan(value) else names.get(value) or repr(value)
        assert text == '{"doubleValue":' + expected + "}"


def mutated(body: bytes, rng: random.Random) -> bytes:
    """A byte changed, bytes left out, put in, or doubled."""
    at, size = rng.randrange(len(body)), rng.choice([1, 1, 2, 8])
    put = [bytes([body[at] ^ 1 << rng.randrange(8)]), b"", rng.randbytes(size), body[at : at + size] * 2]
    return body[:at] + rng.choice(put) + body[at + size :]


def test_damage_is_refused_or_read_as_protobuf_reads_it(ours: matrix.Decoder) -> None:
    rng = random.Random(3)
    whole = bodies_of(program for family in ("types", "contexts") for program in FAMILIES[family](0))
    bodies = [mutated(rng.choice(whole), rng) for _ in range(MUTATIONS)]
    read = 0
    for body, line in zip(bodies, ours.decode(bodies), strict=True):
        try:
            expected = said_by_protobuf(body)
        except DecodeError:
            assert line is None or "\ufffd" in line.decode()
            continue
        if line is not None:
            read += 1
            assert json.dumps(json.loads(line), sort_keys=True) == json.dumps(expected, sort_keys=True)
    assert read > MUTATIONS / 10
    assert ours.decode(damaged()) == [None] * len(damaged())
