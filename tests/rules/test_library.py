"""libotlite.a as others link it: its names, what it needs, and that each function of otlite.h is tested."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from .house import ROOT, c_source, files, source

FREE = ("bcmp", "memchr", "memcmp", "memcpy", "memmove", "memset", "strchr", "strcmp", "strlen", "strncmp")
"""What a compiler asks for even where there is no operating system, and string functions that need none."""
SYSTEM = {
    "posix": (
        *("__errno_location", "__register_atfork", "pthread_atfork", "pthread_once", "sysconf"),
        *("close", "open", "open64", "read"),
        *("clock_gettime", "getauxval", "getentropy", "getrandom", "madvise", "mmap", "munmap"),
        "backtrace",
        *("sem_clockwait", "sem_init", "sem_post", "sem_timedwait", "sem_trywait", "sem_wait"),
    ),
    "exchange": ("__errno_location", "poll", "recv", "sendmsg"),
    "terminate": (
        *("__errno_location", "getpid", "kill", "raise", "sigaction", "sigemptyset", "signal"),
        *("pthread_sigmask", "sigdelset", "sigfillset", "timer_create", "timer_settime"),
    ),
}
"""What the objects of csrc/port call besides."""
COMPILER = re.compile(r"__stack_chk_fail|_GLOBAL_OFFSET_TABLE_|__(asan|ubsan|tsan|sanitizer|llvm|gcov)_\w+")


def symbols(archive: Path) -> list[tuple[str, str, str]]:
    """(object, kind as nm tells it, name) of each global symbol."""
    told = subprocess.run(
        ["nm", "-A", "-P", "-g", archive], capture_output=True, text=True, check=True
    ).stdout
    lines = re.findall(r"\[(.+?)\.o\]: (\S+) (\w)", told)
    return [(member, kind, name) for member, name, kind in lines]


def strangers(listed: list[tuple[str, str, str]]) -> list[str]:
    """Global names without the prefix, and needs that are not allowed."""
    defined = [(member, name) for member, kind, name in listed if kind != "U"]
    own = {name for _, name in defined}
    told = [f"{member} defines {name}" for member, name in defined if not name.startswith("otlite_")]
    for member, kind, name in listed:
        allowed = name in own or name in FREE or name in SYSTEM.get(member, ()) or COMPILER.fullmatch(name)
        if kind == "U" and not allowed:
            told.append(f"{member} needs {name}")
    return told


def functions(header: str) -> set[str]:
    """The functions that a header declares."""
    return set(re.findall(r"^[\w \t*]*?\b(otlite_\w+)\(", c_source(header).code, re.MULTILINE))


@pytest.fixture(scope="module")
def library() -> Path:
    subprocess.run(["make", "-s", "-C", ROOT / "csrc", "library"], check=True, stdout=subprocess.DEVNULL)
    return ROOT / "build/csrc/libotlite.a"


def test_a_name_without_prefix_and_a_forbidden_need_are_found(tmp_path: Path) -> None:
    code = "#include <stdlib.h>\nvoid *otlite_a(void) { return malloc(9); }\nint helper = 1;\n"
    (tmp_path / "bad.c").write_text(code)
    subprocess.run([os.environ.get("CC", "cc"), "-c", "bad.c"], cwd=tmp_path, check=True)
    subprocess.run(["ar", "rc", "bad.a", "bad.o"], cwd=tmp_path, check=True)
    assert strangers(symbols(tmp_path / "bad.a")) == ["bad defines helper", "bad needs malloc"]


def test_the_names_and_needs_of_the_library(library: Path) -> None:
    listed = symbols(library)
    assert ("chunk", "T", "otlite_span_record") in listed
    assert strangers(listed) == []


def test_declarations_are_read() -> None:
    some = "/* otlite_no(x); */\nCHECKED enum otlite_status otlite_a(void);\n"
    more = "const char *otlite_b(int x,\n  int (*f)(int));\n"
    none = "#define F 1\nstruct otlite_c { int x; };\nvoid (*otlite_d)(void);\n"
    assert functions(some + more + none) == {"otlite_a", "otlite_b"}


def test_each_function_of_the_contract_is_called_by_a_c_test() -> None:
    declared = functions((ROOT / "csrc/otlite.h").read_text("utf-8"))
    assert len(declared) > 50
    called = set(
        re.findall(r"\b(otlite_\w+)\s*\(", "\n".join(source(file).code for file in files("tests/c/*")))
    )
    assert declared - called == set()
