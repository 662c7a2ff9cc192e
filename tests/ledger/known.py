"""What a program that is to be killed and its judge both know."""

from __future__ import annotations

from random import Random

SIZES = (0, 10, 100, 1000, 6000)


def pad(pid: int, thread: int, number: int) -> str:
    """What a span holds besides its name."""
    random = Random(f"{pid}.{thread}.{number}")
    return chr(random.randrange(33, 127)) * random.choices(SIZES, (50, 20, 20, 9, 1))[0]


def region_size(seed: str) -> int:
    """Of a round: one that is soon full, or never."""
    return Random(f"{seed} size").choice((1 << 17, 1 << 20, 1 << 25, 1 << 25))


def may_fill(seed: str) -> bool:
    return region_size(seed) < 1 << 25
