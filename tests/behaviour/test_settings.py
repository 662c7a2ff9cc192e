"""Each setting changes what a program exports, where, when or how: by each variable, and as an argument."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import child
import pytest
import trustme
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from scripted import Receiver, Reply, Request, answer, secure_receiver, stall

from otlp_lite.config import LIMITS, OTHERS, SETTINGS

PREAMBLE = """\
import json, os, signal, sys, time
import otlp_lite
from opentelemetry.trace import Link, SpanContext
from otlp_lite.traces.processor import SpanProcessor

class Ids:
    def generate_trace_id(self): return 7
    def generate_span_id(self): return 8

class Teller(SpanProcessor):
    def on_end(self, span): print("ended", span.name)

telemetry = otlp_lite.configure(ARGUMENTS)
tracer = otlp_lite.get_tracer("settings")

def record(count, **more):
    for _ in range(count):
        tracer.start_span("s", **more).end()

def say():
    stats = telemetry.stats()
    print(json.dumps([dict(stats.traces.dropped), stats.traces.pending, stats.exporter.consecutive_failures]))
"""
SPANS = "record(8); telemetry.force_flush(10); say()"
FULL = "record(3000); say()"
OPEN = "record(1); telemetry.force_flush(10); print(telemetry.stats().region.open_spans)"
IMPATIENT = "record(8); telemetry.force_flush(TIME); say(); sys.stdout.flush(); os._exit(0)"
"""Does not wait at its end."""
SHAPE = """\
pairs = {"a": "value", "b": "value"}
links = [Link(SpanContext(1, 2, True), pairs)] * 2
with tracer.start_as_current_span("s", attributes=pairs, links=links) as span:
    span.add_event("e", pairs)
    span.add_event("e", pairs)
telemetry.force_flush(10)
"""
DYING = """\
ready, tell = os.pipe()
children = []
for _ in range(CHILDREN):
    children.append(os.fork())
    if children[-1] == 0:
        record(8)
        os.write(tell, b"x")
        time.sleep(60)
for child in children:
    os.read(ready, 1)
for child in children:
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
record(1)
telemetry.force_flush(10)
say()
folder = os.environ.get("OTLP_LITE_REGION_DIR")
for _ in range(1000):  # nothing is left to the next program
    if folder is None or sum(name.endswith(".region") for name in os.listdir(folder)) <= 1:
        break
    time.sleep(0.01)
"""
"""Its children are killed."""
FOLDER = TemporaryDirectory()
AWAY = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}
"""Nobody listens there."""


class Seen(NamedTuple):
    """What came of a program."""

    requests: list[Request]
    ended: child.Ended

    def spans(self) -> list[Span]:
        return [span for request in self.requests for span in request.spans()]

    def resource(self) -> dict[str, str]:
        message = ExportTraceServiceRequest.FromString(self.requests[0].body)
        attributes = message.resource_spans[0].resource.attributes
        return {pair.key: pair.value.string_value for pair in attributes}

    def said(self) -> tuple[dict[str, int], int, int]:
        """Of the statistics: what was dropped, what is pending, failures."""
        dropped, pending, failures = json.loads(self.ended.out.splitlines()[-1])
        return dropped, pending, failures


class Case(NamedTuple):
    """`see` is `before` without the setting, and `after` with any of `variables` or with `argument`.

    `{url}` is the receiver's, `{folder}` where certificates are.
    """

    see: Callable[[Seen], Any]
    before: Any
    after: Any
    argument: str = ""
    variables: Mapping[str, str] = {}
    base: Mapping[str, str] = {}
    """Set in both."""
    work: str = SPANS
    receiver: Callable[[], Receiver] = Receiver


def otlp(name: str, text: str) -> dict[str, str]:
    return {f"OTEL_EXPORTER_OTLP_{name}": text, f"OTEL_EXPORTER_OTLP_TRACES_{name}": text}


def spans(seen: Seen) -> int:
    return len(seen.spans())


def path(seen: Seen) -> str:
    return seen.requests[0].line.split()[1]


def header(name: str, seen: Seen) -> str | None:
    return seen.requests[0].headers.get(name)


def attribute(name: str, seen: Seen) -> str | None:
    return seen.resource().get(name)


def one_trace(seen: Seen) -> bool:
    return len({span.trace_id for span in seen.spans()}) == 1


def kept_all(seen: Seen) -> bool:
    return seen.said()[1] == 3000


def failed(seen: Seen) -> bool:
    return seen.said()[2] > 0


def shape(seen: Seen) -> tuple[int, ...]:
    """Attributes, events, links; attributes of an event, of a link; length of a value of each."""
    (span,) = seen.spans()
    owners: list[Any] = [span, *span.events[:1], *span.links[:1]]
    values = [owner.attributes[0].value.string_value for owner in owners]
    counts = [len(owner.attributes) for owner in owners]
    return (counts[0], len(span.events), len(span.links), *counts[1:], *map(len, values))


def answer_late(connection: socket.socket, request: Request) -> bool:
    threading.Event().wait(0.3)
    return answer()(connection, request)


def with_default(reply: Reply) -> Receiver:
    return Receiver(default=reply)


def secure(clients: trustme.CA | None = None) -> Receiver:
    return secure_receiver(Path(FOLDER.name), clients=clients)


@cache
def client() -> trustme.CA:
    """Who issued the certificates of `client.pem`, with its key in `key.pem`, and of `both.pem`."""
    authority, folder = trustme.CA(), Path(FOLDER.name)
    issued = authority.issue_cert("client.example")
    issued.cert_chain_pems[0].write_to_path(folder / "client.pem")
    issued.private_key_pem.write_to_path(folder / "key.pem")
    issued.private_key_and_cert_chain_pem.write_to_path(folder / "both.pem")
    return authority


def secure_for_clients() -> Receiver:
    return secure(client())


@cache
def no_entropy() -> str:
    """A library in which the system always draws the same."""
    source, library = Path(FOLDER.name, "same.c"), Path(FOLDER.name, "same.so")
    source.write_text(
        "#include <string.h>\n#include <sys/types.h>\n"
        "ssize_t getrandom(void *to, size_t size, unsigned flags) { memset(to, 7, size); return size; }\n"
    )
    subprocess.run(["cc", "-shared", "-fPIC", "-o", str(library), str(source)], check=True)
    return " ".join(filter(None, (os.environ.get("LD_PRELOAD"), str(library))))


CASES: dict[str, Case] = {
    "service_name": Case(
        partial(attribute, "service.name"),
        f"unknown_service:{os.path.basename(sys.executable)}",
        "shop",
        "service_name='shop'",
        {"OTEL_SERVICE_NAME": "shop"},
    ),
    "endpoint": Case(
        path,
        "/v1/traces",
        "/base/v1/traces",
        "endpoint='{url}/base'",
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "{url}/base"},
    ),
    "traces_endpoint": Case(
        path,
        "/v1/traces",
        "/as/it/is",
        "traces_endpoint='{url}/as/it/is'",
        {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "{url}/as/it/is"},
    ),
    "headers": Case(
        partial(header, "x-key"), None, "a b", "headers={'X-Key': 'a b'}", otlp("HEADERS", "X-Key=a%20b")
    ),
    "sampler": Case(spans, 8, 0, "sampler='always_off'", {"OTEL_TRACES_SAMPLER": "always_off"}),
    "sampler_arg": Case(
        spans,
        8,
        0,
        "sampler_arg=0.0",
        {"OTEL_TRACES_SAMPLER_ARG": "0"},
        {"OTEL_TRACES_SAMPLER": "parentbased_traceidratio"},
    ),
    "region_size": Case(kept_all, True, False, "region_size='64KiB'", base=AWAY, work=FULL),
    "on_full": Case(
        lambda seen: list(seen.said()[0]),
        ["overwritten"],
        ["full"],
        "on_full='drop'",
        base={**AWAY, "OTEL_BSP_MAX_QUEUE_SIZE": "1"},
        work=FULL,
    ),
    "region_dir": Case(
        spans,
        1,
        9,
        "region_dir='{folder}/regions'",
        {"OTLP_LITE_REGION_DIR": "{folder}/regions"},
        work=DYING.replace("CHILDREN", "1"),
    ),
    "region_dir_limit": Case(
        lambda seen: seen.said()[0],
        {},
        {"evicted": 8},
        "region_dir_limit=1",
        base={"OTLP_LITE_REGION_DIR": "{folder}/few"},
        work=DYING.replace("CHILDREN", "2"),
    ),
    "open_spans": Case(
        lambda seen: int(seen.ended.out),
        1024,
        7,
        "open_spans=7",
        {"OTLP_LITE_OPEN_SPANS": "7"},
        {"OTLP_LITE_REGION_DIR": f"{FOLDER.name}/open"},
        work=OPEN,
    ),
    "resource_attributes": Case(
        partial(attribute, "team"),
        None,
        "a,b",
        "resource_attributes={'team': 'a,b'}",
        {"OTEL_RESOURCE_ATTRIBUTES": "team=a%2Cb"},
    ),
    "limits": Case(
        shape,
        (2, 2, 2, 2, 2, 5, 5, 5),
        (2, 1, 2, 2, 2, 5, 5, 5),
        "limits=otlp_lite.SpanLimits(max_events=1)",
        work=SHAPE,
    ),
    "id_generator": Case(
        lambda seen: {int.from_bytes(span.trace_id, "big") for span in seen.spans()} == {7},
        False,
        True,
        "id_generator=Ids()",
    ),
    "ids": Case(one_trace, False, True, "ids='os'", base={"LD_PRELOAD": "{same}"}),
    "traces_exporter": Case(spans, 8, 0, "traces_exporter='none'", {"OTEL_TRACES_EXPORTER": "none"}),
    "protocol": Case(
        lambda seen: (spans(seen), seen.said()[0]),
        (8, {}),
        (0, {"unsupported_protocol": 8}),
        variables=otlp("PROTOCOL", "grpc"),
    ),
    "compression": Case(
        lambda seen: (header("content-encoding", seen), spans(seen)),
        (None, 8),
        ("gzip", 8),
        "compression='gzip'",
        otlp("COMPRESSION", "gzip"),
    ),
    "timeout": Case(
        failed,
        False,
        True,
        "timeout=0.1",
        otlp("TIMEOUT", "100"),
        work=IMPATIENT.replace("TIME", "1"),
        receiver=partial(with_default, stall),
    ),
    "certificate": Case(
        lambda seen: spans(seen) > 0,
        False,
        True,
        "certificate='{folder}/ca.pem'",
        otlp("CERTIFICATE", "{folder}/ca.pem"),
        work=IMPATIENT.replace("TIME", "3"),
        receiver=secure,
    ),
    "client_certificate": Case(
        spans,
        0,
        8,
        "client_certificate='{folder}/both.pem'",
        otlp("CLIENT_CERTIFICATE", "{folder}/both.pem"),
        {"OTEL_EXPORTER_OTLP_CERTIFICATE": "{folder}/ca.pem"},
        work=IMPATIENT.replace("TIME", "3"),
        receiver=secure_for_clients,
    ),
    "client_key": Case(
        spans,
        0,
        8,
        "client_certificate='{folder}/client.pem', client_key='{folder}/key.pem'",
        otlp("CLIENT_KEY", "{folder}/key.pem"),
        {
            "OTEL_EXPORTER_OTLP_CERTIFICATE": "{folder}/ca.pem",
            "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE": "{folder}/client.pem",
        },
        work=IMPATIENT.replace("TIME", "3"),
        receiver=secure_for_clients,
    ),
    "schedule_delay": Case(
        lambda seen: seen.said()[1],
        1,
        0,
        "schedule_delay=0.1",
        {"OTEL_BSP_SCHEDULE_DELAY": "100"},
        {"OTEL_BSP_SCHEDULE_DELAY": "60000"},
        work="record(1)\nuntil = time.monotonic() + 2\n"
        "while telemetry.stats().traces.pending and time.monotonic() < until: time.sleep(0.01)\nsay()",
    ),
    "export_timeout": Case(
        failed,
        False,
        True,
        "export_timeout=0.1",
        {"OTEL_BSP_EXPORT_TIMEOUT": "100"},
        work=IMPATIENT.replace("TIME", "1"),
        receiver=partial(with_default, stall),
    ),
    "max_queue_size": Case(
        kept_all, True, False, "max_queue_size=100", {"OTEL_BSP_MAX_QUEUE_SIZE": "100"}, AWAY, FULL
    ),
    "max_export_batch_size": Case(
        lambda seen: [len(request.spans()) for request in seen.requests],
        [8],
        [3, 3, 2],
        "max_export_batch_size=3",
        {"OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "3"},
        {"OTEL_BSP_SCHEDULE_DELAY": "60000"},
    ),
    "span_processors": Case(
        lambda seen: seen.ended.out.count("ended s\n"), 0, 8, "span_processors=[Teller()]"
    ),
    "disabled": Case(spans, 8, 0, "disabled=True", {"OTEL_SDK_DISABLED": "true"}),
    "handle_sigterm": Case(
        lambda seen: (spans(seen), seen.ended.status),
        (8, -signal.SIGTERM),
        (0, -signal.SIGTERM),
        "handle_sigterm=False",
        base={"OTEL_BSP_SCHEDULE_DELAY": "60000"},
        work="record(8); os.kill(os.getpid(), signal.SIGTERM); time.sleep(30)",
    ),
    "exit_timeout": Case(
        lambda seen: "dropped at the shutdown" in seen.ended.err,
        False,
        True,
        "exit_timeout=0",
        work="record(1)",
        receiver=partial(with_default, answer_late),
    ),
    "log_level": Case(
        lambda seen: seen.ended.err.count("empty"),
        1,
        0,
        variables={"OTEL_LOG_LEVEL": "none"},
        work="record(1, attributes={'': 1})",
    ),
    "cpu": Case(
        lambda seen: (seen.ended.status, ": expected " in seen.ended.err, spans(seen)),
        (0, False, 8),
        (1, True, 0),
        variables={"OTLP_LITE_CPU": "abacus"},
    ),
}
LIMITED = {  # `shape` when the limit is 1
    "max_attributes": (1, 2, 2, 1, 1, 5, 5, 5),
    "max_events": (2, 1, 2, 2, 2, 5, 5, 5),
    "max_links": (2, 2, 1, 2, 2, 5, 5, 5),
    "max_span_attributes": (1, 2, 2, 2, 2, 5, 5, 5),
    "max_event_attributes": (2, 2, 2, 1, 2, 5, 5, 5),
    "max_link_attributes": (2, 2, 2, 2, 1, 5, 5, 5),
    "max_attribute_length": (2, 2, 2, 2, 2, 1, 1, 1),
    "max_span_attribute_length": (2, 2, 2, 2, 2, 1, 5, 5),
}
LIMIT_VARIABLES = {name: variable for name, variable, _ in LIMITS}
CASES |= {
    name: CASES["limits"]._replace(
        after=after,
        argument=f"limits=otlp_lite.SpanLimits({name}=1)",
        variables={LIMIT_VARIABLES[name]: "1"},
    )
    for name, after in LIMITED.items()
}
WAYS = [(name, variable) for name, case in CASES.items() for variable in case.variables]
WAYS += [(name, "argument") for name, case in CASES.items() if case.argument]


def run(case: Case, environ: Mapping[str, str], arguments: str) -> Seen:
    with case.receiver() as receiver:
        put = {"{url}": receiver.url, "{folder}": FOLDER.name}

        def filled(text: str) -> str:
            for mark, value in put.items():
                text = text.replace(mark, value)
            return text.replace("{same}", no_entropy()) if "{same}" in text else text

        variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url, **case.base, **environ}
        program = PREAMBLE.replace("ARGUMENTS", filled(arguments)) + case.work
        ended = child.run(program, env={name: filled(text) for name, text in variables.items()})
        return Seen(receiver.requests, ended)


BASELINES: dict[tuple[object, ...], Seen] = {}


def without(case: Case) -> Seen:
    """The run without the setting: one for all cases that begin alike."""
    key = (*case.base.items(), case.work, case.receiver)
    if key not in BASELINES:
        BASELINES[key] = run(case, {}, "")
    return BASELINES[key]


@pytest.mark.parametrize(("name", "way"), WAYS)
def test_a_setting_changes_what_a_program_does(name: str, way: str) -> None:
    case = CASES[name]
    before = without(case)
    assert case.see(before) == case.before, before.ended
    variables = {} if way == "argument" else {way: case.variables[way]}
    after = run(case, variables, case.argument if way == "argument" else "")
    assert case.see(after) == case.after, after.ended


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(30)
        yield listener


@pytest.mark.parametrize(
    ("variable", "endpoint", "line"),
    [
        ("http_proxy", "http://receiver.invalid", b"POST http://receiver.invalid/v1/traces HTTP/1.1\r\n"),
        ("https_proxy", "https://receiver.invalid", b"CONNECT receiver.invalid:443 HTTP/1.1\r\n"),
        ("all_proxy", "http://receiver.invalid", b"POST http://receiver.invalid/v1/traces HTTP/1.1\r\n"),
    ],
)
def test_a_proxy_is_asked_in_place_of_the_receiver(
    listener: socket.socket, variable: str, endpoint: str, line: bytes
) -> None:
    heard: list[bytes] = []

    def listen() -> None:
        connection, _ = listener.accept()
        heard.append(connection.makefile("rb").readline())
        connection.close()

    thread = threading.Thread(target=listen)
    thread.start()
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    environ = {variable: url, "no_proxy": "another.invalid", "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint}
    child.run(PREAMBLE.replace("ARGUMENTS", "") + "record(1); telemetry.force_flush(1)", env=environ)
    thread.join(30)
    assert heard == [line]


def test_every_setting_has_a_case_with_each_of_its_variables() -> None:
    variables = {row.name: row.variables for row in SETTINGS}
    assert variables.pop("proxy") == ("http_proxy", "https_proxy", "all_proxy")  # by the test above
    variables |= {name: (variable,) for name, variable, _ in LIMITS}
    assert set(CASES) == set(variables)
    for name, names in variables.items():
        assert set(CASES[name].variables) == set(names), name
    assert [name for name, case in CASES.items() if not case.argument] == ["protocol", "log_level", "cpu"]


SPECIFIED = """
OTEL_SDK_DISABLED OTEL_RESOURCE_ATTRIBUTES OTEL_SERVICE_NAME OTEL_LOG_LEVEL OTEL_PROPAGATORS
OTEL_TRACES_SAMPLER OTEL_TRACES_SAMPLER_ARG OTEL_TRACES_EXPORTER
OTEL_CONFIG_FILE OTEL_EXPERIMENTAL_CONFIG_FILE
OTEL_BSP_SCHEDULE_DELAY OTEL_BSP_EXPORT_TIMEOUT OTEL_BSP_MAX_QUEUE_SIZE OTEL_BSP_MAX_EXPORT_BATCH_SIZE
OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT OTEL_ATTRIBUTE_COUNT_LIMIT OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT
OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT OTEL_SPAN_EVENT_COUNT_LIMIT OTEL_SPAN_LINK_COUNT_LIMIT
OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT OTEL_LINK_ATTRIBUTE_COUNT_LIMIT
"""
"""https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/, as far as for traces."""
EXPORTER = "ENDPOINT PROTOCOL INSECURE CERTIFICATE CLIENT_KEY CLIENT_CERTIFICATE HEADERS COMPRESSION TIMEOUT"
"""https://opentelemetry.io/docs/specs/otel/protocol/exporter/"""


def test_every_variable_of_the_specification_is_a_setting_or_said_to_be_none() -> None:
    specified = {*SPECIFIED.split(), *(name for each in EXPORTER.split() for name in otlp(each, ""))}
    settings = {variable for row in SETTINGS for variable in row.variables} | set(LIMIT_VARIABLES.values())
    others = {variable for variable, _ in OTHERS}
    assert not settings & others
    assert specified == {name for name in settings | others if name.startswith("OTEL_")}


WRONG = {
    "OTEL_EXPORTER_OTLP_ENDPOINT": "localhost:4318",
    "OTEL_EXPORTER_OTLP_HEADERS": "x=a%0D%0Ab:c",
    "OTEL_EXPORTER_OTLP_PROTOCOL": "smoke",
    "OTEL_EXPORTER_OTLP_COMPRESSION": "brotli",
    "OTEL_EXPORTER_OTLP_TIMEOUT": "soon",
    "OTEL_EXPORTER_OTLP_CERTIFICATE": "/nowhere",
    "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE": "/nowhere",
    "OTEL_EXPORTER_OTLP_CLIENT_KEY": "/nowhere",
    "OTEL_TRACES_EXPORTER": "zipkin",
    "OTEL_TRACES_SAMPLER": "sometimes",
    "OTEL_TRACES_SAMPLER_ARG": "2",
    "OTEL_RESOURCE_ATTRIBUTES": "alone",
    "OTEL_SDK_DISABLED": "perhaps",
    "OTEL_LOG_LEVEL": "loud",
    "OTEL_CONFIG_FILE": "/etc/otel.yaml",
    "OTEL_EXPERIMENTAL_CONFIG_FILE": "/etc/otel.yaml",
    "OTEL_BSP_SCHEDULE_DELAY": "-1",
    "OTEL_BSP_EXPORT_TIMEOUT": "0",
    "OTEL_BSP_MAX_QUEUE_SIZE": "many",
    "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "1.5",
    **dict.fromkeys(LIMIT_VARIABLES.values(), "-1"),
}


def test_a_wrong_variable_is_one_warning_and_the_default_holds() -> None:
    with Receiver() as receiver:
        environ = {**WRONG, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"{receiver.url}/v1/traces"}
        ended = child.run(PREAMBLE.replace("ARGUMENTS", "") + SHAPE, env=environ)
        seen = Seen(receiver.requests, ended)
    said = ended.err.splitlines()
    assert {name: sum(line.startswith((f"{name}=", f"{name}:")) for line in said) for name in WRONG} == (
        dict.fromkeys(WRONG, 1)
    )
    assert len(said) == len(WRONG) and ended.status == 0
    assert shape(seen) == (2, 2, 2, 2, 2, 5, 5, 5)
    assert "x" not in seen.requests[0].headers and attribute("alone", seen) is None


@pytest.mark.parametrize("argument", ["headers={'x': 'a\\r\\nb: c'}", "timeout='soon'", "limits=7"])
def test_a_wrong_argument_is_an_error_that_says_what_is_allowed(argument: str) -> None:
    ended = child.run(PREAMBLE.replace("ARGUMENTS", argument))
    last = ended.err.splitlines()[-1]
    assert ended.status == 1
    assert last.startswith(f"otlp_lite.errors.ConfigurationError: {argument.partition('=')[0]}=")
    assert ": expected " in last and "b: c" not in last
