"""Decodes trace requests, framed on standard input, and encodes them anew, with pure Python protobuf."""

from __future__ import annotations

import struct
import sys

from google.protobuf.internal import api_implementation
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

REFUSED = 0xFFFFFFFF


def main() -> None:
    if api_implementation.Type() != "python":
        raise SystemExit(f"this is protobuf's {api_implementation.Type()} decoder")
    while head := sys.stdin.buffer.read(4):
        body = sys.stdin.buffer.read(struct.unpack("<I", head)[0])
        try:
            again = ExportTraceServiceRequest.FromString(body).SerializeToString(deterministic=True)
        except DecodeError:
            sys.stdout.buffer.write(struct.pack("<I", REFUSED))
            continue
        sys.stdout.buffer.write(struct.pack("<I", len(again)) + again)


if __name__ == "__main__":
    main()
