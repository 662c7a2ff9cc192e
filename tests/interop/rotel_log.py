"""Reads rotel's detailed debug log, and says what that log shows of a span of the truth.

The log has no escapes: a value is compared as the text that rotel prints for it, and a line that starts
with none of the labels goes on with the text of the line before. It does not show a span's flags and
dropped counts, nor a link's flags, and it runs a scope's name and version together.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .compare import Pairs, ReadBack, Span

ITEM, NESTED_ITEM = "     -> ", "          -> "
SPAN_FIELDS = {
    "    Trace ID       : ": "trace_id",
    "    Parent ID      : ": "parent_id",
    "    ID             : ": "span_id",
    "    Name           : ": "name",
    "    Kind           : ": "kind",
    "    TraceState     : ": "trace_state",
    "Start time: ": "start",
    "End time: ": "end",
    "    Status code    : ": "status.code",
    "    Status message : ": "status.message",
}
PART_FIELDS = {  # of an event or a link
    "Name": "name",
    "Timestamp": "time",
    "Trace ID": "trace_id",
    "ID": "span_id",
    "TraceState": "trace_state",
    "DroppedAttributesCount": "dropped_attributes",
}
HEADS = ("ResourceSpans #", "ScopeSpans #", "Span #", "SpanEvent #", "SpanLink #")
TITLES = (
    "Resource attributes:", "InstrumentationScope attributes:", "Attributes:", "Events:", "Links:",
    ITEM + "Attributes::",
)  # fmt: skip
LINES = (
    "Resource SchemaURL: ",
    "ScopeSpans SchemaURL: ",
    "InstrumentationScope ",
    *SPAN_FIELDS,
    NESTED_ITEM,
    ITEM,
)
LABEL = re.compile(
    "|".join(
        [rf"({re.escape(head)})\d+$" for head in HEADS]
        + [rf"({re.escape(title)})$" for title in TITLES]
        + [f"({re.escape(line)})" for line in LINES]
    )
)
VALUE = re.compile(r": (?=(?:Empty$|(?:Str|Bool|Int|Double|Bytes|Slice|Map)\())")
DOUBLE = re.compile(r"Double\((-?(?:[0-9.]+|inf)|NaN)\)")
LOG = re.compile(r"\x1b\[2m\d{4}-")  # a line of rotel's own log
KINDS = ("UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER")
CODES = ("UNSET", "OK", "ERROR")
NUMBERS = ("start", "end", "time", "dropped_attributes")


def tokens(text: str) -> Iterator[tuple[str, str]]:
    """Each label and the text behind it, with the lines in which that text goes on."""
    label, content = "", ""
    for line in text.removesuffix("\n").split("\n"):
        if LOG.match(line):
            continue
        match = LABEL.match(line)
        if match is None:
            content += "\n" + line
            continue
        if label:
            yield label, content
        label = next(group for group in match.groups() if group is not None)
        content = line[match.end() :]
    yield label, content


def read(path: Path) -> ReadBack:
    back = ReadBack()
    owner: Span = {}  # of the attributes that follow
    scope: Span = {}
    in_part = False  # an event's or a link's fields look like a span's attributes
    for label, text in tokens(path.read_bytes().decode("utf-8")):
        if label in HEADS:
            in_part = label in ("SpanEvent #", "SpanLink #")
            owner = {"attributes": []}
        match label:
            case "ResourceSpans #":
                back.requests += 1
                back.resources.append(owner["attributes"])
            case "ScopeSpans #":
                scope = owner
            case "ScopeSpans SchemaURL: ":
                scope["schema_url"] = text
            case "InstrumentationScope ":
                scope["title"] = text
            case "Span #":
                owner |= {"scope": scope, "trace_state": "", "events": [], "links": []}
                back.spans.append(owner)
            case "SpanEvent #":
                back.spans[-1]["events"].append(owner)
            case "SpanLink #":
                back.spans[-1]["links"].append(owner)
            case "     -> " if in_part:
                name, _, content = text.partition(": ")
                owner[PART_FIELDS[name]] = number(PART_FIELDS[name], content)
            case "     -> " | "          -> ":
                key, content = VALUE.split(text, maxsplit=1)
                owner["attributes"].append([key, DOUBLE.sub(exact, content)])
            case _ if label in SPAN_FIELDS:
                owner[SPAN_FIELDS[label]] = number(SPAN_FIELDS[label], text)
    return back


def exact(double: re.Match[str]) -> str:
    """The number in hex: of the shortest decimals for one number there may be two."""
    return f"Double({float(double[1]).hex()})"


def number(name: str, text: str) -> int | str:
    return int(text) if name in NUMBERS else text


def value(tagged: Any) -> Any:
    """What rotel prints for a value of the truth, but for how it writes a double."""
    match tagged:
        case {"ends": text}:
            return {"ends": text + ")"}
        case ["none", _]:
            return "Empty"
        case ["bool", content]:
            return f"Bool({str(content).lower()})"
        case ["int", content]:
            return f"Int({content})"
        case ["double", content]:
            return f"Double({content})"
        case ["str", content]:
            return f"Str({content})"
        case ["bytes", content]:
            return f"Bytes({[*bytes.fromhex(content)]})"
        case ["list", content]:
            return f"Slice({', '.join(value(item) for item in content)})"
        case ["map", content]:
            return f"Map({', '.join(f'{key}:{value(item)}' for key, item in content)})"
    raise ValueError(tagged)


def attributes(owner: Span) -> Pairs:
    return [[key, value(content)] for key, content in owner["attributes"]]


def shown(span: Span) -> Span:
    """The fields that the log shows of a span of the truth, as it shows them."""
    scope = span["scope"]
    hidden = ("flags", "dropped_attributes", "dropped_events", "dropped_links", "status")
    return {name: content for name, content in span.items() if name not in hidden} | {
        "kind": f"SPAN_KIND_{KINDS[span['kind']]}",
        "status.code": f"STATUS_CODE_{CODES[span['status']['code']]}",
        "status.message": span["status"]["message"],
        "scope": {
            "title": f"{scope['name']} {scope['version']}",
            "schema_url": scope["schema_url"],
            "attributes": attributes(scope),
        },
        "attributes": attributes(span),
        "events": [{**event, "attributes": attributes(event)} for event in span["events"]],
        "links": [
            {name: content for name, content in link.items() if name != "flags"}
            | {"attributes": attributes(link)}
            for link in span["links"]
        ],
    }
