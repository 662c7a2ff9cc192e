"""Each atomic access of csrc by name, and how it can be weakened: derived from the source, not chosen."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[3]
ATOMICS = ROOT / "csrc/base/atomics.h"

WEAKER = {
    "load_acquire": ("relaxed",),
    "load_seq": ("acquire", "relaxed"),
    "store_release": ("relaxed",),
    "store_seq": ("release", "relaxed"),
    "exchange_seq": ("acquire_release", "relaxed", "torn"),
    "compare_exchange": ("acquire_release", "relaxed", "torn"),
    "add_relaxed": ("torn",),
    "load_relaxed": (),
    "store_relaxed": (),
}
"""Of each name in atomics.h what stands in for it; `torn` is two steps where it was one."""

_CALL = re.compile(r"\botlite_(" + "|".join(WEAKER) + r")\(")
_FUNCTION = re.compile(
    r"^(?!static const|typedef)[a-z][\w *]*?\b(\w+)\([^;]*?\)\n\{", re.MULTILINE | re.DOTALL
)


class Site(NamedTuple):
    """A call of one of the names in atomics.h."""

    file: str
    function: str
    access: str
    word: str
    number: int
    """From 1, where a function has several that are alike."""

    def __str__(self) -> str:
        return f"{self.file}:{self.function}:{self.access}({self.word})#{self.number}"


def first_argument(code: str, start: int) -> str:
    """The text up to the comma or bracket that ends it, spaces as the preprocessor leaves them."""
    depth = 0
    for at in range(start, len(code)):
        if code[at] in "([{":
            depth += 1
        elif code[at] in ")]}" or (code[at] == "," and depth == 0):
            if depth == 0:
                return " ".join(code[start:at].split())
            depth -= 1
    raise ValueError("no end")


def sites_of(file: str, source: str) -> list[Site]:
    """The sites of a C file, in order."""
    code = re.sub(r"/\*.*?\*/", lambda each: re.sub(r"[^\n]", " ", each.group()), source, flags=re.DOTALL)
    functions = [(each.start(), each.group(1)) for each in _FUNCTION.finditer(code)]
    seen: Counter[tuple[str, str, str]] = Counter()
    found = []
    for call in _CALL.finditer(code):
        function = [name for start, name in functions if start < call.start()][-1]
        key = (function, call.group(1), first_argument(code, call.end()))
        seen[key] += 1
        found.append(Site(file, *key, seen[key]))
    return found


def sites() -> list[Site]:
    """The sites of csrc."""
    files = sorted(path for path in (ROOT / "csrc").rglob("*.[ch]") if path != ATOMICS)
    return [site for path in files for site in sites_of(path.name, path.read_text("utf-8"))]


def mutations() -> list[str]:
    """Each way of weakening one site, as `explore --weaken` takes it."""
    return [f"{site}={weaker}" for site in sites() for weaker in WEAKER[site.access]]
