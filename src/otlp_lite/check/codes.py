"""The codes: what each finding is called, and how a selection names them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

USED_AFTER_END: Final = "OTL001"
ENDED_TWICE: Final = "OTL002"
NOT_ENDED: Final = "OTL003"
NOT_ENDED_IF_RAISES: Final = "OTL004"
THROWN_AWAY: Final = "OTL005"
NOT_ENTERED: Final = "OTL006"
YIELD_INSIDE: Final = "OTL007"
AWAIT_INSIDE: Final = "OTL008"
COMMENT: Final = "OTL900"

TITLES: Final = {
    USED_AFTER_END: "a span is used after its end",
    ENDED_TWICE: "a span is ended twice",
    NOT_ENDED: "a span is not ended on some path",
    NOT_ENDED_IF_RAISES: "a span is not ended when something raises",
    THROWN_AWAY: "a span is started, or a builder made, and thrown away",
    NOT_ENTERED: "what makes a span current is never entered",
    YIELD_INSIDE: "a generator yields while its span is current",
    AWAIT_INSIDE: "an await between attach and a detach that a cancellation passes by",
    COMMENT: "a comment ignores a code that there is not",
}
"""Each code and what it means, as docs/lint.md heads it."""


def selected(select: Iterable[str], ignore: Iterable[str]) -> frozenset[str]:
    """The codes that are asked for: of the prefixes of a code the longest decides; of two alike, `ignore`.

    Without any in `select`, all but those that are ignored. Raises ValueError for a prefix of no code.
    """
    chosen, ignored = tuple(select), tuple(ignore)
    for prefix in (*chosen, *ignored):
        if not prefix or not any(code.startswith(prefix) for code in TITLES):
            raise ValueError(f"{prefix!r}: no code begins so; there are {', '.join(TITLES)}")

    def longest(code: str, prefixes: tuple[str, ...]) -> int:
        return max((len(prefix) for prefix in prefixes if code.startswith(prefix)), default=-1)

    return frozenset(
        code for code in TITLES if (longest(code, chosen) if chosen else 0) > longest(code, ignored)
    )
