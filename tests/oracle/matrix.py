"""Decoders of other projects, as children that decode trace requests and encode them anew."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from google.protobuf.descriptor import FileDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2

HERE = Path(__file__).resolve().parent / "decoders"
BUILD = Path(__file__).resolve().parents[2] / "build" / "decoders"
GO = BUILD / "go-decode"
REFUSED = 0xFFFFFFFF

Answers = list[bytes | None]
"""The request that was decoded, encoded anew; None where it was refused."""


@dataclass(frozen=True)
class Decoder:
    """`tool` builds it, with a step that raises CalledProcessError; `command` runs it, in `directory`."""

    tool: str
    build: Callable[[], object]
    command: tuple[str, ...]
    directory: Path = BUILD

    def decode(self, bodies: Sequence[bytes]) -> Answers:
        frames = b"".join(struct.pack("<I", len(body)) + body for body in bodies)
        environment = {**os.environ, "PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION": "python"}
        output = subprocess.run(
            self.command,
            cwd=self.directory,
            input=frames,
            env=environment,
            check=True,
            timeout=60,
            capture_output=True,
        ).stdout
        answers: Answers = []
        at = 0
        while at < len(output):
            (size,) = struct.unpack_from("<I", output, at)
            at += 4
            answers.append(None if size == REFUSED else output[at : at + size])
            at += 0 if size == REFUSED else size
        return answers


def ready(decoder: Decoder) -> Decoder:
    """The decoder, built. Without its tool, or a tool recent enough, a failure in CI and a skip elsewhere."""
    BUILD.mkdir(parents=True, exist_ok=True)
    try:
        decoder.build()
    except (FileNotFoundError, subprocess.SubprocessError) as error:
        said = getattr(error, "stderr", None) or b""
        reason = (
            f"cannot build the decoder with {decoder.tool}: {error}\n{said.decode(errors='replace')[-2000:]}"
        )
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return decoder


def _run(*command: str, directory: Path, **environment: str) -> None:
    everything = {**os.environ, **environment}
    subprocess.run(command, cwd=directory, env=everything, check=True, timeout=600, capture_output=True)


def _go() -> None:
    _run("go", "build", "-p=2", "-buildvcs=false", f"-o={GO}", ".", directory=HERE / "go")


def _copied(name: str) -> Path:
    """The decoder's sources in the build folder, for tools that write beside them."""
    return Path(shutil.copytree(HERE / name, BUILD / name, dirs_exist_ok=True))


def _node() -> None:
    # Quick, and without a look at the network, where the packages are there already.
    options = ("--prefer-offline", "--ignore-scripts", "--no-audit", "--no-fund")
    _run("npm", "install", *options, directory=_copied("node"))
    _describe()


def _rust() -> None:
    _run("cargo", "build", "--jobs=2", directory=_copied("rust"))
    _describe()


DESCRIPTORS = BUILD / "descriptors"


def _describe() -> None:
    """The .proto files of trace requests in descriptor.proto's form, each after those that it imports."""
    files: dict[str, FileDescriptor] = {}

    def add(file: FileDescriptor) -> None:
        for imported in file.dependencies:
            add(imported)
        files[file.name] = file

    add(trace_service_pb2.DESCRIPTOR)
    described = FileDescriptorSet()
    for file in files.values():
        file.CopyToProto(described.file.add())
    DESCRIPTORS.write_bytes(described.SerializeToString())


DECODERS = {
    "pure Python protobuf": Decoder("Python", lambda: None, (sys.executable, str(HERE / "pure.py"))),
    "protobuf-go": Decoder("go", _go, (str(GO), "protobuf-go")),
    "pdata": Decoder("go", _go, (str(GO), "pdata")),
    "protobuf.js": Decoder("npm", _node, ("node", "decode.js", str(DESCRIPTORS)), BUILD / "node"),
    "prost": Decoder("cargo", _rust, (str(BUILD / "rust" / "target" / "debug" / "decode"), str(DESCRIPTORS))),
}


def upb(bodies: Sequence[bytes]) -> Answers:
    """The same of the decoder that protobuf's package brings, in this process."""

    def decode(body: bytes) -> bytes | None:
        try:
            return trace_service_pb2.ExportTraceServiceRequest.FromString(body).SerializeToString(
                deterministic=True
            )
        except DecodeError:
            return None

    return [decode(body) for body in bodies]
