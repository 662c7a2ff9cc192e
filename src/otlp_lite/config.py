"""The table of settings: each argument of configure(), its variables, what is allowed, its default.

The only reader of the environment. An argument wins over a variable; mappings are merged, key by key. What an
argument cannot be raises ConfigurationError; the same in a variable is warned of once and ignored, as the
specification says. An empty variable counts as unset.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, NoReturn

from .errors import ConfigurationError

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30
REGION_MIN, REGION_MAX, REGION_DEFAULT = 64 * KIB, GIB, 4 * MIB
COUNT_MAX = 0xFFFFFFFF
BYTES_A_SPAN = 512
"""What OTEL_BSP_MAX_QUEUE_SIZE, a count, is taken to mean in memory."""
SAMPLERS = (
    "always_on",
    "always_off",
    "traceidratio",
    "parentbased_always_on",
    "parentbased_always_off",
    "parentbased_traceidratio",
)

_log = logging.getLogger(__name__)


class Endpoint(NamedTuple):
    """A receiver's URL, split. Shown, it hides what may be secret: the user part and the query."""

    scheme: str
    user: str
    host: str
    port: int
    path: str
    query: str

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        user, query = "***@" if self.user else "", "?***" if self.query else ""
        return f"{self.scheme}://{user}{host}:{self.port}{self.path}{query}"

    def __repr__(self) -> str:
        return str(self)

    def join(self, path: str) -> Endpoint:
        """The endpoint of one signal, when this is the base URL."""
        return self._replace(path=f"{self.path.removesuffix('/')}/{path}")


# ---- What an argument may be: each returns its value in normal form, or raises ValueError(what is allowed) -


def _text(value: Any) -> str:
    if isinstance(value, str) and value:
        return value
    raise ValueError("a non-empty string")


def _flag(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    raise ValueError("True or False")


def _count(value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= COUNT_MAX:
        return value
    raise ValueError(f"a whole number, 1 to {COUNT_MAX}")


def _seconds(value: Any) -> float:
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value <= 86400:
        return float(value)
    raise ValueError("a number of seconds, over 0, at most 86400")


def _patience(value: Any) -> float:
    if value == 0 and isinstance(value, (int, float)) and not isinstance(value, bool):
        return 0.0
    try:
        return _seconds(value)
    except ValueError:
        raise ValueError("a number of seconds, 0 to 86400") from None


def _ratio(value: Any) -> float:
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= 1:
        return float(value)
    raise ValueError("a number from 0 to 1")


def _size(value: Any) -> int:
    if isinstance(value, str):
        for suffix, unit in (("KiB", KIB), ("MiB", MIB), ("GiB", GIB), ("", 1)):
            digits = value.removesuffix(suffix).strip()
            if value.endswith(suffix) and digits.isascii() and digits.isdigit():
                value = int(digits) * unit
                break
    if isinstance(value, int) and not isinstance(value, bool) and REGION_MIN <= value <= REGION_MAX:
        return value
    raise ValueError("64KiB to 1GiB, in bytes or like '8MiB'")


def _choice(*names: str) -> Callable[[Any], str]:
    def check(value: Any) -> str:
        if isinstance(value, str) and value.lower() in names:
            return value.lower()
        raise ValueError(", ".join(names))

    return check


def _sampler(value: Any) -> Any:
    if callable(getattr(value, "should_sample", None)):
        return value
    try:
        return _choice(*SAMPLERS)(value)
    except ValueError as error:
        raise ValueError(f"{error}, or an object with should_sample()") from None


def _having(*methods: str) -> Callable[[Any], Any]:
    def check(value: Any) -> Any:
        if all(hasattr(value, method) for method in methods):
            return value
        raise ValueError(f"an object with {' and '.join(methods)}")

    return check


def _processors(value: Any) -> tuple[Any, ...]:
    if isinstance(value, Sequence) and all(hasattr(each, "on_end") for each in value):
        return tuple(value)
    raise ValueError("a sequence of span processors")


def _attributes(value: Any) -> dict[str, Any]:
    if isinstance(value, Mapping) and all(isinstance(key, str) and key for key in value):
        return dict(value)
    raise ValueError("a mapping whose keys are non-empty strings")


def _pem(what: str) -> Callable[[Any], str]:
    """The path of a file that holds `what`; whether TLS can use it is seen when it connects."""

    def check(value: Any) -> str:
        try:
            if isinstance(value, (str, os.PathLike)):
                with open(value, "rb") as file:
                    text = file.read()
                if b"ENCRYPTED" in text and what == "PRIVATE KEY":
                    raise ValueError("a private key that is not encrypted")
                if b"-----BEGIN " in text and what.encode() + b"-----" in text:
                    return os.fspath(value)
        except OSError as error:
            raise ValueError(f"a file that can be read: {error.strerror}") from None
        raise ValueError(f"the path of a PEM file with a {what.lower()}")

    return check


def _headers(value: Any) -> dict[str, str]:
    if not isinstance(value, Mapping):
        raise ValueError("a mapping of names to strings")
    for name, text in value.items():
        _check_header(name, text)
    return {name.lower(): text for name, text in value.items()}


_FRAMING = ("connection", "content-encoding", "content-length", "transfer-encoding")


def _check_header(name: Any, text: Any) -> None:
    token = (
        isinstance(name, str) and name.isascii() and all(c.isalnum() or c in "!#$%&'*+-.^_`|~" for c in name)
    )
    if not token or not name:
        raise ValueError("header names of letters, digits and !#$%&'*+-.^_`|~")
    if name.lower() in _FRAMING:
        raise ValueError(f"no header {name!r}, which is set for each request")
    if not isinstance(text, str) or not all(
        " " <= c <= "~" or c == "\t" or "\xa0" <= c <= "\xff" for c in text
    ):
        raise ValueError(f"a string of Latin-1 without control characters for header {name!r}")


def _endpoint(value: Any) -> Endpoint:
    if isinstance(value, Endpoint):
        return value
    endpoint = _split_url(value) if isinstance(value, str) else None
    if endpoint is None:
        raise ValueError("a URL like http://localhost:4318 or https://collector.example/otlp")
    return endpoint


def _split_url(text: str) -> Endpoint | None:
    scheme, separator, rest = text.strip().partition("://")
    scheme = scheme.lower()
    if not separator or scheme not in ("http", "https") or not all(c >= "!" and c != "\x7f" for c in rest):
        return None
    rest = rest.partition("#")[0]
    rest, mark, query = rest.partition("?")
    authority, slash, path = rest.partition("/")
    user, _, place = authority.rpartition("@")
    if place.startswith("["):
        host, bracket, port = place[1:].partition("]")
        valid = bool(bracket) and ":" in host and (not port or port.startswith(":"))
        port = port[1:]
    else:
        host, _, port = place.partition(":")
        valid = bool(host) and not set(host) & set('[]<>\\^`{|}"')
    number = (
        int(port) if port.isascii() and port.isdigit() else 0 if port else 443 if scheme == "https" else 80
    )
    if not valid or not 1 <= number <= 65535 or not (path + query + user).isascii():
        return None
    try:
        host = host if host.isascii() else host.encode("idna").decode()
    except UnicodeError:
        return None
    return Endpoint(scheme, user, host, number, slash + path, mark + query)


# ---- What a variable's text means: an argument; or ValueError(what is allowed) -----------------------------


def _read_text(variable: str, text: str) -> str:
    return text


def _read_flag(variable: str, text: str) -> bool:
    if text.strip().lower() in ("true", "false"):
        return text.strip().lower() == "true"
    raise ValueError("true or false")


def _read_count(variable: str, text: str) -> int:
    try:
        return _count(int(text))
    except ValueError:
        raise ValueError(f"a whole number, 1 to {COUNT_MAX}") from None


def _read_milliseconds(variable: str, text: str) -> float:
    try:
        return _seconds(float(text) / 1000)
    except ValueError:
        raise ValueError("a number of milliseconds, over 0, at most 86400000") from None


def _read_timeout(variable: str, text: str) -> float:
    seconds = _read_milliseconds(variable, text)
    if seconds < 0.1:
        _log.warning(
            "%s=%s is taken as milliseconds, as the specification says; the stock Python SDK reads seconds",
            variable,
            text,
        )
    return seconds


def _read_ratio(variable: str, text: str) -> float:
    try:
        return _ratio(float(text))
    except ValueError:
        raise ValueError("a number from 0 to 1") from None


def _unquote(text: str) -> str:
    if "%" not in text:
        return text
    from urllib.parse import unquote  # loaded only when there is something to decode

    return unquote(text)


def _read_pairs(variable: str, text: str) -> dict[str, str]:
    """`key=value,key=value`, values percent-encoded, as the stock SDK reads it."""
    pairs = {}
    for item in text.split(","):
        key, equals, value = item.partition("=")
        if key.strip() and equals:
            pairs[key.strip()] = _unquote(value.strip())
        elif item.strip():
            _log.warning("%s: %r is ignored: expected key=value", variable, item.strip())
    return pairs


def _read_headers(variable: str, text: str) -> dict[str, str]:
    """As _read_pairs, but for what HTTP allows. A value that holds spaces is taken as it stands."""
    headers = {}
    for item in text.split(","):
        name, equals, value = item.partition("=")
        name, value = _unquote(name.strip()).lower(), value.strip()
        if not item.strip():
            continue
        try:
            if not equals:
                raise ValueError("a value")
            value = value if " " in value else _unquote(value).strip()
            _check_header(name, value)
            headers[name] = value
        except ValueError as error:
            _log.warning("%s: a header is ignored: expected name=value, and %s", variable, error)
    return headers


# ---- The table ---------------------------------------------------------------------------------------------


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
    Setting("service_name", ("OTEL_SERVICE_NAME",), _text, _read_text, None,
            "`service.name`; without one, `unknown_service:` and the name of the executable."),
    Setting("endpoint", ("OTEL_EXPORTER_OTLP_ENDPOINT",), _endpoint, _read_text,
            Endpoint("http", "", "localhost", 4318, "", ""),
            "The receiver's base URL; `v1/traces` is appended."),
    Setting("traces_endpoint", ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",), _endpoint, _read_text, None,
            "The whole URL for traces, used as it is."),
    Setting("headers", _otlp("HEADERS"), _headers, _read_headers, {},
            "Headers of each request.", secret=True),
    Setting("sampler", ("OTEL_TRACES_SAMPLER",), _sampler, _read_text, "parentbased_always_on",
            "A sampler, by name or as an object."),
    Setting("sampler_arg", ("OTEL_TRACES_SAMPLER_ARG",), _ratio, _read_ratio, 1.0,
            "The share of traces that a ratio sampler takes, 0 to 1."),
    Setting("region_size", (), _size, _read_text, None,
            "Memory for ended spans, in bytes or like '8MiB', 64 KiB to 1 GiB; 4 MiB unless `max_queue_size` "
            "says otherwise. One span may take about a fifth of it, at most 64 MiB."),
    Setting("on_full", (), _choice("overwrite", "drop"), _read_text, "overwrite",
            "When the region is full: overwrite the oldest spans, or drop the newest."),
    Setting("resource_attributes", ("OTEL_RESOURCE_ATTRIBUTES",), _attributes, _read_pairs, {},
            "Attributes of the resource."),
    Setting("limits", (), _having("max_span_attributes", "max_events"), _read_text, None,
            "A `SpanLimits`; without one, its variables and defaults."),
    Setting("id_generator", (), _having("generate_trace_id", "generate_span_id"), _read_text, None,
            "An object that makes identifiers; without one, the core does."),
    Setting("ids", (), _choice("random", "os"), _read_text, "random",
            "Identifiers from a generator that the system seeds, or each from the operating system."),
    Setting("compression", _otlp("COMPRESSION"), _choice("none", "gzip"), _read_text, "none",
            "Of request bodies: none or gzip."),
    Setting("timeout", _otlp("TIMEOUT"), _seconds, _read_timeout, 10.0,
            "For one request, in seconds (the variable: milliseconds)."),
    Setting("certificate", _otlp("CERTIFICATE"), _pem("CERTIFICATE"), _read_text, None,
            "A file of CA certificates to trust instead of the system's."),
    Setting("client_certificate", _otlp("CLIENT_CERTIFICATE"), _pem("CERTIFICATE"), _read_text, None,
            "A file with our own certificate chain."),
    Setting("client_key", _otlp("CLIENT_KEY"), _pem("PRIVATE KEY"), _read_text, None,
            "A file with the key of `client_certificate`, when that file does not hold it."),
    Setting("schedule_delay", ("OTEL_BSP_SCHEDULE_DELAY",), _seconds, _read_milliseconds, 5.0,
            "The longest that a span waits for company, in seconds (the variable: milliseconds)."),
    Setting("export_timeout", ("OTEL_BSP_EXPORT_TIMEOUT",), _seconds, _read_milliseconds, 30.0,
            "For one attempt to export, connecting included, in seconds (the variable: milliseconds)."),
    Setting("max_queue_size", ("OTEL_BSP_MAX_QUEUE_SIZE",), _count, _read_count, None,
            "Spans to keep: without `region_size`, sizes the region at 512 bytes a span, within its bounds."),
    Setting("max_export_batch_size", ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE",), _count, _read_count, None,
            "Spans in one request; without it only the size bounds them, at 1 MiB."),
    Setting("span_processors", (), _processors, _read_text, (),
            "Python span processors, called beside our own exporting."),
    Setting("disabled", ("OTEL_SDK_DISABLED",), _flag, _read_flag, False,
            "Record nothing; contexts still propagate."),
    Setting("exit_timeout", (), _patience, _read_text, 2.0,
            "How long the process may stay to send what is left when it exits, in seconds."),
    Setting("cpu", ("OTLP_LITE_CPU",), _text, _read_text, None,
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
    resource_attributes: Mapping[str, Any]
    limits: Any
    id_generator: Any
    ids: str
    compression: str
    timeout: float
    certificate: str | None
    client_certificate: str | None
    client_key: str | None
    schedule_delay: float
    export_timeout: float
    max_queue_size: int | None
    max_export_batch_size: int | None
    span_processors: tuple[Any, ...]
    disabled: bool
    exit_timeout: float
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


def load(arguments: Mapping[str, Any], environ: Mapping[str, str] | None = None) -> Config:
    """The settings, from arguments (None: not given) and variables. Raises ConfigurationError."""
    environ = os.environ if environ is None else environ
    read = {row.name: _from_variables(row, environ) for row in SETTINGS}
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
    if values["region_size"] is None:
        wanted = (values["max_queue_size"] or 0) * BYTES_A_SPAN or REGION_DEFAULT
        values["region_size"] = min(max(wanted, REGION_MIN), REGION_MAX)
    if values["client_certificate"] and not values["client_key"]:
        try:
            _pem("PRIVATE KEY")(values["client_certificate"])
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


def _from_variables(row: Setting, environ: Mapping[str, str]) -> Any:
    for variable in row.variables:
        text = environ.get(variable, "")
        if not text.strip():
            continue
        try:
            return row.check(row.read(variable, text))
        except ValueError as error:
            _log.warning("%s=%s is ignored: expected %s", variable, _shown(row, text), error)
    return row.default


def _from_argument(row: Setting, value: Any) -> Any:
    try:
        return row.check(value)
    except ValueError as error:
        raise ConfigurationError(f"{row.name}={_shown(row, value)}: expected {error}") from None


def _shown(row: Setting, value: Any) -> str:
    """A value as messages show it."""
    if row.secret and value:
        return "***"
    if isinstance(value, str) and (row.check is _endpoint or "://" in value):
        scheme, separator, _ = value.partition("://")
        start = scheme + separator if separator and scheme.isalpha() else ""
        _, at, place = value.removeprefix(start).rpartition("@")
        value = f"{start}{'***@' if at else ''}{place.partition('?')[0]}"
    return repr(value)


def refuse_difference(before: Config, now: Config, arguments: Mapping[str, Any]) -> NoReturn:
    """Raises ConfigurationError naming the first setting that differs, of those given now if one does."""
    for row in sorted(SETTINGS, key=lambda row: arguments.get(row.name) is None):
        old, new = getattr(before, row.name), getattr(now, row.name)
        if old != new:
            before_now = f"before with {row.name}={_shown(row, old)}, now with {_shown(row, new)}"
            raise ConfigurationError(f"configure() was called {before_now}")
    raise AssertionError("nothing differs")


def limit_from_variable(
    variable: str, default: int | None, environ: Mapping[str, str] | None = None
) -> int | None:
    """A span limit. A variable that is set to nothing means no limit, as in the stock SDK."""
    text = (os.environ if environ is None else environ).get(variable)
    if text is None:
        return default
    if not text.strip():
        return None
    try:
        limit = int(text)
    except ValueError:
        limit = -1
    if limit < 0:
        _log.warning("%s=%r is ignored: expected a non-negative integer", variable, text)
        return default
    return limit
