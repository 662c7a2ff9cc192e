"""What `region_dir` refuses, moves aside, removes and counts; how long a start takes."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from dying import Dying, heir, ids, names, run
from scripted import Receiver, Start

from otlp_lite import ConfigurationError, Telemetry

Plant = Callable[[Path], object]


@pytest.fixture
def folder() -> Iterator[Path]:
    """On a tmpfs."""
    with TemporaryDirectory(dir="/dev/shm") as path:
        yield Path(path) / "regions"


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A tmpfs of one MiB."""
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m,mode=700", "none", tmp_path],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip(f"nothing can be mounted here: {mounted.stderr}")
    try:
        yield tmp_path
    finally:
        subprocess.run(["umount", "--lazy", tmp_path], check=True)


def begin(start: Start, folder: Path, **settings: object) -> Telemetry:
    return start("http://127.0.0.1:1", region_dir=folder, **settings)


def leave(folder: Path, spans: int = 10, **more: str) -> list[int]:
    """A process records, and is killed."""
    with Dying(f"record(many={spans}); time.sleep(60)", folder, **more) as victim:
        victim.until(ids=spans)
        return victim.kill()


# ---- What is refused ----


def link(folder: Path) -> None:
    (folder / "slot-000.lock").symlink_to("elsewhere")


def link_of_a_region(folder: Path) -> None:
    target = folder / "target"
    target.write_bytes(bytes(1 << 16))
    (folder / "slot-003.region").symlink_to(target)


def strangers_file(folder: Path) -> None:
    (folder / "slot-000.lock").touch()
    os.chown(folder / "slot-000.lock", 65534, 65534)


def strangers_region(folder: Path) -> None:
    leave(folder)
    os.chown(folder / "slot-000.region", 65534, 65534)


def open_folder(folder: Path) -> None:
    folder.chmod(0o777)


def groups_folder(folder: Path) -> None:
    folder.chmod(0o770)


def strangers_folder(folder: Path) -> None:
    os.chown(folder, 65534, 65534)


def foreign_file(folder: Path) -> None:
    (folder / "slot-000.region").write_bytes(b"not a region at all".ljust(4 << 20))


def empty_file(folder: Path) -> None:
    (folder / "slot-002.region").touch()


def pipe(folder: Path) -> None:
    os.mkfifo(folder / "slot-000.region")


def no_folder(folder: Path) -> None:
    folder.rmdir()
    folder.touch()


@pytest.mark.parametrize(
    ("plant", "words"),
    [
        (link, "slot-000.lock is a symbolic link"),
        (link_of_a_region, "slot-003.region is a symbolic link"),
        (strangers_file, "slot-000.lock belongs to user 65534: expected a file of user 0"),
        (strangers_region, "slot-000.region belongs to user 65534"),
        (
            open_folder,
            "others can write to it (mode 777): expected a directory that user 0 alone can, such as",
        ),
        (groups_folder, "others can write to it (mode 770)"),
        (strangers_folder, "it belongs to user 65534: expected a directory of user 0 or root"),
        (foreign_file, "slot-000.region holds no region"),
        (empty_file, "slot-002.region holds no region"),
        (pipe, "slot-000.region is no regular file"),
        (no_folder, "Not a directory"),
    ],
)
def test_what_is_refused(start: Start, folder: Path, plant: Plant, words: str) -> None:
    if os.geteuid() != 0 and "65534" in words:
        pytest.skip("only root gives files away")
    folder.mkdir()
    plant(folder)
    before = (
        [(path.name, path.lstat().st_size) for path in sorted(folder.iterdir())] if folder.is_dir() else []
    )
    with pytest.raises(ConfigurationError) as raised:
        begin(start, folder)
    assert str(raised.value).startswith(f"region_dir={str(folder)!r}: ") and words in str(raised.value)
    if folder.is_dir():
        folder.chmod(0o700)
        after = [(path.name, path.lstat().st_size) for path in sorted(folder.iterdir())]
        assert [each for each in after if not each[0].endswith(".lock")] == [
            each for each in before if not each[0].endswith(".lock")
        ]


def test_a_sticky_directory_of_all_will_do(start: Start, folder: Path) -> None:
    folder.mkdir()
    folder.chmod(0o1777)
    begin(start, folder)
    assert names(folder) == ["slot-000.lock", "slot-000.region"]


@pytest.mark.parametrize("value", ["", 7, b"/dev/shm", "a\0b"])
def test_what_is_no_path_is_refused(start: Start, value: object) -> None:
    with pytest.raises(ConfigurationError, match="expected the path of a directory"):
        start("http://127.0.0.1:1", region_dir=value)


def test_a_directory_whose_parent_is_missing_is_an_error(start: Start, folder: Path) -> None:
    with pytest.raises(ConfigurationError, match="No such file or directory"):
        begin(start, folder / "a" / "b")


# ---- Where there is no room ----


def test_no_room_is_an_error_at_the_start(start: Start, small: Path) -> None:
    with pytest.raises(ConfigurationError) as raised:
        begin(start, small, region_size="2MiB")
    words = (
        f"region_dir={str(small)!r}: no room for a file of region_size=2097152 bytes: No space left on device"
    )
    assert str(raised.value) == words
    assert names(small) == ["slot-000.lock"]


def test_a_region_that_was_made_has_its_room(small: Path) -> None:
    """The rest of the file system fills up; the region is written whole."""
    code = """
        with open(DIR + "/other", "wb", buffering=0) as other:
            try:
                while other.write(bytes(4096)):
                    pass
            except OSError as error:
                say(full=error.errno)
        record("x" * 1000, 2000)
        say(**traces())
    """
    program = run(code.replace("DIR", repr(str(small))), small, OTEL_BSP_MAX_QUEUE_SIZE="1500")
    assert program.facts[0]["full"] == 28
    assert program.facts[1]["recorded"] == 2000 and program.facts[1]["pending"] > 400


def test_a_child_that_finds_no_room_records_all_the_same(small: Path) -> None:
    """In memory that goes with it, which is said once."""
    code = """
        record()
        if os.fork() == 0:
            record(many=3)
            record(many=3)
            assert telemetry.force_flush(10)
            say(mapped=mapped(), **traces())
            os._exit(0)
        os.wait()
        telemetry.force_flush(10)
    """
    with Receiver() as receiver:
        program = run(code, small, receiver, OTEL_BSP_MAX_QUEUE_SIZE="1500")
        child, said = program.facts
        assert (child["mapped"], child["exported"]) == ([], 6)
        assert said["said"].count("what this process records will not outlive it") == 1
        assert "No space left on device" in said["said"]
        assert ids(receiver) == sorted(program.ids)


# ---- What is moved aside ----


def cut(path: Path) -> None:
    os.truncate(path, 1 << 20)


def flip(offset: int) -> Plant:
    def damage(path: Path) -> None:
        data = bytearray(path.read_bytes())
        data[offset] ^= 0x10
        path.write_bytes(data)

    return damage


@pytest.mark.parametrize(
    ("damage", "words"),
    [(cut, "it is truncated"), (flip(8), "another version"), (flip(60), "it is damaged"), (None, "it has")],
)
def test_what_nobody_can_go_on_with_is_moved_aside(folder: Path, damage: Plant | None, words: str) -> None:
    leave(folder)
    queue = "8192" if damage else "1000"
    if damage is not None:
        damage(folder / "slot-000.region")
    before = (folder / "slot-000.region").read_bytes()
    with Receiver() as receiver:
        left = heir(folder, receiver, OTEL_BSP_MAX_QUEUE_SIZE=queue)
        assert left.start["adopted"] == 0
        (aside,) = [name for name in names(folder) if name.endswith(".aside")]
        assert f"slot-000.region, which a process left, is moved aside as {aside}, for" in left.said
        assert words in left.said and left.said.count("moved aside") == 1
        assert (folder / aside).read_bytes() == before
        assert names(folder) == [aside, "slot-000.lock", "slot-000.region"]
        again = heir(folder, receiver, OTEL_BSP_MAX_QUEUE_SIZE=queue)
        assert "moved aside" not in again.said
        assert receiver.requests == []


def test_an_empty_region_of_another_size_is_removed(folder: Path) -> None:
    """There is nothing to recover: a service that was set anew goes on without a word."""
    known = leave(folder)
    with Receiver() as receiver:
        heir(folder, receiver)
        left = heir(folder, receiver, OTEL_BSP_MAX_QUEUE_SIZE="1000")
        assert "aside" not in left.said and ids(receiver) == sorted(known)
    assert names(folder) == ["slot-000.lock", "slot-000.region"]
    with Dying("held = tracer.start_span('open'); say(); time.sleep(60)", folder) as victim:
        victim.until(facts=1)
        victim.kill()
    assert "moved aside" in heir(folder, "http://127.0.0.1:1", OTEL_BSP_MAX_QUEUE_SIZE="1000").said


def test_records_that_are_damaged_are_counted_and_not_sent(folder: Path) -> None:
    known = leave(folder, 100)
    path = folder / "slot-000.region"
    data = bytearray(path.read_bytes())
    at = data.index(known[50].to_bytes(8, "big"))
    data[at] ^= 1
    path.write_bytes(data)
    with Receiver() as receiver:
        left = heir(folder, receiver)
        assert (left.end["adopted"], left.end["exported"], left.end["dropped"]) == (100, 99, {"damaged": 1})
        assert ids(receiver) == sorted(set(known) - {known[50]})
        assert "1 span(s) lost so far, counted as 'damaged'" in left.said


def test_who_died_while_it_made_one_leaves_nothing_in_the_way(folder: Path) -> None:
    folder.mkdir(0o700)
    (folder / "slot-000.tmp").write_bytes(bytes(100))
    assert len(leave(folder)) == 10
    assert names(folder) == ["slot-000.lock", "slot-000.region"]


@pytest.mark.parametrize("empty", [True, False])
def test_those_of_another_size_are_nothing_to_send(folder: Path, empty: bool) -> None:
    """They are removed where they are empty, else moved aside; no thread is started for them."""
    with Receiver() as receiver:
        code = (
            f"record(); {empty} and telemetry.force_flush(10); say(left=traces()['pending']); time.sleep(60)"
        )
        victims = [Dying(code, folder, receiver) for _ in range(2)]
        for victim in victims:
            victim.until(facts=1)
            assert victim.facts == [{"left": not empty}]
        for victim in victims:
            victim.kill()
        code = "telemetry.force_flush(1); say(threads=len(os.listdir('/proc/self/task')))"
        program = run(code, folder, receiver, SETTINGS=json.dumps({"region_size": "128KiB"}))
    assert program.facts[0] == {"threads": 1}
    kinds = Counter(name.rpartition(".")[2] for name in names(folder))
    assert kinds == Counter(lock=2, region=1, aside=0 if empty else 2)


def test_the_directory_itself_is_not_kept_open(folder: Path) -> None:
    """Nor its files, but for the lock."""
    for _ in range(2):
        leave(folder)
    code = """
        record()
        telemetry.force_flush(10)
        links = [f"/proc/self/fd/{number}" for number in os.listdir("/proc/self/fd")]
        say(open=[os.readlink(link) for link in links if os.path.exists(link)])
    """
    with Receiver() as receiver:
        program = run(code, folder, receiver)
    opened = [file for file in program.facts[0]["open"] if file.startswith(str(folder))]
    assert opened == [f"{folder}/slot-000.lock"]


def test_a_directory_that_can_be_used_no_more_is_told_of_once(folder: Path) -> None:
    """What is recorded is sent; what dead processes left there stays."""
    with Receiver() as receiver:
        code = """
            from otlp_lite.slots import directory
            directory.LOOK_EVERY = 0.01
            os.chmod(DIR, 0o777)
            for _ in range(3):
                record()
                assert telemetry.force_flush(10)
                time.sleep(0.1)
        """
        victims = [Dying("record(many=10); time.sleep(60)", folder) for _ in range(2)]
        for victim in victims:
            victim.until(ids=10)
        for victim in victims:
            victim.kill()
        program = run(code.replace("DIR", repr(str(folder))), folder, receiver)
        said = program.facts[-1]["said"]
        assert said.count("what dead processes left there is not sent: others can write to it") == 1, said
        assert "exporting failed" not in said and len(receiver.names()) == 13
    assert names(folder) == ["slot-000.lock", "slot-000.region", "slot-001.lock", "slot-001.region"]


def test_a_copy_with_holes_is_filled(folder: Path) -> None:
    known = leave(folder)
    path = folder / "slot-000.region"
    data = path.read_bytes()
    path.unlink()
    with open(path, "wb") as file:
        used = data.rstrip(b"\0")
        file.write(used)
        file.truncate(len(data))
    path.chmod(0o600)
    assert path.stat().st_blocks * 512 < len(data)
    with Receiver() as receiver:
        heir(folder, receiver)
        assert ids(receiver) == sorted(known)
    assert path.stat().st_blocks * 512 >= len(data)


# ---- What is removed ----


def test_a_crash_loop_uses_one_file(folder: Path) -> None:
    known = [number for _ in range(30) for number in leave(folder, 3)]
    assert names(folder) == ["slot-000.lock", "slot-000.region"]
    with Receiver() as receiver:
        left = heir(folder, receiver)
        dropped = left.end["dropped"].get("overwritten", 0)
        assert len(ids(receiver)) == left.end["exported"] and set(ids(receiver)) <= set(known)
        assert left.end["exported"] + dropped <= 90
    print(left.end)


def test_a_crash_loop_keeps_to_the_limit_and_counts(folder: Path) -> None:
    """Each start has children that record and die with it, and another size than those before."""
    code = """
        for _ in range(2):
            if os.fork() == 0:
                record(many=3)
                say(**otlp_lite.stats().traces.dropped)
                time.sleep(60)
        record(many=3)
        say(**otlp_lite.stats().traces.dropped)
        time.sleep(60)
    """
    known = lost = 0
    for n in range(30):
        with Dying(code, folder, SETTINGS=json.dumps({"region_size": (128 + 4 * n) << 10})) as victim:
            victim.until(ids=9, facts=3)
            known += len(victim.kill())
            lost += sum(fact.get("evicted", 0) for fact in victim.facts)
        assert len([name for name in names(folder) if not name.endswith(".lock")]) <= 16
    assert 0 < lost < known == 270
    with Receiver() as receiver:
        last = {"region_size": (128 + 4 * 29) << 10, "region_dir_limit": 1}
        before = len([name for name in names(folder) if not name.endswith(".lock")])
        left = heir(folder, receiver, SETTINGS=json.dumps(last))
        files = [name for name in names(folder) if not name.endswith(".lock")]
        assert files == ["slot-000.region"]
        assert lost + left.end["dropped"]["evicted"] + left.end["exported"] == known
        assert len(ids(receiver)) == left.end["exported"] == 3
        removed = f"{before - 1} file(s) that dead processes left, the oldest, are removed"
        assert f"{removed}: region_dir_limit=1" in left.said
        assert f"{left.end['dropped']['evicted']} span(s) in them are lost, counted as 'evicted'" in left.said


def test_the_oldest_goes_first_and_the_living_stay(folder: Path) -> None:
    settings = json.dumps({"region_dir_limit": 6})
    programs = []
    for _ in range(7):  # three of them live on
        programs.append(Dying("record(); say(mapped=mapped()); time.sleep(60)", folder))
        programs[-1].until(facts=1)
    living = programs[:3]
    known = [program.kill() for program in programs[3:]]
    with Receiver() as receiver:
        left = heir(folder, receiver, SETTINGS=settings)  # goes on in the first of the dead
        assert left.end["dropped"] == {"evicted": 1}
        more = [Dying("record(); say(mapped=mapped()); time.sleep(60)", folder) for _ in range(6)]
        for program in more:
            program.until(facts=1)
        last = Dying("record(); say(mapped=mapped()); time.sleep(60)", folder, SETTINGS=settings)
        last.until(facts=1)
        assert len(last.facts[0]["mapped"]) == 1  # over the limit, by living ones alone
        every = [number for program in (*living, *more, last) for number in program.kill()]
        heir(folder, receiver, left=True)
        assert ids(receiver) == sorted(known[0] + known[2] + known[3] + every)


@pytest.mark.parametrize("implicit", [False, True])
def test_what_was_removed_before_anything_was_recorded_stays_counted(folder: Path, implicit: bool) -> None:
    """By a process that gives its file back before it forks, or takes other settings."""
    many = """
        for _ in range(17):
            if os.fork() == 0:
                record()
                time.sleep(60)
        time.sleep(60)
    """
    dead = Dying(many, folder)
    dead.until(ids=17)
    dead.kill()
    fork = "if os.fork() == 0: os._exit(0)\nos.wait()"
    look = "from opentelemetry import trace; trace.get_tracer_provider()\nsay(**traces())\n"
    code = look + ("otlp_lite.configure(service_name='other')" if implicit else fork)
    more = {"IMPLICIT": "1", "OTEL_PYTHON_TRACER_PROVIDER": "otlp_lite"} if implicit else {}
    program = run(f"{code}\nsay(**traces())\nrecord()\nsay(**traces())", folder, **more)
    before, after, recorded, _ = program.facts
    assert (before["adopted"], before["pending"]) == (2, 1)
    assert after["adopted"] - after["pending"] == 1 and recorded["recorded"] == 1
    for facts in (before, after, recorded):
        assert facts["dropped"] == {"evicted": 1}, facts


def test_what_is_being_recovered_is_not_removed(folder: Path) -> None:
    """Else its spans would be sent, and counted as lost."""
    leave(folder)
    aside = folder / "slot-000.1.aside"
    (folder / "slot-000.region").rename(aside)
    settings = json.dumps({"region_dir_limit": 1})
    before = aside.read_bytes()
    with open(aside, "rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # as `recover` does
        assert heir(folder, "http://127.0.0.1:1", SETTINGS=settings).end["dropped"] == {}
        assert aside.read_bytes() == before
    end = heir(folder, "http://127.0.0.1:1", SETTINGS=settings).end
    assert (end["dropped"], end["adopted"], end["pending"]) == ({"evicted": 10}, 10, 0)
    assert not aside.exists()


def test_many_living_are_looked_at_once(folder: Path) -> None:
    """Of more processes than files each would look at each for each, before its first span is over."""
    code = """
        looks = []
        sys.addaudithook(lambda event, what: looks.append(event) if event == "os.listdir" else None)
        for number in range(20):
            read, write = os.pipe()
            if os.fork() == 0:
                looks.clear()
                record()
                say(looks=len(looks))
                os.write(write, b"x")
                time.sleep(60)
            os.read(read, 1)
        time.sleep(60)
    """
    with Dying(code, folder, SETTINGS=json.dumps({"region_dir_limit": 1})) as victim:
        victim.until(facts=20)
        victim.kill()
    assert max(fact["looks"] for fact in victim.facts) <= 3


# ---- How long it takes ----


PREPARED = """
import sys, time
from otlp_lite.slots.directory import Slots
start = time.perf_counter()
slots = Slots(sys.argv[1], 64 << 20, 16, "overwrite", 1024)
slots.prepare()
print(time.perf_counter() - start, slots.present().stats().pending)
"""


def test_adoption_of_64_mib_takes_milliseconds(folder: Path) -> None:
    """In a fresh process; its import aside."""
    settings = json.dumps({"region_size": "64MiB"})
    code = """
        for _ in range(100000):
            tracer.start_span("x" * 500).end()
        record()
        time.sleep(60)
    """
    with Dying(code, folder, SETTINGS=settings) as victim:
        victim.until(ids=1, seconds=60)
        victim.kill()
    took = []
    for _ in range(5):
        said = subprocess.run(
            [sys.executable, "-c", PREPARED, folder], capture_output=True, text=True, check=True
        ).stdout.split()
        took.append(float(said[0]))
        assert int(said[1]) > 80000
    print(f"\na slot of 64 MiB with {said[1]} spans is adopted in {min(took) * 1000:.2f} ms")
    assert min(took) < 0.025
