"""Nobody asks for memory of the heap: the core never, the extensions not for spans that fit a block.

The core: its C tests, which call each of its functions, run with functions that tell when they are entered,
under a hook of malloc and its kin. The extensions: bursts of spans, dropped in every way that there is, under
that hook and one of CPython's allocators.
"""

from __future__ import annotations

import ctypes
import json
import logging
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from itertools import repeat
from pathlib import Path
from types import MappingProxyType, SimpleNamespace
from typing import Any, NamedTuple

import pytest
from opentelemetry.trace import StatusCode

from otlp_lite import SpanSchema, key
from otlp_lite.assemble import build
from otlp_lite.config import load
from otlp_lite.testing import collect
from otlp_lite.traces.limits import SpanLimits
from otlp_lite.traces.sampling import ALWAYS_OFF

pytestmark = pytest.mark.sources

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build/heap"
HOOK = BUILD / "hook.so"

# ---- The core ----

THEIRS = {
    "otlite_exits_prepare": "has the C library load what a pthread_exit() needs, which is what it is for",
}
"""Within these the C library asks for memory, and why that may be: they are set-up, of csrc/port."""

INSTRUMENTED = "-finstrument-functions -finstrument-functions-exclude-file-list=tests/c,/usr/"
FEW = {"DAMAGES": "300", "DEATHS": "10", "KILLS": "2", "SHORTER": "10"}


class Asked(NamedTuple):
    """A request for memory while a function of the core was at work."""

    what: str
    function: str


def make(*arguments: str) -> None:
    command = ["make", "-s", f"-j{os.cpu_count()}", "-C", str(ROOT / "csrc"), f"BUILD={BUILD}", *arguments]
    subprocess.run([*command, f"CFLAGS={INSTRUMENTED}"], check=True, stdout=subprocess.DEVNULL)


def symbols(program: Path) -> list[tuple[int, str]]:
    """Functions by where they begin."""
    told = subprocess.run(
        ["nm", "--defined-only", program], capture_output=True, text=True, check=True
    ).stdout
    return sorted((int(at, 16), name) for at, name in re.findall(r"^(\w+) [tTwW] (\w+)$", told, re.MULTILINE))


def function_at(known: list[tuple[int, str]], at: int) -> str:
    return max((each for each in known if each[0] <= at), default=(0, "?"))[1]


@cache
def asked(program: Path, log: Path) -> list[Asked]:
    """What the core asks for while the program and its children run; not what it calls back asks for."""
    log.unlink(missing_ok=True)
    environment = {**os.environ, **FEW, "LD_PRELOAD": str(HOOK), "HEAP_LOG": str(log)}
    done = subprocess.run([program], env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    if not log.exists():
        return []
    known, core = symbols(program), {name for _, name in symbols(BUILD / "libotlite.a")}
    found = set()
    for line in set(log.read_text().splitlines()):
        what, function, file, caller = line.split(" ")
        within = Path(file).resolve() == program.resolve()
        if not within or function_at(known, int(caller, 16)) in core:
            found.add(Asked(what, function_at(known, int(function, 16))))
    return sorted(found)


@pytest.fixture(scope="module")
def hook() -> Path:
    BUILD.mkdir(parents=True, exist_ok=True)
    compiler = [os.environ.get("CC", "cc"), "-std=gnu11", "-O2", "-g", "-shared", "-fPIC", "-Wall", "-Wextra"]
    source = ROOT / "tests/proof/heap/hook.c"
    subprocess.run([*compiler, "-Werror", "-o", str(HOOK), str(source), "-ldl"], check=True)
    return HOOK


TESTS = sorted(path.stem for path in (ROOT / "tests/c").glob("test_*.c") if path.stem != "test_kernels")
"""Kernels are called by what uses them: each alone, in every way, would take a minute."""


@pytest.fixture(scope="module")
def programs(hook: Path) -> Path:
    make("tests")
    return BUILD / "tests"


@pytest.mark.parametrize("name", TESTS)
def test_the_core_asks_for_none(programs: Path, name: str) -> None:
    found = asked(programs / name, BUILD / f"{name}.log")
    assert [each for each in found if each.function not in THEIRS] == []


def test_the_exceptions_are_met(programs: Path) -> None:
    found = {each.function for name in TESTS for each in asked(programs / name, BUILD / f"{name}.log")}
    assert found == set(THEIRS)


def test_a_planted_request_is_told(programs: Path, tmp_path: Path) -> None:
    source, test = (ROOT / "csrc/region/region.c").read_text("utf-8"), "test_region"
    right = "void otlite_region_lost(struct otlite_region *region, enum otlite_loss loss)\n{\n"
    assert source.count(right) == 1
    planted = tmp_path / "region.c"
    wrong = "    __builtin_free(__builtin_calloc(1, (size_t)loss + 1));\n"
    planted.write_text(source.replace(right, right + wrong), "utf-8")
    compiler = [os.environ.get("CC", "cc"), "-std=c11", "-O0", "-pthread", *INSTRUMENTED.split()]
    folders = [f"-I{ROOT / 'csrc'}", f"-I{ROOT / 'tests/c'}"]
    sources = [str(planted), str(ROOT / f"tests/c/{test}.c"), str(BUILD / "libotlite.a")]
    subprocess.run([*compiler, *folders, "-o", str(tmp_path / test), *sources, "-lrt"], check=True)
    told = asked(tmp_path / test, tmp_path / "log")
    assert {each.what for each in told} == {"calloc"}


# ---- The extensions ----

BURST = 1000
LARGE = "x" * 30_000
ATTRIBUTES = {"a": 1}
OK = StatusCode.OK  # CPython 3.11 makes an object at each look at a member


VARIABLE: ContextVar[object] = ContextVar("variable")


class Wrong:
    """Of no type that an attribute has."""


WRONG: Any = Wrong()
Step = Callable[[Any], object]
KINDS = ("malloc", "PyMem_Raw", "PyMem", "PyObject")
"""As hook.c counts them: a malloc is PyMem_Raw's, too."""


class Request(SpanSchema, name="GET /users/{id}"):
    """A leaf of four values."""

    method: str = key("http.request.method")
    path: str = key("http.route")
    code: int = key("http.response.status_code")
    ratio: float = key("app.ratio")


def started(tracer: Any) -> None:
    tracer.start_span("GET /users/{id}").end()


def attributed(tracer: Any) -> None:
    span = tracer.start_span("GET /users/{id}")
    span.set_attribute("http.request.method", "GET")
    span.set_attribute("http.route", "/users/жé😀")
    span.set_attribute("http.response.status_code", 200)
    span.set_attribute("app.cached", True)
    span.set_attribute("app.ratio", 0.25)
    span.set_attribute("app.ratio", 0.5)
    span.set_status(OK)
    span.end()


def eventful(tracer: Any) -> None:
    span = tracer.start_span("with an event")
    span.add_event("event", ATTRIBUTES, 5)
    span.end(9)


def invalid(tracer: Any) -> None:
    span = tracer.start_span("GET /users/{id}")
    span.set_attribute("", 1)
    span.set_attribute(WRONG, 1)
    span.set_attribute("of 65 bits", 1 << 64)
    span.end()
    span.end()
    span.set_attribute("late", 1)


def unreadable(tracer: Any) -> None:
    span = tracer.start_span("GET /users/{id}")
    span.set_attribute("wrong", WRONG)
    span.end()


def limited(tracer: Any) -> None:
    span = tracer.start_span("limited")
    span.set_attribute("a", "a long value")
    span.set_attribute("b", "a long value")
    span.set_attribute("c", "a long value")
    span.end()


def current(tracer: Any) -> None:
    with tracer.start_as_current_span("current") as span:
        span.set_attribute("http.route", "/users/{id}")


def variable(_: Any) -> None:
    """What contextvars itself asks for."""
    VARIABLE.reset(VARIABLE.set(OK))


def leaf(tracer: Any) -> None:
    with tracer.bound("GET", "/users/{id}", 200, 0.25):
        pass


def grown(tracer: Any) -> None:
    """Larger than its first block: what is planted."""
    span = tracer.start_span("grown")
    span.set_attribute("large", LARGE)
    span.end()


def making(tracer: Any) -> list[Any]:
    """What is planted of objects."""
    return [tracer, tracer]


def lengthy(tracer: Any) -> None:
    tracer.start_span(LARGE).end()


class Sort(NamedTuple):
    """How spans are recorded, and what becomes of them."""

    step: Step
    settings: Mapping[str, Any] = MappingProxyType({})
    dropped: str = ""
    """The reason by which nearly all are, if any."""
    asks: tuple[int, int, int, int] = (0, 0, 0, 0)
    """Requests a span, by KINDS."""


SMALL = {"region_size": 64 << 10}
SORTS: dict[str, Sort] = {
    "started": Sort(started),
    "attributed": Sort(attributed),
    "eventful": Sort(eventful),
    "leaf": Sort(leaf),
    "unsampled": Sort(attributed, {"sampler": ALWAYS_OFF}),
    "invalid": Sort(invalid),
    # It is sent as null, once the abstract types of CPython, which is Python code, were asked what it is.
    "unreadable": Sort(unreadable, asks=(0, 0, 0, 5)),
    "limited": Sort(limited, {"limits": SpanLimits(max_attributes=2, max_attribute_length=3)}),
    "overwritten": Sort(attributed, SMALL, "overwritten"),
    "full": Sort(attributed, SMALL, "full"),
    "table_full": Sort(attributed, SMALL, "table_full"),
    "too_large": Sort(
        lengthy, SMALL, "too_large", (1, 1, 0, 0)
    ),  # a record of several chunks is encoded apart
    "shutdown": Sort(attributed, {}, "shutdown"),
}
CURRENT = {"current": Sort(current), "variable": Sort(variable)}
PLANTED = {
    "grown": Sort(grown, asks=(1, 1, 0, 0)),
    "making": Sort(making, asks=(0, 0, 1, 0)),
}


@contextmanager
def telemetry(sort: str) -> Iterator[tuple[Any, Callable[[], object]]]:
    """A provider, and what empties its region."""
    settings = (SORTS | CURRENT | PLANTED)[sort].settings
    if sort != "full":
        with collect(**settings) as collected:
            yield collected.tracer_provider, collected.requests
        return
    given = {"endpoint": "http://127.0.0.1:9", "schedule_delay": 3600, "on_full": "drop", **settings}
    built = build(load(given, {}))
    yield built.tracer_provider, list
    built.shutdown(0)


def burst(step: Step, tracer: Any, hook: Any) -> list[int]:
    """Requests by KINDS that this thread makes."""
    hook.heap_begin()
    for _ in repeat(None, BURST):
        step(tracer)
    return [hook.heap_end(kind) for kind in range(len(KINDS))]


def run(name: str) -> list[int]:
    """Requests of a burst, by KINDS, after others that warmed up."""
    sort = (SORTS | CURRENT | PLANTED)[name]
    hook = ctypes.PyDLL(str(HOOK))
    hook.heap_end.restype = ctypes.c_ulong
    assert hook.heap_watch() == 0
    logging.disable(logging.CRITICAL)
    with telemetry(name) as (provider, empty):
        tracer = provider.get_tracer("heap")
        if name == "leaf":
            tracer = SimpleNamespace(bound=tracer.bind_leaf(Request))
        if name == "table_full":
            for number in range(40):
                tracer = provider.get_tracer(f"scope {number}")
                attributed(tracer)
        if name == "shutdown":
            attributed(tracer)
            provider.shutdown()
        counts: list[int] = []
        for _ in range(4):
            counts = burst(sort.step, tracer, hook)
            if not sort.dropped:
                empty()
        if sort.dropped:
            assert provider.region.stats().dropped[sort.dropped] > 3 * BURST
    return counts


def in_a_process_of_its_own(sort: str) -> list[int]:
    environment = {**os.environ, "LD_PRELOAD": str(HOOK), "PYTHONMALLOC": "pymalloc"}
    command = [sys.executable, __file__, sort]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    counts: list[int] = json.loads(done.stdout)
    return counts


@pytest.mark.parametrize("sort", SORTS)
def test_spans_ask_for_no_memory(hook: Path, sort: str) -> None:
    counts = in_a_process_of_its_own(sort)
    over = {
        kind: count / BURST
        for kind, count, asks in zip(KINDS, counts, SORTS[sort].asks, strict=True)
        if count > asks * BURST + BURST // 100
    }
    assert over == {}


def test_a_current_span_asks_for_what_its_variable_takes(hook: Path) -> None:
    """To be current is to be the value of a variable of contextvars: that is CPython's, with its memory.

    How much that is hangs on where variables lie, by their hash: of each, the least of three processes.
    """
    span, variable = (
        [min(counts) for counts in zip(*(in_a_process_of_its_own(sort) for _ in range(3)), strict=True)]
        for sort in ("current", "variable")
    )
    assert all(ours <= theirs + BURST // 100 for ours, theirs in zip(span, variable, strict=True)), (
        span,
        variable,
    )


@pytest.mark.parametrize("sort", PLANTED)
def test_planted_requests_are_counted(hook: Path, sort: str) -> None:
    counts = in_a_process_of_its_own(sort)
    wanted = [asks * BURST for asks in PLANTED[sort].asks]
    assert all(count >= least for count, least in zip(counts, wanted, strict=True)), counts


if __name__ == "__main__":
    print(json.dumps(run(sys.argv[1])))
