"""Each setting: its argument, its variables, what is refused, what is warned of, what wins."""

from __future__ import annotations

import inspect
import logging
import os
import tempfile
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace import SpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import StaticSampler

import otlp_lite
from otlp_lite import ConfigurationError
from otlp_lite.config import SETTINGS, Config, load, refuse_difference
from otlp_lite.parse import Endpoint

_folder = tempfile.TemporaryDirectory()
PEM = f"{_folder.name}/both.pem"
"""As far as the settings look into it."""
Path(PEM).write_text("-----BEGIN CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----\n")
CERTIFICATE, ENCRYPTED = f"{_folder.name}/certificate.pem", f"{_folder.name}/encrypted.pem"
Path(CERTIFICATE).write_text("-----BEGIN CERTIFICATE-----\n")
Path(ENCRYPTED).write_text("-----BEGIN ENCRYPTED PRIVATE KEY-----\n")
NO_PEM = f"{_folder.name}/none.pem"
Path(NO_PEM).write_text("CERTIFICATE-----\n")

# (argument, good values with their normal form, bad values)
ARGUMENTS: list[tuple[str, list[Any], list[Any]]] = [
    ("service_name", [("shop", "shop")], ["", 3]),
    (
        "endpoint",
        [
            ("http://localhost:4318", Endpoint("http", "", "localhost", 4318, "", "")),
            ("HTTPS://Collector.example", Endpoint("https", "", "Collector.example", 443, "", "")),
            ("http://[::1]:1/otlp/", Endpoint("http", "", "::1", 1, "/otlp/", "")),
            ("http://u:p@w@h/a?key=1#f", Endpoint("http", "u:p@w", "h", 80, "/a", "?key=1")),
            ("http://h/!~", Endpoint("http", "", "h", 80, "/!~", "")),
            ("http://h:65535", Endpoint("http", "", "h", 65535, "", "")),
            ("http://[::1]", Endpoint("http", "", "::1", 80, "", "")),
            ("http://bücher.example", Endpoint("http", "", "xn--bcher-kva.example", 80, "", "")),
        ],
        [
            "",
            "localhost:4318",
            "ftp://h",
            "http://",
            "http://h:0",
            "http://h:65536",
            "http://h:x",
            "http://h: 1",
            "http://a b",
            "http://h/\r\nX: y",
            "http://[::1",
            "http://[h]:1",
            "http://h/\xe9",
            "http://h/\x7f",
            "http:///x",
            4318,
        ],
    ),
    ("traces_endpoint", [("http://h/x", Endpoint("http", "", "h", 80, "/x", ""))], ["h/x"]),
    (
        "headers",
        [({}, {}), ({"API-Key": "a=b, c"}, {"api-key": "a=b, c"}), ({"x": "caf\xe9\t"}, {"x": "caf\xe9\t"})],
        [
            "a=b",
            {"x": "a\r\nb: c"},
            {"x": "a\nb"},
            {"x": "\0"},
            {"x": 1},
            {"a b": "c"},
            {"a?b": "c"},
            {"": "c"},
            {"a:": "c"},
            {"x": "\u20ac"},
            {"Content-Length": "3"},
            {"transfer-encoding": "chunked"},
            {1: "x"},
        ],
    ),
    (
        "sampler",
        [("always_on", "always_on"), ("TraceIdRatio", "traceidratio")],
        ["sometimes", "", 0.5, object(), StaticSampler],
    ),
    ("sampler_arg", [(0, 0.0), (1, 1.0), (0.25, 0.25)], [-0.1, 1.1, "0.5", True, float("nan")]),
    (
        "region_size",
        [
            (65536, 65536),
            ("64KiB", 65536),
            ("8MiB", 8 << 20),
            ("8 MiB", 8 << 20),
            ("1GiB", 1 << 30),
            ("1048576", 1 << 20),
        ],
        [65535, (1 << 30) + 1, "63KiB", "2GiB", "8MB", "many", "", 8.0, True],
    ),
    ("on_full", [("overwrite", "overwrite"), ("DROP", "drop")], ["block", "", 1]),
    (
        "region_dir",
        [("/run/x/", "/run/x"), (Path("/run/../x"), "/x"), ("x", os.path.abspath("x"))],
        ["", 7, b"/run", "a\0b", None.__class__],
    ),
    ("region_dir_limit", [(1, 1), (16, 16)], [0, -1, 1.5, "16", True]),
    ("open_spans", [(0, 0), (1024, 1024)], [-1, 1.5, "1", True, False, 1 << 32]),
    ("resource_attributes", [({"a": 1}, {"a": 1})], [{"": 1}, {1: 1}, "a=b", [("a", 1)]]),
    ("limits", [], [1, {}]),
    ("id_generator", [], ["random", object(), RandomIdGenerator]),
    ("ids", [("random", "random"), ("os", "os")], ["uuid", 7]),
    ("traces_exporter", [("otlp", "otlp"), ("None", "none")], ["console", "", None.__class__]),
    ("protocol", [("HTTP/protobuf", "http/protobuf")], ["grpc", "http/json", "http", ""]),
    ("compression", [("none", "none"), ("gzip", "gzip"), ("GZIP", "gzip")], ["deflate", "", 9]),
    (
        "timeout",
        [(10, 10.0), (0.5, 0.5), (86400, 86400.0)],
        [0, -1, "10", float("inf"), float("nan"), 86401, True],
    ),
    ("certificate", [(PEM, PEM), (Path(PEM), PEM)], [NO_PEM, NO_PEM + ".not", _folder.name, 1, ""]),
    ("client_certificate", [(PEM, PEM)], [NO_PEM, NO_PEM + ".not"]),
    ("client_key", [], [NO_PEM, PEM]),
    (
        "proxy",
        [
            ("http://p:3128", Endpoint("http", "", "p", 3128, "", "")),
            (" u:p@p:3128/path?query ", Endpoint("http", "u:p", "p", 3128, "", "")),
            ("p", Endpoint("http", "", "p", 80, "", "")),
            ("[::1]:8080", Endpoint("http", "", "::1", 8080, "", "")),
        ],
        ["", "https://p", "socks5://p:1080", "http://", "p:x", "p q", 3128],
    ),
    ("schedule_delay", [(5, 5.0)], [0, -1, None.__class__]),
    ("export_timeout", [(30, 30.0)], [0, "30"]),
    ("max_queue_size", [(2048, 2048), (0xFFFFFFFF, 0xFFFFFFFF)], [0, -1, 1.5, "1", True, 1 << 32]),
    ("max_export_batch_size", [(512, 512)], [0, "512", True]),
    ("span_processors", [((), ()), ([], ())], [3, [object()], [SpanProcessor]]),
    ("disabled", [(False, False), (True, True)], [0, "true"]),
    ("handle_sigterm", [(True, True), (False, False)], [1, "false"]),
    ("exit_timeout", [(2, 2.0), (0, 0.0)], [-2, False, "0"]),
    ("log_level", [("none", "none"), ("WARN", "warn")], ["", "loud", 3]),
    ("cpu", [("scalar", "scalar")], ["", 3]),
]

# (variable, argument, texts with their value, texts that are warned of)
VARIABLES = [
    ("OTEL_SERVICE_NAME", "service_name", [("shop", "shop")], []),
    (
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "endpoint",
        [("http://h:1/x", Endpoint("http", "", "h", 1, "/x", ""))],
        ["h:1", "unix:///x"],
    ),
    (
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
        "traces_endpoint",
        [("https://h", Endpoint("https", "", "h", 443, "", ""))],
        ["h:1"],
    ),
    (
        "OTEL_EXPORTER_OTLP_HEADERS",
        "headers",
        [
            ("api-key=s3cret", {"api-key": "s3cret"}),
            (" A = b , c=d=e,, ", {"a": "b", "c": "d=e"}),
            ("authorization=Basic%20Zm9v", {"authorization": "Basic Zm9v"}),
            ("authorization=Basic 100%25", {"authorization": "Basic 100%25"}),
        ],
        [],
    ),
    (
        "OTEL_TRACES_EXPORTER",
        "traces_exporter",
        [("otlp", "otlp"), ("none", "none")],
        ["console", "otlp,none"],
    ),
    (
        "OTEL_EXPORTER_OTLP_PROTOCOL",
        "protocol",
        [("http/protobuf", "http/protobuf"), ("grpc", "grpc"), ("HTTP/JSON", "http/json")],
        ["http"],
    ),
    (
        "OTEL_EXPORTER_OTLP_COMPRESSION",
        "compression",
        [("gzip", "gzip"), ("none", "none")],
        ["deflate", "zstd"],
    ),
    (
        "OTEL_EXPORTER_OTLP_TIMEOUT",
        "timeout",
        [("2500", 2.5), ("250", 0.25)],
        ["0", "-1", "soon", "nan", "inf"],
    ),
    ("OTEL_EXPORTER_OTLP_CERTIFICATE", "certificate", [(PEM, PEM)], [NO_PEM, NO_PEM + ".not"]),
    ("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", "client_certificate", [(PEM, PEM)], [NO_PEM, NO_PEM + ".not"]),
    ("OTEL_EXPORTER_OTLP_CLIENT_KEY", "client_key", [], [NO_PEM, PEM]),
    (
        "OTEL_TRACES_SAMPLER",
        "sampler",
        [("always_off", "always_off"), ("ALWAYS_ON", "always_on")],
        ["jaeger"],
    ),
    ("OTEL_TRACES_SAMPLER_ARG", "sampler_arg", [("0.5", 0.5), ("1", 1.0)], ["2", "-1", "half", "nan"]),
    (
        "OTEL_RESOURCE_ATTRIBUTES",
        "resource_attributes",
        [("a=b, c = d%2Ce ,f=", {"a": "b", "c": "d,e", "f": ""})],
        [],
    ),
    ("OTEL_SDK_DISABLED", "disabled", [("true", True), ("TRUE", True), ("false", False)], ["1", "yes"]),
    ("OTEL_BSP_SCHEDULE_DELAY", "schedule_delay", [("100", 0.1)], ["0", "x", "-5"]),
    ("OTEL_BSP_EXPORT_TIMEOUT", "export_timeout", [("100", 0.1)], ["0", "x"]),
    ("OTEL_BSP_MAX_QUEUE_SIZE", "max_queue_size", [("100", 100)], ["0", "x", "1.5"]),
    ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "max_export_batch_size", [("100", 100)], ["0", "x"]),
    ("OTEL_LOG_LEVEL", "log_level", [("none", "none"), ("Debug", "debug")], ["loud"]),
    ("OTLP_LITE_REGION_DIR", "region_dir", [("/run/x", "/run/x")], []),
    ("OTLP_LITE_OPEN_SPANS", "open_spans", [("0", 0), ("7", 7)], ["-1", "x", "1.5"]),
    ("OTLP_LITE_CPU", "cpu", [("scalar", "scalar")], []),
]


def test_every_setting_is_a_row_an_argument_and_a_field() -> None:
    names = [row.name for row in SETTINGS]
    assert names == list(Config.__annotations__) == list(vars(load({}, {})))
    assert names == [name for name, _, _ in ARGUMENTS]
    tested = {variable for variable, _, _, _ in VARIABLES}
    tested |= {
        "http_proxy",
        "https_proxy",
        "all_proxy",
    }  # test_proxy.py: which counts depends on the endpoint
    general = {v for v in tested if v.startswith("OTEL_EXPORTER_OTLP_") and "TRACES" not in v}
    tested |= {v.replace("OTLP_", "OTLP_TRACES_") for v in general}
    assert {variable for row in SETTINGS for variable in row.variables} == tested
    face = inspect.signature(otlp_lite.configure).parameters
    assert list(face) == [name for name in names if name not in ("cpu", "log_level", "proxy")]
    assert all(p.kind is p.KEYWORD_ONLY and p.default is None for p in face.values())


@pytest.mark.parametrize(("name", "good", "bad"), ARGUMENTS, ids=[row[0] for row in ARGUMENTS])
def test_argument(name: str, good: list[Any], bad: list[Any]) -> None:
    for value, normal in good:
        assert getattr(load({name: value}, {}), name) == normal, value
    for value in bad:
        with pytest.raises(ConfigurationError, match=rf"^{name}=.*: expected .") as caught:
            load({name: value}, {})
        shown = "***" if name in ("headers", "resource_attributes") and value else repr(value)
        if "://" not in shown:
            assert shown in str(caught.value)


@pytest.mark.parametrize(("variable", "name", "good", "bad"), VARIABLES, ids=[row[0] for row in VARIABLES])
def test_variable(
    variable: str, name: str, good: list[Any], bad: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    default = getattr(load({}, {}), name)
    for text, value in good:
        assert getattr(load({}, {variable: text}), name) == value, text
    assert getattr(load({}, {variable: ""}), name) == default
    assert not caplog.records
    for text in bad:
        caplog.clear()
        assert getattr(load({}, {variable: text}), name) == default, text
        assert [record.levelno for record in caplog.records] == [logging.WARNING], text
        assert caplog.messages[0].startswith(variable) and "expected" in caplog.messages[0]


@pytest.mark.parametrize(("variable", "name", "good", "bad"), VARIABLES, ids=[row[0] for row in VARIABLES])
def test_argument_wins_over_variable(variable: str, name: str, good: list[Any], bad: list[str]) -> None:
    for argument, normal in {n: g for n, g, _ in ARGUMENTS}[name][:1]:
        for text, _ in good[-1:]:
            loaded = getattr(load({name: argument}, {variable: text}), name)
            if name in ("headers", "resource_attributes"):
                assert normal.items() <= loaded.items()
            else:
                assert loaded == normal


def test_variable_of_the_signal_wins_over_the_general_one(caplog: pytest.LogCaptureFixture) -> None:
    environ = {"OTEL_EXPORTER_OTLP_TIMEOUT": "1000", "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT": "2000"}
    assert load({}, environ).timeout == 2.0
    assert load({}, {**environ, "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT": "x"}).timeout == 1.0
    environ = {"OTEL_EXPORTER_OTLP_HEADERS": "a=1", "OTEL_EXPORTER_OTLP_TRACES_HEADERS": "b=2"}
    assert load({}, environ).headers == {"b": "2"}
    assert load({"headers": {"c": "3", "B": "4"}}, environ).headers == {"b": "4", "c": "3"}


def test_a_content_type_is_ours_or_refused(caplog: pytest.LogCaptureFixture) -> None:
    ours = {"content-type": "application/x-protobuf"}
    assert load({"headers": ours}, {}).headers == ours
    with pytest.raises(ConfigurationError, match="application/x-protobuf for header 'Content-Type'"):
        load({"headers": {"Content-Type": "application/json"}}, {})
    assert load({}, {"OTEL_EXPORTER_OTLP_HEADERS": "content-type=application/json,a=1"}).headers == {"a": "1"}
    assert "application/x-protobuf for header 'content-type'" in caplog.text


def test_where_traces_go() -> None:
    def url(arguments: dict[str, str], environ: dict[str, str]) -> str:
        config = load(arguments, environ)
        return str(config.traces_endpoint or config.endpoint.join("v1/traces"))

    general = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://general/base/"}
    signal = {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://signal/as/is"}
    assert url({}, {}) == "http://localhost:4318/v1/traces"
    assert url({}, general) == "http://general:80/base/v1/traces"
    assert url({}, {**general, **signal}) == "http://signal:80/as/is"
    assert url({"endpoint": "http://code"}, {**general, **signal}) == "http://code:80/v1/traces"
    assert url({"endpoint": "http://code", "traces_endpoint": "http://t/"}, signal) == "http://t:80/"


def test_secrets_are_hidden(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load({"headers": {"api-key": "s3cret\n"}}, {})
    assert "api-key" in str(caught.value) and "s3cret" not in str(caught.value)
    with pytest.raises(ConfigurationError) as caught:
        load({"endpoint": "http://me:s3cret@host:port/?key=s3cret"}, {})
    assert "s3cret" not in str(caught.value) and "host:port" in str(caught.value)
    environ = {
        "OTEL_EXPORTER_OTLP_HEADERS": "s3cret,a b=s3cret,x=s3cret%0As3cret,content-length=s3cret,ok=1",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "gopher://me:s3cret@host/?s3cret",
    }
    assert load({}, environ).headers == {"ok": "1"}
    assert len(caplog.messages) == 5
    assert "s3cret" not in caplog.text
    config = load({"headers": {"a": "s3cret"}, "endpoint": "http://s3cret@h/?s3cret"}, {})
    assert "s3cret" not in repr(config) and "s3cret" not in str(config)
    with pytest.raises(AttributeError):
        config.timeout = 3.0
    with pytest.raises(ConfigurationError, match="headers") as caught:
        refuse_difference(
            config, load({"headers": {"a": "s3cret2"}, "endpoint": "http://s3cret@h/?s3cret"}, {}), {}
        )
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    "text", ["user:hunter2@host:4318", "grpc//user:hunter2@host", "user:hun://hunter2@host"]
)
def test_a_malformed_endpoint_is_shown_without_its_password(
    text: str, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load({"endpoint": text}, {})
    load({}, {"OTEL_EXPORTER_OTLP_ENDPOINT": text})
    for said in (str(caught.value), caplog.text):
        assert "***@host" in said and "hunter2" not in said


def test_a_timeout_that_looks_like_seconds_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    assert load({}, {"OTEL_EXPORTER_OTLP_TIMEOUT": "100"}).timeout == 0.1
    assert not caplog.records
    assert load({}, {"OTEL_EXPORTER_OTLP_TIMEOUT": "10"}).timeout == 0.01
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "OTEL_EXPORTER_OTLP_TIMEOUT=10 is taken as milliseconds" in caplog.text


def test_bad_pairs_are_skipped_and_named(caplog: pytest.LogCaptureFixture) -> None:
    config = load({}, {"OTEL_RESOURCE_ATTRIBUTES": "a=b,oops,=x,c=d"})
    assert config.resource_attributes == {"a": "b", "c": "d"}
    assert caplog.messages == [
        f"OTEL_RESOURCE_ATTRIBUTES: item {number} is ignored: expected key=value" for number in (2, 3)
    ]


def test_region_size_follows_the_queue_size_unless_given() -> None:
    assert load({}, {}).region_size == 4 << 20
    assert load({}, {"OTEL_BSP_MAX_QUEUE_SIZE": "2048"}).region_size == 1 << 20
    assert load({}, {"OTEL_BSP_MAX_QUEUE_SIZE": "1"}).region_size == 64 << 10
    assert load({}, {"OTEL_BSP_MAX_QUEUE_SIZE": "99999999"}).region_size == 1 << 30
    assert load({"region_size": "2MiB"}, {"OTEL_BSP_MAX_QUEUE_SIZE": "2048"}).region_size == 2 << 20


def test_service_name_has_four_sources_in_order() -> None:
    attributes = {"OTEL_RESOURCE_ATTRIBUTES": "service.name=4"}
    named = {**attributes, "OTEL_SERVICE_NAME": "3"}
    assert load({}, attributes).service_name == "4"
    assert load({}, named).service_name == "3"
    assert load({"resource_attributes": {"service.name": "2"}}, named).service_name == "2"
    both = {"resource_attributes": {"service.name": "2"}, "service_name": "1"}
    assert load(both, named).resource_attributes == {"service.name": "1"}


def test_client_key_needs_its_certificate() -> None:
    both = load({"client_key": PEM, "client_certificate": PEM}, {})
    assert (both.client_key, both.client_certificate) == (PEM, PEM)
    with pytest.raises(ConfigurationError, match=r"^client_key='.*': expected client_certificate beside it"):
        load({"client_key": PEM}, {})
    with pytest.raises(
        ConfigurationError, match=r"certificate\.pem' without client_key: expected .*private key"
    ):
        load({"client_certificate": CERTIFICATE}, {})
    with pytest.raises(
        ConfigurationError, match=r"encrypted\.pem': expected a private key that is not encrypted"
    ):
        load({"client_certificate": CERTIFICATE, "client_key": ENCRYPTED}, {})
    assert load({"client_certificate": CERTIFICATE, "client_key": PEM}, {}).client_certificate == CERTIFICATE
    assert load({}, {"OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE": CERTIFICATE}).client_certificate is None


def test_first_difference_is_named() -> None:
    before = load({"service_name": "a", "timeout": 3}, {})
    with pytest.raises(ConfigurationError, match=r"service_name='a', now with 'b'"):
        refuse_difference(before, load({"service_name": "b", "timeout": 4}, {}), {})
    with pytest.raises(ConfigurationError, match=r"timeout=3.0, now with 4.0"):
        refuse_difference(before, load({"service_name": "a", "timeout": 4}, {}), {})
    arguments = {"compression": "gzip"}  # was not given before, nor was what differs otherwise given now
    with pytest.raises(ConfigurationError, match=r"compression='none', now with 'gzip'"):
        refuse_difference(before, load(arguments, {}), arguments)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"endpoint": "http://h/v1/traces"}, "v1/traces is appended"),
        ({"sampler_arg": 0.5}, "sampler_arg=0.5 says nothing to sampler 'parentbased_always_on'"),
        ({"sampler_arg": 0.5, "sampler": "always_on"}, "sampler_arg=0.5 says nothing to sampler 'always_on'"),
        ({"sampler_arg": 0.5, "sampler": "traceidratio"}, None),
        ({"traces_endpoint": "http://h/v1/traces", "endpoint": "http://h"}, None),
    ],
)
def test_what_cannot_be_meant_is_warned_of(
    arguments: dict[str, Any], words: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    load(arguments, {})
    assert [words in message for message in caplog.messages if words] == ([True] if words else [])
    assert len(caplog.messages) == (words is not None)


def test_an_endpoint_as_it_is_shown() -> None:
    """What may be secret is not."""
    assert str(Endpoint("http", "u:p", "h", 80, "/a", "?key=1")) == "http://***@h:80/a?***"
    assert repr(Endpoint("https", "", "::1", 1, "/otlp/", "")) == "https://[::1]:1/otlp/"


def test_a_file_that_cannot_be_read_is_told_apart_from_one_that_is_no_certificate() -> None:
    with pytest.raises(ConfigurationError, match="a file that can be read: No such file or directory"):
        load({"certificate": f"{NO_PEM}.not"}, {})
    with pytest.raises(ConfigurationError, match="the path of a PEM file with a certificate"):
        load({"certificate": NO_PEM}, {})
