"""Files with marked lines: what must be found there, and what is."""

from __future__ import annotations

import re
from pathlib import Path

from otlp_lite.check.module import check

HERE = Path(__file__).resolve().parent
MARK = re.compile(r"# bad: ((?:OTL\d+ ?)+)$")
Places = set[tuple[int, str]]
"""Lines and codes."""


def marked(text: str) -> Places:
    """What the marks of a file say."""
    lines = enumerate(text.splitlines(), 1)
    return {
        (line, code)
        for line, code_line in lines
        if (mark := MARK.search(code_line))
        for code in mark[1].split()
    }


def found(text: str) -> Places:
    """What the checker finds in a file."""
    return {(finding.at.line, finding.code) for finding in check(text.encode()).findings}
