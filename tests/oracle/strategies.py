"""Random programs: hypothesis strategies over the calls, small enough to shrink to what matters."""

from __future__ import annotations

import random
from typing import Any

from hypothesis import strategies as st
from opentelemetry.trace import SpanKind, StatusCode

from . import values
from .calls import (
    AddEvent,
    AddLink,
    Call,
    End,
    LinkTo,
    Outside,
    Program,
    RecordException,
    Scope,
    SetAttribute,
    SetAttributes,
    SetStatus,
    Start,
    UpdateName,
)
from .sdks import SAMPLERS
from .targeted import failure

plain_text = st.text(st.characters(exclude_characters="\ufffd", exclude_categories=["Cs"]), max_size=12)
edge_text = st.builds(
    lambda width, length, seed: values.make_text(width, length, random.Random(seed)),
    st.sampled_from(values.WIDTHS),
    st.sampled_from(values.EDGES),
    st.integers(0, 2**32),
)
surrogate_text = st.builds(
    lambda text, seed: values.with_surrogates(text, random.Random(seed)), plain_text, st.integers(0, 2**32)
)
# Deferred, the strategies below have short names where hypothesis shows what it drew from.
texts = st.deferred(lambda: st.one_of(plain_text, plain_text, edge_text, surrogate_text))

# One surrogate for all keys: two that differ would become one key here, and the stock SDK holds them apart.
common_keys = st.sampled_from(["a", "b", "a", "b", "c", "http.method", "key \ud800"])
keys = st.deferred(lambda: st.one_of(common_keys, common_keys, plain_text, edge_text))
odd_keys = st.deferred(lambda: st.sampled_from(values.ODD_KEYS))

scalars: st.SearchStrategy[Any] = st.deferred(
    lambda: st.one_of(
        texts,
        st.none(),
        st.booleans(),
        st.sampled_from(values.INTEGERS),
        st.integers(-(2**63), 2**63 - 1),
        st.sampled_from(values.DOUBLES),
        st.floats(),
        st.sampled_from(values.BYTES),
        st.binary(max_size=20),
        st.sampled_from(values.SUBCLASSES),
        st.sampled_from(values.FOREIGN_TEXT),
        st.sampled_from(values.FOREIGN_NULL),
        st.sampled_from(values.HOSTILE),
        st.builds(values.Shown, texts),
    )
)
integers_beyond = st.sampled_from(values.TOO_LARGE)


def _containers(element: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(
        st.lists(element, max_size=4),
        st.lists(element, max_size=4).map(tuple),
        st.dictionaries(keys | odd_keys, element, max_size=4),
    )


ready_made = st.deferred(lambda: st.sampled_from(values.CONTAINERS).map(lambda make: make()))
countable = st.one_of(scalars, ready_made, st.recursive(scalars, _containers, max_leaves=6))
"""Values of resources and scopes, where an attribute that is refused is not counted."""
attribute_values = st.one_of(
    countable, countable, countable, countable, integers_beyond, st.lists(integers_beyond)
)
attributes = st.dictionaries(st.one_of(keys, keys, keys, odd_keys), attribute_values, max_size=6)
maybe_attributes = st.none() | attributes

trace_states = st.dictionaries(
    st.from_regex(r"[a-z][a-z0-9_*/-]{0,8}(@[a-z][a-z0-9]{0,4})?", fullmatch=True),
    st.from_regex(r"[ -+\--<>-~]{0,20}[!-+\--<>-~]", fullmatch=True),
    max_size=4,
).map(lambda entries: tuple(entries.items()))
outside = st.builds(
    Outside,
    st.integers(0, 2**128 - 1),
    st.integers(0, 2**64 - 1),
    st.booleans(),
    trace_states,
    st.booleans(),
)
links = st.builds(LinkTo, outside, maybe_attributes)
times = st.integers(0, 2**64 - 1) | st.sampled_from([0, 1, 2**64 - 1])
spans = st.integers(0, 7)
names = st.one_of(texts, st.sampled_from(["drop", "record only", "GET /"]))
codes = st.sampled_from(StatusCode)
exceptions = st.builds(failure, st.integers(0, 3), texts)

calls: st.SearchStrategy[Call] = st.one_of(
    st.builds(
        Start,
        names,
        times,
        st.integers(0, 2),
        st.sampled_from(SpanKind),
        st.none() | outside | spans,
        maybe_attributes,
        st.lists(links, max_size=3).map(tuple),
    ),
    st.builds(SetAttribute, spans, st.one_of(keys, keys, odd_keys), attribute_values),
    st.builds(SetAttributes, spans, attributes),
    st.builds(AddEvent, spans, texts, times, maybe_attributes),
    st.builds(AddLink, spans, links),
    st.builds(UpdateName, spans, names),
    st.builds(SetStatus, spans, codes, st.none() | texts, st.booleans()),
    st.builds(RecordException, spans, exceptions, times, maybe_attributes, st.booleans()),
    st.builds(End, spans, times),
)

scopes = st.lists(
    st.builds(
        Scope,
        plain_text | edge_text,
        st.none() | texts,
        st.none() | texts,
        st.none() | st.dictionaries(keys, countable, max_size=3),
    ),
    min_size=1,
    max_size=3,
    unique_by=lambda scope: scope.name,
)
small = st.integers(0, 5)
limits = st.fixed_dictionaries(
    {},
    optional={
        "max_attributes": small | st.just(-1),
        "max_span_attributes": small | st.just(-1),
        "max_event_attributes": small | st.just(-1),
        "max_link_attributes": small | st.just(-1),
        "max_events": small | st.just(-1),
        "max_links": small | st.just(-1),
        "max_attribute_length": st.integers(0, 40) | st.just(-1),
        "max_span_attribute_length": st.integers(0, 40) | st.just(-1),
    },
)
resources = st.dictionaries(keys.filter(bool), countable, max_size=3).map(
    lambda given: {**Program(()).resource, **given}
)


@st.composite
def programs(draw: st.DrawFn) -> Program:
    """A span is started first; at the end most of what may be open is ended."""
    body = draw(st.lists(calls, min_size=2, max_size=20))
    first = draw(st.builds(Start, names, times, attributes=maybe_attributes))
    ends = [
        End(span, draw(times))
        for span in draw(st.permutations(range(1 + sum(isinstance(c, Start) for c in body))))
    ]
    kept = ends[: draw(st.sampled_from([len(ends), len(ends), len(ends), 1]))]
    return Program(
        (first, *body, *kept),
        tuple(draw(scopes)),
        draw(limits),
        draw(st.sampled_from(["parentbased_always_on", "parentbased_always_on", *SAMPLERS])),
        draw(resources),
        draw(st.integers(0, 2**32)),
    )
