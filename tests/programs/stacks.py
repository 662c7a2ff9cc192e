"""Stack traces without the frames of the SDK and the API, which each SDK has of its own."""

from __future__ import annotations

import re

FRAME = re.compile(r'^(?P<margin>[ |]*)File "(?P<file>[^"]*)", line \d+, in (?P<function>.*)$')
OF_AN_SDK = re.compile(r"(^|/)(opentelemetry/(?!instrumentation/)|otlp_lite/(?!.*tests/programs/))")
# The API's tracing context managers are contextlib's, and so are those frames of theirs.
OF_CONTEXTLIB = {"__enter__", "__exit__", "inner"}


def _is_sdk_frame(frame: re.Match[str]) -> bool:
    in_contextlib = frame["file"].endswith("/contextlib.py") and frame["function"] in OF_CONTEXTLIB
    return in_contextlib or OF_AN_SDK.search(frame["file"].replace("\\", "/")) is not None


def without_sdk_frames(stack: str) -> str:
    """The text of a traceback less those frames: each one's `File` line and the deeper lines under it."""
    kept = []
    skipped_margin: str | None = None
    for line in stack.split("\n"):
        frame = FRAME.match(line)
        if frame:
            skipped_margin = frame["margin"] if _is_sdk_frame(frame) else None
        elif skipped_margin is not None and not line.startswith(skipped_margin + "  "):
            skipped_margin = None
        if skipped_margin is None:
            kept.append(line)
    return "\n".join(kept)
