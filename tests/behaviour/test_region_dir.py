"""What was recorded with `region_dir` outlives its process: the next start sends it, once."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from socket import socket
from tempfile import TemporaryDirectory

import pytest
from child import python
from dying import Dying, heir, ids, names, run
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from scripted import Receiver, Request, answer, hang_up, mute

from otlp_lite.slots.holder import boot_id, read_holder, this_process


def mapped(pid: int) -> set[str]:
    """Files of regions in its memory."""
    lines = Path(f"/proc/{pid}/maps").read_text().splitlines()
    return {line.split()[-1] for line in lines if ".region" in line}


FOUR_THREADS = """
    for _ in range(4):
        threading.Thread(target=record, args=("thread", 1 << 30)).start()
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """On a tmpfs."""
    with TemporaryDirectory(dir="/dev/shm") as path:
        yield Path(path) / "regions"


def test_what_four_threads_had_recorded_is_sent_once_by_the_next_start(folder: Path) -> None:
    with Receiver() as receiver:
        with Dying(FOUR_THREADS, folder) as victim:
            victim.until(ids=2000)
            known = victim.kill()
        assert names(folder) == ["slot-000.lock", "slot-000.region"]
        assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
        left = heir(folder, receiver)
        assert left.start["adopted"] == left.start["pending"] == left.end["exported"]
        assert left.end["flushed"] and left.end["pending"] == 0 and left.end["dropped"] == {}
        arrived = ids(receiver)
        assert len(set(arrived)) == len(arrived) == left.end["exported"]
        assert len(set(arrived) - set(known)) <= 4 and set(known) <= set(
            arrived
        )  # a thread dies before it says so
        before = len(receiver.requests)
        again = heir(folder, receiver)
        assert again.start["adopted"] == 0 and len(receiver.requests) == before


def test_it_is_sent_under_the_resource_of_who_recorded_it(folder: Path) -> None:
    with Receiver() as receiver:
        with Dying("record(many=3); time.sleep(60)", folder, OTEL_SERVICE_NAME="the dead") as victim:
            victim.until(ids=3)
            victim.kill()
        run("record(); telemetry.shutdown(10)", folder, receiver, OTEL_SERVICE_NAME="the living")
        services = {}
        for request in receiver.requests:
            for resource in ExportTraceServiceRequest.FromString(request.content()).resource_spans:
                attributes = {each.key: each.value.string_value for each in resource.resource.attributes}
                services[attributes["service.name"]] = sum(len(scope.spans) for scope in resource.scope_spans)
        assert services == {"the dead": 3, "the living": 1}


def test_a_process_that_is_not_reaped_is_dead(folder: Path) -> None:
    with Receiver() as receiver, Dying("record(many=10); time.sleep(60)", folder) as victim:
        victim.until(ids=10)
        victim.process.send_signal(signal.SIGKILL)
        os.waitid(os.P_PID, victim.process.pid, os.WEXITED | os.WNOWAIT)
        assert heir(folder, receiver).start["adopted"] == 10


def test_the_next_start_waits_for_nothing(folder: Path) -> None:
    """The receiver is never reached; what cannot be sent at the exit stays, too."""
    with Dying("record(many=100); time.sleep(60)", folder) as victim:
        victim.until(ids=100)
        victim.kill()
    listener = mute()
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    code = f"""
        sys.path.append({str(Path(__file__).parent)!r})
        from clock import Clock
        clock = Clock()
        record(many=10)
        say(seconds=clock.own(), **traces())
    """
    program = run(code, folder, url)
    listener.close()
    assert program.facts[0]["adopted"] == 100 and program.facts[0]["seconds"] < 1, program.facts
    assert "110 span(s) stay in" in program.facts[1]["said"]
    with Receiver() as receiver:
        assert heir(folder, receiver).start["adopted"] == 110
        assert len(receiver.names()) == 110


def test_shutdown_and_configure_go_on_in_the_same_file(folder: Path) -> None:
    code = """
        record(many=5)
        assert not telemetry.shutdown(0.1)
        tracer.start_span("too late").end()
        say(**traces())
        assert otlp_lite.configure() is telemetry
        record(many=2)
        say(**traces())
        os.kill(os.getpid(), signal.SIGKILL)
    """
    with Receiver() as receiver, Dying(code, folder) as victim:
        while victim.read(20):
            pass
        first, second = victim.facts
        assert (first["pending"], first["dropped"]) == (5, {"shutdown": 1})
        assert (second["pending"], second["dropped"]) == (7, {"shutdown": 1})
        heir(folder, receiver)
        assert ids(receiver) == sorted(victim.ids)


CHILDREN = """
    import multiprocessing
    def child(*_):
        record(many=20)
        say(pid=os.getpid(), mapped=mapped())
        time.sleep(60)
    record(many=20)
    say(pid=os.getpid(), mapped=mapped())
    for _ in range(3):
        if os.fork() == 0:
            child()
    multiprocessing.get_context("fork").Process(target=child).start()
    time.sleep(60)
"""


def test_each_child_has_a_slot_of_its_own(folder: Path) -> None:
    with Receiver() as receiver:
        with Dying(CHILDREN, folder) as victim:
            victim.until(ids=100, facts=5)
            files = [fact["mapped"] for fact in victim.facts]
            assert sorted(files) == [[f"{folder}/slot-{n:03}.region"] for n in range(5)]
            victim.kill()
        left = heir(folder, receiver, left=True)
        assert ids(receiver) == sorted(victim.ids)
        assert left.end["adopted"] == left.end["exported"] == 100
        assert [name for name in names(folder) if name.endswith(".region")] == ["slot-000.region"]


def test_a_worker_of_multiprocessing_has_one_by_each_method(folder: Path, tmp_path: Path) -> None:
    program = tmp_path / "spawning.py"
    program.write_text(
        "import multiprocessing, os, signal, sys\n"
        "import otlp_lite\n"
        "def work(number):\n"
        "    otlp_lite.configure()\n"
        "    span = otlp_lite.get_tracer('t').start_span(str(number))\n"
        "    span.end()\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "if __name__ == '__main__':\n"
        "    for method in ('fork', 'spawn', 'forkserver'):\n"
        "        process = multiprocessing.get_context(method).Process(target=work, args=(method,))\n"
        "        process.start()\n"
        "        process.join()\n"
    )
    with Receiver() as receiver:
        run(f"os.execv(sys.executable, [sys.executable, {str(program)!r}])", folder)
        heir(folder, receiver, left=True)
        assert sorted(receiver.names()) == ["fork", "forkserver", "spawn"]


def test_living_processes_never_share_one(folder: Path) -> None:
    """Twelve start at once; and twelve more, where the dead have left twelve."""
    settings = json.dumps({"region_dir_limit": 100})
    every: list[int] = []
    for _ in range(2):
        code = "record(many=50); say(mapped=mapped()); time.sleep(60)"
        victims = [Dying(code, folder, SETTINGS=settings) for _ in range(12)]
        for victim in victims:
            victim.until(ids=50, facts=1)
        for moment in range(3):
            files = [mapped(victim.process.pid) for victim in victims]  # its own, and one that it drains
            whole = [file for each in files for file in each]
            assert len(set(whole)) == len(whole) >= 12, (moment, files)
        every += [number for victim in victims for number in victim.kill()]
    with Receiver() as receiver:
        heir(folder, receiver, left=True)
        assert ids(receiver) == sorted(every)


def test_many_threads_of_a_child_record_first(folder: Path) -> None:
    """Whoever is quickest, they have one slot, and what was taken beside is given back."""
    code = """
        def signed():
            "Files that say they are this process's."
            locks = [open(f"{DIR}/{name}").read() for name in os.listdir(DIR) if name.endswith(".lock")]
            return [text for text in locks if text.startswith(f"{os.getpid()} ")]

        sys.setswitchinterval(1e-6)
        for _ in range(20):
            pid = os.fork()
            if pid == 0:
                barrier = threading.Barrier(8)
                def first():
                    barrier.wait()
                    record()
                threads = [threading.Thread(target=first) for _ in range(8)]
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join()
                telemetry.shutdown(0)  # it drains no other's, once its worker is out
                patience = time.monotonic() + 10
                while (has := (len(mapped()), len(signed()))) != (1, 1) and time.monotonic() < patience:
                    time.sleep(0.01)
                say(mapped=has[0], signed=has[1])
                os._exit(0)
            os.waitpid(pid, 0)
    """
    with Receiver() as receiver:
        program = run(code.replace("DIR", repr(str(folder))), folder)
        facts = program.facts[:-1]
        assert len(facts) == 20 and all(each == {"mapped": 1, "signed": 1} for each in facts), facts
        heir(folder, receiver, left=True)
        assert ids(receiver) == sorted(program.ids)


def test_a_first_process_that_records_nothing_leaves_it_to_its_children(folder: Path) -> None:
    with Receiver() as receiver:
        with Dying("record(many=10); time.sleep(60)", folder) as victim:
            victim.until(ids=10)
            victim.kill()
        code = """
            say(adopted=otlp_lite.stats().traces.adopted)
            if os.fork() == 0:
                record()
                telemetry.force_flush(20)
                say(adopted=otlp_lite.stats().traces.adopted)
                os._exit(0)
            os.wait()
            say(adopted=otlp_lite.stats().traces.adopted)
        """
        program = run(code, folder, receiver)
        assert [fact["adopted"] for fact in program.facts[:3]] == [10, 10, 0]
        assert ids(receiver) == sorted(victim.ids + program.ids)


def test_a_child_has_no_part_in_its_parents_region(folder: Path) -> None:
    """A span that is open across the fork ends in the child, too, before that has a region, and after."""
    code = """
        import gc
        record()
        early, late = tracer.start_span("early"), tracer.start_span("late")
        pid = os.fork()
        if pid == 0:
            assert mapped() == []
            early.add_event("here")
            early.end()
            record()
            late.add_event("here")
            late.end()
            gc.collect()
            assert len(mapped()) == 1
            assert abs(early.end_time / 1e9 - time.time()) < 5
            sys.exit(0)
        assert os.waitpid(pid, 0)[1] == 0
        assert len(mapped()) == 1
        early.end()
        telemetry.force_flush(10)
    """
    with Receiver() as receiver:
        program = run(code, folder, receiver)
        assert sorted(receiver.names()) == ["early", "s", "s"]
        assert {*program.ids} < {*ids(receiver)}


def test_a_slot_outlives_an_exec(folder: Path) -> None:
    code = """
        if "again" not in os.environ:
            record(many=7)
            os.environ["again"] = "1"
            code = open("/proc/self/cmdline").read().split("\\0")[2]
            os.execv(sys.executable, [sys.executable, "-c", code])
        say(**traces())
        telemetry.force_flush(10)
    """
    with Receiver() as receiver:
        program = run(code, folder, receiver)
        assert program.facts[0]["adopted"] == 7
        assert ids(receiver) == sorted(program.ids)


def test_a_program_that_closes_all_its_descriptors_keeps_its_slot(folder: Path) -> None:
    """As one that becomes a daemon does: the lock is gone, and its number another file's."""
    code = """
        record(many=5)
        os.closerange(3, 1000)
        others = [os.open("/dev/null", os.O_RDONLY) for _ in range(50)]
        say(mapped=mapped())
        for _ in range(1000):
            record()
            time.sleep(0.001)
        time.sleep(60)
    """
    with Receiver() as receiver, Dying(code, folder) as daemon:
        daemon.until(facts=1)
        with Dying("record(many=5); say(mapped=mapped()); time.sleep(60)", folder) as other:
            other.until(facts=1)
            assert other.facts[0]["mapped"] == [f"{folder}/slot-001.region"] != daemon.facts[0]["mapped"]
            daemon.until(ids=1005)
            every = other.kill() + daemon.kill()
        heir(folder, receiver, left=True)
        assert ids(receiver) == sorted(every)


def test_what_it_opened_since_is_not_closed(folder: Path) -> None:
    """Before a fork an unused slot is given back: by a descriptor that may be another file's by now."""
    code = """
        os.closerange(3, 1000)
        others = [os.open("/dev/null", os.O_RDONLY) for _ in range(50)]
        if os.fork() == 0:
            os._exit(0)
        os.wait()
        for other in others:
            os.fstat(other)
    """
    run(code, folder)


@pytest.mark.parametrize("lies", [False, True])
def test_the_number_of_a_process_alone_does_not_say_who_it_is(folder: Path, lies: bool) -> None:
    """Nobody has the lock; the file says that a living process does, which began then, or at another time."""
    with Dying("record(many=5); time.sleep(60)", folder) as victim, Receiver() as receiver:
        victim.until(ids=5)
        victim.kill()
        lock = folder / "slot-000.lock"
        _, _, namespace, boot = lock.read_text().split()
        stat = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
        start = str(int(stat[19]) - lies)
        lock.write_text(f"{os.getpid()} {start} {namespace} {boot}\n")
        assert heir(folder, receiver).start["adopted"] == 5 * lies


def test_a_process_of_another_boot_or_namespace_is_gone_with_its_lock(folder: Path) -> None:
    with Receiver() as receiver:
        for word in (2, 3):
            with Dying("record(many=5); time.sleep(60)", folder) as victim:
                victim.until(ids=5)
                victim.kill()
            words = [str(os.getpid()), Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19]]
            words += (folder / "slot-000.lock").read_text().split()[2:]
            words[word] = "1"
            (folder / "slot-000.lock").write_text(" ".join(words))
            assert heir(folder, receiver).start["adopted"] == 5


def test_what_the_dead_left_is_sent_beside_what_is_recorded(folder: Path) -> None:
    """An outage is waited out, what was sent without an answer sent again; by one worker, beside its own."""
    victims = [Dying("record(many=1000); time.sleep(60)", folder) for _ in range(3)]
    for victim in victims:
        victim.until(ids=1000)
    every = [number for victim in victims for number in victim.kill()]

    with Receiver(answer(), answer(503), hang_up, answer(503)) as receiver:
        code = """
            sent = 0
            while time.monotonic() < START + 30 and len(os.listdir(DIR)) > 4:
                record()
                sent += 1
                time.sleep(0.02)
            telemetry.force_flush(10)
            say(sent=sent, **traces())
        """
        code = code.replace("START", str(time.monotonic())).replace("DIR", repr(str(folder)))
        program = run(code, folder, receiver)
        facts = program.facts[0]
        assert facts["adopted"] == 3000 and facts["pending"] == 0 and facts["resent"] > 0, facts
        assert facts["exported"] == 3000 + facts["sent"] and facts["dropped"] == {}
        assert set(ids(receiver)) == {*every, *program.ids}


def test_what_the_dead_left_is_counted_where_it_was_sent_again(folder: Path) -> None:
    victims = [Dying(f"record(many={many}); time.sleep(60)", folder) for many in (3, 5, 7)]
    for many, victim in zip((3, 5, 7), victims, strict=True):
        victim.until(ids=many)
    for victim in victims:
        victim.kill()
    lost: set[int] = set()

    def lose(connection: socket, request: Request) -> bool:
        """The first answer for each."""
        count = len(request.spans())
        reply = answer() if count in lost else hang_up
        lost.add(count)
        return reply(connection, request)

    with Receiver(default=lose) as receiver:
        left = heir(folder, receiver, left=True)
    assert lost == {3, 5, 7}
    assert (left.end["exported"], left.end["resent"], left.end["dropped"]) == (15, 15, {})


def test_what_is_recorded_does_not_wait_for_what_the_dead_left(folder: Path) -> None:
    settings = json.dumps({"region_size": "16MiB"})
    victims = []
    for many in (1, 9999):
        victims.append(Dying(f"record('x' * 1000, {many}); time.sleep(60)", folder, SETTINGS=settings))
        victims[-1].until(ids=many)
    for victim in victims:
        victim.kill()

    def slow(connection: socket, request: Request) -> bool:
        time.sleep(0.1)
        return answer()(connection, request)

    with Receiver(default=slow) as receiver:
        code = "for _ in range(60): record('own'); time.sleep(0.02)"
        run(code, folder, receiver, SETTINGS=settings)
        names = [{span.name for span in request.spans()} for request in receiver.requests]
        own = [number for number, each in enumerate(names) if "own" in each]
        left = [number for number, each in enumerate(names) if "own" not in each]
        assert len(left) > 5 and own[0] < left[-1], names


def test_who_is_killed_while_it_drains_leaves_the_rest(folder: Path) -> None:
    victims = [Dying("record('x' * 1000, 2800); time.sleep(60)", folder) for _ in range(3)]
    for victim in victims:
        victim.until(ids=2800)
    every = [number for victim in victims for number in victim.kill()]

    def slow(connection: socket, request: Request) -> bool:
        time.sleep(0.1)
        return answer()(connection, request)

    with Receiver(default=slow) as receiver:
        with Dying("record(); time.sleep(60)", folder, receiver) as drainer:
            drainer.until(ids=1)
            deadline = time.monotonic() + 20
            while len(receiver.requests) < 6 and time.monotonic() < deadline:
                time.sleep(0.01)
            drainer.kill()
        heir(folder, receiver, left=True)
        arrived = ids(receiver)
        assert set(arrived) == {*every, *drainer.ids}
        assert len(arrived) - len(set(arrived)) <= 1100  # one request, whose answer it did not live to see


def test_nothing_of_it_is_loaded_where_it_is_not_set() -> None:
    code = """
        import sys
        import opentelemetry.context
        before = set(sys.modules)  # CPython 3.10 loads fcntl for it
        import otlp_lite
        otlp_lite.configure(endpoint="http://127.0.0.1:1", exit_timeout=0)
        otlp_lite.get_tracer("t").start_span("s").end()
        loaded = set(sys.modules) - before
        assert not [name for name in loaded if name.startswith(("otlp_lite.slots", "fcntl", "mmap"))]
    """
    python(code)


def test_the_environment_s_provider_gives_its_slot_back_to_configure(folder: Path) -> None:
    code = """
        from opentelemetry import trace
        trace.get_tracer_provider()
        say(files=os.listdir(DIR))
        telemetry = otlp_lite.configure(region_dir=DIR + "/other")
        record()
        links = [f"/proc/self/fd/{number}" for number in os.listdir("/proc/self/fd")]
        opened = [os.readlink(link) for link in links if os.path.lexists(link)]
        say(mapped=mapped(), locks=[path for path in opened if path.endswith(".lock")])
    """
    with Receiver() as receiver:
        provider = {"OTEL_PYTHON_TRACER_PROVIDER": "otlp_lite", "IMPLICIT": "1"}
        program = run(code.replace("DIR", repr(str(folder))), folder, receiver, **provider)
        assert sorted(program.facts[0]["files"]) == ["slot-000.lock", "slot-000.region"]
        assert program.facts[1]["mapped"] == [f"{folder}/other/slot-000.region"]
        assert program.facts[1]["locks"] == [f"{folder}/other/slot-000.lock"]
        assert (folder / "slot-000.lock").read_text() == ""


def test_who_holds_a_slot_is_written_down() -> None:
    me = this_process()
    assert me.namespace == os.stat("/proc/self/ns/pid").st_ino and me.boot == boot_id() != ""
    for holder in (me, me._replace(start="", boot="")):
        assert read_holder(holder.text()) == holder
    for text in (b"", b"1", b"a b c d", b"1 2 3 4 5", b"\xff 2 3 4"):
        assert read_holder(text) is None
