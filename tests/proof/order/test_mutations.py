"""Each release, acquire and compare-exchange of csrc is needed, or it is said why not."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from .explorer import FULL, build, explore
from .mutations import LEVELS, TABLE, read, runs
from .sites import Site, mutations, sites, sites_of
from .test_model import MODEL, spin, summary

ROWS = read(TABLE.read_text("utf-8"))


def some_harmless() -> list[str]:
    """Of the weakenings that are argued to be harmless an eighth, which changes with the commit; or all."""
    command = ["git", "-c", "safe.directory=*", "rev-parse", "HEAD"]
    commit = subprocess.run(command, cwd=Path(__file__).parent, check=False, capture_output=True, text=True)
    turn = int(commit.stdout.strip() or "0", 16) % 8
    harmless = [name for name, row in ROWS.items() if row.kind == "harmless"]
    return harmless if FULL else harmless[turn::8]


def test_sites_are_read() -> None:
    source = """
static void one(uint32_t *word)
{
    /* otlite_load_seq(none) */
    otlite_store_release(&chunk->state, otlite_load_relaxed(
        &a[index(b, 1)]
            .state) + 1);
}

bool two(void)
{
    return otlite_load_seq(&c) == otlite_load_seq(&d) || otlite_load_seq(&c);
}
"""
    assert sites_of("a.c", source) == [
        Site("a.c", "one", "store_release", "&chunk->state", 1),
        Site("a.c", "one", "load_relaxed", "&a[index(b, 1)] .state", 1),
        Site("a.c", "two", "load_seq", "&c", 1),
        Site("a.c", "two", "load_seq", "&d", 1),
        Site("a.c", "two", "load_seq", "&c", 2),
    ]


def test_the_explorer_sees_the_same_sites() -> None:
    told = subprocess.run([build(), "--list"], capture_output=True, text=True, check=True).stdout.split("\n")
    all_sites = {str(site) for site in sites()}
    assert {line for line in told if line} == all_sites
    assert len(all_sites) > 130


def test_the_table_is_that_of_the_source() -> None:
    """Written anew by `python -m order.mutations` in tests/proof."""
    assert list(ROWS) == mutations()
    assert [
        name for name, row in ROWS.items() if row.kind == "harmless" and len(row.reason.split()) < 5
    ] == []


@pytest.mark.parametrize("mutation", [name for name, row in ROWS.items() if row.caught])
def test_a_weakening_is_caught(mutation: str) -> None:
    run = ROWS[mutation].caught
    assert run is not None
    assert explore(run, mutation).found


@pytest.mark.parametrize("mutation", [name for name, row in ROWS.items() if row.kind == "modelled"])
def test_a_weakening_is_caught_by_the_model(mutation: str, tmp_path: Path) -> None:
    """By spin, with a definition that weakens the step of that function's name."""
    site = re.match(r"\w+\.c:(\w+):\w+\(&chunk->(\w+)\)", mutation)
    assert site
    function, word = site.groups()
    *sizes, weakened = ROWS[mutation].reason.split()
    model = MODEL.read_text("utf-8")
    assert f"#ifdef {weakened.removeprefix('-D')}\n" in model
    step = re.search(rf"^inline {function}\(.*?^}}", model, re.MULTILINE | re.DOTALL)
    assert step and re.search(rf"STORE_LAST\({word.upper()}\(", step.group())
    assert summary(spin(tmp_path, " ".join((*sizes, weakened)), "-DSAFETY"))[0] == 1


@pytest.mark.parametrize("mutation", some_harmless())
def test_a_harmless_weakening_is_not_caught(mutation: str) -> None:
    """Nor may a reason outlive what it excuses."""
    for run in runs(mutation, LEVELS[:4] if FULL else LEVELS[:1]):
        assert not explore(run, mutation).found, run
