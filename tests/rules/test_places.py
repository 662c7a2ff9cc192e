"""What has one place: atomics, instruction sets, the operating system, the environment, field numbers."""

from __future__ import annotations

import re
from fnmatch import fnmatch
from typing import NamedTuple

import pytest

from .house import Finding, Source, c_source, files, judge, python_source, source

CORE = ("csrc/*.c", "csrc/*.h")
PACKAGE = ("src/otlp_lite/*.py", "src/otlp_lite/*.pyx", "src/otlp_lite/*.pxd")
FREE = r"stdalign|stdbool|stddef|stdint|limits|string"
"""Headers that a microcontroller's compiler has too."""


class Place(NamedTuple):
    """What only some files may contain; `rule` is the section of tests/allowed.toml that lists exceptions."""

    name: str
    pattern: str
    files: tuple[str, ...]
    home: tuple[str, ...]
    fault: str
    rule: str = ""


PLACES = (
    Place(
        "atomics",
        r"\b(__atomic_\w+|__sync_\w+|_Atomic|atomic_\w+)\b|<stdatomic\.h>",
        CORE,
        ("csrc/base/atomics.h",),
        "return __atomic_load_n(word, 0);",
    ),
    Place(
        "instruction sets",
        r"<\w*(intrin|cpuid|arm_neon)\.h>|\b_mm\d*_\w+|\b__builtin_ia32_\w+|\b(__)?asm(__)?\b|\btarget\s*\(|"
        r"#\s*pragma\s+(GCC|clang)\b|\b__(x86_64|i386|aarch64|arm|AVX|SSE|BMI|ARM_)\w*",
        CORE,
        ("csrc/cpu/*",),
        "#ifdef __AVX2__",
    ),
    Place(
        "headers of the operating system",
        rf"#\s*include\s*<(?!({FREE}|immintrin|arm_neon)\.h>)",
        CORE,
        ("csrc/port/*", "csrc/example/*"),
        "#include <unistd.h>",
    ),
    Place(
        "conditionals on the operating system",
        r"\b(_WIN32|__(linux|unix|APPLE|FreeBSD|ANDROID|GLIBC|MUSL)\w*|_POSIX_\w+|_GNU_SOURCE)\b",
        CORE,
        ("csrc/port/*", "csrc/cpu/detect.c", "csrc/example/*"),
        "#if defined(__linux__)",
    ),
    Place(
        "heap, output, environment, threads, giving up",
        r"\b(malloc|calloc|realloc|free|alloca|strn?dup|\w*printf|f?put[cs]|putchar|perror|fopen|abort|_?exit|assert|"
        r"\w*getenv|setenv|pthread_create|thrd_create)\s*\(",
        CORE,
        ("csrc/example/*",),
        "char *home = getenv(name);",
    ),
    Place(
        "environment",
        r"\bos\.(environb?|getenvb?|putenv|unsetenv)\b|\bfrom os import\b.*\b(environ|getenv)",
        PACKAGE,
        ("src/otlp_lite/config.py",),
        'home = os.environ["HOME"]',
        "environment",
    ),
    Place(
        "field numbers",
        r"\bTAG\s*\(|(?<![\d] )(<<|>>) ?3\b|\b0x0[aA]\b|b\"\\n\\0",
        (*CORE, *PACKAGE),
        ("csrc/encode/fields.h", "csrc/cpu/*"),
        "number = tag >> 3",
        "field_numbers",
    ),
)


def found(place: Place, file: str, layers: Source) -> list[Finding]:
    """Each line that has what belongs elsewhere."""
    if any(fnmatch(file, home) for home in place.home):
        return []
    lines = enumerate(layers.text.splitlines(), 1)
    return [Finding(file, "", number) for number, line in lines if re.search(place.pattern, line)]


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.name)
def test_each_thing_is_found_outside_its_place(place: Place) -> None:
    language = c_source if place.files[0].endswith(".c") else python_source
    comment = "/* " + place.fault + " */" if language is c_source else "# " + place.fault
    assert len(found(place, "csrc/http/a.c", language(place.fault))) == 1
    assert found(place, "csrc/http/a.c", language(comment)) == []
    assert found(place, place.home[0].replace("*", "a.c"), language(place.fault)) == []


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.name)
def test_each_thing_is_in_its_place(place: Place) -> None:
    matching = files(*place.files)
    at_home = [file for file in matching if any(fnmatch(file, home) for home in place.home)]
    assert any(re.search(place.pattern, source(file).text) for file in at_home), "the pattern has gone blind"
    findings = {finding.file: finding for file in matching for finding in found(place, file, source(file))}
    assert judge(place.rule, findings.values(), None if place.rule else []) == []
