"""`python -m otlp_lite recover` prints what dead processes left, or sends it and marks what was taken."""

from __future__ import annotations

import ctypes
import fcntl
import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from child import environment
from clock import Clock, until
from dead import ROOT, TIME, Left, Record, spans
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from recovering import COMMAND, numbers, received, recover, send, state
from scripted import Receiver, Reply, Request, answer, hang_up, partial, raw, secure_receiver, stall

from otlp_lite.cli.recover import Account

pytestmark = pytest.mark.sources
DAY = 86_400 * 10**9
IMPATIENT = {"OTEL_BSP_EXPORT_TIMEOUT": "300"}


def several() -> Left:
    """Two resources, one of them under two schemas, scopes, records of many chunks."""
    left = Left()
    left.whose("shop", "one", "urn:resource", "urn:scope")
    left.record(spans(40))
    left.whose("shop", "two")
    left.record(spans(20, 1))
    left.whose("till", "one")
    left.record(spans(7, 2))
    left.record(spans(2, 3, 9000))
    return left


def few(path: Path, count: int = 12) -> list[Record]:
    left = Left()
    left.whose("shop", "one")
    left.record(spans(count))
    left.write(path)
    return left.records


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "left"


# ---- Printing ----


def test_json_is_what_was_recorded_and_not_acknowledged(path: Path) -> None:
    left = several()
    left.acknowledge(10)
    left.offer(5)
    before = state(left.write(path, 1 << 17))
    for _ in range(2):
        done = recover("--json", path)
        assert done.status == 0 and (done.total["whole"], done.total["offered"]) == (59, 5)
        assert Counter(done.records()) == Counter(left.records[10:])
        assert state(path) == before


def test_the_tree_shows_each_span_under_its_parent(path: Path) -> None:
    left = several()
    before = state(left.write(path, 1 << 17))
    done = recover(path)
    lines = done.out.decode().splitlines()
    assert done.status == 0 and state(path) == before
    assert done.said == [f"{path}: 69 whole, 0 damaged"]
    tops = [line for line in lines if line.startswith("trace ")]
    assert len(tops) == 8 + 4 + 2 + 1 and all("shop" in top or "till" in top for top in tops)
    at = lines.index(next(line for line in lines if " s5 " in line))
    below = [tuple(line.split()[:2]) for line in lines[at + 1 : at + 5]]
    assert below == [("├─", "s6"), ("├─", "s7"), ("├─", "s8"), ("└─", "s9")]


def without_override() -> None:
    """Root as bound by permissions as others are."""
    ctypes.CDLL(None).prctl(24, 1, 0, 0, 0)  # PR_CAPBSET_DROP, CAP_DAC_OVERRIDE


def test_printing_needs_no_right_to_write(path: Path) -> None:
    recorded = few(path)
    path.chmod(0o400)
    assert recover("--json", path, prepare=without_override).records() == recorded
    done = recover("--endpoint", "http://127.0.0.1:9", path, prepare=without_override)
    assert done.status == 1 and done.said == [f"{path}: not opened: Permission denied"]


def test_a_reader_that_has_seen_enough(path: Path) -> None:
    left = Left()
    left.whose("shop", "one")
    left.record(spans(3000))
    left.write(path, 1 << 20)
    for form in ((), ("--json",)):
        with subprocess.Popen(
            [*COMMAND, *form, str(path)],
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process:
            assert process.stdout is not None and process.stderr is not None
            process.stdout.read(10)
            process.stdout.close()
            said = process.stderr.read().decode()
            assert process.wait(30) == 0
        assert said == f"{path}: 3000 whole, 0 damaged\ntotal: 3000 whole, 0 damaged\n"


def test_output_that_cannot_be_written(path: Path) -> None:
    few(path)
    for form in ((), ("--json",)):
        with open("/dev/full", "wb") as full:
            done = subprocess.run(
                [*COMMAND, *form, str(path)],
                env=environment(),
                stdout=full,
                stderr=subprocess.PIPE,
                text=True,
                check=False,
            )
        assert done.returncode == 1
        assert done.stderr.splitlines()[0] == "otlp_lite recover: not printed: No space left on device"


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_streams_that_are_closed(form: tuple[str, ...], path: Path) -> None:
    """By who began it: what was meant for one is not in the other."""
    few(path)
    command = [*COMMAND, *form, str(path)]
    for closed in (1, 2):
        shell = ["sh", "-c", f'exec "$@" {closed}>&-', "sh", *command]
        done = subprocess.run(shell, env=environment(), capture_output=True, check=False)
        assert done.returncode == 0, done.stderr
        assert (done.stdout, done.stderr)[closed - 1] == b""
        assert (b"whole" in done.stderr) == (closed == 1) and b"whole" not in done.stdout


MEASURED = """
import sys
from otlp_lite.__main__ import main
status = main(sys.argv[1:])
print(open("/proc/self/status").read(), file=sys.stderr)
sys.exit(status)
"""


def test_a_full_region_as_json_in_time_and_memory(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """At most 2 s for 64 MiB on an idle machine; a wide margin here, as others may be at work.

    Its pages are the file's, and beside them there is a batch at a time.
    """
    left = Left()
    left.whose("shop", "one")
    some = spans(1000)
    for _ in range(310):
        left.record(some)
    left.write(path, 64 << 20)
    start = time.monotonic()
    with open(os.devnull, "wb") as nowhere:
        done = subprocess.run(
            [sys.executable, "-c", MEASURED, "recover", "--json", str(path)],
            env=environment(),
            stdout=nowhere,
            stderr=subprocess.PIPE,
            text=True,
            check=True,
        )
    took = time.monotonic() - start
    found = numbers(done.stderr)
    assert found["whole"] > 200_000 and found["damaged"] == 0
    most = int(done.stderr.partition("VmHWM:")[2].split()[0]) >> 10
    with capsys.disabled():
        print(f"\nrecover --json: {found['whole']} spans, 64 MiB, in {took:.2f} s and {most} MiB")
    assert took < 12
    assert most < 64 + 90


# ---- Sending ----


def test_what_was_taken_is_sent_once(path: Path) -> None:
    left = several()
    left.acknowledge(10)
    left.offer(5)
    left.write(path, 1 << 17)
    with Receiver() as receiver:
        done = send(receiver, path)
        assert done.status == 0
        assert done.said == [
            f"{path}: 59 whole (5 offered before, and may have arrived), 0 damaged; "
            "59 sent, 0 rejected, 0 left"
        ]
        assert Counter(received(receiver)) == Counter(left.records[10:])
        assert {request.line for request in receiver.requests} == {"POST /v1/traces HTTP/1.1"}
        count = len(receiver.requests)
        done = send(receiver, path)
        assert (done.status, done.total["whole"], len(receiver.requests)) == (0, 0, count)
    assert recover("--json", path).out == b""


def test_the_environment_says_how(path: Path, tmp_path: Path) -> None:
    """Headers, TLS and compression; but not where to, without --endpoint."""
    recorded = few(path)
    with secure_receiver(tmp_path) as receiver:
        variables = {
            "OTEL_EXPORTER_OTLP_HEADERS": "x-key=hunter2",
            "OTEL_EXPORTER_OTLP_CERTIFICATE": str(tmp_path / "ca.pem"),
            "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip",
        }
        assert (
            recover(
                "--json", path, variables={**variables, "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url}
            ).status
            == 0
        )
        assert receiver.requests == []
        done = send(receiver, path, **variables)
        assert done.status == 0 and received(receiver) == recorded
        (request,) = receiver.requests
    assert request.headers["x-key"] == "hunter2" and request.headers["content-encoding"] == "gzip"


def test_several_files_and_directories(tmp_path: Path) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    names = ("slot-000.region", "slot-001.123.aside")
    recorded = [*few(folder / names[0]), *few(folder / names[1]), *few(tmp_path / "c", 3)]
    for other in ("slot-000.lock", "slot-002.tmp", "README"):
        (folder / other).write_text("no region")
    (folder / "within").mkdir()
    with Receiver() as receiver:
        done = send(receiver, folder, tmp_path / "c", folder, folder / names[0], folder / ".." / "c")
        assert done.status == 0 and done.total["sent"] == 27
        assert Counter(received(receiver)) == Counter(recorded)
    files = [*(str(folder / name) for name in names), f"{tmp_path}/c"]
    assert [line.split(":")[0] for line in done.said] == files
    link = tmp_path / "link"
    link.symlink_to(folder / "within")
    (tmp_path / "slot-000.region").write_bytes((folder / names[0]).read_bytes())
    twice = recover(folder / names[0], link / ".." / names[0], f"/{folder / names[0]}")
    assert len(twice.said) == 1  # all of them are the first
    two = recover(tmp_path / names[0], link / ".." / names[0])
    assert len(two.said) == 2  # `..` of a link is where it leads
    empty = tmp_path / "empty"
    empty.mkdir()
    nothing = f"{empty}: no file called slot-*.region or slot-*.aside"
    assert recover(empty) == (0, b"", [nothing], dict.fromkeys(done.total, 0))


def test_a_receiver_that_is_busy_is_asked_again(path: Path) -> None:
    recorded = few(path)
    with Receiver(answer(429, b"", "Retry-After: 0"), answer(503)) as receiver:
        done = send(receiver, path)
        assert done.status == 0 and len(receiver.requests) == 3
        assert done.said[0] == f"{receiver.url}/v1/traces: HTTP 429; trying again for 30 s"
        assert receiver.requests[-1].spans() == [Span.FromString(record.span) for record in recorded]


@pytest.mark.parametrize("reply", [answer(keep=False), answer(200, b"\x0a\x03\x12\x01!", keep=False)])
def test_a_receiver_that_hangs_up_after_each_answer_is_called_again_at_once(reply: Reply, path: Path) -> None:
    recorded = few(path)
    with Receiver(default=reply) as receiver:
        done = send(receiver, path, OTEL_BSP_MAX_EXPORT_BATCH_SIZE="4")
        assert done.status == 0 and received(receiver) == recorded
        assert not any("trying again" in line for line in done.said) and receiver.connections >= 3


def test_nobody_there(tmp_path: Path) -> None:
    """No byte of a file changes, and the second is not waited for again."""
    few(tmp_path / "a")
    few(tmp_path / "b")
    before = state(tmp_path / "a"), state(tmp_path / "b")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    clock = Clock()
    done = send(f"http://127.0.0.1:{port}", tmp_path / "a", tmp_path / "b", OTEL_BSP_EXPORT_TIMEOUT="3000")
    assert clock.own() < 10
    assert done.status == 1 and done.total["left"] == 24
    assert sum("trying again" in line for line in done.said) == 1
    for line in done.said[-2:]:
        assert "0 sent, 0 rejected, 12 left; " in line and "refused" in line
    assert before == (state(tmp_path / "a"), state(tmp_path / "b"))


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (answer(503), "HTTP 503"),
        (answer(503, b"", "Retry-After: 999"), "HTTP 503"),
        (hang_up, "the peer closed the connection"),
        (answer(400, b"\x12\x07no good"), "refused: HTTP 400: no good"),
        (answer(401, b"hunter2 is no key"), "refused: HTTP 401: *** is no key"),
        (answer(404), "refused: HTTP 404"),
        (answer(413), "refused: HTTP 413"),
        (answer(200, b"x" * 70000), "HTTP 200 with a body that is no answer"),
    ],
)
def test_what_is_not_taken_stays(reply: Reply, said: str, path: Path) -> None:
    """All of it; a later recovery with a better receiver sends it, and says that it may have arrived."""
    recorded = few(path)
    with Receiver(default=reply) as receiver:
        done = send(receiver, path, OTEL_EXPORTER_OTLP_HEADERS="x-key=hunter2", **IMPATIENT)
        assert done.status == 1 and done.total["left"] == 12
        assert "0 sent, 0 rejected, 12 left; " in done.said[-1] and said in done.said[-1], done.said
        assert len(receiver.requests) >= 1
    assert recover("--json", path).records() == recorded
    with Receiver() as receiver:
        done = send(receiver, path)
        assert done.status == 0 and (done.total["sent"], done.total["offered"]) == (12, 12)
        assert received(receiver) == recorded


def test_a_body_that_is_too_large_is_halved(path: Path) -> None:
    left = Left()
    left.whose("shop", "one")
    left.record(spans(200))
    left.write(path, 1 << 18)
    with Receiver(answer(413), answer(413)) as receiver:
        assert send(receiver, path).total["sent"] == 200
        sizes = [len(request.body) for request in receiver.requests]
        assert Counter(received(receiver)) >= Counter(left.records)
    assert sizes[1] <= sizes[0] / 2 and sizes[2] <= sizes[1] / 2


@pytest.mark.parametrize(("size", "requests"), [(4096, 1), (4097, 2)])
def test_a_body_that_no_receiver_could_call_too_large_is_not_halved(
    size: int, requests: int, path: Path
) -> None:
    """Its refusal has another reason."""
    text = 2000
    for _ in range(2):
        path.unlink(missing_ok=True)
        left = Left()
        left.whose("shop", "one")
        first, second = spans(2, size=1)
        first.name, second.name = "x" * text, "x" * 1500
        left.record([first, second])
        left.write(path)
        with Receiver(default=answer(413)) as receiver:
            done = send(receiver, path)
        assert done.status == 1 and done.total["left"] == 2
        text += size - len(receiver.requests[0].body)
    assert len(receiver.requests[0].body) == size and len(receiver.requests) == requests


def test_a_record_that_is_too_large_by_itself_is_refused(path: Path) -> None:
    left = Left()
    left.whose("shop", "one")
    (large,) = spans(1)
    large.name = "x" * 5000
    left.record([large])
    left.write(path)
    with Receiver(default=answer(413)) as receiver:
        assert "refused: HTTP 413" in send(receiver, path).said[-1]
    assert len(receiver.requests) == 1


def slowly(reply: Reply) -> Reply:
    def late(connection: socket.socket, request: Request) -> bool:
        time.sleep(1.6)
        return reply(connection, request)

    return late


@pytest.mark.parametrize(
    ("taken", "failure"),
    [
        (answer(), answer(503, b"", "Retry-After: 0")),
        (answer(), raw(b"what\r\n\r\n")),
        (answer(200, b"\x0a\x03\x12\x01!"), answer(503, b"", "Retry-After: 0")),
    ],
)
def test_a_receiver_that_has_taken_something_is_given_as_long_again(
    taken: Reply, failure: Reply, path: Path
) -> None:
    """Three seconds; what it took came to more."""
    recorded = few(path)
    with Receiver(slowly(taken), slowly(taken), failure) as receiver:
        done = send(receiver, path, OTEL_BSP_MAX_EXPORT_BATCH_SIZE="4", OTEL_BSP_EXPORT_TIMEOUT="3000")
        assert done.status == 0 and done.total["sent"] == 12, done.said
        assert sorted(set(received(receiver))) == sorted(recorded)
        assert any("trying again for 3 s" in line for line in done.said)


def test_a_part_that_is_rejected(path: Path) -> None:
    few(path)
    with Receiver(partial(3, "three are \x1bbad")) as receiver:
        done = send(receiver, path)
        assert done.status == 1 and f"{receiver.url}/v1/traces: three are  bad" in done.said
        assert (done.total["sent"], done.total["rejected"], done.total["left"]) == (9, 3, 0)
        assert send(receiver, path).status == 0
        assert len(receiver.requests) == 1


def test_what_only_the_reader_took_for_whole_is_damaged() -> None:
    account = Account("a.region", whole=5, offered=4, damaged=1)
    account.settle(cast(Any, SimpleNamespace(exported=1, rejected=1, pending=1, open_spans_used=0)))
    assert (account.whole, account.damaged, account.left, account.offered) == (3, 3, 1, 3)
    assert (account.sent, account.rejected, account.well()) == (1, 1, False)


def test_grpc_is_told(path: Path) -> None:
    few(path)
    with Receiver(default=raw(b"\0\0\0\4\0\0\0\0\0")) as receiver:
        done = send(receiver, path)
    assert done.status == 1 and "HTTP/2" in done.said[-1] and "port 4318" in done.said[-1]


def test_a_recovery_that_is_killed_is_done_again(path: Path) -> None:
    """What it had an answer for is not sent again; what it had none for is said to be offered."""
    left = several()
    left.write(path, 1 << 17)
    with Receiver(*[answer()] * 3, stall) as receiver:
        command = [*COMMAND, "--endpoint", receiver.url, str(path)]
        variables = environment({"OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "5"})
        with subprocess.Popen(command, env=variables) as process:
            assert until(lambda: len(receiver.requests) == 4)
            process.kill()
        taken = Counter(span.span_id for request in receiver.requests[:3] for span in request.spans())
        unanswered = len(receiver.requests[3].spans())
    with Receiver() as receiver:
        done = send(receiver, path)
        assert done.status == 0
        assert (done.total["whole"], done.total["offered"]) == (69 - taken.total(), unanswered)
        again = Counter(span.span_id for span in receiver.spans())
    assert taken + again == Counter(Span.FromString(record.span).span_id for record in left.records)


def test_more_resources_than_a_region_has_room_for_are_all_recovered(path: Path) -> None:
    left = Left()
    for number in range(8):
        left.whose(f"service {number}", "one")
        left.record(spans(3, number))
    left.write(path)
    assert Counter(recover("--json", path).records()) == Counter(left.records)
    with Receiver() as receiver:
        assert send(receiver, path).status == 0
        assert Counter(received(receiver)) == Counter(left.records)


# ---- Clocks ----


@pytest.fixture(scope="module")
def stepped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    library = tmp_path_factory.mktemp("stepped") / "stepped.so"
    compile = [os.environ.get("CC", "cc"), "-shared", "-fPIC", "-O2", "-o", str(library)]
    subprocess.run([*compile, "tests/behaviour/stepped.c"], cwd=ROOT, check=True)
    return library


@pytest.mark.parametrize(("boot", "moved"), [("", DAY), ("another boot", 0)])
def test_times_that_the_clock_has_corrected(
    boot: str, moved: int, path: Path, tmp_path: Path, stepped: Path
) -> None:
    """A clock that was a day behind: of this boot they are put right, in print and on the way.

    Of another they are as recorded, and so is a time that was given.
    """
    off = tmp_path / "off"
    off.write_bytes((-DAY).to_bytes(8, "little", signed=True))
    left = Left()
    left.whose("shop", "one")
    left.record(spans(1))
    left.record(spans(2)[1:], explicit=True)
    left.write(path, boot=boot, env={"LD_PRELOAD": str(stepped), "STEPPED_CLOCK": str(off)})
    lines = [Span.FromString(record.span) for record in recover("--json", path).records()]
    printed = {span.name: span for span in lines}
    with Receiver() as receiver:
        assert send(receiver, path).status == 0
        sent = {span.name: span for span in receiver.spans()}
    for named in (printed, sent):
        assert abs(named["s0"].start_time_unix_nano - TIME - moved) < 10**9
        assert abs(named["s0"].events[0].time_unix_nano - TIME - moved) < 10**9
        assert named["s1"].start_time_unix_nano == TIME + 1_000_000


# ---- Whose it is ----


LOCKS = {"a recovery's": fcntl.flock, "its process's": fcntl.lockf}


@pytest.mark.parametrize("whose", LOCKS)
def test_a_locked_file_is_not_taken(whose: str, tmp_path: Path) -> None:
    """By another recovery, on the file; by the process that records there, on the one beside it."""
    path, other = tmp_path / "slot-000.region", tmp_path / "slot-001.region"
    few(path)
    few(other, 3)
    before = state(path)
    beside = path.with_suffix(".lock") if whose == "its process's" else path
    lock = LOCKS[whose]
    said = f"{path}: in use: its process lives, or another recovers it"
    with Receiver() as receiver, open(beside, "ab+") as file:
        lock(file, fcntl.LOCK_EX)
        for done in (send(receiver, path), recover(path)):
            assert (done.status, done.said, done.out) == (1, [said], b"")
        assert receiver.requests == []
        done = send(receiver, tmp_path)
        assert done.status == 0 and done.total["sent"] == 3 and done.said[0] == said
        assert state(path) == before
        lock(file, fcntl.LOCK_SH)
        assert recover("--json", path).status == 0, "printing changes nothing"
        assert send(receiver, path).status == 1
    with Receiver() as receiver:
        assert send(receiver, path).total["sent"] == 12


def test_a_recovery_holds_its_file_to_the_end(path: Path) -> None:
    few(path)
    with Receiver(default=stall) as receiver:
        command = [*COMMAND, "--endpoint", receiver.url, str(path)]
        with subprocess.Popen(command, env=environment(), stderr=subprocess.DEVNULL) as process:
            assert until(lambda: len(receiver.requests) == 1)
            done = recover(path)
            assert done.status == 1 and "in use" in done.said[0]
            process.send_signal(signal.SIGINT)
            assert process.wait(30) == -signal.SIGINT
    assert recover(path).status == 0


def test_links_and_what_is_no_file(path: Path, tmp_path: Path) -> None:
    few(path)
    link, pipe, folder = tmp_path / "link", tmp_path / "pipe", tmp_path / "folder"
    link.symlink_to(path)
    os.mkfifo(pipe)
    folder.mkdir()
    (folder / "slot-000.region").symlink_to(path)
    done = recover("--json", link, pipe, tmp_path / "none", folder)
    assert done.status == 1 and done.out == b""
    assert done.said == [
        f"{link}: a symbolic link: expected the file itself",
        f"{pipe}: no regular file",
        f"{tmp_path}/none: not opened: No such file or directory",
        f"{folder}/slot-000.region: a symbolic link: expected the file itself",
    ]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_file_of_another_user_in_a_directory_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "slot-000.region"
    recorded = few(path)
    os.chown(path, 12345, 12345)
    done = recover("--json", tmp_path)
    assert done.status == 1 and done.out == b""
    assert done.said == [f"{path}: of user 12345: expected the directory's owner"]
    os.chown(tmp_path, 12345, 12345)
    assert recover("--json", tmp_path).records() == recorded


# ---- Usage ----


@pytest.mark.parametrize(
    ("arguments", "variables", "said"),
    [
        ((), {}, "required: PATH"),
        (("--jason", "x"), {}, "recover: error: unrecognized arguments: --jason"),
        (("--json", "--endpoint", "http://a", "x"), {}, "not allowed with"),
        (("--endpoint", "localhost:4318", "x"), {}, "endpoint='localhost:4318': expected"),
        (("--endpoint", "http://me:hunter2@a", "x"), {}, "expected none, and OTEL_EXPORTER_OTLP_HEADERS"),
        (("--endpoint", "", "x"), {}, "endpoint="),
        (
            ("--endpoint", "http://a", "x"),
            {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
            "PROTOCOL=grpc: expected",
        ),
    ],
)
def test_usage(arguments: tuple[str, ...], variables: dict[str, str], said: str) -> None:
    done = subprocess.run(
        [*COMMAND, *arguments], env=environment(variables), capture_output=True, text=True, check=False
    )
    assert done.returncode == 2 and said in done.stderr and "hunter2" not in done.stderr, done.stderr
