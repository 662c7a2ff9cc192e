"""A traced function is called as the function."""

from __future__ import annotations

from otlp_lite import traced


@traced
def plain(a: int) -> int:
    return a


plain(1)
plain("x")  # fails: arg-type, reportArgumentType
