"""Compares the generator's truth with what a receiver has, field by field."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

Span = dict[str, Any]
Truth = Mapping[str, Any]
Pairs = list[list[Any]]

SLACK = 50_000_000  # ns; an SDK may count from a clock anchor of its own
HAS_REMOTE, REMOTE, TRACE_FLAGS = 0x100, 0x200, 0xFF  # of OTLP's flags


@dataclass
class ReadBack:
    """What a receiver has: the resource of each request, and the spans."""

    requests: int = 0
    resources: list[Pairs] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)


def flat(node: Span) -> Iterator[tuple[str, Any]]:
    """Each leaf of a span with its path. The order of attributes means nothing, that of the rest does."""
    for name, content in node.items():
        if name == "attributes":
            seen: Counter[str] = Counter()
            for key, value in content:
                seen[key] += 1
                yield f"attributes[{key!a}]" + " again" * (seen[key] - 1), value
        elif name in ("events", "links"):
            for index, part in enumerate(content):
                yield from ((f"{name}[{index}].{path}", leaf) for path, leaf in flat(part))
        elif name in ("scope", "status"):
            yield from ((f"{name}.{path}", leaf) for path, leaf in flat(content))
        else:
            yield name, content


def matches(want: Any, got: Any) -> bool:
    """Equal, or of what the truth can only bound: within its bounds."""
    match want:
        case {"between": [first, last]}:
            return isinstance(got, int) and first - SLACK <= got <= last + SLACK
        case {"remote": remote, "trace_flags": flags}:
            known = HAS_REMOTE | REMOTE * remote
            return isinstance(got, int) and got & ~TRACE_FLAGS == known and got & TRACE_FLAGS in (0, flags)
        case {"ends": text}:
            kind, content = got if isinstance(got, list) else ("str", got)
            return kind == "str" and str(content).endswith(text)
    return type(want) is type(got) and bool(want == got)


def span_differences(want: Span, got: Span) -> list[str]:
    wanted, found = dict(flat(want)), dict(flat(got))
    problems = [f"{path}: not expected: {found[path]!a:.200}" for path in found.keys() - wanted.keys()]
    problems += [f"{path}: missing: {wanted[path]!a:.200}" for path in wanted.keys() - found.keys()]
    for path in wanted.keys() & found.keys():
        if not matches(wanted[path], found[path]):
            problems.append(f"{path}: {wanted[path]!a:.200} expected, {found[path]!a:.200} received")
    if got["end"] < got["start"]:
        problems.append("it ends before it starts")
    return sorted(problems)


def differences(truth: Truth, back: ReadBack, shown: Callable[[Span], Span] = dict) -> list[str]:
    """Every difference, in words; `shown` turns a span of the truth into what the receiver shows of it."""
    problems: list[str] = []
    received: defaultdict[str, list[Span]] = defaultdict(list)
    for span in back.spans:
        received[span["span_id"]].append(span)
    for span in truth["spans"]:
        want = shown({**span, "scope": truth["scopes"][span["scope"]]})
        found = received.pop(span["span_id"], [])
        where = f"span {span['span_id']} {span['name']!a:.40}: "
        if len(found) != 1:
            problems.append(f"{where}received {len(found)} times")
        problems += [where + problem for got in found for problem in span_differences(want, got)]
    problems += [
        f"span {span_id} {found[0]['name']!a}: nobody made it" for span_id, found in received.items()
    ]
    return problems + id_problems(truth)


def id_problems(truth: Truth) -> list[str]:
    """What is wrong with the ids that the SDK drew."""
    spans = truth["spans"]
    roots = [span["trace_id"] for span in spans if not span["parent_id"]]
    drawn = [*roots, *(span["span_id"] for span in spans)]
    return [f"id {drawn_id} was drawn {n} times" for drawn_id, n in Counter(drawn).items() if n > 1] + [
        f"id {drawn_id} is invalid" for drawn_id in drawn if not int(drawn_id, 16)
    ]


def resource_differences(want: Mapping[str, Any], back: ReadBack) -> list[str]:
    """Whether each request has one and the same resource, and in it at least the attributes of `want`."""
    problems = [] if back.resources else ["no resource arrived"]
    for pairs in back.resources:
        found = dict(pairs)
        problems += [
            f"resource {key}: {value!r} expected, {found.get(key)!r} received"
            for key, value in want.items()
            if found.get(key) != value
        ]
        if len(found) != len(pairs) or pairs != back.resources[0]:
            problems.append(f"resources repeat a key or differ: {pairs!r}, {back.resources[0]!r}")
    return problems
