"""A skipped test, an ignored error, a silenced warning: tests/allowed.toml lists each, with its reason."""

from __future__ import annotations

import re

from .house import Finding, Source, c_source, files, judge, python_source, source, text

COMMENT = re.compile(
    r"type: ?ignore(?:\[[\w, -]+\])?|\bnoqa\b(?:: ?\w+)?|"
    r"(?:pyright|mypy|pylint|isort|ruff): ?[\w-]+(?:\[\w+\])?|"
    r"fmt: (?:off|skip)|pragma: no ?cover|\bnosec\b|no-cython-lint|\bNOLINT\w*|clang-format off"
)
PYTHON = re.compile(
    r"\bpytest\.(?:skip|xfail|importorskip|mark\.\w*(?:skip|xfail)\w*|mark\.filterwarnings)|"
    r"\bunittest\.\w*[sS]kip\w*|\bSkipTest\b|\bexpectedFailure\b|\bno_type_check\b|"
    r"\bwarnings\.(?:simplefilter|filterwarnings)|\bsuppress_health_check\b"
)
C = re.compile(r"#\s*pragma\s+\w+\s+diagnostic\s+ignored|\bno_sanitize\w*")
BUILD = re.compile(
    r"-Wno-[\w-]+|-fno-sanitize=\w+|per-file-ignores|ignore_errors|ignore_missing_imports|disable_error_code"
)


def found(file: str, layers: Source) -> list[Finding]:
    pattern = C if file.endswith((".c", ".h")) else PYTHON
    findings = []
    for number, (code, comment) in enumerate(
        zip(*(layer.splitlines() for layer in layers[::2]), strict=True), 1
    ):
        findings += [
            Finding(file, match, number) for match in (*pattern.findall(code), *COMMENT.findall(comment))
        ]
    return findings


def found_in_settings(file: str, lines: str) -> list[Finding]:
    """Of a Makefile or a table of tools."""
    numbered = enumerate(lines.splitlines(), 1)
    return [Finding(file, match, number) for number, line in numbered for match in BUILD.findall(line)]


def test_each_kind_is_found() -> None:
    python = "a = 1  # type: ignore[assignment]  # noqa: E501\n"
    python += "@pytest.mark.skipif(x)\ndef f():  # fmt: skip\n    pytest.skip()\n"
    assert [finding[1:] for finding in found("a.py", python_source(python))] == [
        ("type: ignore[assignment]", 1),
        ("noqa: E501", 1),
        ("pytest.mark.skipif", 2),
        ("fmt: skip", 3),
        ("pytest.skip", 4),
    ]
    c = '#pragma GCC diagnostic ignored "-Wpadded"\n/* clang-format off */\n'
    c += '__attribute__((no_sanitize("undefined")))\n'
    assert [finding.line for finding in found("a.c", c_source(c))] == [1, 2, 3]
    assert found("a.py", python_source('"""type: ignored"""\na = "noqa"\nskip()\n')) == [
        Finding("a.py", "type: ignore", 1)
    ]
    assert found("a.py", python_source('a = "noqa"\nskip()\n')) == []
    assert found_in_settings("Makefile", "FLAGS = -Wall -Wno-unused -Werror\n") == [
        Finding("Makefile", "-Wno-unused", 1)
    ]


def test_each_has_its_reason() -> None:
    code = files("*.py", "*.pyi", "*.pyx", "*.pxd", "*.c", "*.h")
    assert len(code) > 150
    findings = [finding for file in code for finding in found(file, source(file))]
    settings = files("*Makefile", "pyproject.toml", "setup.py", ".ci/*")
    findings += [finding for file in settings for finding in found_in_settings(file, text(file))]
    assert judge("suppression", findings) == []
