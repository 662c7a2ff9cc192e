"""docs/builder.md draws the states as their table has them; run as a program, this file draws them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from otlp_lite.traces import states
from otlp_lite.traces.states import State

PAGE = Path(__file__).resolve().parents[2] / "docs" / "builder.md"
DRAWN = re.compile(r"(<!-- from \S+states\.py: .*? -->\n)(.*?)(?=\nA `LiveSpan`)", re.DOTALL)


def drawing() -> str:
    rows = ["| call | " + " | ".join(f"`{state}`" for state in State) + " |\n", "|---" * 5 + "|\n"]
    gives = {(call.state, call.name): call.gives for call in states.TABLE}
    for name in states.names():
        cells = [f"`{gives[state, name]}`" if (state, name) in gives else "" for state in State]
        rows.append(f"| `{name}` | {' | '.join(cells)} |\n")
    return (
        f"\n```mermaid\n{states.diagram()}```\n\nWhat each call gives, where it is legal:\n\n{''.join(rows)}"
    )


def test_the_page_has_the_states_of_the_table() -> None:
    page = PAGE.read_text("utf-8")
    (found,) = DRAWN.findall(page)
    assert found[1] == drawing(), "docs/builder.md is old: python tests/typing/test_builder_page.py"


def test_another_table_is_another_drawing(monkeypatch: pytest.MonkeyPatch) -> None:
    again = states.Call(State.ENDED, "again", "SpanBuilder", to=State.BUILDING)
    monkeypatch.setattr(states, "TABLE", (*states.TABLE, again))
    assert "EndedSpan --> SpanBuilder: again" in drawing()
    with pytest.raises(AssertionError, match="is old"):
        test_the_page_has_the_states_of_the_table()


if __name__ == "__main__":
    PAGE.write_text(DRAWN.sub(lambda found: found.group(1) + drawing(), PAGE.read_text("utf-8")), "utf-8")
