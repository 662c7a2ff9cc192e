"""No twelve lines are written twice: a copy used twice is one function."""

from __future__ import annotations

import re

from .house import Finding, files, judge, source

LINES = 12
_IMPORT = re.compile(r"^[ \t]*(from\b.*\bc?import\b *(\([^)]*\))?|c?import\b|#\s*include\b).*", re.MULTILINE)


def statements(code: str) -> list[tuple[int, str]]:
    """Numbered lines that say something: not blank, no import, not a bracket alone; spaces do not count."""
    code = _IMPORT.sub(lambda match: "\n" * match.group().count("\n"), code)
    lines = ((number, "".join(line.split())) for number, line in enumerate(code.splitlines(), 1))
    return [(number, line) for number, line in lines if re.search(r"\w", line)]


def clones(sources: dict[str, str]) -> list[Finding]:
    """Runs of twelve statements that stand elsewhere too: each once, with the file of its first twin."""
    seen: dict[tuple[str, ...], tuple[str, int]] = {}
    found = []
    for file, code in sources.items():
        said = statements(code)
        last = -LINES
        for at in range(len(said) - LINES + 1):
            run = tuple(line for _, line in said[at : at + LINES])
            first = seen.setdefault(run, (file, said[at][0]))
            if first != (file, said[at][0]):
                if at - last > 1:
                    found.append(Finding(file, first[0], said[at][0]))
                last = at
    return found


def test_a_clone_is_found() -> None:
    copied = "".join(f"    value = f({number})  \n\n" for number in range(LINES))
    others = "import a\nfrom b import (\n    c,\n    d,\n)\n" * LINES
    sources = {
        "a.py": copied + others,
        "b.py": others,
        "c.py": others + "x()\n" + copied.replace(" ", "") + "y()\n",
    }
    assert clones(sources) == [Finding("c.py", "a.py", 5 * LINES + 2)]
    assert clones({"a.py": copied.replace("f(5)", "g(5)"), "b.py": copied}) == []
    assert clones({"a.py": copied + "between()\n" + copied}) == [Finding("a.py", "a.py", 2 * LINES + 2)]


def test_nothing_is_written_twice() -> None:
    written = files(
        *(f"{top}/*.{kind}" for top in ("csrc", "src", "tests") for kind in ("c", "h", "py", "pyx"))
    )
    by_hand = [file for file in written if "/generated/" not in file]  # what writes those is written once
    assert judge("clone", clones({file: source(file).text for file in by_hand})) == []
