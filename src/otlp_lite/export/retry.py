"""What a receiver's answer means, and when to try again: pure functions.

https://opentelemetry.io/docs/specs/otlp/#otlphttp-response
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

BACKOFF_MIN, BACKOFF_MAX = 1.0, 30.0
RETRY_AFTER_MAX = 3600.0


class Verdict(Enum):
    """What becomes of a batch."""

    ACCEPTED = "accepted"
    RETRY = "retry"
    HALVE = "halve"
    REFUSED = "refused"


def classify(status: int) -> Verdict:
    """The verdict of an HTTP status."""
    if 200 <= status < 300:
        return Verdict.ACCEPTED
    if status in (407, 429, 502, 503, 504):  # 407 is never the receiver's word, but a proxy's before it
        return Verdict.RETRY
    return Verdict.HALVE if status == 413 else Verdict.REFUSED


def backoff(failures: int, chance: float) -> float:
    """Seconds to wait after so many failures in a row (1 or more), at `chance` (0 to 1) of the range.

    Full jitter over a range that doubles: of many clients that failed together, few come back together.
    """
    reach = min(BACKOFF_MAX, BACKOFF_MIN * 2.0 ** min(failures, 16))
    return BACKOFF_MIN + chance * (reach - BACKOFF_MIN)


def retry_after(value: str, now: float) -> float | None:
    """Seconds to wait by a Retry-After header, at most an hour; None without a usable one.

    `now` is wall time. Seconds or an HTTP date, RFC 9110 section 10.2.3.
    """
    value = value.strip()
    if value.isascii() and value.isdigit():
        return min(float(value), RETRY_AFTER_MAX)
    if not value:
        return None
    from datetime import timezone  # these cost 2 MB: only for the rare answer that needs it
    from email.utils import parsedate_to_datetime

    try:
        date = parsedate_to_datetime(value)
        if date.tzinfo is None:  # the obsolete form of asctime names no zone: it is UTC
            date = date.replace(tzinfo=timezone.utc)
        return min(max(date.timestamp() - now, 0.0), RETRY_AFTER_MAX)
    except (TypeError, ValueError, OverflowError):
        return None


def partial_success(body: bytes) -> tuple[int, str]:
    """Rejected records and the receiver's words, of an Export<Signal>ServiceResponse; else (0, "")."""
    try:
        partial = _fields(body).get(1, b"")
        fields = _fields(partial) if isinstance(partial, bytes) else {}
    except ValueError:
        return 0, ""
    rejected, message = fields.get(1, 0), fields.get(2, b"")
    if not isinstance(rejected, int) or not isinstance(message, bytes):
        return 0, ""
    return (rejected if rejected < 1 << 63 else 0), message.decode("utf-8", "replace")


def refusal(body: bytes) -> str:
    """A receiver's words for a refusal: the message of a google.rpc.Status, else the body itself as text."""
    try:
        message = _fields(body).get(2, b"")
    except ValueError:
        message = body
    return message.decode("utf-8", "replace") if isinstance(message, bytes) else ""


def hide(words: str, secrets: Iterable[str]) -> str:
    """What a receiver or the system said, on one line, without what we must not tell."""
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        if len(secret) > 3:
            words = words.replace(secret, "***")
        elif secret in words:
            import re  # rare; so short a secret is also part of any word

            words = re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", "***", words)
    return "".join(c if c.isprintable() else " " for c in words[:200]).strip()


def _fields(data: bytes) -> dict[int, int | bytes]:
    """The fields of a protobuf message, the last of each number. Raises ValueError."""
    fields: dict[int, int | bytes] = {}
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        number, wire = tag >> 3, tag & 7
        if number == 0:
            raise ValueError("no such field")
        if wire == 0:
            fields[number], at = _varint(data, at)
            continue
        if wire == 2:
            size, at = _varint(data, at)
        elif wire in (1, 5):
            size = 8 if wire == 1 else 4
        else:
            raise ValueError("no such wire type")
        if size > len(data) - at:
            raise ValueError("cut short")
        fields[number] = data[at : at + size]
        at += size
    return fields


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            break
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & 0xFFFFFFFFFFFFFFFF, at
    raise ValueError("not a varint")


def forget_frames(error: BaseException | None) -> None:
    """Of a failed attempt: a frame that refers to its exception would keep a region mapped that was left."""
    while error is not None:
        error.__traceback__ = None
        error = error.__cause__ or error.__context__
