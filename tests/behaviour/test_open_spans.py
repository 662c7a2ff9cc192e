"""A process that is killed leaves word of its open spans: the next start sends them, once, as unfinished."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import pytest
from dying import Dying, heir, ids, run
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from scripted import Receiver

ERROR = 2
NAME_MAX = 76  # bytes


@pytest.fixture
def folder() -> Iterator[Path]:
    """On a tmpfs."""
    with TemporaryDirectory(dir="/dev/shm") as path:
        yield Path(path) / "regions"


class Found(NamedTuple):
    """A span that came, and under what."""

    span: Span
    scope: str
    service: str

    @property
    def unfinished(self) -> bool:
        return self.attributes().get("otlp_lite.unfinished") is True

    def attributes(self) -> dict[str, Any]:
        return {each.key: each.value.bool_value for each in self.span.attributes}


def found(receiver: Receiver) -> list[Found]:
    return [
        Found(
            span,
            scope.scope.name,
            {each.key: each.value.string_value for each in resource.resource.attributes}["service.name"],
        )
        for request in receiver.requests
        for resource in ExportTraceServiceRequest.FromString(request.content()).resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]


def left_by(code: str, folder: Path, facts: int = 1, **more: str) -> tuple[list[Found], list[dict[str, Any]]]:
    """What the next start sends of a program that is killed once it has said so much; and that."""
    with Receiver() as receiver:
        with Dying(code, folder, **more) as victim:
            victim.until(facts=facts)
            victim.kill()
        left = heir(folder, receiver, False, **more)
        assert left.start["adopted"] == left.end["exported"] and left.end["dropped"] == {}
        spans = found(receiver)
        assert len({each.span.span_id for each in spans}) == len(spans) == left.end["exported"]
        before = len(receiver.requests)
        assert (
            heir(folder, receiver, False, **more).start["adopted"] == 0 and len(receiver.requests) == before
        )
    return spans, victim.facts


def by_name(spans: list[Found]) -> dict[str, Found]:
    names = {each.span.name: each for each in spans}
    assert len(names) == len(spans)
    return names


def test_a_request_that_was_killed(folder: Path) -> None:
    """Which was open, under which parent, of which scope, since when; what had ended is as ever."""
    code = """
        from opentelemetry.trace import SpanKind
        database = otlp_lite.get_tracer("database")
        before = time.time_ns()
        with tracer.start_as_current_span("GET /orders", kind=SpanKind.SERVER) as request:
            with tracer.start_as_current_span("authenticate"):
                pass
            with database.start_as_current_span("SELECT", kind=SpanKind.CLIENT):
                time.sleep(0.01)
                leaf = database.leaf("wait for a lock")
                say(before=before, after=time.time_ns())
                time.sleep(60)
    """
    spans, (said,) = left_by(code, folder, OTEL_SERVICE_NAME="shop")
    names = by_name(spans)
    request, ended, select, leaf = (
        names[name] for name in ("GET /orders", "authenticate", "SELECT", "wait for a lock")
    )
    assert {each.span.trace_id for each in spans} == {request.span.trace_id}
    assert {each.service for each in spans} == {"shop"}
    assert request.span.parent_span_id == b""
    assert ended.span.parent_span_id == select.span.parent_span_id == request.span.span_id
    assert leaf.span.parent_span_id == select.span.span_id
    assert [each.scope for each in (request, ended, select, leaf)] == [
        "dying",
        "dying",
        "database",
        "database",
    ]
    assert [each.span.kind for each in (request, ended, select, leaf)] == [
        Span.SPAN_KIND_SERVER,
        Span.SPAN_KIND_INTERNAL,
        Span.SPAN_KIND_CLIENT,
        Span.SPAN_KIND_INTERNAL,
    ]
    assert not ended.unfinished and ended.span.status.code == 0
    for each in (request, select, leaf):
        assert each.attributes() == {"otlp_lite.unfinished": True} and each.span.status.code == ERROR
        assert (
            said["before"] <= each.span.start_time_unix_nano <= each.span.end_time_unix_nano <= said["after"]
        )
        assert each.span.flags == ended.span.flags
    # the last moment that is known is the start of the last
    assert {each.span.end_time_unix_nano for each in (request, select, leaf)} == {
        leaf.span.start_time_unix_nano
    }


def test_each_way_to_begin_a_span(folder: Path) -> None:
    code = """
        import asyncio
        class Query(otlp_lite.SpanSchema, name="schema"):
            table: str = otlp_lite.key("db.table")
        query = tracer.bind_leaf(Query)

        @otlp_lite.traced
        def decorated():
            with query("orders"), otlp_lite.span("by module"):
                inside.wait()

        inside = threading.Event()
        async def task(number):
            with tracer.start_as_current_span(f"task {number}"):
                await asyncio.sleep(60)
        async def main():
            for number in range(300):
                tasks.append(asyncio.ensure_future(task(number)))
            await asyncio.sleep(0)
            tasks[7].cancel()
            await asyncio.gather(tasks[7], return_exceptions=True)
            kept.append(tracer.start_span("by hand"))
            say(**otlp_lite.stats().region._asdict())
            await asyncio.sleep(60)
        tasks, kept = [], []
        threading.Thread(target=decorated, daemon=True).start()
        while otlp_lite.stats().region.open_spans_used < 3:
            time.sleep(0.001)
        asyncio.run(main())
    """
    spans, (said,) = left_by(code, folder)
    names = by_name(spans)
    open_ones = {name for name, each in names.items() if each.unfinished}
    assert open_ones == {f"task {number}" for number in range(300) if number != 7} | {
        "schema",
        "by module",
        "by hand",
        next(name for name in names if "decorated" in name),
    }
    assert not names["task 7"].unfinished
    assert names["schema"].span.parent_span_id == names["by module"].span.parent_span_id
    assert (said["open_spans"], said["open_spans_used"], said["open_spans_missed"]) == (
        1024,
        len(open_ones),
        0,
    )


def test_a_new_name(folder: Path) -> None:
    code = """
        with tracer.start_as_current_span("GET") as span:
            for number in range(100):
                span.update_name(f"GET /{number}")
            used = otlp_lite.stats().region.open_spans_used
            span.update_name("GET /users/{id}")
            say(used=used)
            time.sleep(60)
    """
    (only,), (said,) = left_by(code, folder)
    assert (only.span.name, only.unfinished, said["used"]) == ("GET /users/{id}", True, 1)


@pytest.mark.parametrize(
    "name", ["x" * 77, "é" * 60, "ж" * 60, "猫" * 40, "x" + "😀" * 40, "xx" + "😀ж" * 40]
)
def test_a_long_name_is_cut_where_a_character_ends(folder: Path, name: str) -> None:
    code = f"""
        fits = tracer.start_span({name!r}[:10])
        spans = [tracer.start_span({name!r}) for _ in range(3)]
        spans[1].end()
        say(**otlp_lite.stats().region._asdict())
        time.sleep(60)
    """
    spans, (said,) = left_by(code, folder)
    cut = name.encode()[:NAME_MAX].decode(errors="ignore")
    assert Counter(each.span.name for each in spans) == {cut: 2, name: 1, name[:10]: 1}
    for each in spans:
        expected = {"otlp_lite.unfinished": True} if each.span.name != name else {}
        if each.span.name == cut:
            expected["otlp_lite.name_cut"] = True
        assert each.attributes() == expected
    assert said["open_spans_cut"] == 3


def test_what_is_not_sent_is_not_told(folder: Path) -> None:
    """Unsampled, recorded for processors alone, begun after a shutdown, or left to the garbage."""
    code = """
        from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult
        from opentelemetry import context, trace
        unsampled = trace.NonRecordingSpan(trace.SpanContext(1, 2, True, trace.TraceFlags(0)))
        held = [tracer.start_span("unsampled", trace.set_span_in_context(unsampled))]
        tracer.start_span("garbage")
        say(**otlp_lite.stats().region._asdict())
        held.append(tracer.start_span("told"))
        telemetry.shutdown(0.1)
        held.append(tracer.start_span("after"))
        say(**otlp_lite.stats().region._asdict())
        assert otlp_lite.configure() is telemetry
        held.append(tracer.start_span("again"))
        held[-2].end()
        say(**otlp_lite.stats().region._asdict())
        time.sleep(60)
    """
    spans, said = left_by(code, folder, facts=3)
    assert {name: each.unfinished for name, each in by_name(spans).items()} == {
        "told": True,
        "again": True,
        "after": False,
    }
    assert [each["open_spans_used"] for each in said] == [0, 1, 2]


def test_what_is_thrown_away_after_a_shutdown_makes_room(folder: Path) -> None:
    code = """
        for _ in range(4):
            span = tracer.start_span("thrown away")
            telemetry.shutdown(0.1)
            del span
            otlp_lite.configure()
        say(**otlp_lite.stats().region._asdict())
        time.sleep(60)
    """
    spans, (said,) = left_by(code, folder)
    assert spans == [] and said["open_spans_used"] == 0


def test_a_start_that_is_interrupted_leaves_nothing(folder: Path) -> None:
    code = """
        class Stop(BaseException): pass
        class Processor:
            def on_start(self, span, parent_context=None): raise Stop
        telemetry.tracer_provider.add_span_processor(Processor())
        for _ in range(5):
            try: tracer.start_span("never")
            except Stop: pass
        say(**otlp_lite.stats().region._asdict())
        time.sleep(60)
    """
    spans, (said,) = left_by(code, folder)
    assert spans == [] and (said["open_spans"], said["open_spans_used"]) == (1024, 0)


def test_a_full_table_is_counted_and_costs_no_record(folder: Path) -> None:
    code = """
        held = [tracer.start_span(f"{number}") for number in range(100)]
        say(**otlp_lite.stats().region._asdict())
        for span in held[16:]:
            span.end()
        say(**otlp_lite.stats().region._asdict())
        time.sleep(60)
    """
    settings = json.dumps({"region_size": "64KiB", "open_spans": 4000})
    spans, (full, after) = left_by(code, folder, facts=2, SETTINGS=settings)
    assert (full["open_spans"], full["open_spans_used"], full["open_spans_missed"]) == (16, 16, 84)
    assert after["open_spans_used"] == 16
    names = by_name(spans)
    assert {int(name) for name, each in names.items() if each.unfinished} == set(range(16))
    assert {int(name) for name in names} == set(range(100))


CHILD = """
    parent = tracer.start_span("the parent's")
    other = tracer.start_span("the parent's other")
    here = otlp_lite.stats().region.open_spans_used
    pid = os.fork()
    if pid == 0:
        with tracer.start_as_current_span("the child's"):
            parent.update_name("the child's, too")
            parent.end()
            del other
            import gc; gc.collect()
            say(child=otlp_lite.stats().region.open_spans_used)
            time.sleep(60)
    say(parent=here)
    time.sleep(60)
"""


def test_a_span_that_found_no_memory_at_its_end_is_open_no_more(folder: Path) -> None:
    code = """
        import resource
        tracer.start_span("before").end()
        large = "x" * (24 << 20)
        span = tracer.start_span(large)
        with open("/proc/self/statm") as file:
            used = int(file.read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + (20 << 20), resource.RLIM_INFINITY))
        span.end()
        resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        say(**traces(), open=otlp_lite.stats().region.open_spans_used)
        os._exit(0)
    """
    (said, _) = run(code, folder, SETTINGS='{"region_size": "256MiB"}').facts
    assert (said["dropped"], said["open"]) == ({"no_memory": 1}, 0)


def test_a_forked_child_has_no_part_in_what_its_parent_has_open(folder: Path) -> None:
    with Receiver() as receiver:
        with Dying(CHILD, folder) as victim:
            victim.until(facts=2)
            victim.kill()
        heir(folder, receiver, left=True)
        spans = by_name(found(receiver))
    assert {name: each.unfinished for name, each in spans.items()} == {
        "the parent's": True,
        "the parent's other": True,
        "the child's": True,
    }
    assert {key: value for fact in victim.facts for key, value in fact.items()} == {"parent": 2, "child": 1}


def test_without_the_table_none_is_told(folder: Path) -> None:
    code = """
        span = tracer.start_span("s")
        record()
        say(**otlp_lite.stats().region._asdict())
        time.sleep(60)
    """
    spans, (said,) = left_by(code, folder, OTLP_LITE_OPEN_SPANS="0")
    assert [each.unfinished for each in spans] == [False] and said["open_spans"] == 0


def test_a_file_with_another_table_is_sent_and_made_anew(folder: Path) -> None:
    code = """
        held = tracer.start_span("open")
        record()
        say(**otlp_lite.stats().region._asdict())
        time.sleep(60)
    """
    seen = []
    with Receiver() as receiver:
        for count in ("8", "8", "0", "1024", "8"):
            with Dying(code, folder, OTLP_LITE_OPEN_SPANS=count) as victim:
                victim.until(facts=1)
                victim.kill()
            seen.append(victim.facts[0]["open_spans"])
        heir(folder, receiver, left=True, OTLP_LITE_OPEN_SPANS="8")
        spans = found(receiver)
    assert seen == [8, 8, 0, 1024, 8]
    assert sum(each.unfinished for each in spans) == 4 and len(spans) == 9
    assert len(ids(receiver)) == len(set(ids(receiver)))


LEDGER = """
    import random
    ended = os.open(ENDED, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    def work(number):
        draw = random.Random(number)
        held = []
        while True:
            if len(held) < 8 and draw.random() < 0.5:
                span = tracer.start_span("s")
                os.write(1, b"%016x\\n" % span.get_span_context().span_id)
                held.append(span)
            elif len(held) > 1:  # the first stays open
                span = held.pop(draw.randrange(1, len(held)))
                span.end()
                os.write(ended, b"%016x\\n" % span.get_span_context().span_id)
    for number in range(4):
        threading.Thread(target=work, args=(number,), daemon=True).start()
    time.sleep(60)
"""


@pytest.mark.parametrize("round_", range(4))
def test_killed_at_any_moment_each_span_is_found_once(folder: Path, round_: int, tmp_path: Path) -> None:
    """Of each thread one may have begun, and one ended, of which it could not say so."""
    ledger = tmp_path / "ended"
    code = LEDGER.replace("ENDED", repr(str(ledger)))
    with Receiver() as receiver:
        with Dying(code, folder) as victim:
            victim.until(ids=500)
            time.sleep(0.01 * round_)
            begun = set(victim.kill())
        ended = {int(line, 16) for line in ledger.read_text().split()}
        heir(folder, receiver)
        spans = found(receiver)
    told = [int.from_bytes(each.span.span_id, "big") for each in spans]
    unfinished = {number for number, each in zip(told, spans, strict=True) if each.unfinished}
    assert len(told) == len(set(told))
    assert not unfinished & ended
    assert ended <= set(told) and begun <= set(told)
    assert len(set(told) - begun) <= 4  # begun, and not said so
    assert len(unfinished - (begun - ended)) <= 4
    assert len((begun - ended) - unfinished) <= 4  # ended, and not said so
    assert 1 <= len(unfinished) <= 36


SUSPENDED = """
    import asyncio
    def generator():
        with tracer.start_as_current_span("within a generator"):
            yield
    def leaf():
        with tracer.leaf("a leaf's"):
            yield
    async def task():
        with tracer.start_as_current_span("within a task"):
            await asyncio.Event().wait()
    suspended = [generator(), leaf()]
    for each in suspended:
        next(each)
    manager = tracer.start_as_current_span("a manager's")
    manager.__enter__()
    loop = asyncio.new_event_loop()
    pending = loop.create_task(task())
    loop.run_until_complete(asyncio.sleep(0))
"""


def test_an_end_in_order_within_suspended_spans(folder: Path) -> None:
    """The interpreter ends what it takes away: they are not said to have ended."""
    with Receiver() as receiver:
        program = run(SUSPENDED, folder)
        heir(folder, receiver)
        told = {each.span.name: each.unfinished for each in found(receiver)}
    assert told == dict.fromkeys(("within a generator", "a leaf's", "within a task", "a manager's"), True)
    assert "dropped" not in program.facts[-1]["said"]


def test_what_is_thrown_away_by_an_exit_is_told(folder: Path) -> None:
    """What runs after the exit's shutdown: the span was open until then."""
    code = """
        import logging
        class Last(logging.Handler):
            def close(self):
                held.clear()
                say(open=otlp_lite.stats().region.open_spans_used)
                time.sleep(60)
        last = Last()
        held = [tracer.start_span("held")]
    """
    spans, (said,) = left_by(code, folder)
    assert [(each.span.name, each.unfinished) for each in spans] == [("held", True)] and said["open"] == 1


@pytest.mark.parametrize("ending", ["os._exit(0)", "", "sys.exit(0)", "telemetry.shutdown(1); late.end()"])
def test_an_end_in_order_with_spans_open(folder: Path, ending: str) -> None:
    """They never ended: the next start says so. One that ends after the shutdown is counted then."""
    code = f"""
        import builtins, sys
        held = tracer.start_span("never ended")
        builtins.also_held = [tracer.start_span("never ended")]
        late = tracer.start_span("late")
        record()
        {ending}
    """
    with Receiver() as receiver:
        program = run(code, folder)
        adopted = heir(folder, receiver).start["adopted"]
        unfinished = Counter(each.span.name for each in found(receiver) if each.unfinished)
        late = int("late.end()" not in ending)
        assert unfinished == Counter({"never ended": 2, "late": late})
        assert len(program.ids) == 1 and adopted == len(found(receiver)) == 3 + late
