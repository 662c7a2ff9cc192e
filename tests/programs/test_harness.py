"""The harness sees a difference planted in any place it compares, and none in random ids and clock times."""

from __future__ import annotations

import builtins
import traceback
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
)
from opentelemetry.proto.common.v1.common_pb2 import (
    AnyValue,
    ArrayValue,
    KeyValue,
    KeyValueList,
)
from opentelemetry.proto.trace.v1.trace_pb2 import (
    ResourceSpans,
    ScopeSpans,
    Span,
    Status,
)

from .compare import Departure, Difference, differences, undeclared
from .forest import Fixed, Node, canonical
from .harness import Program, complaints, run
from .stacks import without_sdk_frames

NOW = 1_750_000_000_000_000_000
FIXED = Fixed(frozenset({"aa" * 16, "bb" * 8}), (NOW, NOW + 1_000_000_000), sequential=True)


def text(value: str) -> AnyValue:
    return AnyValue(string_value=value)


def export() -> ExportTraceServiceRequest:
    """A request with something in every field: `other` apart, `root`, and `child` below it."""
    nested = AnyValue(
        kvlist_value=KeyValueList(
            values=[KeyValue(key="n", value=AnyValue(array_value=ArrayValue(values=[text("x")])))]
        )
    )
    child = Span(
        trace_id=b"\1" * 16,
        span_id=b"\3" * 8,
        parent_span_id=b"\2" * 8,
        trace_state="a=1",
        name="child",
        kind=Span.SPAN_KIND_SERVER,
        start_time_unix_nano=NOW + 20,
        end_time_unix_nano=NOW + 60,
        attributes=[
            KeyValue(key="one", value=AnyValue(int_value=1)),
            KeyValue(key="two", value=text("2")),
            KeyValue(key="nested", value=nested),
        ],
        events=[
            Span.Event(
                name="first",
                time_unix_nano=NOW + 30,
                attributes=[KeyValue(key="e", value=AnyValue(bytes_value=b"\0"))],
                dropped_attributes_count=1,
            ),
            Span.Event(name="second", time_unix_nano=7),
        ],
        links=[
            Span.Link(
                trace_id=b"\xaa" * 16,
                span_id=b"\xbb" * 8,
                trace_state="l=1",
                flags=0x300,
                attributes=[KeyValue(key="l", value=AnyValue(double_value=0.5))],
                dropped_attributes_count=2,
            ),
            Span.Link(trace_id=b"\1" * 16, span_id=b"\2" * 8),
        ],
        status=Status(code=Status.STATUS_CODE_ERROR, message="failed"),
        flags=0x100,
        dropped_attributes_count=3,
        dropped_events_count=4,
        dropped_links_count=5,
    )
    root = Span(trace_id=b"\1" * 16, span_id=b"\2" * 8, name="root", start_time_unix_nano=NOW + 10)
    root.end_time_unix_nano = NOW + 70
    other = Span(trace_id=b"\xaa" * 16, span_id=b"\5" * 8, parent_span_id=b"\xbb" * 8, name="other")
    other.start_time_unix_nano, other.end_time_unix_nano = 5, NOW + 6
    request = ExportTraceServiceRequest()
    of_resource = ResourceSpans(schema_url="resource schema")
    of_resource.resource.attributes.add(key="service.name", value=text("service"))
    of_resource.resource.attributes.add(key="telemetry.sdk.name", value=text("sdk"))
    of_scope = ScopeSpans(schema_url="scope schema", spans=[child, root, other])
    of_scope.scope.name, of_scope.scope.version = "scope", "1"
    of_scope.scope.attributes.add(key="s", value=text("t"))
    of_resource.scope_spans.append(of_scope)
    request.resource_spans.append(of_resource)
    return request


def node(request: ExportTraceServiceRequest, fixed: Fixed = FIXED, stdout: str = "one\ntwo\n") -> Node:
    return canonical([request.SerializeToString()], stdout, fixed)


def scope(request: ExportTraceServiceRequest) -> ScopeSpans:
    found: ScopeSpans = request.resource_spans[0].scope_spans[0]
    return found


def child(request: ExportTraceServiceRequest) -> Span:
    found: Span = scope(request).spans[0]
    return found


Plant = Callable[[ExportTraceServiceRequest], object]


def swap(values: Any) -> None:
    """Exchanges the first two of a repeated field."""
    kept = list(values)
    del values[:]
    values.extend([kept[1], kept[0], *kept[2:]])


SPAN = "spans > child > "
EVENT = f"{SPAN}events > first > "
LINK = f"{SPAN}links > 1 > "
PLANTED: dict[str, Plant] = {
    f"{SPAN}kind": lambda r: setattr(child(r), "kind", Span.SPAN_KIND_CLIENT),
    f"{SPAN}status": lambda r: setattr(child(r).status, "code", Status.STATUS_CODE_OK),
    f"{SPAN}description": lambda r: setattr(child(r).status, "message", "failed."),
    f"{SPAN}flags": lambda r: setattr(child(r), "flags", 0x101),
    f"{SPAN}trace state": lambda r: setattr(child(r), "trace_state", "a=2"),
    f"{SPAN}dropped attributes": lambda r: setattr(child(r), "dropped_attributes_count", 0),
    f"{SPAN}dropped events": lambda r: setattr(child(r), "dropped_events_count", 0),
    f"{SPAN}dropped links": lambda r: setattr(child(r), "dropped_links_count", 0),
    f"{SPAN}parent": lambda r: setattr(child(r), "parent_span_id", b"\7" * 8),
    f"{SPAN}trace": lambda r: setattr(child(r), "trace_id", b"\7" * 16),
    f"{SPAN}start": lambda r: setattr(child(r), "start_time_unix_nano", 20),
    f"{SPAN}end": lambda r: setattr(child(r), "end_time_unix_nano", 0),
    f"{SPAN}clock reads": lambda r: setattr(child(r), "end_time_unix_nano", NOW + 25),
    f"{SPAN}attributes > one": lambda r: setattr(child(r).attributes[0].value, "double_value", 1.0),
    f"{SPAN}attributes > two": lambda r: setattr(child(r).attributes[1].value, "string_value", "two"),
    f"{SPAN}attributes > nested": lambda r: child(r).attributes[2].value.kvlist_value.values.add(key="m"),
    f"{SPAN}attributes > one~2": lambda r: child(r).attributes.append(child(r).attributes[0]),
    f"{SPAN}attributes > order": lambda r: swap(child(r).attributes),
    f"{SPAN}events > order": lambda r: swap(child(r).events),
    f"{EVENT}time": lambda r: setattr(child(r).events[0], "time_unix_nano", 30),
    f"{SPAN}events > second > time": lambda r: setattr(child(r).events[1], "time_unix_nano", 8),
    f"{EVENT}attributes > e": lambda r: setattr(child(r).events[0].attributes[0].value, "bytes_value", b""),
    f"{EVENT}dropped attributes": lambda r: setattr(child(r).events[0], "dropped_attributes_count", 0),
    f"{SPAN}events > second~2": lambda r: child(r).events.append(child(r).events[1]),
    f"{LINK}span": lambda r: setattr(child(r).links[0], "span_id", b"\xbc" * 8),
    f"{LINK}trace": lambda r: setattr(child(r).links[0], "trace_id", b"\xab" * 16),
    f"{LINK}trace state": lambda r: setattr(child(r).links[0], "trace_state", ""),
    f"{LINK}flags": lambda r: setattr(child(r).links[0], "flags", 0x100),
    f"{LINK}attributes > l": lambda r: setattr(child(r).links[0].attributes[0].value, "double_value", -0.5),
    f"{LINK}dropped attributes": lambda r: setattr(child(r).links[0], "dropped_attributes_count", 0),
    f"{SPAN}links > 2 > span": lambda r: setattr(child(r).links[1], "span_id", b"\3" * 8),
    f"{SPAN}links > 3": lambda r: child(r).links.append(child(r).links[1]),
    f"{SPAN}scope > name": lambda r: setattr(scope(r).scope, "name", "another"),
    f"{SPAN}scope > version": lambda r: setattr(scope(r).scope, "version", ""),
    f"{SPAN}scope > schema URL": lambda r: setattr(scope(r), "schema_url", ""),
    f"{SPAN}scope > attributes > s": lambda r: setattr(
        scope(r).scope.attributes[0].value, "bool_value", True
    ),
    f"{SPAN}scope > dropped attributes": lambda r: setattr(scope(r).scope, "dropped_attributes_count", 1),
    "spans > other > parent": lambda r: setattr(scope(r).spans[2], "parent_span_id", b"\xbc" * 8),
    "spans > other > trace": lambda r: setattr(scope(r).spans[2], "trace_id", b"\xab" * 16),
    "spans > other > start": lambda r: setattr(scope(r).spans[2], "start_time_unix_nano", 6),
    "spans > other": lambda r: scope(r).spans.pop(),
    "spans > child~2": lambda r: scope(r).spans.append(child(r)),
    "spans > renamed": lambda r: setattr(child(r), "name", "renamed"),
    "moments > order": lambda r: setattr(child(r), "end_time_unix_nano", NOW + 80),
    "resource > attributes > service.name": lambda r: (
        r.resource_spans[0].resource.attributes[0].value.Clear()
    ),
    "resource > attributes > more": lambda r: r.resource_spans[0].resource.attributes.add(key="more"),
    "resource > schema URL": lambda r: setattr(r.resource_spans[0], "schema_url", ""),
    "resource > dropped attributes": lambda r: setattr(
        r.resource_spans[0].resource, "dropped_attributes_count", 1
    ),
    "resource~2": lambda r: r.resource_spans.add(),
}


@pytest.mark.parametrize("where", PLANTED)
def test_a_planted_difference_is_found(where: str) -> None:
    request = export()
    PLANTED[where](request)
    assert where in [gap.where for gap in differences(node(export()), node(request))]


def test_every_compared_place_is_planted() -> None:
    """Each leaf of the canonical form that can differ has a plant: a new one without is noticed here."""

    def leaves(value: Node | str, path: tuple[str, ...]) -> set[str]:
        if isinstance(value, str):
            return {" > ".join(path)}
        return {leaf for key, below in value.items() for leaf in leaves(below, (*path, key))}

    compared = node(export(), stdout="")
    spans = compared["spans"]
    assert isinstance(spans, dict)
    wanted = leaves(spans["child"], ("spans", "child")) | leaves(compared["resource"], ("resource",))
    same_kind = {
        f"{SPAN}links > 2 > {key}" for key in ("trace", "trace state", "flags", "dropped attributes")
    }
    same_kind.add(f"{SPAN}events > second > dropped attributes")
    assert wanted - PLANTED.keys() == same_kind


def test_standard_output_is_compared() -> None:
    found = list(differences(node(export()), node(export(), stdout="one\nTWO\nthree\n")))
    assert found == [
        Difference("stdout > line 2", "two", "TWO"),
        Difference("stdout > line 3", "absent", "three"),
    ]


def disguised() -> ExportTraceServiceRequest:
    """The same export with other random ids and clock times, in other batches and another order."""
    request = export()
    spans = scope(request).spans
    swap(spans)
    for span in spans:
        for field in ("trace_id", "span_id", "parent_span_id"):
            setattr(
                span, field, getattr(span, field).translate(bytes([0, 91, 92, 93, 94, 95, *range(6, 256)]))
            )
        for link in span.links:
            link.trace_id = link.trace_id.replace(b"\1", b"\x5b")
            link.span_id = link.span_id.replace(b"\2", b"\x5c")
        for event in span.events:
            event.time_unix_nano += 5_000 * (event.time_unix_nano > NOW)
        span.start_time_unix_nano += 5_000 * (span.start_time_unix_nano > NOW)
        span.end_time_unix_nano += 5_000
    request.resource_spans[0].resource.attributes[1].value.string_value = "another SDK"
    second = request.resource_spans.add()
    second.CopyFrom(request.resource_spans[0])
    del request.resource_spans[0].scope_spans[0].spans[1:]
    del second.scope_spans[0].spans[:1]
    return request


@pytest.mark.parametrize("sequential", [True, False])
def test_ids_times_batches_and_sdk_names_are_no_differences(sequential: bool) -> None:
    fixed = Fixed(FIXED.ids, FIXED.window, sequential)
    first, second = export(), disguised()
    assert first != second
    assert list(differences(node(first, fixed), node(second, fixed))) == []


def test_ids_in_text_stand_for_spans() -> None:
    request = export()
    child(request).attributes[1].value.string_value = f"00-{'01' * 16}-{'03' * 8}-01 {'bb' * 8} {'cc' * 8}"
    spans = node(request, stdout="02" * 8 + "\n")
    assert ("str '00-<trace of root>-<span child>-01 " + "bb" * 8 + " " + "cc" * 8 + "'") in repr(spans)
    assert spans["stdout"] == {"line 1": "<span root>"}


def test_rows_cover_their_difference_and_no_other() -> None:
    gap = Difference("spans > a > parent", "span b", "none")
    row = Departure("p", gap.where, {"stock": "span b", "otlp_lite": "none"}, "reason")
    sdks = ("stock", "otlp_lite")
    assert undeclared([gap], [row], sdks) == []
    assert "without a row" in undeclared([gap], [], sdks)[0]
    assert "has gone" in undeclared([], [row], sdks)[0]
    changed = undeclared([Difference(gap.where, "span b", "span c")], [row], sdks)
    assert "without a row" in changed[0] and "has gone" in changed[1]
    assert undeclared([], [row], ("stock", "stock")) == []
    assert len(undeclared([gap], [row], ("stock", "stock"))) == 1


PROGRAM = """
from opentelemetry import trace
with trace.get_tracer("planted").start_as_current_span("span") as span:
    span.set_attribute("value", {value})
print({value})
{rest}
"""


def judged(folder: Path, first: str, second: str, header: str = "") -> list[str]:
    """What the harness says of two programs that run as one, the second in place of the second SDK."""
    programs = []
    for number, body in enumerate((first, second)):
        path = folder / f"p_{number}.py"
        path.write_text(header + body)
        programs.append(Program.read(path))
    runs = run(programs[0], "stock"), run(programs[1], "stock")
    return complaints(programs[0], ("stock", "stock"), runs, [])


def test_whole_processes_are_told_apart(tmp_path: Path) -> None:
    one, other = PROGRAM.format(value=1, rest=""), PROGRAM.format(value=2, rest="")
    assert judged(tmp_path, one, one) == []
    found = "\n".join(judged(tmp_path, one, other))
    assert 'where = "spans > span > attributes > value"' in found and "stock = 'int 2'" in found
    assert 'where = "stdout > line 1"' in found
    assert "+      value: int 2" in found


def test_an_exit_status_and_an_empty_export_are_noticed(tmp_path: Path) -> None:
    fine, failing = PROGRAM.format(value=1, rest=""), PROGRAM.format(value=1, rest="raise SystemExit(4)")
    assert "exit status 4 instead of 0" in judged(tmp_path, failing, failing)[0]
    assert judged(tmp_path, failing, failing, "# exit: 4\n") == []
    assert "0 spans exported" in judged(tmp_path, "print()", "print()")[0]
    assert judged(tmp_path, "print()", "print()", "# expect: nothing\n") == []
    assert "1 spans exported" in judged(tmp_path, fine, fine, "# expect: nothing\n")[0]
    assert len(judged(tmp_path, fine, fine, "# env: OTEL_TRACES_SAMPLER=always_off\n")) == 2


def test_a_header_that_is_not_understood_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "p_typo.py"
    path.write_text("# concurent\n")
    with pytest.raises(ValueError, match="not understood"):
        Program.read(path)


class Plain:
    """What a span does to an exception, without an SDK in between: keeps its stack trace as it stands."""

    def __init__(self, kept: list[str]) -> None:
        self.kept = kept

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace_: TracebackType | None
    ) -> None:
        if error is not None:
            self.kept.append("".join(traceback.format_exception(error)))


class Keeping(trace.NonRecordingSpan):
    def __init__(self, kept: list[str]) -> None:
        super().__init__(trace.INVALID_SPAN_CONTEXT)
        self.kept = kept

    def is_recording(self) -> bool:
        return True

    def record_exception(self, exception: BaseException, *arguments: object, **named: object) -> None:
        self.kept.append("".join(traceback.format_exception(exception)))


def stacks_of(enter: Callable[[], AbstractContextManager[object]]) -> None:
    """Exceptions that leave spans: chained, through several of them, and in a group."""
    group: Any = getattr(builtins, "ExceptionGroup", None)

    def inner() -> None:
        with enter():
            try:
                int("x")
            except ValueError as error:
                raise KeyError("chained") from error

    def outer() -> None:
        with enter(), enter():
            inner()

    def grouped() -> None:
        with enter():
            try:
                inner()
            except KeyError as error:
                raise error if group is None else group("group", [error, KeyError("k")]) from None

    for act in (outer, grouped):
        with suppress(Exception):
            act()


def test_stacks_without_sdk_frames_are_those_of_no_sdk() -> None:
    through_api: list[str] = []
    plain: list[str] = []
    stacks_of(lambda: trace.use_span(Keeping(through_api)))
    stacks_of(lambda: Plain(plain))
    assert len(plain) == 5
    assert all("opentelemetry/trace/__init__.py" in stack for stack in through_api)
    assert [without_sdk_frames(stack) for stack in through_api] == plain
    assert [without_sdk_frames(stack) for stack in plain] == plain
