"""What was found, as text, JSON or SARIF."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from .codes import TITLES
from .files import File

_SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"


def text(files: Sequence[File], version: str) -> Iterator[str]:
    """A line each: `file:line:column: CODE message`."""
    for file in files:
        for each in file.findings:
            yield f"{file.path}:{each.at.line}:{each.at.column}: {each.code} {each.message}"


def problems(files: Sequence[File]) -> Iterator[str]:
    """A line for each file that could not be looked at."""
    for file in files:
        if file.problem is not None:
            line, column, message = file.problem
            yield f"{file.path}:{line}:{column}: {message}" if line else f"{file.path}: {message}"


def as_json(files: Sequence[File], version: str) -> Iterator[str]:
    """One object: `findings`, `problems`, and how many `files` and `spans` were looked at."""
    findings = [
        {
            "file": file.path,
            "line": each.at.line,
            "column": each.at.column,
            "end_line": each.at.end_line,
            "code": each.code,
            "message": each.message,
        }
        for file in files
        for each in file.findings
    ]
    told = [{"file": file.path, **file.problem._asdict()} for file in files if file.problem is not None]
    tracked = [each for file in files for each in file.tracked]
    spans = {"started": len(tracked), "followed": sum(each.followed for each in tracked)}
    report = {
        "otlp_lite": version,
        "files": len(files),
        "spans": spans,
        "findings": findings,
        "problems": told,
    }
    yield json.dumps(report, indent=2)


def sarif(files: Sequence[File], version: str) -> Iterator[str]:
    """SARIF 2.1.0 (OASIS): one run."""
    codes = list(TITLES)
    rules = [{"id": code, "shortDescription": {"text": title}} for code, title in TITLES.items()]
    results = [
        {
            "ruleId": each.code,
            "ruleIndex": codes.index(each.code),
            "level": "warning",
            "message": {"text": each.message},
            "locations": [_location(file.path, each.at.line, each.at.column)],
        }
        for file in files
        for each in file.findings
    ]
    told = [
        {
            "level": "error",
            "message": {"text": file.problem.message},
            "locations": [_location(file.path, file.problem.line, file.problem.column)],
        }
        for file in files
        if file.problem is not None
    ]
    run = {
        "tool": {"driver": {"name": "otlp_lite lint", "version": version, "rules": rules}},
        "columnKind": "unicodeCodePoints",
        "invocations": [{"executionSuccessful": not told, "toolExecutionNotifications": told}],
        "results": results,
    }
    yield json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2)


def _location(path: str, line: int, column: int) -> Mapping[str, Any]:
    uri = (
        Path(path).as_uri()
        if os.path.isabs(path)
        else quote(path.replace(os.sep, "/"), errors="surrogateescape")
    )
    place: dict[str, Any] = {"artifactLocation": {"uri": uri}}
    if line:
        place["region"] = {"startLine": line, "startColumn": column}
    return {"physicalLocation": place}


FORMATS: Final[Mapping[str, Callable[[Sequence[File], str], Iterator[str]]]] = {
    "text": text,
    "json": as_json,
    "sarif": sarif,
}
