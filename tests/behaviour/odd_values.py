"""Values of a program's own types: whoever reads them runs its code."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from world import World


class Text:
    def __init__(self, world: World) -> None:
        self.world = world

    def __str__(self) -> str:
        self.world.act()
        return "text"


class Shown:
    def __init__(self, world: World) -> None:
        self.world = world

    def __repr__(self) -> str:
        self.world.act()
        return "shown"


class Row(Sequence[Any]):
    """Read by its length and its items."""

    def __init__(self, world: World) -> None:
        self.world = world

    def __len__(self) -> int:
        self.world.act()
        return 3

    def __getitem__(self, index: Any) -> Any:
        self.world.act()
        return (1, "two", 3.0)[index]


class Walk(list[Any]):
    """Read by its iterator."""

    def __init__(self, world: World) -> None:
        super().__init__((1, "two", 3.0))
        self.world = world

    def __iter__(self) -> Iterator[Any]:
        for value in (1, "two", 3.0):
            self.world.act()
            yield value


class Table(Mapping[Any, Any]):
    def __init__(self, world: World) -> None:
        self.world = world

    def __len__(self) -> int:
        self.world.act()
        return 2

    def __iter__(self) -> Iterator[str]:
        self.world.act()
        return iter(("a", "b"))

    def __getitem__(self, key: str) -> int:
        self.world.act()
        return 1


class Key:
    """A key that is no str."""

    def __init__(self, world: World) -> None:
        self.world = world

    def __bool__(self) -> bool:
        self.world.act()
        return True

    def __str__(self) -> str:
        self.world.act()
        return "key"


class Alike(str):
    """A str that is hashed and compared by Python code."""

    world: World | None = None

    def __hash__(self) -> int:
        if self.world is not None:
            self.world.act()
        return str.__hash__(self)

    def __eq__(self, other: object) -> bool:
        if self.world is not None:
            self.world.act()
        return str.__eq__(self, other)


def alike(world: World) -> dict[Any, Any]:
    key = Alike("key")
    mapping = {"other": 1, key: Text(world)}
    key.world = world
    return mapping


class Disguised:
    def __init__(self, world: World) -> None:
        self.world = world

    @property  # type: ignore[misc] # of object it can be set, too
    def __class__(self) -> Any:
        self.world.act()
        return object


class Number:
    def __init__(self, world: World) -> None:
        self.world = world

    def __int__(self) -> int:
        self.world.act()
        return 1_700_000_000_000_000_000


class Flag:
    def __init__(self, world: World) -> None:
        self.world = world

    def __bool__(self) -> bool:
        self.world.act()
        return True


class Failure(Exception):
    """Of the program; its text is Python code."""

    world: World | None = None

    def __str__(self) -> str:
        if self.world is not None:
            self.world.act()
        return "failure"


def failure(world: World) -> Failure:
    error = Failure()
    error.world = world
    return error
