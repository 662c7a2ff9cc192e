"""Files: which of a path are looked at, and what was found in each."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from .module import Tracked, Unreadable, check
from .run import Finding

_PASSED_OVER: Final = frozenset(("__pycache__", "node_modules"))


class Problem(NamedTuple):
    """A file that could not be looked at, and where it fails: line and column from 1, 0 where it has none."""

    line: int
    column: int
    message: str


class File(NamedTuple):
    """What came of one file."""

    path: str
    findings: list[Finding]
    tracked: list[Tracked]
    problem: Problem | None = None


def looked_at(paths: Iterable[str]) -> Iterator[File]:
    """Each file that is named, whatever its name, and each `*.py` below a folder that is named, by name.

    Below a folder, files and folders are passed over whose names begin with a dot, what is no regular file,
    `__pycache__`, `node_modules` and virtual environments; symbolic links to folders are not followed.
    """
    seen: set[str] = set()
    for path in paths:
        for file in _below(path) if os.path.isdir(path) else iter([path]):
            place = os.path.abspath(file)
            if place not in seen:
                seen.add(place)
                yield look_at(file)


def look_at(path: str) -> File:
    """What is found in one file."""
    try:
        with open(path, "rb") as file:
            source = file.read()
    except OSError as error:
        return File(path, [], [], Problem(0, 0, f"cannot be read: {error.strerror}"))
    try:
        checked = check(source)
    except Unreadable as error:
        return File(path, [], [], Problem(error.line, error.column, str(error)))
    return File(path, checked.findings, checked.tracked)


def _below(folder: str) -> Iterator[str]:
    failed: list[OSError] = []
    for top, folders, files in os.walk(folder, onerror=failed.append):
        folders[:] = sorted(name for name in folders if not _passed_over(top, name))
        for name in sorted(files):
            path = os.path.join(top, name)
            strange = os.path.exists(path) and not os.path.isfile(path)  # a pipe would be waited for
            if name.endswith(".py") and not name.startswith(".") and not strange:
                yield path
    for error in failed:
        yield str(error.filename)  # to be opened in vain, and told


def _passed_over(top: str, name: str) -> bool:
    if name.startswith(".") or name in _PASSED_OVER:
        return True
    return os.path.exists(os.path.join(top, name, "pyvenv.cfg"))
