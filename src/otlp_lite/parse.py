"""What an argument of configure() may be, and what the text of a variable means: functions of one value.

Each returns it in normal form, or raises ValueError saying what is allowed.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30
REGION_MIN, REGION_MAX = 64 * KIB, GIB
COUNT_MAX = 0xFFFFFFFF
SAMPLERS = (
    "always_on",
    "always_off",
    "traceidratio",
    "parentbased_always_on",
    "parentbased_always_off",
    "parentbased_traceidratio",
)

LEVELS = {
    "none": logging.CRITICAL + 1,
    "error": logging.ERROR,
    "warn": logging.WARNING,
    "info": logging.INFO,
    "debug": logging.DEBUG,
}

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


# ---- What an argument may be ------------------------------------------------------------------------------


def text(value: Any) -> str:
    if isinstance(value, str) and value:
        return value
    raise ValueError("a non-empty string")


def flag(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    raise ValueError("True or False")


def count(value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= COUNT_MAX:
        return value
    raise ValueError(f"a whole number, 1 to {COUNT_MAX}")


def count_or_none(value: Any) -> int:
    if value == 0 and isinstance(value, int) and not isinstance(value, bool):
        return 0
    try:
        return count(value)
    except ValueError:
        raise ValueError(f"a whole number, 0 to {COUNT_MAX}") from None


def seconds(value: Any) -> float:
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value <= 86400:
        return float(value)
    raise ValueError("a number of seconds, over 0, at most 86400")


def patience(value: Any) -> float:
    if value == 0 and isinstance(value, (int, float)) and not isinstance(value, bool):
        return 0.0
    try:
        return seconds(value)
    except ValueError:
        raise ValueError("a number of seconds, 0 to 86400") from None


def ratio(value: Any) -> float:
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= 1:
        return float(value)
    raise ValueError("a number from 0 to 1")


def size(value: Any) -> int:
    if isinstance(value, str):
        for suffix, unit in (("KiB", KIB), ("MiB", MIB), ("GiB", GIB), ("", 1)):
            digits = value.removesuffix(suffix).strip()
            if value.endswith(suffix) and digits.isascii() and digits.isdigit():
                value = int(digits) * unit
                break
    if isinstance(value, int) and not isinstance(value, bool) and REGION_MIN <= value <= REGION_MAX:
        return value
    raise ValueError("64KiB to 1GiB, in bytes or like '8MiB'")


def folder(value: Any) -> str:
    """The path of a directory, there or not."""
    try:
        path = os.fspath(value)
    except TypeError:
        path = ""
    if isinstance(path, str) and path and "\0" not in path:
        return os.path.abspath(path)
    raise ValueError("the path of a directory")


def choice(*names: str) -> Callable[[Any], str]:
    def check(value: Any) -> str:
        if isinstance(value, str) and value.lower() in names:
            return value.lower()
        raise ValueError(", ".join(names))

    return check


def sampler(value: Any) -> Any:
    if callable(getattr(value, "should_sample", None)) and not isinstance(value, type):
        return value
    try:
        return choice(*SAMPLERS)(value)
    except ValueError as error:
        raise ValueError(f"{error}, or an object, and no class, with should_sample()") from None


def read_sampler(variable: str, text: str) -> str:
    return str(choice(*SAMPLERS)(text.strip()))


def having(*methods: str) -> Callable[[Any], Any]:
    def check(value: Any) -> Any:
        if not isinstance(value, type) and all(hasattr(value, method) for method in methods):
            return value
        raise ValueError(f"an object, and no class, with {' and '.join(methods)}")

    return check


def processors(value: Any) -> tuple[Any, ...]:
    if isinstance(value, Sequence) and all(
        hasattr(each, "on_end") and not isinstance(each, type) for each in value
    ):
        return tuple(value)
    raise ValueError("a sequence of span processors, objects with on_end, and no classes")


def attributes(value: Any) -> dict[str, Any]:
    if isinstance(value, Mapping) and all(isinstance(key, str) and key for key in value):
        return dict(value)
    raise ValueError("a mapping whose keys are non-empty strings")


def pem(what: str) -> Callable[[Any], str]:
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


def headers(value: Any) -> dict[str, str]:
    if not isinstance(value, Mapping):
        raise ValueError("a mapping of names to strings")
    for name, text in value.items():
        _check_header(name, text)
    return {name.lower(): text for name, text in value.items()}


CONTENT_TYPE = "application/x-protobuf"
_FRAMING = ("connection", "content-encoding", "content-length", "transfer-encoding")


def _check_header(name: Any, text: Any) -> None:
    token = (
        isinstance(name, str) and name.isascii() and all(c.isalnum() or c in "!#$%&'*+-.^_`|~" for c in name)
    )
    if not token or not name:
        raise ValueError("header names of letters, digits and !#$%&'*+-.^_`|~")
    if name.lower() in _FRAMING:
        raise ValueError(f"no header {name!r}, which is set for each request")
    if name.lower() == "content-type" and text != CONTENT_TYPE:
        raise ValueError(f"{CONTENT_TYPE} for header {name!r}")
    if not isinstance(text, str) or not all(
        " " <= c <= "~" or c == "\t" or "\xa0" <= c <= "\xff" for c in text
    ):
        raise ValueError(f"a string of Latin-1 without control characters for header {name!r}")


def endpoint(value: Any) -> Endpoint:
    if isinstance(value, Endpoint):
        return value
    endpoint = _split_url(value) if isinstance(value, str) else None
    if endpoint is None:
        raise ValueError("a URL like http://localhost:4318 or https://collector.example/otlp")
    return endpoint


def proxy(value: Any) -> Endpoint:
    """Without a scheme it is http, as curl and requests have it."""
    if isinstance(value, Endpoint):
        return value
    found = None
    if isinstance(value, str):
        found = _split_url(value if "://" in value else f"http://{value.strip()}")
    if found is None or found.scheme != "http":
        raise ValueError("the URL of an HTTP proxy, like http://proxy.example:3128")
    return found._replace(path="", query="")


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


# ---- What a variable's text means --------------------------------------------------------------------------


def read_text(variable: str, text: str) -> str:
    return text


def read_word(variable: str, text: str) -> str:
    return text.strip()


def read_flag(variable: str, text: str) -> bool:
    if text.strip().lower() in ("true", "false"):
        return text.strip().lower() == "true"
    raise ValueError("true or false")


def read_count(variable: str, text: str) -> int:
    try:
        return count(int(text))
    except ValueError:
        raise ValueError(f"a whole number, 1 to {COUNT_MAX}") from None


def read_count_or_none(variable: str, text: str) -> int:
    try:
        return count_or_none(int(text))
    except ValueError:
        raise ValueError(f"a whole number, 0 to {COUNT_MAX}") from None


def read_milliseconds(variable: str, text: str) -> float:
    try:
        return seconds(float(text) / 1000)
    except ValueError:
        raise ValueError("a number of milliseconds, over 0, at most 86400000") from None


def read_timeout(variable: str, text: str) -> float:
    seconds = read_milliseconds(variable, text)
    if seconds < 0.1:
        _log.warning(
            "%s=%s is taken as milliseconds, as the specification says; the stock Python SDK reads seconds",
            variable,
            text,
        )
    return seconds


def read_ratio(variable: str, text: str) -> float:
    try:
        return ratio(float(text))
    except ValueError:
        raise ValueError("a number from 0 to 1") from None


def unquote(text: str) -> str:
    """Without percent-encoding."""
    if "%" not in text:
        return text
    from urllib import parse  # loaded only when there is something to decode

    return parse.unquote(text)


class Pairs(dict[str, str]):
    """Those that a variable holds, and what is wrong with the others."""

    def __init__(self) -> None:
        self.wrong: list[str] = []


def read_pairs(variable: str, text: str) -> Pairs:
    """`key=value,key=value`, values percent-encoded, as the stock SDK reads it."""
    pairs = Pairs()
    for number, item in enumerate(text.split(","), 1):
        key, equals, value = item.partition("=")
        if key.strip() and equals:
            pairs[key.strip()] = unquote(value.strip())
        elif item.strip():
            # Not shown: it may be a piece of another's value, one that holds a comma.
            pairs.wrong.append(f"item {number} is ignored: expected key=value")
            _log.warning("%s: item %d is ignored: expected key=value", variable, number)
    return pairs


def read_headers(variable: str, text: str) -> Pairs:
    """As read_pairs, but for what HTTP allows. A value that holds spaces is taken as it stands."""
    headers = Pairs()
    for item in text.split(","):
        name, equals, value = item.partition("=")
        name, value = unquote(name.strip()).lower(), value.strip()
        if not item.strip():
            continue
        try:
            if not equals:
                raise ValueError("name=value")
            value = value if " " in value else unquote(value).strip()
            _check_header(name, value)
            headers[name] = value
        except ValueError as error:
            headers.wrong.append(f"a header is ignored: expected {error}")
            _log.warning("%s: a header is ignored: expected %s", variable, error)
    return headers
