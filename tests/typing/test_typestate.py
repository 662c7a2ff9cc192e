"""Wrong orders of calls do not type-check, and raise where nobody checks: a file for each cell of the table.

One of typestate/reveal/ is a legal call, one of typestate/fail/ an illegal one, by the name STATE__CALL.py.
"""

from __future__ import annotations

import asyncio
import inspect
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from checkers import CHECKERS, ROOT, Said, read, without, write

from otlp_lite import SpanBuilder, StateError
from otlp_lite.testing import collect
from otlp_lite.traces import states
from otlp_lite.traces.states import State

HOUSE = ROOT / "typestate"
FAILS = re.compile(r"# fails: (\w+) of (\w+)$")
REVEALS = re.compile(r"# reveals: (.+)$")


def cells(which: Callable[[State], tuple[str, ...]]) -> set[str]:
    return {f"{state}__{call}.py" for state in State for call in which(state)}


def marked(sources: dict[str, str], mark: re.Pattern[str]) -> dict[tuple[str, int], tuple[str, ...]]:
    return {
        (name, number): found.groups()
        for name, source in sources.items()
        for number, line in enumerate(source.splitlines(), 1)
        if (found := mark.search(line))
    }


def is_the_reason(said: Said, checker: str, call: str, state: str) -> bool:
    if checker == "mypy":
        return said.code == "attr-defined" and f'"{state}" has no attribute "{call}"' in said.words
    wanted = f'Cannot access attribute "{call}" for class "{state}"'
    return said.code == "reportAttributeAccessIssue" and wanted in said.words


def revealed(words: str) -> str:
    """The type that a checker tells, without the modules of what it consists of."""
    (found,) = re.findall(r'^(?:Revealed type is|Type of ".*" is) "(.*)"$', words)
    found = re.sub(r"^tuple\[.*, fallback=([\w.]+)\]$", r"\1", found)  # mypy's word for a named tuple
    return re.sub(r"\b(?:\w+\.)+(?=\w)", "", found)


def of_state(state: State, tracer: Any) -> Any:
    """A span in that state, by the shortest way."""
    builder = SpanBuilder("a", tracer=tracer)
    if state is State.BUILDING:
        return builder
    live = builder.start()
    if state is State.LIVE:
        return live
    ended = live.end()
    return ended if state is State.ENDED else ended.wait(1)


def function_of(file: Path) -> Callable[[Any], Any]:
    """The one function of a file, which calls what it was given."""
    names: dict[str, Any] = {"__name__": file.stem}
    exec(compile(file.read_text("utf-8"), str(file), "exec"), names)
    found = names.get("misuse") or names["legal"]

    def call(span: Any) -> Any:
        given = found(span)
        return asyncio.run(given) if inspect.iscoroutine(given) else given

    return call


# ---- The table and the files ----


def test_each_cell_has_its_file_and_each_file_its_cell() -> None:
    fail, reveal = set(read(HOUSE / "fail")), set(read(HOUSE / "reveal"))
    assert fail == cells(states.illegal)
    assert reveal == cells(states.legal)
    assert len(fail) + len(reveal) == len(State) * len(states.names())


def test_each_file_is_about_its_cell() -> None:
    fail, reveal = read(HOUSE / "fail"), read(HOUSE / "reveal")
    wrong = marked(fail, FAILS)
    assert sorted(name for name, _ in wrong) == sorted(fail)
    assert {name for (name, _), (call, state) in wrong.items() if name != f"{state}__{call}.py"} == set()
    gives = {f"{call.state}__{call.name}.py": (call.gives,) for call in states.TABLE}
    assert {name: told for (name, _), told in marked(reveal, REVEALS).items()} == gives
    for name, source in {**fail, **reveal}.items():
        state, _, call = name.removesuffix(".py").partition("__")
        mark = FAILS if name in fail else REVEALS
        (line,) = [line for line in source.splitlines() if mark.search(line)]
        assert re.search(rf"\bspan\.{call}\b", line), name
        assert re.search(rf"^(async )?def \w+\(span: {state}\) -> None:$", source, re.MULTILINE), name


def test_a_cell_too_many_and_one_too_few_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    before = states.TABLE
    for table in (before[1:], (*before, states.Call(State.ENDED, "set_attribute", "None"))):
        monkeypatch.setattr(states, "TABLE", table)
        with pytest.raises(AssertionError):
            test_each_cell_has_its_file_and_each_file_its_cell()


# ---- The checkers ----


@pytest.mark.parametrize("checker", CHECKERS)
def test_each_illegal_call_fails_for_its_reason(checker: str, tmp_path: Path) -> None:
    sources = read(HOUSE / "fail")
    expected = marked(sources, FAILS)
    said = [each for each in CHECKERS[checker](write(tmp_path, sources)) if each.code]
    assert {(each.file, each.line) for each in said} == set(expected)
    assert [each for each in said if not is_the_reason(each, checker, *expected[each.file, each.line])] == []


@pytest.mark.parametrize("checker", CHECKERS)
def test_without_its_marked_line_each_passes(checker: str, tmp_path: Path) -> None:
    sources = {name: without(source, FAILS) for name, source in read(HOUSE / "fail").items()}
    assert [
        said for said in CHECKERS[checker](write(tmp_path, {**sources, **read(HOUSE / "pass")})) if said.code
    ] == []


@pytest.mark.parametrize("checker", CHECKERS)
def test_each_legal_call_gives_the_type_that_the_table_says(checker: str, tmp_path: Path) -> None:
    sources = read(HOUSE / "reveal")
    said = CHECKERS[checker](write(tmp_path, sources))
    assert [each for each in said if each.code] == []
    told = {(each.file, each.line): (revealed(each.words),) for each in said}
    assert told == marked(sources, REVEALS)


# ---- The guard ----


@pytest.mark.parametrize("file", sorted(cells(states.illegal)))
def test_an_illegal_call_raises_where_nobody_checks_types(file: str) -> None:
    state, _, call = file.removesuffix(".py").partition("__")
    with collect() as collected:
        span = of_state(State(state), collected.tracer_provider.get_tracer("typestate"))
        with pytest.raises(StateError) as raised:
            function_of(HOUSE / "fail" / file)(span)
    error = raised.value
    assert (error.state, error.call, error.legal) == (state, call, states.legal(State(state)))
    assert str(error).startswith(f"{state}.{call}: span ")
    assert all(legal in str(error) for legal in error.legal)


@pytest.mark.parametrize("file", sorted(cells(states.legal)))
def test_a_legal_call_runs(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    with collect() as collected:
        span = of_state(State(file.partition("__")[0]), collected.tracer_provider.get_tracer("typestate"))
        function_of(HOUSE / "reveal" / file)(span)
    assert "Runtime type is" in capsys.readouterr().err


USED = {State.BUILDING: ("start", State.LIVE), State.LIVE: ("end", State.ENDED)}
"""The call after which an object of a state takes no other, and the state that the span is in then."""


@pytest.mark.parametrize(
    "file", sorted(name for name in cells(states.legal) if State(name.partition("__")[0]) in USED)
)
@pytest.mark.parametrize("sampled", [True, False])
def test_what_was_used_takes_no_call(file: str, sampled: bool) -> None:
    from otlp_lite.traces.sampling import ALWAYS_OFF, ALWAYS_ON

    state, _, call = file.removesuffix(".py").partition("__")
    last, now = USED[State(state)]
    with collect(sampler=ALWAYS_ON if sampled else ALWAYS_OFF) as collected:
        span = of_state(State(state), collected.tracer_provider.get_tracer("typestate"))
        getattr(span, last)()
        if call in states.ALWAYS:
            function_of(HOUSE / "reveal" / file)(span)
            return
        with pytest.raises(StateError) as raised:
            function_of(HOUSE / "reveal" / file)(span)
    assert (raised.value.state, raised.value.call, raised.value.legal) == (now, call, states.legal(now))
    assert str(raised.value).startswith(f"{state}.{call}: span 'a' ")


def test_the_table_says_what_uses_up() -> None:
    assert {call.state: (call.name, call.to) for call in states.TABLE if call.once} == USED


@pytest.mark.parametrize("file", sorted(read(HOUSE / "pass")))
def test_a_legal_program_runs(file: str) -> None:
    names: dict[str, Any] = {"__name__": file}
    exec(compile((HOUSE / "pass" / file).read_text("utf-8"), file, "exec"), names)
    with collect() as collected:
        names["main"](collected.tracer_provider.get_tracer("typestate"))
        assert collected.requests()
