"""The benchmark's own parts: the counter against opentelemetry-proto, void rounds, verdicts, the report."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import measure
import process
import pytest
import report
import worker
from judge import Bursts, judge, verdict
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from peers import OURS, PEERS
from rows import C_ROWS, ROWS, TARGETS, TWIN
from sink import Receiver
from span_count import count_spans
from workload import BURST, fresh

# The package brings no types.
DecodeError: type[Exception] = import_module("google.protobuf.message").DecodeError

# ---- The counter ----


def _request(*scopes: int) -> bytes:
    """A resource for each second scope, and in each scope so many spans of varied size."""
    request = ExportTraceServiceRequest()
    for number, spans in enumerate(scopes):
        if number % 2 == 0:
            resource = request.resource_spans.add(schema_url="https://example.test/resource")
            resource.resource.attributes.add(key="service.name").value.string_value = "bench"
        scope = resource.scope_spans.add(schema_url="https://example.test/scope")
        scope.scope.name = "scope"
        for size in range(spans):
            span = scope.spans.add(name="n" * size, start_time_unix_nano=1, flags=0x101, kind=2)
            span.events.add(name="event").attributes.add(key="k").value.int_value = -1
    return bytes(request.SerializeToString())


def _oracle(body: bytes) -> int:
    request = ExportTraceServiceRequest.FromString(body)
    return sum(len(scope.spans) for resource in request.resource_spans for scope in resource.scope_spans)


@pytest.mark.parametrize("scopes", [(), (0,), (1,), (0, 0, 2), (300, 1, 20000), (5, 4, 3, 2, 1)])
def test_counts_what_protobuf_decodes(scopes: tuple[int, ...]) -> None:
    body = _request(*scopes)
    assert count_spans(body) == count_spans(bytearray(body)) == _oracle(body) == sum(scopes)


def test_a_cut_request_is_refused_where_protobuf_refuses_it() -> None:
    body = _request(2, 1, 3)
    refused = 0
    for cut in range(len(body)):
        try:
            expected = _oracle(body[:cut])
        except DecodeError:
            refused += 1
            with pytest.raises(ValueError):
                count_spans(body[:cut])
        else:
            assert count_spans(body[:cut]) == expected
    assert refused > len(body) - 5


@pytest.mark.parametrize("width", [1, 2, 3, 4, 5])
def test_padded_lengths_and_unknown_fields_count_the_same(width: int) -> None:
    def padded(field: int, content: bytes) -> bytes:
        digits = [len(content) >> 7 * index & 0x7F for index in range(width)]
        return bytes([field << 3 | 2, *(digit | 0x80 for digit in digits[:-1]), digits[-1]]) + content

    unknown = b"\x78\x96\x01\x7d\x01\x02\x03\x04\x79\x01\x02\x03\x04\x05\x06\x07\x08"
    spans = padded(2, b"") + unknown + padded(2, padded(5, b"name")) + padded(3, b"not a span")
    body = padded(1, unknown + padded(2, spans)) + unknown
    assert count_spans(body) == _oracle(body) == 2


@pytest.mark.parametrize("body", [b"\x0b", b"\x0a", b"\x0a\x05a", b"\x79\x01", b"\x0a" + b"\x80" * 11])
def test_what_is_no_request_is_refused(body: bytes) -> None:
    with pytest.raises(DecodeError):
        _oracle(body)
    with pytest.raises(ValueError):
        count_spans(body)


# ---- Rounds that lost spans, bodies that may not count ----


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


def _post(receiver: Receiver, body: bytes, headers: dict[str, str] | None = None) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", receiver.port, timeout=10)
    connection.request("POST", "/v1/traces", body, headers or {})
    status = connection.getresponse().status
    connection.close()
    return status


def test_the_receiver_counts_what_came_since_the_last_take(receiver: Receiver) -> None:
    assert _post(receiver, _request(3)) == _post(receiver, _request(2, 2)) == 200
    taken = receiver.take(0.0, float("inf"))
    assert (taken["spans"], taken["window"], taken["requests"], taken["errors"]) == (7, 7, 2, [])
    assert _post(receiver, _request(1)) == 200
    taken = receiver.take(0.0, 1e-9)
    assert (taken["spans"], taken["window"], taken["requests"]) == (1, 0, 1)


@pytest.mark.parametrize("headers", [{"Content-Encoding": "gzip"}, {"Transfer-Encoding": "chunked"}])
def test_the_receiver_refuses_what_is_not_sent_as_it_stands(
    receiver: Receiver, headers: dict[str, str]
) -> None:
    with pytest.raises((http.client.HTTPException, OSError)):
        _post(receiver, _request(1), headers)
    assert receiver.take()["errors"]


@pytest.mark.parametrize(("sent", "voids"), [((3,), 0), ((4, 4, 4), 3), ((2, 2, 2), 3), ((2, 3), 1)])
def test_a_round_that_lost_or_doubled_a_span_is_void_and_repeated(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch, sent: tuple[int, ...], voids: int
) -> None:
    """What is repeated has no turns: its bursts are not of the others' moments."""
    runs = []

    class Worker:
        waits = False

        def __init__(self, _scenario: str, _peer: str, receiver: Receiver, *_: object, **__: object) -> None:
            self._receiver = receiver

        def __enter__(self) -> Worker:
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def report(self) -> tuple[dict[str, Any], None]:
            runs.append(_post(self._receiver, _request(3)))
            figures = {"current": {"thread": [1.0, 3.0, 2.0], "wall": [4.0, 4.0, 5.0]}}
            return {"figures": figures, "spans": sent[len(runs) - 1], "losses": {"queue": 1}}, None

    monkeypatch.setattr(measure, "Worker", Worker)
    bench = measure.Bench(measure.QUICK, receiver, ["opentelemetry-sdk"])
    bench.run([row for row in ROWS.values() if row.key == "current"])
    figure = bench.samples["current"]["opentelemetry-sdk"].figure()
    assert (len(runs), figure["void"]) == (len(sent), voids)
    assert figure["value"] == (None if voids == 3 else 2)
    assert dict(bench.bursts) == ({} if voids else {("current", "opentelemetry-sdk"): {0: [1.0, 3.0, 2.0]}})
    assert any("void" in note for note in figure["notes"]) is (voids == 3)


def test_a_worker_that_fails_is_told(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "PATH", Path(__file__).with_name("no such file"))
    bench = measure.Bench(measure.QUICK, receiver, ["api"])
    bench.run([ROWS["current"]])
    figure = bench.samples["current"]["api"].figure()
    assert figure["value"] is None
    assert "failed: exit 2" in figure["notes"][0]


@pytest.mark.parametrize(
    ("then", "problem"),
    [
        ("print('why', file=sys.stderr); sys.exit(3)", "failed: exit 3: why"),
        ("print('\u00e9' * 10**6 + '\\nwhy', file=sys.stderr); sys.exit(3)", "failed: exit 3: why"),
        ("print('why', file=sys.stderr)", "failed: no report at its end: why"),
        ("time.sleep(60)", "failed: no report after 1 s"),
    ],
)
def test_a_worker_that_goes_in_its_turn_leaves_the_others_theirs(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, then: str, problem: str
) -> None:
    going = tmp_path / "worker.py"
    going.write_text(f"import sys, time\nprint('turn', flush=True)\nsys.stdin.readline()\n{then}\n")
    whole = process.PATH

    class Worker(process.Worker):
        def __init__(self, scenario: str, *arguments: Any, **options: Any) -> None:
            monkeypatch.setattr(process, "PATH", going if scenario == "filed" else whole)
            monkeypatch.setattr(process, "_PATIENCE", 1.0 if scenario == "filed" else 60.0)
            super().__init__(scenario, *arguments, **options)

    monkeypatch.setattr(measure, "Worker", Worker)
    bench = measure.Bench(measure.QUICK, receiver, [OURS])
    bench.run([ROWS[key] for key in ("set", "current5_via_file", "current5_via_open")])
    assert bench.samples["current5_via_file"][OURS].notes == [problem]
    assert {row.removesuffix(TWIN) for row, _ in bench.bursts} == {"set", "current5_via_open"}


@pytest.mark.parametrize(
    ("peer", "capacity", "pace"),
    [
        ("opentelemetry-sdk", 15_000, 10**9),
        ("opentelemetry-sdk", 700, 10**9),
        ("opentelemetry-sdk", 10**9, 33_000),
        (OURS, 450_000, 10**9),
    ],
)
def test_the_paced_search_ends_within_a_tenth_below_the_capacity(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch, peer: str, capacity: int, pace: int
) -> None:
    def worker_of_capacity(_bench: object, _scenario: str, *arguments: Any, **_: object) -> measure.Outcome:
        rate, seconds = arguments[2]["rate"], arguments[2]["seconds"]
        told = {"spans": rate * seconds, "held": rate <= pace, "losses": {}}
        return measure.Outcome(told, min(rate, capacity) * seconds, 0)

    monkeypatch.setattr(measure.Bench, "_worker", worker_of_capacity)
    bench = measure.Bench(measure.FULL, receiver, [peer])
    bench.run([ROWS["paced"]])
    found = bench.samples["paced"][peer].figure()["value"]
    assert min(capacity, pace) / 1.1 <= found <= min(capacity, pace)


# ---- The work ----


def test_a_twin_reuses_no_string_and_mixes_types() -> None:
    work = fresh(BURST)
    texts = [
        each
        for name, *pairs, attributes in work
        for each in (name, *pairs, *attributes, *attributes.values())
    ]
    texts = [text for text in texts if isinstance(text, str)]
    assert len({id(text) for text in texts}) == len(texts)
    assert len({name for name, *_ in work}) == 1000
    keys = [item[index] for item in work for index in (1, 3, 5, 7, 9)]
    assert len(set(keys)) == len(keys)
    assert sum(not key.isascii() for key in keys) == len(keys) / 5
    assert {len(max(key).encode()) for key in keys} == {1, 2, 4}
    for index in (2, 4, 6, 8, 10):
        assert {type(item[index]) for item in work} == {str, int, float, bool}


# ---- Targets and report ----


def test_rows_and_targets_name_what_exists() -> None:
    assert {row.scenario for row in ROWS.values()} <= set(worker.SCENARIOS)
    assert {peer for row in ROWS.values() for peer in row.peers} <= set(PEERS)
    measured = {*ROWS, *(row.name for row in C_ROWS)}
    assert all(target.row in measured or target.row.startswith("kernel:") for target in TARGETS)
    assert all(target.against is None or target.against in {*PEERS, "scalar"} for target in TARGETS)
    assert all(target.of is None or target.of in ROWS for target in TARGETS)


@pytest.mark.parametrize(
    ("reached", "at_least", "aim", "bound", "expected"),
    [
        (40, 30, 40, "min", "aim"),
        (39.9, 30, 40, "min", "met"),
        (30, 30, 40, "min", "met"),
        (29.9, 30, 40, "min", "NOT MET"),
        (7, 10, 7, "max", "aim"),
        (7.1, 10, 7, "max", "met"),
        (10.1, 10, 7, "max", "NOT MET"),
        (2.5, 2.5, None, "max", "met"),
        (None, 30, 40, "min", "not measured"),
    ],
)
def test_verdicts(
    reached: float | None, at_least: float, aim: float | None, bound: str, expected: str
) -> None:
    assert verdict(reached, at_least, aim, bound) == expected


def _figure(value: float | None, **beside: float) -> dict[str, Any]:
    return {"value": value, "rounds": [value], "beside": beside, "void": 0, "notes": []}


@pytest.fixture
def results() -> dict[str, Any]:
    """A run in which ours takes 0.5 us where the stock SDK takes 20, and is paced 20 times as fast."""
    void = _figure(None) | {"void": 3, "notes": ["void: 9 of 10 spans arrived; the peer counts {}"]}
    machine = {
        "cpu": "A processor",
        "cores": 2,
        "flags": ["avx2"],
        "kernel": "6.1",
        "libc": "glibc 2.36",
        "clocksource": "tsc",
        "load_at_start": 0.1,
        "python": "CPython 3.11.7",
        "compiler": "gcc",
        "pgo": False,
        "versions": {"opentelemetry-sdk": "1.45.2"},
        "date": "2026-01-02",
        "command": "python run.py",
    }
    kernels = [
        {"kernel": "hex_encode", "data": "random", "n": 16, "table": table, "ns": ns}
        for table, ns in (("scalar", 12.5), ("avx2", 2.5), ("CPython", 1.25))
    ]
    made = {
        "machine": machine,
        "settings": measure.FULL._asdict(),
        "whole": True,
        "notes": [],
        "ceiling": [{"body_bytes": 65536, "posts_per_second": 40000, "mib_per_second": 2500}],
        "rows": {
            "current5": {
                OURS: _figure(0.5, wall=0.625),
                "opentelemetry-sdk": _figure(20, wall=21),
                "fastotel": void,
            },
            "current5" + TWIN: {OURS: _figure(1.5, wall=1.75)},
            "leaf4": {OURS: _figure(0.25)},
            "current": {OURS: _figure(0.5)},
            "traced": {OURS: _figure(0.75)},
            "set": {OURS: _figure(0.0625)},
            "set_guarded": {OURS: _figure(0.0645)},
            "paced": {OURS: _figure(300000), "opentelemetry-sdk": _figure(15000)},
            "rss_http": {OURS: _figure(8.5)},
        },
        "c": {"encode": {"ns": 70.5, "instructions": 333}},
        "kernels": kernels,
        "build": {"compiler": "gcc 12.2", "flags": "-O2"},
    }
    judge(made, {})
    return made


def test_judging_divides_the_right_way_round(results: dict[str, Any]) -> None:
    rows = results["rows"]
    assert rows["current5"]["opentelemetry-sdk"]["ratio"] == 40
    assert rows["paced"]["opentelemetry-sdk"]["ratio"] == 20
    assert "ratio" not in rows["current5"]["fastotel"]
    reached = {(target["title"], target["against"]): target for target in results["targets"]}
    current5 = ROWS["current5"].title
    assert reached[current5, "opentelemetry-sdk"]["verdict"] == "aim"
    assert reached[current5, "fastotel"]["verdict"] == "not measured"
    assert reached[ROWS["paced"].title, "opentelemetry-sdk"]["verdict"] == "met"
    assert reached[ROWS["rss_http"].title, None]["verdict"] == "met"
    assert reached["C: encode a span of 4 attributes", None]["verdict"] == "NOT MET"
    twin = reached[f"twin of: {current5}", "the plain row"]
    assert (twin["reached"], twin["verdict"]) == (3, "NOT MET")
    of_sdk = reached[ROWS["leaf4"].title, f"opentelemetry-sdk: {current5}"]
    assert (of_sdk["reached"], of_sdk["verdict"]) == (80, "met")
    traced = reached[ROWS["traced"].title, f"{OURS}: {ROWS['current'].title}"]
    assert (traced["reached"], traced["verdict"]) == (1.5, "NOT MET")
    guard = reached[ROWS["set_guarded"].title, f"over {OURS}: {ROWS['set'].title}"]
    assert (guard["reached"], guard["unit"], guard["verdict"]) == (2, "ns", "met")
    kernel = next(target for target in results["targets"] if target["title"].startswith("hex_encode"))
    assert (kernel["reached"], kernel["verdict"]) == (5, "met")


def _reached(results: dict[str, Any], bursts: Bursts) -> tuple[float, list[float]]:
    judge(results, bursts)
    title = ROWS["current5_via_file"].title
    target = next(target for target in results["targets"] if target["title"] == title)
    return target["reached"], target["rounds"]


def test_rows_are_compared_burst_by_burst_or_round_by_round(results: dict[str, Any]) -> None:
    """A machine that is half as fast by turns: the medians are from different turns."""
    results["settings"]["rounds"] = 5
    plain, filed = _figure(1.0), _figure(2.0)
    plain["rounds"] = [1.0, 2.0, 1.0, 2.0, 1.0]
    filed["rounds"] = [1.05, 2.1, 2.1, 2.1, 1.05]
    results["rows"] |= {"current5": {OURS: plain}, "current5_via_file": {OURS: filed}}
    assert _reached(results, {}) == (1.05, [1.05, 1.05, 2.1, 1.05, 1.05])
    bursts = {
        ("current5", OURS): {0: [1.0, 2.0, 4.0], 1: [1.0, 1.0], 2: [4.0]},
        ("current5_via_file", OURS): {0: [1.5, 5.0, 4.0], 1: [1.25, 1.25], 3: [1.0]},
    }
    assert _reached(results, bursts) == (1.38, [1.5, 1.25])  # 2 by the medians of round 0; the rounds of both
    filed["rounds"].pop()
    assert _reached(results, {}) == (2, [2])


def test_peers_are_compared_burst_by_burst(results: dict[str, Any]) -> None:
    sdk = "opentelemetry-sdk"
    judge(results, {("current5", OURS): {0: [1.0, 2.0, 4.0]}, ("current5", sdk): {0: [30.0, 100.0, 80.0]}})
    assert results["rows"]["current5"][sdk]["ratio"] == 30  # 40 by the medians
    target = next(target for target in results["targets"] if target["against"] == sdk)
    assert (target["reached"], target["rounds"]) == (30, [30])


def test_a_round_without_any_is_compared_by_the_medians(results: dict[str, Any]) -> None:
    results["settings"]["rounds"] = 3
    for peer, rounds in ((OURS, [8.0, 8.0, 8.0]), ("opentelemetry-sdk", [2.0, 0.0, 2.0])):
        results["rows"].setdefault("drain", {})[peer] = _figure(rounds[0]) | {"rounds": rounds}
    judge(results, {})
    assert results["rows"]["drain"]["opentelemetry-sdk"]["ratio"] == 4


def test_workers_of_a_group_take_turns(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each goes on once before any goes on again, in an order that changes."""
    taken: list[str] = []

    class Told(process.Worker):
        def __init__(self, scenario: str, *arguments: Any, **options: Any) -> None:
            super().__init__(scenario, *arguments, **options)
            self.scenario = scenario

        def go_on(self) -> None:
            taken.append(self.scenario)
            super().go_on()

    monkeypatch.setattr(measure, "Worker", Told)
    bench = measure.Bench(measure.QUICK._replace(bursts=2), receiver, [OURS])
    keys = ["set", "current5_via_file", "current5_via_open"]
    bench.run([ROWS[key] for key in keys])
    sweeps = 4  # two to warm up
    turns = [taken[at : at + 3] for at in range(0, 3 * sweeps, 3)]
    assert all(sorted(each) == ["calls", "filed", "opened"] for each in turns)
    assert len({tuple(each) for each in turns}) > 1
    assert len(taken) == 3 * sweeps
    assert measure._beside(["set", "current5", "dict4"], keys[1:2]) == ["set", keys[1], "dict4"]
    assert [len(bench.bursts[key, OURS][0]) for key in keys] == [2, 2, 2]
    assert not any(bench.samples[key][OURS].notes for key in keys)


def test_the_report_says_what_is_void_and_how_it_was_built(results: dict[str, Any]) -> None:
    text = report.render(results)
    line = next(line for line in text.splitlines() if line.startswith(ROWS["current5"].title))
    assert line.split()[-4:] == ["0.5", "20", "(40x)", "void"]
    assert "current5, fastotel: 3 void rounds" in text
    assert "C: flags -O2" in text
    assert "40000 posts/s" in text


def test_every_figure_of_the_document_is_in_the_json(results: dict[str, Any]) -> None:
    written = json.loads(json.dumps(results))
    for table in report.tables(written):
        for line in table.lines:
            for cell in line[1:]:
                for word in cell.replace("(", " ").replace(")", " ").replace("x ", " ").split():
                    number = word.rstrip("x")
                    if number.replace(".", "").isdigit():
                        assert number in json.dumps(results), cell


def test_a_document_is_filled_and_its_age_is_noticed(
    results: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = tmp_path / "performance.md"
    (tmp_path / "b.json").write_text(json.dumps(results))
    document.write_text("Before.\n\n<!-- bench: b.json -->\nold\n<!-- /bench -->\n\nAfter.\n")
    monkeypatch.setattr("sys.argv", ["report.py", "--check", str(document)])
    assert report.main() == 1
    monkeypatch.setattr("sys.argv", ["report.py", str(document)])
    assert report.main() == 0
    monkeypatch.setattr("sys.argv", ["report.py", "--check", str(document)])
    assert report.main() == 0
    text = document.read_text()
    assert text.startswith("Before.\n\n<!-- bench: b.json -->\n")
    assert text.endswith("<!-- /bench -->\n\nAfter.\n")
    assert "old" not in text
    assert f"| {ROWS['current5'].title} | us | 0.5 | 20 (40x) | void |" in text
    with pytest.raises(ValueError, match="bench"):
        report.fill("no block", lambda _: results)
