"""The Python in the documents and the docstrings type-checks, strictly; that of the docstrings runs, too.

That of the documents is run by tests/rules/test_docs.py.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from checkers import CHECKERS, ROOT, write

FENCE = re.compile(r"^```python[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INDENTED = re.compile(r"(?:^    [^\n]*\n|^\n(?=    ))+", re.MULTILINE)
NAMES = "from opentelemetry.trace import SpanKind\nfrom otlp_lite import SpanSchema, key, span, traced\n"
"""What a docstring may leave unsaid."""


def fenced(document: str) -> list[str]:
    return FENCE.findall(document)


def indented(source: str) -> list[str]:
    """The code of a module's docstrings: indented there, and Python."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            for block in INDENTED.findall((ast.get_docstring(node) or "") + "\n"):
                code = textwrap.dedent(block).strip() + "\n"
                if is_python(code):
                    found.append(NAMES + code)
    return found


def is_python(code: str) -> bool:
    try:
        ast.parse(code)
    except SyntaxError:
        return False
    return code != "\n"


def documents() -> dict[str, str]:
    paths = [
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/*.md"),
        *ROOT.glob("*/README.md"),
        *ROOT.glob("*/*/README.md"),
    ]
    return {
        f"{re.sub(r'[^a-z0-9]', '_', str(path.relative_to(ROOT)).lower())}_{number}.py": code
        for path in sorted(paths)
        if not str(path.relative_to(ROOT)).startswith((".", "build"))
        for number, code in enumerate(fenced(path.read_text("utf-8")))
    }


def docstrings() -> dict[str, str]:
    paths = sorted([*ROOT.glob("src/otlp_lite/**/*.py"), *ROOT.glob("stubs/**/*.pyi")])
    return {
        f"{re.sub(r'[^a-z0-9]', '_', str(path.relative_to(ROOT)))}_{number}.py": code
        for path in paths
        for number, code in enumerate(indented(path.read_text("utf-8")))
    }


def test_code_is_found() -> None:
    assert fenced("a\n```python title\nx = 1\n```\n```text\ny\n```\n```python\nz\n```\n") == [
        "x = 1\n",
        "z\n",
    ]
    lines = (
        "def f():",
        '    """A.',
        "",
        "        x = 1",
        "",
        "        y = 2",
        "",
        "    B:",
        "",
        "        no code",
    )
    source = "\n".join([*lines, '    """', ""])
    assert indented(source) == [NAMES + "x = 1\n\ny = 2\n"]
    assert len(documents()) >= 5 and len(docstrings()) >= 1


@pytest.mark.parametrize("checker", CHECKERS)
def test_it_type_checks(checker: str, tmp_path: Path) -> None:
    sources = {**documents(), **docstrings()}
    planted = {"planted.py": "import otlp_lite\notlp_lite.configure(nothing=1)\n"}
    said = [each for each in CHECKERS[checker](write(tmp_path, {**sources, **planted})) if each.code]
    assert [(each.file, each.line) for each in said if each.file == "planted.py"] == [("planted.py", 2)]
    assert [each for each in said if each.file != "planted.py"] == []


@pytest.mark.parametrize("name", docstrings())
def test_that_of_the_docstrings_runs(name: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", docstrings()[name]], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
