"""Whom no_proxy exempts: what curl, urllib and requests agree on, and what one of them adds to it."""

from __future__ import annotations

import _socket


def exempt(host: str, port: int, names: str) -> bool:
    """Whether `names`, parted by commas or spaces, has the host.

    A name exempts itself and what is below it, with a dot before it or without; an address itself;
    `10.0.0.0/8` a network; `:port` after any of them that port alone; `*` everything.
    """
    host = host.lower().rstrip(".")
    address = _address(host)
    for entry in names.lower().replace(",", " ").split():
        name, wanted = _split(entry)
        if wanted not in ("", str(port)):
            continue
        if name == "*":
            return True
        if address is None:
            name = name.lstrip("*").strip(".")
            if name and (host == name or host.endswith(f".{name}")):
                return True
        elif _within(address, name):
            return True
    return False


def _split(entry: str) -> tuple[str, str]:
    """Name and port of host, host:port, [v6], [v6]:port, or v6."""
    if entry.startswith("["):
        name, _, port = entry[1:].partition("]")
        return name, port.removeprefix(":")
    if entry.count(":") == 1:
        name, _, port = entry.partition(":")
        return name, port
    return entry, ""


def _within(address: bytes, network: str) -> bool:
    """By the first bits, as many as a network says; without them by all."""
    start, slash, length = network.partition("/")
    packed = _address(start)
    size = len(address) * 8
    if (
        packed is None
        or len(packed) != len(address)
        or (slash and not (length.isascii() and length.isdigit()))
    ):
        return False
    bits = int(length) if slash else size
    return (
        bits <= size
        and (int.from_bytes(address, "big") ^ int.from_bytes(packed, "big")) >> (size - bits) == 0
    )


def _address(text: str) -> bytes | None:
    """Not the module ipaddress: it costs an import of several milliseconds."""
    for family in (_socket.AF_INET, _socket.AF_INET6):
        try:
            return _socket.inet_pton(family, text.partition("%")[0])
        except (OSError, ValueError):
            continue
    return None
