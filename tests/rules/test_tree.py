"""The tree is the one that docs/design.md draws: whatever stands at the top, each room, each folder of C."""

from __future__ import annotations

from .house import files
from .tree import House, house, read

DRAWN = """
## The house

The top level is fixed: `setup.py src/otlp_lite/ csrc/ tests/` (beside README, `.ci/`).

```text
csrc/       the core
  otlite.h Makefile    the contract
  base/    status (the only place)
  cpu/     detect.c (later) kernels.h
src/otlp_lite/   Python
  errors.py config.py    settings
  _native/     extensions
    core.pyx   not a room
tests/  named by promise: c/ rules/ (later)
        data/
```

## Next
"""


def unlisted(paths: list[str], drawn: House) -> set[str]:
    """Entries of the top, rooms, folders of C and of tests that are not drawn."""
    strangers = set()
    for path in paths:
        first, *rest = path.split("/")
        stem = first if first.startswith(".") or rest else first.removesuffix(".md")
        if not any(name == stem or name.startswith(f"{stem}/") for name in drawn.top):
            strangers.add(first)
        for top, rooms in (("csrc/", drawn.core), ("src/otlp_lite/", drawn.package), ("tests/", drawn.tests)):
            name, slash, _ = path.removeprefix(top).partition("/")
            if path.startswith(top) and name + slash not in rooms and (slash or top != "tests/"):
                strangers.add(top + name)
    return strangers


def test_the_drawing_is_read() -> None:
    drawn = read(DRAWN)
    assert drawn.core == ("otlite.h", "Makefile", "base/", "cpu/", "detect.c")
    assert drawn.package == ("errors.py", "config.py", "_native/")
    assert {"c/", "rules/", "data/"} <= drawn.tests
    assert {"setup.py", "src/otlp_lite", "csrc", "README", ".ci"} <= drawn.top


def test_what_is_not_drawn_is_found() -> None:
    drawn = read(DRAWN)
    assert (
        unlisted(["README.md", ".ci/run", "csrc/base/a.c", "src/otlp_lite/config.py", "tests/c/a.c"], drawn)
        == set()
    )
    strangers = [
        "new.cfg",
        "lib/a.c",
        "csrc/new/a.c",
        "src/otlp_lite/new.py",
        "src/otlp_lite/new/a.py",
        "tests/new/a.py",
    ]
    assert unlisted(strangers, drawn) == {
        "new.cfg",
        "lib",
        "csrc/new",
        "src/otlp_lite/new.py",
        "src/otlp_lite/new",
        "tests/new",
    }


def test_the_tree_is_drawn() -> None:
    assert unlisted(files("*"), house()) == set()
