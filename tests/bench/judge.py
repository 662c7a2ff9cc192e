"""Holds the figures of a run to their targets: ratios against ours, and what is met."""

from __future__ import annotations

import operator
import statistics
from collections.abc import Callable
from typing import Any

from measure import significant
from peers import OURS
from rows import C_ROWS, CPYTHON, ROWS, TARGETS, TWIN, TWIN_LIMIT, Target

Results = dict[str, Any]


def judge(results: Results) -> None:
    """Adds a `ratio` to each peer's figure (how many times better ours is) and the list of `targets`."""
    for key, peers in results["rows"].items():
        more_is_better = ROWS[key.removesuffix(TWIN)].more_is_better
        ours = _value(results, key, OURS)
        for peer, figure in peers.items():
            if peer != OURS and ours and figure["value"]:
                ratio = ours / figure["value"] if more_is_better else figure["value"] / ours
                figure["ratio"] = significant(ratio)
    results["targets"] = [_verdict(results, target) for target in TARGETS] + [
        _twin_verdict(results, row.key) for row in ROWS.values() if row.has_twin and row.key != "loop"
    ]


def _verdict(results: Results, target: Target) -> dict[str, Any]:
    reached: float | None
    if target.row.startswith("kernel:"):
        reached = _kernel_ratio(results, target.row)
    elif target.against and target.of:
        reached = _against_another_row(results, target)
    elif target.against:
        reached = results["rows"].get(target.row, {}).get(target.against, {}).get("ratio")
    else:
        reached = _value(results, target.row, OURS)
    titles = {row.key: row.title for row in ROWS.values()} | {row.name: f"C: {row.title}" for row in C_ROWS}
    return {
        "title": titles.get(target.row, target.row.replace(":", " ").removeprefix("kernel ")),
        "against": f"{'over ' * (target.unit == 'ns')}{target.against}: {titles[target.of]}"
        if target.of
        else target.against,
        "unit": target.unit,
        "bound": target.bound,
        "reached": reached,
        "at_least": target.at_least,
        "aim": target.aim,
        "verdict": verdict(reached, target.at_least, target.aim, target.bound),
    }


def _against_another_row(results: Results, target: Target) -> float | None:
    assert target.against is not None and target.of is not None
    ours, other = (target.row, OURS), (target.of, target.against)
    if target.unit == "ns":
        return _paired(results, ours, other, lambda us, of_us: (us - of_us) * 1000)
    return _paired(results, *((other, ours) if target.bound == "min" else (ours, other)))


def _paired(
    results: Results,
    one: tuple[str, str],
    other: tuple[str, str],
    compare: Callable[[float, float], float] = operator.truediv,
) -> float | None:
    """What a row of a peer is of another: the median over the rounds, as a machine may be slow in some.

    Of the medians, where a round has no figure.
    """
    values = [_value(results, *each) for each in (one, other)]
    if not all(values):
        return None
    rounds = [results["rows"][row][peer]["rounds"] for row, peer in (one, other)]
    if any(len(each) != results["settings"]["rounds"] for each in rounds):
        rounds = [[value] for value in values]
    return significant(statistics.median(map(compare, *rounds)))


def _twin_verdict(results: Results, key: str) -> dict[str, Any]:
    reached = _paired(results, (key + TWIN, OURS), (key, OURS))
    return {
        "title": f"twin of: {ROWS[key].title}",
        "against": "the plain row",
        "unit": "x",
        "bound": "max",
        "reached": reached,
        "at_least": TWIN_LIMIT,
        "aim": None,
        "verdict": verdict(reached, TWIN_LIMIT, None, "max"),
    }


def verdict(reached: float | None, at_least: float, aim: float | None, bound: str) -> str:
    """'aim', 'met', 'NOT MET', or 'not measured'."""
    if reached is None:
        return "not measured"

    def within(limit: float) -> bool:
        return reached >= limit if bound == "min" else reached <= limit

    if aim is not None and within(aim):
        return "aim"
    return "met" if within(at_least) else "NOT MET"


def _value(results: Results, row: str, peer: str) -> float | None:
    if row in results["c"]:
        return _number(results["c"][row].get("ns"))
    return _number(results["rows"].get(row, {}).get(peer, {}).get("value"))


def _number(value: object) -> float | None:
    return value if isinstance(value, (int, float)) else None


def _kernel_ratio(results: Results, row: str) -> float | None:
    """The scalar table's time over that of the best other one of ours."""
    _, kernel, data, n = row.split(":")
    place = (kernel, data, int(n))
    times = {
        line["table"]: line["ns"]
        for line in results["kernels"]
        if (line["kernel"], line["data"], line["n"]) == place and line["table"] != CPYTHON
    }
    scalar = times.pop("scalar", None)
    return significant(scalar / min(times.values())) if scalar and times else None
