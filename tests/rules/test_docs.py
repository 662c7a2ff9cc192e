"""The code in the documents runs: Python is executed, C compiled, and each command that is shown exists."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from .house import ROOT, files, text

REFUSES = "http://127.0.0.1:9"
"""Where nobody listens: what is recorded is given up at the end."""
FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Block(NamedTuple):
    """A fenced block of code."""

    place: str
    language: str
    code: str


def blocks(file: str, document: str) -> list[Block]:
    return [
        Block(f"{file}:{document.count(chr(10), 0, fence.start()) + 1}", fence.group(1), fence.group(2))
        for fence in FENCE.finditer(document)
    ]


def failure(block: Block, folder: Path) -> str:
    """What went wrong with a block; empty when it runs."""
    if block.language == "python":
        environment = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
        environment |= {"OTEL_EXPORTER_OTLP_ENDPOINT": REFUSES, "PYTHONPATH": str(ROOT / "src")}
        command = [sys.executable, "-X", "dev", "-W", "error::SyntaxWarning", "-c", block.code]
        return run(command, folder, environment)
    if block.language == "c":
        (folder / "block.c").write_text(block.code)
        command = [
            os.environ.get("CC", "cc"),
            "-std=c11",
            "-Wall",
            "-Werror",
            "-fsyntax-only",
            f"-I{ROOT / 'csrc'}",
        ]
        return run([*command, "block.c"], folder, dict(os.environ))
    if block.language in ("sh", "console"):
        prompt = "$ " if block.language == "console" else ""
        lines = [line.removeprefix(prompt) for line in block.code.splitlines() if line.startswith(prompt)]
        return "\n".join(filter(None, map(unknown, lines)))
    return ""


def run(command: list[str], folder: Path, environment: dict[str, str]) -> str:
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=30)
    return done.stderr or "failed" if done.returncode else ""


def unknown(line: str) -> str:
    """A command of ours that does not exist: a target of make, or a verb of the command line."""
    targets = set(re.findall(r"^([a-z-]+):", text("Makefile"), re.MULTILINE))
    core = set(re.findall(r"^([a-z-]+(?: [a-z-]+)*):", text("csrc/Makefile"), re.MULTILINE))
    (commands,) = re.findall(r"^COMMANDS = (.*?)$", text("src/otlp_lite/__main__.py"), re.MULTILINE)
    verbs = set(re.findall(r'"(\w+)":', commands))
    for known, pattern in (
        (targets, r"\bmake (?!-C)([a-z-]+)"),
        ({name for group in core for name in group.split()}, r"\bmake -C csrc ([a-z-]+)"),
        (verbs, r"\bpython3? -m otlp_lite (\w+)"),
        (verbs, r"\botlp-lite (\w+)"),
    ):
        strangers = set(re.findall(pattern, line.partition(" #")[0])) - known
        if strangers:
            return f"{line}: no {', '.join(strangers)}"
    return ""


def dangling(file: str, document: str) -> list[str]:
    """Links to files that are not there."""
    links = re.findall(r"\]\((?!\w+:|#)([^)#\s]+)", FENCE.sub("", document))
    return [link for link in links if not (ROOT / file).parent.joinpath(link).exists()]


DOCUMENTS = files("README.md", "CHANGELOG.md", "docs/*.md", "*/README.md")
BLOCKS = [block for file in DOCUMENTS for block in blocks(file, text(file))]


@pytest.mark.parametrize(
    ("language", "good", "bad"),
    [
        (
            "python",
            "import otlp_lite\nwith otlp_lite.configure(exit_timeout=0.1): pass\n",
            "import otlp_lite_x\n",
        ),
        (
            "c",
            '#include "otlite.h"\nint f(void) { return OTLITE_OK; }\n',
            "int f(void) { return OTLITE_NO; }\n",
        ),
        ("sh", "make test  # make nothing\npython -m otlp_lite demo\n", "make test && make nothing"),
        ("console", "$ make -C csrc asan\nmake nothing\n", "$ python -m otlp_lite nothing\n"),
    ],
)
def test_a_block_that_does_not_run_is_found(language: str, good: str, bad: str, tmp_path: Path) -> None:
    document = f"text\n```{language}\n{good}```\n\n```{language} title\n{bad}\n```\n"
    first, second = blocks("a.md", document)
    assert (first.place, first.code, second.language) == ("a.md:2", good, language)
    assert failure(first, tmp_path) == ""
    assert failure(second, tmp_path) != ""


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.place)
def test_a_block_runs(block: Block, tmp_path: Path) -> None:
    assert block.language, "say which language it is; `text` is one"
    assert failure(block, tmp_path) == ""


def test_a_link_to_nowhere_is_found() -> None:
    document = "[a](docs/design.md) [b](docs/none.md#c) [d](https://e.example/f) [g](#h) ![i](j.svg)\n"
    document += "```text\n[k](l)\n```\n"
    assert dangling("README.md", document) == ["docs/none.md", "j.svg"]


@pytest.mark.parametrize("file", DOCUMENTS)
def test_links_lead_somewhere(file: str) -> None:
    assert dangling(file, text(file)) == []
