"""Holds the figures of a run to their targets: ratios against ours, and what is met."""

from __future__ import annotations

import operator
import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from peers import OURS
from rows import C_ROWS, CPYTHON, ROWS, TARGETS, TWIN, TWIN_LIMIT, Target

Results = dict[str, Any]
Bursts = Mapping[tuple[str, str], Mapping[int, Sequence[float]]]
"""What each burst of a row and peer took, by round: the n-th of one and of another are of one moment."""


def significant(value: float, digits: int = 3) -> float:
    """`value` with so many significant digits, an int where nothing follows the point."""
    rounded = float(f"{value:.{digits}g}")
    return int(rounded) if rounded == int(rounded) else rounded


def judge(results: Results, bursts: Bursts) -> None:
    """Adds a `ratio` to each peer's figure (how many times better ours is) and the list of `targets`."""
    for key, peers in results["rows"].items():
        more_is_better = ROWS[key.removesuffix(TWIN)].more_is_better
        ours = _value(results, key, OURS)
        for peer, figure in peers.items():
            if peer != OURS and ours and figure["value"]:
                one, other = ((key, OURS), (key, peer)) if more_is_better else ((key, peer), (key, OURS))
                figure["ratio"] = _median(_by_round(results, bursts, one, other))
    results["targets"] = [_verdict(results, bursts, target) for target in TARGETS] + [
        _twin_verdict(results, bursts, row.key) for row in ROWS.values() if row.has_twin and row.key != "loop"
    ]


def _verdict(results: Results, bursts: Bursts, target: Target) -> dict[str, Any]:
    rounds: list[float] = []
    if target.row.startswith("kernel:"):
        reached = _kernel_ratio(results, target.row)
    elif target.against:
        rounds = _against(results, bursts, target.row, target.against, target)
        reached = _median(rounds)
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
        "rounds": [significant(value) for value in rounds],
        "at_least": target.at_least,
        "aim": target.aim,
        "verdict": verdict(reached, target.at_least, target.aim, target.bound),
    }


def _twin_verdict(results: Results, bursts: Bursts, key: str) -> dict[str, Any]:
    rounds = _by_round(results, bursts, (key + TWIN, OURS), (key, OURS))
    return {
        "title": f"twin of: {ROWS[key].title}",
        "against": "the plain row",
        "unit": "x",
        "bound": "max",
        "reached": _median(rounds),
        "rounds": [significant(value) for value in rounds],
        "at_least": TWIN_LIMIT,
        "aim": None,
        "verdict": verdict(_median(rounds), TWIN_LIMIT, None, "max"),
    }


def _against(results: Results, bursts: Bursts, row: str, against: str, target: Target) -> list[float]:
    ours, other = (row, OURS), (target.of or row, against)
    if target.unit == "ns":
        return _by_round(results, bursts, ours, other, lambda us, of_us: (us - of_us) * 1000)
    ours_is_above = target.bound == "max" or ROWS[row].more_is_better
    return _by_round(results, bursts, *((ours, other) if ours_is_above else (other, ours)))


def _by_round(
    results: Results,
    bursts: Bursts,
    one: tuple[str, str],
    other: tuple[str, str],
    compare: Callable[[float, float], float] = operator.truediv,
) -> list[float]:
    """What a row of a peer is of another in each round: a machine may be slow in some, and for a part of one.

    In a round, the median over its bursts, or what its value is of the other's where there are none.
    Where a row lacks a round, or has 0 in one, the medians' alone.
    """
    these, those = bursts.get(one, {}), bursts.get(other, {})
    if common := [number for number in these if number in those]:
        return [statistics.median(map(compare, these[number], those[number])) for number in common]
    values = [_value(results, *each) for each in (one, other)]
    if values[0] is None or not values[1]:
        return []
    rounds = [results["rows"][row][peer]["rounds"] for row, peer in (one, other)]
    if any(len(each) != results["settings"]["rounds"] for each in rounds) or not all(rounds[1]):
        rounds = [[value] for value in values]
    return list(map(compare, *rounds))


def _median(values: Sequence[float]) -> float | None:
    return significant(statistics.median(values)) if values else None


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
