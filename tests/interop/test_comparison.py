"""The comparison that the other tests rest on reports a planted difference in any field."""

from __future__ import annotations

import operator
import re
from bisect import bisect
from collections import Counter
from collections.abc import Callable, Iterator
from copy import deepcopy
from functools import partial
from typing import Any

import pytest

from . import rotel_log
from .compare import ReadBack, Span, differences, flat, resource_differences
from .delivery import RESOURCE, Delivery
from .generate import ALPHABETS, DOUBLES, INTEGERS, LENGTHS, LIMITS

PART = {"attributes[]", "dropped_attributes"}
EVENT = {"name", "time"} | PART
LINK = {"trace_id", "span_id", "trace_state", "flags"} | PART
FIELDS = (
    LINK
    | {"parent_id", "name", "kind", "start", "end", "dropped_events", "dropped_links"}
    | {
        "status.code",
        "status.message",
        "scope.name",
        "scope.version",
        "scope.schema_url",
        "scope.attributes[]",
    }
    | {f"events[].{name}" for name in EVENT}
    | {f"links[].{name}" for name in LINK}
)
LOGGED_FIELDS = (FIELDS | {"scope.title"}) - {
    "flags", "dropped_attributes", "dropped_events", "dropped_links", "links[].flags",
    "scope.name", "scope.version",
}  # fmt: skip
EXERCISED = {
    "none", "bool", "int", "double", "str", "bytes", "list", "map",
    "empty str", "empty bytes", "empty list", "empty map",
    "width 0", "width 1", "width 2", "width 3", "width 4", "cut",
    "kind 1", "kind 2", "kind 3", "kind 4", "kind 5", "status 0", "status 1", "status 2", "message",
    "parent_id", "remote parent", "trace_state", "given start", "given end",
    "events", "given time", "exception", "escaped", "links", "remote link",
    "span dropped_attributes", "event dropped_attributes", "link dropped_attributes",
    "dropped_events", "dropped_links",
}  # fmt: skip


def kind_of(path: str) -> str:
    """The path without indexes and keys."""
    return re.sub(r"attributes\[.*", "attributes[]", re.sub(r"^(events|links)\[\d+\]", r"\1[]", path))


def samples(truth: Any, back: ReadBack) -> Iterator[tuple[Any, Span]]:
    """A few spans that together have each field and type of value, and the truth about each alone."""
    spans = {span["span_id"]: span for span in back.spans}
    covered: set[tuple[str, str]] = set()
    for said in truth["spans"]:
        span = spans[said["span_id"]]
        fields = {(kind_of(path), leaf[0] if "attributes[" in path else "") for path, leaf in flat(span)}
        if not fields <= covered:
            covered |= fields
            yield {"scopes": truth["scopes"], "spans": [said]}, span


def faults(node: Any) -> Iterator[Callable[[], object]]:
    """Ways to change one thing in a tree of dicts and lists; each is undone by the caller's copy."""
    for key, content in list(node.items() if isinstance(node, dict) else enumerate(node)):
        if isinstance(content, (dict, list)):
            yield from faults(content)
        else:
            yield partial(operator.setitem, node, key, changed(key, content))
    if isinstance(node, list) and node and isinstance(node[0], (dict, list)):  # not a pair of name and value
        yield node.pop
        yield partial(node.append, node[-1])


def changed(name: str | int, content: Any) -> Any:
    """Another value of the same type, outside what the truth may leave open."""
    if isinstance(content, bool):
        return not content
    if isinstance(content, int):
        return content ^ (0x200 if name == "flags" else 1 << 40)
    return f"{content}x"


def planted(truth: Any, back: ReadBack, shown: Callable[[Span], Span] = dict) -> set[str]:
    """Plants each fault in turn and asserts that each is reported; gives the kinds of path covered."""
    kinds: set[str] = set()
    for said, span in samples(truth, back):
        assert not differences(said, ReadBack(spans=[span]), shown)
        for index in range(len(list(faults(span)))):
            copy = deepcopy(span)
            list(faults(copy))[index]()
            assert differences(said, ReadBack(spans=[copy]), shown), (index, span)
        kinds |= {kind_of(path) for path, _ in flat(span)}
    return kinds


def test_a_difference_in_any_field_that_the_collector_has_is_reported(collected: Delivery) -> None:
    assert planted(*collected) == FIELDS


def test_a_difference_in_any_field_that_rotel_logs_is_reported(logged: Delivery) -> None:
    assert planted(*logged, rotel_log.shown) == LOGGED_FIELDS


def test_lost_repeated_and_foreign_spans_are_reported(collected: Delivery) -> None:
    truth, back = collected
    first, *others = back.spans
    known = set(differences(truth, back))
    for spans in (others, [first, *back.spans], [{**first, "span_id": "1" * 16}, *back.spans]):
        assert len(set(differences(truth, ReadBack(spans=spans))) - known) == 1


@pytest.mark.parametrize("field", ["trace_id", "span_id"])
def test_ids_drawn_twice_or_zero_are_reported(collected: Delivery, field: str) -> None:
    truth, back = deepcopy(collected[0]), collected[1]
    one, two = [span for span in truth["spans"] if not span["parent_id"]][:2]
    one[field] = two[field]
    assert any("drawn 2 times" in problem for problem in differences(truth, back))
    one[field] = "0" * len(one[field])
    assert any("is invalid" in problem for problem in differences(truth, back))


def test_another_resource_is_reported(collected: Delivery) -> None:
    _, back = collected
    want = {key: ["str", value] for key, value in RESOURCE.items()}
    assert not resource_differences(want, back)
    for key in want:
        assert resource_differences({**want, key: ["str", "other"]}, back)
    repeated = ReadBack(resources=[pairs + pairs[:1] for pairs in back.resources])
    assert resource_differences(want, repeated)
    assert resource_differences(want, ReadBack())


def values(tagged: Any) -> Iterator[list[Any]]:
    """A value of the truth and those within."""
    if isinstance(tagged, list):
        yield tagged
        for item in tagged[1] if tagged[0] in ("list", "map") else ():
            yield from values(item if tagged[0] == "list" else item[1])


def test_the_generator_exercises_everything(collected: Delivery) -> None:
    spans = collected[0]["spans"]
    events, links = ([part for span in spans for part in span[name]] for name in ("events", "links"))
    every = [
        v for owner in spans + events + links for _, tagged in owner["attributes"] for v in values(tagged)
    ]
    hits = Counter(tag if content not in ([], "") else f"empty {tag}" for tag, content in every)
    for span in spans:
        hits.update(name for name in ("dropped_events", "dropped_links", "events", "links") if span[name])
        hits.update(name for name in ("trace_state", "parent_id") if span[name])
        hits.update(f"given {name}" for name in ("start", "end") if isinstance(span[name], int))
        hits.update([f"kind {span['kind']}", f"status {span['status']['code']}"])
        hits.update(
            ["message"] * (span["status"]["message"] != "") + ["remote parent"] * span["flags"]["remote"]
        )
    for name, owners in (("span", spans), ("event", events), ("link", links)):
        hits[f"{name} dropped_attributes"] = sum(owner["dropped_attributes"] > 0 for owner in owners)
    hits["remote link"] = sum(link["flags"]["remote"] for link in links)
    hits["given time"] = sum(isinstance(event["time"], int) for event in events)
    hits["exception"] = sum(event["name"] == "exception" for event in events)
    hits["escaped"] = sum(isinstance(v, dict) for event in events for _, v in event["attributes"])
    texts = [content for tag, content in every if tag == "str"]
    for text in texts:
        width = bisect((0x80, 0x100, 0x800, 0x10000), max(map(ord, text), default=0))
        hits[f"width {width}"] += 1
        hits["cut"] += len(text) == LIMITS["OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT"]
    assert hits.keys() == EXERCISED
    assert not {name: n for name, n in hits.items() if n < (5 if name == "cut" else 20)}
    assert {len(text) for text in texts} >= set(LENGTHS)
    assert {char for text in texts for char in text} >= {char for alphabet in ALPHABETS for char in alphabet}
    assert {content for tag, content in every if tag == "int"} >= set(INTEGERS)
    assert {content for tag, content in every if tag == "double"} >= {number.hex() for number in DOUBLES}
