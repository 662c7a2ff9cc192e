"""What a span of a mortal program holds besides: known to whoever has its name."""

from __future__ import annotations

from random import Random

SIZES = (0, 10, 100, 1000, 6000)


def pad(pid: int, thread: int, number: int) -> str:
    random = Random(f"{pid}.{thread}.{number}")
    return chr(random.randrange(33, 127)) * random.choices(SIZES, (50, 20, 20, 9, 1))[0]
