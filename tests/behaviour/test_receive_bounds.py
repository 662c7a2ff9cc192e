"""What the receiver remembers of who sent spans is bounded, and its options are checked."""

from __future__ import annotations

import http.client
import importlib.metadata
import io
import select
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from receiving import Running

from otlp_lite.cli.otlp import DecodeError, TracesRequest, decode
from otlp_lite.cli.receive import NAME_MAX, NAMES_MAX, OTHERS, Log, show, terminal_style
from otlp_lite.cli.server import Receiver
from otlp_lite.cli.waterfall import Style


def test_services_beyond_so_many_are_counted_together() -> None:
    log = Log(10, Style())
    for number in range(NAMES_MAX + 50):
        request = ExportTraceServiceRequest()
        group = request.resource_spans.add()
        attribute = group.resource.attributes.add(key="service.name")
        attribute.value.string_value = f"{number:04d}" + "x" * 1000
        group.scope_spans.add().spans.add(name="a", trace_id=bytes(15) + b"1", span_id=bytes(7) + b"1")
        log.on_request(decode(request.SerializeToString()))
    assert len(log.spans) == NAMES_MAX + 1 and log.spans[OTHERS] == 50
    assert max(map(len, log.spans)) <= NAME_MAX


@pytest.fixture(scope="module")
def receiver() -> Iterator[Running]:
    running = Running()
    yield running
    running.stop()


def one_trace(number: int) -> bytes:
    request = ExportTraceServiceRequest()
    spans = request.resource_spans.add().scope_spans.add().spans
    spans.add(name="a", trace_id=number.to_bytes(16, "big"), span_id=bytes(7) + b"1")
    return request.SerializeToString()


def test_no_more_traces_are_drawn_than_were_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three a second: three at once, and each third of a second another."""
    now = 1000.0
    monkeypatch.setattr("otlp_lite.cli.receive.time.monotonic", lambda: now)
    log = Log(3, Style())
    drawn = []
    for _ in range(4):
        for number in range(1, 11):
            log.on_request(decode(one_trace(number)))
        log.lines(everything=True)
        drawn.append(log.drawn)
        now += 1 / 3 + 0.001
    assert drawn == [3, 4, 5, 6] and log.not_drawn == 34
    now += 60
    for number in range(1, 11):
        log.on_request(decode(one_trace(number)))
    log.lines(everything=True)
    assert log.drawn == 9


@pytest.mark.parametrize(
    "option",
    [
        *("--max-body=-1", "--max-body=1MiB", "--max-inflated=0", "--port=65536", "--port=-1", "--port=http"),
        *("--traces-per-second=-1", "--traces-per-second=nan", "--traces-per-second=x"),
    ],
)
def test_an_option_that_cannot_be(option: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "otlp_lite", "receive", option], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2 and f"{option.partition('=')[2]}: expected a" in done.stderr


def test_what_the_head_of_a_refusal_says() -> None:
    running = Running()
    try:
        told = {"Server": "otlp_lite", "Content-Type": "application/x-protobuf"}
        wrong_path, wrong_method = running.asked("GET", "/"), running.asked("GET", "/v1/traces")
        sizes = [int(head.pop("Content-Length")) for head in (wrong_path, wrong_method)]
        assert min(sizes) > 2
        assert wrong_path == {**told, "Connection": "close"}
        assert wrong_method == {**told, "Connection": "close", "Allow": "POST"}
    finally:
        running.stop()


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"\x0a\x02\x00", "byte 1: a length of 2, but 1 bytes are left"),
        (b"\x10" + b"\x80" * 9, "byte 1: a varint is cut off"),
        (b"\x10" + b"\x80" * 10, "byte 1: a varint is longer than 10 bytes"),
        (b"\x80" * 4, "byte 0: a varint is cut off"),
        (b"\x80" * 5, "byte 0: a varint is longer than 5 bytes"),
    ],
)
def test_what_cannot_be_decoded_and_where(body: bytes, why: str) -> None:
    with pytest.raises(DecodeError, match=why):
        decode(body)


def test_a_stdout_of_unknown_encoding_is_given_ascii(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = io.StringIO()
    monkeypatch.setattr("sys.stdout", plain)
    assert terminal_style(("key",)) == Style(120, unicode=False, colour=False, attributes=("key",))
    show(["├─ a", "ü"])
    show([])
    assert plain.getvalue() == "\\u251c\\u2500 a\n\\xfc\n"


@pytest.mark.parametrize(
    ("encoding", "unicode"),
    [("utf-8", True), ("UTF8", True), ("utf-16", True), ("gb18030", True), ("latin-1", False)],
)
def test_the_tree_is_drawn_with_what_stdout_can_show(
    encoding: str, unicode: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(io.BytesIO(), encoding=encoding))
    assert terminal_style().unicode is unicode


class Writes(io.RawIOBase):
    """What each write had, as of a file without a buffer."""

    def __init__(self) -> None:
        self.each: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        self.each.append(bytes(data))
        return len(data)


def test_what_is_shown_goes_in_one_write(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who has read the last line may go."""
    raw = Writes()
    stream: Any = raw  # as `python -u` has it, against the types of io
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(stream, "utf-8", write_through=True))
    show(["a", "b"])
    assert raw.each == [b"a\nb\n"]


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_whoever_reads_may_go(unbuffered: str, request: pytest.FixtureRequest) -> None:
    """As `| head` does: that is no failure, and what else came is not waited for."""
    running = Running("--traces-per-second=0", PYTHONUNBUFFERED=unbuffered)
    request.addfinalizer(running.process.kill)
    assert running.process.stdout is not None and running.process.stderr is not None
    running.process.stdout.close()
    assert running.post(one_trace(1)) == (200, b"")
    assert running.process.wait(20) == 0
    assert running.process.stderr.read() == ""


def test_a_close_waits_for_the_answer_to_what_was_taken() -> None:
    """A process that ends when that returns has answered."""
    taken, decided = threading.Event(), threading.Event()

    def on_request(_: TracesRequest) -> None:
        taken.set()
        decided.wait(20)

    receiver = Receiver("127.0.0.1", 0, on_request, lambda *_: None)
    threading.Thread(target=receiver.serve_forever, args=(0.01,), daemon=True).start()
    client = http.client.HTTPConnection("127.0.0.1", receiver.server_address[1], timeout=20)
    client.request("POST", "/v1/traces", one_trace(1), {"Content-Type": "application/x-protobuf"})
    assert taken.wait(20)
    threading.Timer(0.2, decided.set).start()
    receiver.shutdown()
    receiver.server_close()
    assert decided.is_set()
    assert client.sock is not None and select.select([client.sock], [], [], 0)[0], "it is answered by now"
    assert client.getresponse().status == 200
    client.close()


@pytest.mark.parametrize(
    ("command", "options"),
    [
        (
            "receive",
            ["--host HOST", "--port PORT", "--max-body BYTES", "--max-inflated BYTES", "--attribute KEY"],
        ),
        ("receive", ["--traces-per-second N"]),
        ("doctor", ["--timeout SECONDS", "--json"]),
        ("recover", ["--endpoint URL", "PATH", "--json"]),
    ],
)
def test_the_help_says_what_options_take(command: str, options: list[str]) -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "otlp_lite", command, "--help"], capture_output=True, text=True, check=True
    ).stdout
    assert [option for option in options if option not in shown] == []


def test_the_version_is_told() -> None:
    command = [sys.executable, "-m", "otlp_lite", "--version"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert shown == f"otlp_lite {importlib.metadata.version('otlp_lite')}\n"


@pytest.mark.parametrize(
    ("head", "why"),
    [
        ("GET /v1/traces HTTP/1.1\r\n", "GET /v1/traces: only POST is taken"),
        ("POST /v1/traces HTTP/1.1\r\n", "content type none: only application/x-protobuf is taken (no JSON)"),
        (
            "POST /v1/traces HTTP/1.1\r\nContent-Type: application/json\r\n",
            "content type application/json: only application/x-protobuf is taken (no JSON)",
        ),
        (
            "POST /v1/traces HTTP/1.1\r\nContent-Type: application/x-protobuf\r\nContent-Encoding: br\r\n",
            "content encoding br: only gzip, deflate and identity are taken",
        ),
        (
            "POST /v1/traces HTTP/1.1\r\nContent-Type: application/x-protobuf\r\nContent-Length: 01 2\r\n",
            "the content length is not one number",
        ),
    ],
)
def test_a_refusal_says_why(head: str, why: str, receiver: Running) -> None:
    answer = receiver.raw(f"{head}Host: here\r\n\r\n".encode())
    assert Status.FromString(answer.partition(b"\r\n\r\n")[2]).message == why
