"""The table of settings: each argument of configure(), its variables, what is allowed, its default.

The only reader of the environment. An argument wins over a variable; mappings are merged, key by key. What an
argument cannot be raises ConfigurationError; the same in a variable is warned of once and ignored, as the
specification says. An empty variable counts as unset.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, NoReturn

from . import parse
from .errors import ConfigurationError
from .parse import MIB, REGION_MAX, REGION_MIN, Endpoint

PROTOCOL = "http/protobuf"
OTHER_PROTOCOLS = ("grpc", "http/json")
REGION_DEFAULT = 4 * MIB
BYTES_A_SPAN = 512
"""What OTEL_BSP_MAX_QUEUE_SIZE, a count, is taken to mean in memory."""

HIDDEN = "***"
"""Shown in place of a secret."""

_log = logging.getLogger(__name__)


class Setting(NamedTuple):
    """A row: an argument of configure(), and what gives its value when the argument is not given."""

    name: str
    variables: tuple[str, ...]
    """The first one that is set and valid counts."""
    check: Callable[[Any], Any]
    read: Callable[[str, str], Any]
    default: Any
    doc: str
    secret: bool = False


def _otlp(name: str) -> tuple[str, str]:
    return f"OTEL_EXPORTER_OTLP_TRACES_{name}", f"OTEL_EXPORTER_OTLP_{name}"


# fmt: off
SETTINGS: tuple[Setting, ...] = (
    Setting("service_name", ("OTEL_SERVICE_NAME",), parse.text, parse.read_text, None,
            "`service.name`; without one, `unknown_service:` and the name of the executable."),
    Setting("endpoint", ("OTEL_EXPORTER_OTLP_ENDPOINT",), parse.endpoint, parse.read_text,
            Endpoint("http", "", "localhost", 4318, "", ""),
            "The receiver's base URL; `v1/traces` is appended."),
    Setting("traces_endpoint", ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",), parse.endpoint, parse.read_text, None,
            "The whole URL for traces, used as it is."),
    Setting("headers", _otlp("HEADERS"), parse.headers, parse.read_headers, {},
            "Headers of each request.", secret=True),
    Setting("sampler", ("OTEL_TRACES_SAMPLER",), parse.sampler, parse.read_sampler, "parentbased_always_on",
            "A sampler, by name or as an object."),
    Setting("sampler_arg", ("OTEL_TRACES_SAMPLER_ARG",), parse.ratio, parse.read_ratio, 1.0,
            "The share of traces that a ratio sampler takes, 0 to 1."),
    Setting("region_size", (), parse.size, parse.read_text, None,
            "Memory for ended spans, in bytes or like '8MiB', 64 KiB to 1 GiB; 4 MiB unless `max_queue_size` "
            "says otherwise. One span may take about a fifth of it, at most 64 MiB."),
    Setting("on_full", (), parse.choice("overwrite", "drop"), parse.read_text, "overwrite",
            "When the region is full: overwrite the oldest spans, or drop the newest."),
    Setting("region_dir", ("OTLP_LITE_REGION_DIR",), parse.folder, parse.read_text, None,
            "A directory, best on a tmpfs, whose files hold the region instead: what was recorded "
            "[survives the process](durability.md). One that cannot be used is an error."),
    Setting("region_dir_limit", (), parse.count, parse.read_count, 16,
            "Files in `region_dir`: of more, the oldest that dead processes left are removed, counted "
            "`evicted`. Better twice as many as there are processes at once, where those are over 8."),
    Setting("open_spans", ("OTLP_LITE_OPEN_SPANS",), parse.count_or_none, parse.read_count_or_none, 1024,
            "With `region_dir`: spans that a process which is killed leaves word of while they are open, at "
            "most one for each 4 KiB of `region_size`; 0: none."),
    Setting("resource_attributes", ("OTEL_RESOURCE_ATTRIBUTES",), parse.attributes, parse.read_pairs, {},
            "Attributes of the resource."),
    Setting("limits", (), parse.having("max_span_attributes", "max_events"), parse.read_text, None,
            "A `SpanLimits`; without one, its variables and defaults."),
    Setting("id_generator", (), parse.having("generate_trace_id", "generate_span_id"), parse.read_text, None,
            "An object that makes identifiers; without one, the core does."),
    Setting("ids", (), parse.choice("random", "os"), parse.read_text, "random",
            "Identifiers from a generator that the system seeds, or each from the operating system."),
    Setting("traces_exporter", ("OTEL_TRACES_EXPORTER",), parse.choice("otlp", "none"),
            parse.read_word, "otlp",
            "Where ended spans go: otlp, to the receiver; none, to the span processors alone."),
    Setting("protocol", _otlp("PROTOCOL"), parse.choice(PROTOCOL, *OTHER_PROTOCOLS),
            parse.read_word, PROTOCOL,
            "What the receiver speaks: http/protobuf. The variable may say grpc or http/json: that is an "
            "error in the log, and each span is counted `unsupported_protocol`."),
    Setting("compression", _otlp("COMPRESSION"), parse.choice("none", "gzip"), parse.read_word, "none",
            "Of request bodies: none or gzip."),
    Setting("timeout", _otlp("TIMEOUT"), parse.seconds, parse.read_timeout, 10.0,
            "For one request, in seconds (the variable: milliseconds)."),
    Setting("certificate", _otlp("CERTIFICATE"), parse.pem("CERTIFICATE"), parse.read_text, None,
            "A file of CA certificates to trust instead of the system's."),
    Setting("client_certificate", _otlp("CLIENT_CERTIFICATE"), parse.pem("CERTIFICATE"),
            parse.read_text, None, "A file with our own certificate chain."),
    Setting("client_key", _otlp("CLIENT_KEY"), parse.pem("PRIVATE KEY"), parse.read_text, None,
            "A file with the key of `client_certificate`, when that file does not hold it."),
    Setting("proxy", ("http_proxy", "https_proxy", "all_proxy"), parse.proxy, parse.read_text, None,
            "The proxy to the receiver; see [Proxies](#proxies)."),
    Setting("schedule_delay", ("OTEL_BSP_SCHEDULE_DELAY",), parse.seconds, parse.read_milliseconds, 5.0,
            "The longest that a span waits for company, in seconds (the variable: milliseconds)."),
    Setting("export_timeout", ("OTEL_BSP_EXPORT_TIMEOUT",), parse.seconds, parse.read_milliseconds, 30.0,
            "For one attempt to export, connecting included, in seconds (the variable: milliseconds)."),
    Setting("max_queue_size", ("OTEL_BSP_MAX_QUEUE_SIZE",), parse.count, parse.read_count, None,
            "Spans to keep: without `region_size`, sizes the region at 512 bytes a span, within its bounds."),
    Setting("max_export_batch_size", ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE",), parse.count, parse.read_count, None,
            "Spans in one request; without it only the size bounds them, at 1 MiB."),
    Setting("span_processors", (), parse.processors, parse.read_text, (),
            "Python span processors, called beside our own exporting."),
    Setting("disabled", ("OTEL_SDK_DISABLED",), parse.flag, parse.read_flag, False,
            "Record nothing; contexts still propagate."),
    Setting("handle_sigterm", (), parse.flag, parse.read_text, True,
            "Send what is left before SIGTERM ends the process, where its disposition is the default."),
    Setting("exit_timeout", (), parse.patience, parse.read_text, 2.0,
            "How long the process may stay to send what is left when it exits, in seconds."),
    Setting("log_level", ("OTEL_LOG_LEVEL",), parse.choice(*parse.LEVELS), parse.read_word, None,
            "Of what otlp_lite logs: none, error, warn, info or debug; without it, as `logging` has it."),
    Setting("cpu", ("OTLP_LITE_CPU",), parse.text, parse.read_text, None,
            "The kernels to use instead of this machine's best, for tests. A name that is none is an error."),
)
# fmt: on


class Config:
    """The value of each setting; read-only.

    Neither dataclass nor named tuple: making one of this size costs half a millisecond at import.
    """

    service_name: str | None
    endpoint: Endpoint
    traces_endpoint: Endpoint | None
    headers: Mapping[str, str]
    sampler: Any
    sampler_arg: float
    region_size: int
    on_full: str
    region_dir: str | None
    region_dir_limit: int
    open_spans: int
    resource_attributes: Mapping[str, Any]
    limits: Any
    id_generator: Any
    ids: str
    traces_exporter: str
    protocol: str
    compression: str
    timeout: float
    certificate: str | None
    client_certificate: str | None
    client_key: str | None
    proxy: Endpoint | None
    schedule_delay: float
    export_timeout: float
    max_queue_size: int | None
    max_export_batch_size: int | None
    span_processors: tuple[Any, ...]
    disabled: bool
    handle_sigterm: bool
    exit_timeout: float
    log_level: str | None
    cpu: str | None

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.__dict__.update(values)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"settings are read-only: {name}")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Config) and vars(self) == vars(other)

    def __repr__(self) -> str:
        return (
            f"Config({', '.join(f'{row.name}={_shown(row, getattr(self, row.name))}' for row in SETTINGS)})"
        )


LIMITS: tuple[tuple[str, str, str], ...] = (
    ("max_attributes", "OTEL_ATTRIBUTE_COUNT_LIMIT", "Attributes of a span, an event or a link (128)."),
    ("max_events", "OTEL_SPAN_EVENT_COUNT_LIMIT", "Events of a span (128)."),
    ("max_links", "OTEL_SPAN_LINK_COUNT_LIMIT", "Links of a span (128)."),
    ("max_span_attributes", "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "Attributes of a span."),
    ("max_event_attributes", "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", "Attributes of an event."),
    ("max_link_attributes", "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT", "Attributes of a link."),
    (
        "max_attribute_length",
        "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT",
        "Characters of a value of an event or a link.",
    ),
    (
        "max_span_attribute_length",
        "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT",
        "Characters of a value of a span.",
    ),
)
"""The arguments of SpanLimits, and the variable that each one's default comes from."""

OTHERS: tuple[tuple[str, str], ...] = (
    ("OTEL_PROPAGATORS", "Read by `opentelemetry-api`, whose propagators are used."),
    ("OTEL_EXPORTER_OTLP_INSECURE", "Of gRPC alone: over HTTP the endpoint's scheme says it."),
    ("OTEL_EXPORTER_OTLP_TRACES_INSECURE", "As `OTEL_EXPORTER_OTLP_INSECURE`."),
    ("OTEL_CONFIG_FILE", "A file instead of variables: not supported. It is warned of, and they count."),
    ("OTEL_EXPERIMENTAL_CONFIG_FILE", "As `OTEL_CONFIG_FILE`."),
)
"""Variables of the specification that have to do with traces, and are no settings of ours."""
FILES = ("OTEL_CONFIG_FILE", "OTEL_EXPERIMENTAL_CONFIG_FILE")


def load(arguments: Mapping[str, Any], environ: Mapping[str, str] | None = None) -> Config:
    """The settings, from arguments (None: not given) and variables. Raises ConfigurationError."""
    environ = os.environ if environ is None else environ
    read = {
        row.name: row.default if row.name == "proxy" else _from_variables(row, environ)[0] for row in SETTINGS
    }
    given = {
        row.name: _from_argument(row, arguments[row.name])
        for row in SETTINGS
        if arguments.get(row.name) is not None
    }
    values = {**read, **given}
    values["headers"] = {**read["headers"], **given.get("headers", {})}
    values["resource_attributes"] = _named(read, given)
    values["service_name"] = values["resource_attributes"].get("service.name")
    if "endpoint" in given and "traces_endpoint" not in given:
        values["traces_endpoint"] = None
    if "proxy" not in given:
        values["proxy"], _ = _proxy(values["traces_endpoint"] or values["endpoint"], environ)
    if values["traces_endpoint"] is None and values["endpoint"].path.endswith("/v1/traces"):
        _log.warning(
            "endpoint=%s is the base URL, to which v1/traces is appended: expected one without it, or "
            "traces_endpoint",
            values["endpoint"],
        )
    if "sampler_arg" in given and "ratio" not in str(values["sampler"]):
        _log.warning(
            "sampler_arg=%r says nothing to sampler %r: expected traceidratio or parentbased_traceidratio",
            given["sampler_arg"],
            values["sampler"],
        )
    for variable in FILES:
        if environ.get(variable, "").strip():
            text = environ[variable]
            _log.warning("%s=%r: no file of settings is read; expected a variable for each", variable, text)
    if given.get("protocol", PROTOCOL) != PROTOCOL:
        raise ConfigurationError(f"protocol={given['protocol']!r}: expected {PROTOCOL}")
    if values["region_size"] is None:
        wanted = (values["max_queue_size"] or 0) * BYTES_A_SPAN or REGION_DEFAULT
        values["region_size"] = min(max(wanted, REGION_MIN), REGION_MAX)
    if values["client_certificate"] and not values["client_key"]:
        try:
            parse.pem("PRIVATE KEY")(values["client_certificate"])
        except ValueError as error:
            what = f"client_certificate={values['client_certificate']!r} without client_key: expected {error}"
            if "client_certificate" in given:
                raise ConfigurationError(what) from None
            _log.warning("%s; it is ignored", what)
            values["client_certificate"] = None
    if values["client_key"] and not values["client_certificate"]:
        if "client_key" in given:
            raise ConfigurationError(
                f"client_key={values['client_key']!r}: expected client_certificate beside it"
            )
        _log.warning("OTEL_EXPORTER_OTLP_CLIENT_KEY is ignored: expected a client certificate beside it")
        values["client_key"] = None
    return Config(values)


def _named(read: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """The resource's attributes. Either argument that names the service beats either variable that does."""
    attributes = dict(read["resource_attributes"])
    if read["service_name"]:
        attributes["service.name"] = read["service_name"]
    attributes.update(given.get("resource_attributes", {}))
    if "service_name" in given:
        attributes["service.name"] = given["service_name"]
    return attributes


def _proxy(endpoint: Endpoint, environ: Mapping[str, str]) -> tuple[Endpoint | None, Origin]:
    """The proxy that the environment names for an endpoint, by the first of its variables that is set."""
    names = [f"{endpoint.scheme}_proxy", f"{endpoint.scheme}_proxy".upper(), "all_proxy", "ALL_PROXY"]
    if "REQUEST_METHOD" in environ and "HTTP_PROXY" in names:
        names.remove("HTTP_PROXY")  # in a CGI program a client's header sets it
    if not any(environ.get(name, "").strip() for name in names):
        return None, Origin("", {}, {})
    from .proxy import exempt  # loaded only where there is one

    if exempt(endpoint.host, endpoint.port, environ.get("no_proxy") or environ.get("NO_PROXY") or ""):
        return None, Origin("", {}, {})
    row = next(row for row in SETTINGS if row.name == "proxy")
    return _from_variables(row._replace(variables=tuple(names)), environ)


def _from_variables(row: Setting, environ: Mapping[str, str]) -> tuple[Any, Origin]:
    origin = Origin("", {}, {})
    value = row.default
    for variable in row.variables:
        text = environ.get(variable, "")
        if not text.strip():
            continue
        if origin.variable:
            origin.second[variable] = f"{origin.variable} comes first"
            continue
        try:
            read = row.read(variable, text)
            value = row.check(read)
            origin = origin._replace(variable=variable)
            if isinstance(read, parse.Pairs) and read.wrong:
                origin.wrong[variable] = "; ".join(read.wrong)
        except ValueError as error:
            origin.wrong[variable] = f"expected {error}"
            _log.warning("%s=%s is ignored: expected %s", variable, _shown(row, text), error)
    return value, origin


def _from_argument(row: Setting, value: Any) -> Any:
    try:
        return row.check(value)
    except ValueError as error:
        raise ConfigurationError(f"{row.name}={_shown(row, value)}: expected {error}") from None


def without_secrets(row: Setting, value: Any) -> Any:
    """A value as it may be shown."""
    if row.secret and value:
        return HIDDEN
    if isinstance(value, dict):
        return {key: without_secrets(row, each) for key, each in value.items()}
    if isinstance(value, str) and (row.check in (parse.endpoint, parse.proxy) or "://" in value):
        scheme, separator, _ = value.partition("://")
        start = scheme + separator if separator and scheme.isalpha() else ""
        user, at, place = value.removeprefix(start).rpartition("@")
        if "?" in user:  # of a query, or of a password: nobody knows
            return f"{start}{HIDDEN}"
        return f"{start}{f'{HIDDEN}@' if at else ''}{place.partition('?')[0]}"
    return value


def _shown(row: Setting, value: Any) -> str:
    """A value as messages show it: of attributes the keys."""
    if row.check is parse.attributes:
        return repr(dict.fromkeys(value, HIDDEN)) if isinstance(value, Mapping) else HIDDEN
    shown = without_secrets(row, value)
    return HIDDEN if shown is HIDDEN else repr(shown)


def refuse_difference(
    before: Config, now: Config, arguments: Mapping[str, Any], implicit: bool = False
) -> NoReturn:
    """Raises ConfigurationError naming the first setting that differs, of those given now if one does."""
    for row in sorted(SETTINGS, key=lambda row: arguments.get(row.name) is None):
        old, new = getattr(before, row.name), getattr(now, row.name)
        if old != new:
            before_now = f"before with {row.name}={_shown(row, old)}, now with {_shown(row, new)}"
            if implicit:
                raise ConfigurationError(
                    "configure() came too late: spans were recorded with the provider that "
                    f"OTEL_PYTHON_TRACER_PROVIDER named, or its resource was read, {before_now}"
                )
            raise ConfigurationError(f"configure() was called {before_now}")
    raise AssertionError("nothing differs")


def limit_from_variable(
    variable: str, default: int | None, environ: Mapping[str, str] | None = None
) -> int | None:
    """A span limit. A variable that is set to nothing means no limit, as in the stock SDK."""
    return _limit(variable, default, os.environ if environ is None else environ)[0]


def _limit(variable: str, default: int | None, environ: Mapping[str, str]) -> tuple[int | None, Origin]:
    text = environ.get(variable)
    if text is None:
        return default, Origin("", {}, {})
    if not text.strip():
        return None, Origin(variable, {}, {})
    try:
        limit = int(text)
    except ValueError:
        limit = -1
    if limit < 0:
        _log.warning("%s=%r is ignored: expected a non-negative integer", variable, text)
        return default, Origin("", {variable: "expected a non-negative integer"}, {})
    return limit, Origin(variable, {}, {})


# ---- Where values come from ----


class Origin(NamedTuple):
    """Of a setting's value: the variable, or "" for the default; and why others that are set do not count."""

    variable: str
    wrong: dict[str, str]
    second: dict[str, str]


_HEIRS = {
    "service_name": "resource_attributes",
    "resource_attributes": "service_name",
    "region_size": "max_queue_size",
    "max_span_attributes": "max_attributes",
    "max_event_attributes": "max_attributes",
    "max_link_attributes": "max_attributes",
    "max_span_attribute_length": "max_attribute_length",
}
"""What follows another setting unless it is set itself."""


def explain(config: Config, environ: Mapping[str, str] | None = None) -> dict[str, Origin]:
    """For each row of SETTINGS and LIMITS, where it comes from in a config that has no arguments."""
    environ = os.environ if environ is None else environ
    read = {row.name: _from_variables(row, environ) for row in SETTINGS if row.name != "proxy"}
    read["proxy"] = _proxy(config.traces_endpoint or config.endpoint, environ)
    origins = {name: origin for name, (_, origin) in read.items()}
    for name, (value, (variable, wrong, second)) in read.items():
        if variable and getattr(config, name) is None and value is not None:  # warned of: it lacks its pair
            origins[name] = Origin("", {**wrong, variable: "it is one of two that belong together"}, second)
    origins.update((name, _limit(variable, None, environ)[1]) for name, variable, _ in LIMITS)
    for name, other in _HEIRS.items():
        if not origins[name].variable and getattr(config, name, "") is not None:
            origins[name] = origins[name]._replace(variable=origins[other].variable)
    return origins


def strangers(environ: Mapping[str, str] | None = None) -> list[str]:
    """Variables that look like settings, and are none of ours; another's, or misspelt."""
    known = {variable for row in SETTINGS for variable in row.variables} | {row[1] for row in LIMITS}
    others = ("OTEL_PYTHON_", "OTEL_INSTRUMENTATION_", "OTEL_SEMCONV_", "OTEL_PROPAGATORS", *FILES)
    return [
        name
        for name in sorted(os.environ if environ is None else environ)
        if name.startswith(("OTEL_", "OTLP_LITE_")) and not name.startswith(others) and name not in known
    ]
