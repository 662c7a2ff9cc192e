"""Find spans that are used after their end, never ended or never entered, in the text of programs.

Paths are files, or folders whose *.py are taken. Nothing is imported or run. docs/lint.md has the codes; a
comment `# otlp: ignore[CODE]` on the line leaves one out. Exit status: 0 when nothing was found; 1 when
something was; 2 for wrong arguments, and when a file could not be read or parsed.
"""

from __future__ import annotations

import argparse
import sys

from otlp_lite._version import __version__
from otlp_lite.cli.receive import show
from otlp_lite.cli.waterfall import escape

DEPTH = 4000
"""Calls deep: a sum of a thousand parts nests a thousand deep."""


def _codes(text: str) -> list[str]:
    return [code.strip() for code in text.split(",")]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", nargs="+", metavar="PATH", help="a file, or a folder")
    parser.add_argument(
        "--format",
        choices=("text", "json", "sarif"),
        default="text",
        help="on stdout (default: %(default)s)",
    )
    for name, words in (("--select", "these codes alone"), ("--ignore", "all but these codes")):
        parser.add_argument(
            name,
            type=_codes,
            action="extend",
            default=[],
            metavar="CODES",
            help=f"{words}, or those that begin so, with commas between",
        )


def run(args: argparse.Namespace) -> int:
    from otlp_lite.check import codes, files, reports  # loaded for this command alone

    sys.setrecursionlimit(max(sys.getrecursionlimit(), DEPTH))
    try:
        selected = codes.selected(args.select, args.ignore)
    except ValueError as error:
        print(f"otlp_lite lint: {error}", file=sys.stderr)
        return 2
    found = [
        file._replace(findings=[each for each in file.findings if each.code in selected])
        for file in files.looked_at(args.paths)
    ]
    lines = reports.FORMATS[args.format](found, __version__)
    show([escape(line) for line in lines] if args.format == "text" else list(lines))
    wrong = list(reports.problems(found))
    for line in wrong:
        print(escape(line), file=sys.stderr)
    count = sum(len(file.findings) for file in found)
    print(f"{count} found in {len(found)} file{'s' * (len(found) != 1)}", file=sys.stderr)
    return 2 if wrong else 1 if count else 0
