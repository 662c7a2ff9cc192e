"""Which tests cover which file: the narrowest first. Each file that is mutated has its row."""

from __future__ import annotations

from fnmatch import fnmatch

C_FOLDERS = ("encode", "region", "record", "http")
PYTHON = "src/otlp_lite"

_OPEN = ("open", "open_end", "open_table", "open_damage")
_REGION = (
    "region",
    "bounds",
    "tables",
    "batch",
    "segments",
    "unanswered",
    "recover",
    "steps",
    *_OPEN,
    "damage",
    "threads",
    "places",
)
C_TESTS: dict[str, tuple[str, ...]] = {
    "csrc/encode/json.c": ("json", "decimal"),
    "csrc/encode/decimal.c": ("decimal", "powers"),
    "csrc/encode/resource.c": ("encode",),
    "csrc/encode/value.c": ("encode", "scratch"),
    "csrc/encode/span.c": ("encode", "glance", "steps", "open", "batch"),
    "csrc/record/scratch.c": ("scratch", "encode"),
    "csrc/record/compose.c": ("encode", "scratch"),
    "csrc/record/id.c": ("id",),
    "csrc/record/ticks.c": ("slewed_clock", "ticks"),
    "csrc/http/answer.c": ("http",),
    "csrc/region/open.c": _OPEN,
    "csrc/region/image.c": ("recover", "image", "bounds", *_OPEN, "damage"),
    "csrc/region/recover.c": ("recover", "bounds", *_OPEN, "damage", "deaths"),
    "csrc/region/seal.c": ("recover", "bounds", *_OPEN, "damage"),
    "csrc/region/*.c": _REGION,
}
"""Programs of tests/c, without test_."""

_SETTINGS = ("test_config.py", "test_sampling.py", "test_settings.py")
_FACE = ("test_implicit.py", "test_face.py", "test_stats.py")
_DISCREET = ("test_config.py", "test_discretion.py", *_SETTINGS[1:], "test_proxy.py")
_EXPORT = ("test_export.py", "test_face.py", "test_bad_answers.py")
_WORKER = (
    "test_unanswered.py",
    "test_export.py",
    "test_outage.py",
    "test_face.py",
    "test_deadlines.py",
    "test_restart.py",
)
PYTHON_TESTS: dict[str, tuple[str, ...]] = {
    "assemble.py": (*_FACE, "test_restart.py", "test_termination.py"),
    "config.py": _DISCREET,
    "parse.py": _SETTINGS,
    "proxy.py": ("test_proxy.py",),
    "export/http.py": ("test_https.py", "test_protocol.py", "test_proxy.py", *_EXPORT),
    "export/retry.py": _EXPORT,
    "export/worker.py": (*_WORKER, "test_bad_answers.py", "test_protocol.py", "servers/test_fork.py"),
    "export/health.py": _WORKER,
    "export/*.py": _EXPORT,
    "traces/sampling.py": ("test_sampling.py",),
    "traces/limits.py": ("test_sampling.py",),
    "traces/processor.py": ("test_processors.py",),
    "traces/*.py": ("test_traced.py", "test_generators.py"),
    "resource/*.py": ("test_resource.py",),
    "slots/*.py": ("test_recover_slots.py", "test_region_dir.py", "test_region_dir_bounds.py"),
    "cli/left.py": ("test_recover_cli.py", "test_recover_damage.py"),
    "cli/recover.py": ("test_recover_cli.py", "test_recover_damage.py"),
    "cli/sending.py": ("test_recover_cli.py", "test_recover_damage.py"),
    "cli/lint.py": ("check/test_lint.py",),
    "check/reports.py": ("check/test_lint.py",),
    "check/files.py": ("check/test_lint.py",),
    "check/*.py": ("check/test_marked.py",),
    "children.py": ("test_exit.py", "servers/test_multiprocessing.py"),
    "termination.py": ("test_termination.py",),
    "cli/doctor.py": ("test_doctor_text.py", "test_doctor.py"),
    "cli/machine.py": ("test_doctor_text.py", "test_doctor.py"),
    "cli/waterfall.py": ("test_waterfall.py", "test_receive.py"),
    "cli/*.py": ("test_receive_bounds.py", "test_receive.py"),
    "*.py": _FACE,
}
"""Of tests/behaviour; with a folder, of tests."""

LEFT_OUT = {
    "cli/demo*.py": "a program to look at: its test takes half a minute, and what it prints is for people",
    "_native/*.py": "goes into the extensions with the Cython, whose build takes a minute",
    "__main__.py": "a table of commands, each of which is a program of its own",
}


def tests_of(file: str, table: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    for pattern, tests in table.items():
        if fnmatch(file, pattern):
            return tests
    raise ValueError(f"{file}: no tests are named for it")


def left_out(file: str) -> bool:
    """Of a file in PYTHON."""
    return any(fnmatch(file, pattern) for pattern in LEFT_OUT)
