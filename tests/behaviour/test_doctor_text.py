"""What `python -m otlp_lite doctor` says of what it found, and how it reads the machine."""

from __future__ import annotations

from typing import Any

import pytest

from otlp_lite.cli import machine
from otlp_lite.cli.doctor import lines

KERNEL = {"table": "avx2", "reason": "the best here"}


def report(**more: Any) -> dict[str, Any]:
    """Of a machine where all is well, and a span was taken."""
    limit = {"soft": 1024, "hard": 1024}
    well = {
        "otlp_lite": "1.2.3",
        "python": "CPython 3.14.0",
        "ok": True,
        "wrong": [],
        "settings": [{"name": "timeout", "value": 10.0, "source": "default", "ignored": {}}],
        "span_limits": [{"name": "max_links", "value": 128, "source": "default", "ignored": {}}],
        "findings": [],
        "kernels": {
            "running": "avx2",
            "wanted": "avx2",
            "offered": ["avx2", "scalar"],
            "built": ["avx512", "avx2", "scalar"],
            "reason": "the best here",
            "each": {"crc32c": KERNEL},
        },
        "machine": {
            "open_files": limit,
            "locked_memory": limit,
            "memory": None,
            "tmpfs": {"/run": None},
            "seccomp": "off",
            "threads": True,
            "clock_source": "tsc",
        },
        "region_dir": None,
        "sending": {
            "ok": True,
            "url": "http://localhost:4318/v1/traces",
            "trace_id": "0a" * 16,
            "attempts": 1,
            "connect_seconds": 0.0012344,
            "round_trip_seconds": 0.5,
            "status": 200,
            "rejected": 0,
            "words": "",
            "hint": None,
        },
    }
    return {**well, **more}


def rows(*each: tuple[str, ...]) -> list[str]:
    """As they are laid out: a name, a value, an origin."""
    return [f"  {name:25} {value:32} {''.join(source)}".rstrip() for name, value, *source in each]


def shown(given: dict[str, Any], title: str) -> list[str]:
    """The lines under a title."""
    said = list(lines(given))
    at = said.index(title) + 1
    return said[at : said.index("", at)]


def test_all_is_well() -> None:
    assert list(lines(report())) == [
        "otlp_lite 1.2.3, CPython 3.14.0",
        "",
        "settings",
        *rows(("timeout", "10.0", "default")),
        "",
        "limits of a span",
        *rows(("max_links", "128", "default")),
        "",
        "machine",
        *rows(
            ("kernels", "avx2 (offered here: avx2, scalar; built: avx512, avx2, scalar)"),
            ("", "crc32c: avx2, the best here"),
            ("open files", "1024"),
            ("locked memory", "1.0 KiB"),
            ("memory of the cgroup", "no limit"),
            ("/run", "no tmpfs"),
            ("seccomp", "off"),
            ("threads", "can start"),
            ("clock source", "tsc"),
        ),
        "",
        "sending a span",
        *rows(
            ("to", "http://localhost:4318/v1/traces"),
            ("trace", "0a" * 16),
            ("connected", "in 1.23 ms"),
            ("answer", "HTTP 200 in 500.00 ms"),
            ("result", "taken"),
        ),
        "",
        "all is well",
    ]


def test_a_machine_that_is_short_of_things() -> None:
    kernels = {**report()["kernels"], "wanted": "neon"}
    short = {
        "open_files": {"soft": 256, "hard": None},
        "locked_memory": {"soft": 1 << 16, "hard": 3 << 29},
        "memory": 64 << 20,
        "tmpfs": {
            "/run": {"file_system": "tmpfs", "free": 1023, "writable": False},
            "/dev/shm": {"file_system": "tmpfs", "free": 1 << 30, "writable": True},
        },
        "seccomp": None,
        "threads": False,
        "clock_source": "hpet",
    }
    assert shown(report(kernels=kernels, machine=short), "machine") == rows(
        ("kernels", "avx2, not neon as wanted (offered here: avx2, scalar; built: avx512, avx2, scalar)"),
        ("", "crc32c: avx2, the best here"),
        ("open files", "256 (could be raised to unlimited)"),
        ("locked memory", "64.0 KiB (could be raised to 1.5 GiB)"),
        ("memory of the cgroup", "64.0 MiB"),
        ("/run", "tmpfs, 1023 bytes free, not writable"),
        ("/dev/shm", "tmpfs, 1.0 GiB free"),
        ("seccomp", "unknown"),
        ("threads", "cannot start: only flushes send"),
        ("clock source", "hpet, not the TSC: each span costs a little more"),
    )
    unknown = {**report()["machine"], "clock_source": None}
    clock = ("clock source", "unknown, not the TSC: each span costs a little more")
    assert shown(report(machine=unknown), "machine")[-1:] == rows(clock)


def test_settings_that_are_wrong_or_come_second() -> None:
    timeout = {
        "name": "timeout",
        "value": None,
        "source": "A_TIMEOUT",
        "ignored": {"A_TIMEOUT": "no number", "B_TIMEOUT": "A_TIMEOUT comes first"},
    }
    given = report(settings=[timeout], findings=["first", "second"], wrong=["A_TIMEOUT", "B"], ok=False)
    assert shown(given, "settings") == rows(
        ("timeout", "-", "A_TIMEOUT"),
        ("", "A_TIMEOUT: no number"),
        ("", "B_TIMEOUT is ignored: A_TIMEOUT comes first"),
    )
    assert shown(given, "findings") == ["  first", "  second"]
    assert list(lines(given))[-2:] == ["", "wrong: A_TIMEOUT, B"]
    sending = {**given["sending"], "ok": False}
    assert list(lines({**given, "sending": sending}))[-1] == "the span was not taken; wrong: A_TIMEOUT, B"


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"error": "others can write"}, ["others can write"]),
        (
            {"file_system": "tmpfs", "free": 5 << 20, "writable": True},
            ["/r: tmpfs, 5.0 MiB free", "not there: the first start makes it"],
        ),
        (
            {
                "file_system": "ext4",
                "free": 0,
                "writable": False,
                "files": {"living": 1, "dead": 2, "aside": 3},
            },
            [
                "/r: ext4, 0 bytes free, not writable; meant is a tmpfs, as a disk would be written all day",
                "files: 1 in use, 2 that the dead left, 3 moved aside",
            ],
        ),
    ],
)
def test_a_directory_of_regions_as_it_is_shown(more: dict[str, Any], said: list[str]) -> None:
    found = {"path": "/r", "files": None, "error": None, **more}
    names = ["region_dir", ""]
    expected = rows(*((names[at], each) for at, each in enumerate(said)))
    told = shown(report(region_dir=found), "machine")
    assert told[6 : 6 + len(said)] == expected and told[6 + len(said)] == rows(("seccomp", "off"))[0]


@pytest.mark.parametrize(
    ("sending", "said"),
    [
        ({"ok": True, "nothing": "disabled"}, [("", "disabled: nothing is sent")]),
        ({"ok": False, "error": "abacus"}, [("error", "abacus"), ("result", "not taken")]),
        (
            {
                "ok": False,
                "trace_id": "ff",
                "attempts": 3,
                "connect_seconds": None,
                "round_trip_seconds": None,
                "status": None,
                "error": "refused",
                "hint": "start one",
            },
            [
                ("trace", "ff"),
                ("attempts", "3"),
                ("error", "refused"),
                ("hint", "start one"),
                ("result", "not taken"),
            ],
        ),
        (
            {
                "ok": False,
                "trace_id": "ff",
                "attempts": 2,
                "connect_seconds": 0.0,
                "round_trip_seconds": 0.0,
                "status": 200,
                "rejected": 1,
                "words": "no room",
            },
            [
                ("trace", "ff"),
                ("connected", "in 0.00 ms"),
                ("answer", "HTTP 200 in 0.00 ms"),
                ("attempts", "2"),
                ("it says", "no room"),
                ("result", "the receiver rejected it"),
            ],
        ),
    ],
)
def test_what_came_of_the_span_as_it_is_shown(sending: dict[str, Any], said: list[tuple[str, str]]) -> None:
    told = shown(report(sending={"url": "http://h", **sending}), "sending a span")
    assert told == rows(("to", "http://h"), *said)


# ---- The machine ----


def with_files(monkeypatch: pytest.MonkeyPatch, **files: str) -> None:
    """In place of the system's, which are empty but for these; __ in names for a slash."""
    texts = {f"/{name.replace('__', '/')}": text for name, text in files.items()}
    monkeypatch.setattr(machine, "_read", lambda path: texts.get(path, ""))


@pytest.mark.parametrize(
    ("groups", "least"),
    [
        ("0::/", None),
        ("0::/a/b", 300),
        ("0::/c", 200),
        ("0::/c:d", 50),
        ("1:cpu:/a\n2:memory,hugetlb:/m\n", 100),
        ("1:cpu:/a\n", None),
    ],
)
def test_the_least_limit_of_the_groups_around_counts(
    groups: str, least: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {
        "proc__self__cgroup": groups,
        "sys__fs__cgroup__a__b/memory.max": "max\n",
        "sys__fs__cgroup__a/memory.max": "300\n",
        "sys__fs__cgroup__unified__c/memory.max": "200\n",
        "sys__fs__cgroup__c:d/memory.max": "50\n",
        "sys__fs__cgroup__memory__m/memory.limit_in_bytes": "100\n",
        "sys__fs__cgroup__memory//memory.limit_in_bytes": "9223372036854771712\n",
    }
    with_files(monkeypatch, **files)
    assert machine.facts()["memory"] == least


@pytest.mark.parametrize(
    ("status", "mode"),
    [
        ("Name: x\nSeccomp:\t0\nSeccomp_filters:\t2\n", "off"),
        ("Seccomp:\t1\n", "strict"),
        ("Seccomp:\t2\n", "filter"),
        ("Seccomp:\t7\n", None),
        ("Name: x\n", None),
    ],
)
def test_what_the_kernel_says_of_seccomp(
    status: str, mode: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_files(monkeypatch, proc__self__status=status)
    assert machine.facts()["seccomp"] == mode


MOUNTS = """\
20 1 0:1 / / rw - ext4 /dev/sda rw
21 20 0:2 / /run rw shared:5 - tmpfs tmpfs rw
22 20 0:3 / /dev rw - devtmpfs udev rw
23 22 0:4 / /dev/shm rw - tmpfs tmpfs rw
24 23 0:5 / /dev/shm rw - ramfs ramfs rw
25 20 0:6 / /r\\040n rw - tmpfs tmpfs rw
"""


def test_which_file_system_a_path_is_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """That of the longest place above it; of two at one place the last lies on top."""
    with_files(monkeypatch, proc__self__mountinfo=MOUNTS)
    monkeypatch.setattr("os.path.realpath", lambda path: path)
    monkeypatch.setattr("os.path.exists", lambda path: path != "/run/not/there")
    monkeypatch.setattr("os.statvfs", lambda path: type("Facts", (), {"f_bavail": len(path), "f_frsize": 10}))
    kinds = {
        path: machine.room(path)["file_system"] for path in ("/", "/runs", "/run/x", "/dev/shm", "/r n/x")
    }
    assert kinds == {
        "/": "ext4",
        "/runs": "ext4",
        "/run/x": "tmpfs",
        "/dev/shm": "ramfs",
        "/r n/x": "tmpfs",
    }
    assert machine.room("/run/not/there")["free"] == 10 * len("/run/not")
    tmpfs = machine.facts()["tmpfs"]
    assert tmpfs["/dev/shm"] is None and tmpfs["/run"]["free"] == 10 * len("/run")
