"""Minimal and padded lengths both pass every decoder of OTLP that could be had."""

from __future__ import annotations

import dataclasses
import itertools
import struct
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from google.protobuf.message import Message
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from reference import encoder, tracer

from . import matrix
from .calls import AddLink, Call, End, Program, SetAttribute, Start
from .compare import difference
from .sdks import model, otlp_lite_bodies
from .targeted import FAMILIES

WIDTHS = range(1, 5)


def long_strings() -> Iterator[Program]:
    """Lengths on both sides of where a length takes one byte more, for each message around the string."""
    for near in (2**7, 2**14):
        calls = [Start("span", 1)]
        for length in range(near - 24, near + 1):
            calls += [Start("span", 1, attributes={"k": "v" * length}), Start("n" * length, 1)]
        yield Program((*calls, *(End(span, 2) for span in range(len(calls)))))
    for length in range(2**21 - 24, 2**21 + 1, 8):
        yield Program((Start("span", 1), SetAttribute(0, "k", "v" * length), End(0, 2)))


def programs() -> Iterator[Program]:
    """Without links to no span at all: pdata takes an id of zeros for none, and leaves it out."""
    for family in FAMILIES.values():
        for program in family(0):
            yield dataclasses.replace(
                program, calls=tuple(itertools.filterfalse(links_to_nothing, program.calls))
            )
    yield from long_strings()
    yield Program((Start("deepest", 1), SetAttribute(0, "k", within_mappings(tracer.DEEPEST)), End(0, 2)))


def within_mappings(depth: int) -> encoder.Value:
    """The value that takes the most messages within each other for its depth."""
    value: encoder.Value = None
    for _ in range(depth):
        value = {"in": value}
    return value


def links_to_nothing(call: Call) -> bool:
    return isinstance(call, AddLink) and not call.link.context.context().is_valid


@pytest.fixture(scope="module")
def requests() -> list[encoder.Request]:
    """What the programs export, if anything."""
    return [request for request in (model(program) for program in programs()) if request.scopes]


@pytest.fixture(scope="module", params=matrix.DECODERS)
def decoder(request: pytest.FixtureRequest) -> matrix.Decoder:
    return matrix.ready(matrix.DECODERS[request.param])


def parsed(answers: matrix.Answers) -> list[bytes | None]:
    """What protobuf says that each answer holds."""
    return [None if answer is None else matrix.upb([answer])[0] for answer in answers]


def test_reference_lengths_are_what_they_claim(requests: list[encoder.Request]) -> None:
    """Canonical bytes are as short as protobuf's own; padded ones are longer and say the same."""
    for request in requests:
        canonical = encoder.encode(request)
        message = ExportTraceServiceRequest.FromString(canonical)
        assert len(canonical) == message.ByteSize()
        assert encoder.encode(request, canonical=False, width=1) == canonical
        sizes = [len(encoder.encode(request, canonical=False, width=width)) for width in WIDTHS]
        assert sizes == sorted(set(sizes))
        for width in WIDTHS:
            assert matrix.upb([encoder.encode(request, canonical=False, width=width)]) == matrix.upb(
                [canonical]
            )


def test_reference_bytes_pass(decoder: matrix.Decoder, requests: list[encoder.Request]) -> None:
    """A decoder reads the same from every form, and that is what protobuf reads.

    As the forms differ and the answers do not, the answers come from decoding.
    """
    canonical = [encoder.encode(request) for request in requests]
    answers = decoder.decode(canonical)
    assert parsed(answers) == matrix.upb(canonical)
    for width in WIDTHS[1:]:
        padded = [encoder.encode(request, canonical=False, width=width) for request in requests]
        assert decoder.decode(padded) == answers


def test_reference_depth_is_the_deepest() -> None:
    """With one mapping more, protobuf refuses the request, and all that is in it."""
    span = encoder.Span(
        bytes(16), bytes(8), "deep", 1, 1, 2, 0, attributes={"k": within_mappings(tracer.DEEPEST + 1)}
    )
    request = encoder.Request({}, [encoder.ScopeSpans("scope", spans=[span])])
    assert matrix.upb([encoder.encode(request)]) == [None]


def damaged() -> list[bytes]:
    """Bodies that no decoder may accept: cut short, a length past the end, an endless varint."""
    request = model(Program((Start("span", 1), End(0, 2))))
    body = encoder.encode(request, canonical=False, width=4)
    return [body[:-1], body[:1] + b"\xff\xff\xff\x7f" + body[5:], body[:1] + b"\xff" * 11]


def test_reference_damage_is_refused(decoder: matrix.Decoder) -> None:
    """A decoder of the matrix that says yes to everything would prove nothing."""
    assert decoder.decode(damaged()) == [None] * len(damaged())
    assert matrix.upb(damaged()) == [None] * len(damaged())


def test_reference_echo_is_no_decoder() -> None:
    """What sends back what it got is found out, by both tests above."""
    copy = "import sys; sys.stdout.buffer.write(sys.stdin.buffer.read())"
    echo = matrix.ready(matrix.Decoder("Python", lambda: None, (sys.executable, "-c", copy)))
    request = model(Program((Start("span", 1), End(0, 2))))
    forms = [encoder.encode(request, canonical=False, width=width) for width in WIDTHS]
    assert len({*echo.decode(forms)}) == len(WIDTHS)
    assert echo.decode(damaged()) != [None] * len(damaged())


def same(ours: Any, theirs: Any) -> bool:
    """Whether the receiver's dataclasses hold what protobuf's message holds."""
    if not isinstance(theirs, Message):
        if isinstance(theirs, float):
            return isinstance(ours, float) and struct.pack("<d", ours) == struct.pack("<d", theirs)
        if isinstance(theirs, (str, bytes, int)):
            return type(ours) is type(theirs) and ours == theirs
        return len(ours) == len(theirs) and all(map(same, ours, theirs))
    if type(ours).__name__ == "AnyValue":
        kind = theirs.WhichOneof("value")
        return ours.value is None if kind is None else same(ours.value, getattr(theirs, kind))
    names = [field.name for field in theirs.DESCRIPTOR.fields]
    return names != [] and all(same(getattr(ours, name), getattr(theirs, name)) for name in names)


def test_receiver_reads_the_same(requests: list[encoder.Request]) -> None:
    """Our own receiver's decoder, against protobuf, in every form."""
    from otlp_lite.cli import otlp

    for request in requests:
        expected = ExportTraceServiceRequest.FromString(encoder.encode(request))
        for width in WIDTHS:
            assert same(otlp.decode(encoder.encode(request, canonical=False, width=width)), expected)
    for body in damaged():
        with pytest.raises(otlp.DecodeError):
            otlp.decode(body)


def our_bodies(program: Program) -> list[bytes]:
    """What otlp_lite sends of it, from a region with room for the largest record, over 2 MiB."""
    return otlp_lite_bodies(program, region_size=16 << 20)


def test_our_bytes_pass(decoder: matrix.Decoder) -> None:
    """What otlp_lite sends reads the same everywhere."""
    bodies = [body for program in programs() for body in our_bodies(program)]
    assert parsed(decoder.decode(bodies)) == matrix.upb(bodies)


def test_our_lengths_are_minimal() -> None:
    """Our bodies are as short as protobuf's own encoding, and say what the model says."""
    for program in programs():
        bodies = our_bodies(program)
        requests = [ExportTraceServiceRequest.FromString(body) for body in bodies]
        assert list(map(len, bodies)) == [request.ByteSize() for request in requests]
        said = encoder.encode(model(program))
        unlike = difference([ExportTraceServiceRequest.FromString(said)], requests)
        assert not unlike, unlike
