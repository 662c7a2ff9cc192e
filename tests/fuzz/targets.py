"""The targets: what each names, how it is run, and the fault that it is first shown."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from platform import machine
from random import Random
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
CORE = ROOT / "csrc"
BUILD = ROOT / "build/fuzz"
CORPUS, CRASHES, PLANTED = BUILD / "corpus", BUILD / "crashes", BUILD / "planted"

TABLES = {
    "avx2": ("cpu/generated/kernels_avx2.c", "cpu/utf8_avx2.c"),
    "avx512": ("cpu/generated/kernels_avx512.c", "cpu/utf8_avx512.c"),
    "crc": ("cpu/crc32c_x86.c",),
    "scalar": ("cpu/kernels_scalar.c",),
}
"""The files of the kernel tables of x86; of another machine the scalar ones alone are named."""


class Fault(NamedTuple):
    """A change of one place in a file of csrc that the target must report."""

    file: str
    right: str
    wrong: str


class Target(NamedTuple):
    """A program of libFuzzer, fuzz_NAME.c."""

    name: str
    files: tuple[str, ...]
    """Of csrc: those whose lines it must reach."""
    fault: Fault
    length: int = 1024
    """Bytes of an input, at most."""
    options: tuple[str, ...] = ()


TARGETS = (
    Target(
        "encode",
        ("encode/span.c", "encode/value.c", "encode/resource.c", "record/scratch.c", "record/compose.c"),
        Fault("record/compose.c", "varint_size(size) - 1))", "0))"),
        2048,
    ),
    Target(
        "recover",
        ("region/image.c", "region/recover.c"),
        Fault("region/seal.c", "return index < count &&", "return count != 0 &&"),
        # What it compares with are checksums: an input that held them would be no damage.
        options=("-use_cmp=0",),
    ),
    Target(
        "open",
        ("region/open.c", "region/seal.c"),
        Fault("region/open.c", "for (size = OPEN_NAME; size != 0 &&", "for (size = OPEN_NAME; size == 0 &&"),
        512,
        options=("-use_cmp=0",),
    ),
    Target(
        "http",
        ("http/answer.c",),
        Fault("http/answer.c", "used < sizeof answer->line)", "used <= sizeof answer->line)"),
    ),
    Target(
        "kernels",
        TABLES["scalar"],
        Fault("cpu/kernels_scalar.c", "lead == 0xe0", "lead == 0xe1"),
        700,
    ),
    Target(
        "json",
        ("encode/json.c", "encode/decimal.c"),
        Fault("encode/json.c", "if (!last && size - at < 4)", "if (!last && size - at < 2)"),
    ),
)


class Outcome(NamedTuple):
    """How a run of a target ended."""

    executions: int
    seconds: float
    report: str
    """What it found; empty when nothing."""
    log: str


def make() -> None:
    command = ["make", "-s", f"-j{os.cpu_count()}", "-C", str(HERE)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def seed(target: Target) -> Path:
    """The target's corpus: what earlier runs found, and inputs that mean something at any rate."""
    folder = CORPUS / target.name
    folder.mkdir(parents=True, exist_ok=True)
    for number, content in enumerate(_seeds(target)):
        (folder / f"seed-{number}").write_bytes(content)
    return folder


def _seeds(target: Target) -> Iterator[bytes]:
    draw = Random(target.name)
    for length in (1, 8, 40, 40, 100, 200, 400):
        yield draw.randbytes(length)
    if target.name == "http":
        yield b"\0\x40\0HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"
        yield b"\0\x40\x04abcdHTTP/1.0 503 No\nRetry-After: 7\nTransfer-Encoding: chunked\n\n2;a\nok\n0\n\n"
        yield b"\0\x40\0\0\0\6\4\0\0\0\0\0"


def command_of(program: Path, target: Target, corpus: Path, seconds: float) -> list[str]:
    return [
        str(program),
        f"-max_total_time={max(1, round(seconds))}",
        f"-max_len={target.length}",
        f"-artifact_prefix={CRASHES / target.name}-",
        *("-print_final_stats=1", "-timeout=20", "-rss_limit_mb=4096", "-verbosity=1"),
        *target.options,
        str(corpus),
    ]


def run(program: Path, target: Target, seconds: float, corpus: Path | None = None) -> Outcome:
    """Fuzzes for so long, or until something is found; the input is kept in build/fuzz/crashes."""
    CRASHES.mkdir(parents=True, exist_ok=True)
    # Each block of an input is its own: what was freed long ago need not be kept apart, nor where it was.
    options = "quarantine_size_mb=16:malloc_context_size=8:detect_stack_use_after_return=0"
    environment = {**os.environ, "ASAN_OPTIONS": options, "UBSAN_OPTIONS": "print_stacktrace=1"}
    log = BUILD / f"{program.parent.name}-{target.name}.log"
    with log.open("w") as file:
        command = command_of(program, target, corpus or seed(target), seconds)
        done = subprocess.run(command, env=environment, stdout=file, stderr=file, timeout=seconds + 300)
    text = log.read_text("utf-8", "replace")
    executions = int((re.findall(r"number_of_executed_units: (\d+)", text) or [0])[-1])
    took = re.search(r"average_exec_per_sec:\s+(\d+)", text)
    rate = int(took[1]) if took else 0
    return Outcome(
        executions, executions / rate if rate else 0.0, reported(text) if done.returncode else "", text
    )


def reported(log: str) -> str:
    """The words of the sanitizer, of a check of the target's, or of libFuzzer."""
    words = r"^(?:.*: not so: .*|.*runtime error: .*|SUMMARY: .*|==\d+==ERROR: .*|.*Test unit written to .*)$"
    return "\n".join(re.findall(words, log, re.MULTILINE)) or log[-2000:] or "it failed without a word"


def planted(target: Target) -> Path:
    """The target built with its fault in the file that it names."""
    fault = target.fault
    code = (CORE / fault.file).read_text("utf-8")
    if code.count(fault.right) != 1:
        raise ValueError(f"{fault.file}: {code.count(fault.right)} times, not once: {fault.right}")
    folder = PLANTED / target.name
    folder.mkdir(parents=True, exist_ok=True)
    source, program = folder / Path(fault.file).name, folder / f"fuzz_{target.name}"
    source.write_text(code.replace(fault.right, fault.wrong), "utf-8")
    checked = BUILD / "checked"
    near = f"-iquote{(CORE / fault.file).parent}"
    command = ["clang", "-std=gnu11", "-O2", "-g", near, f"-I{CORE}", "-fno-sanitize-recover=undefined"]
    command += ["-fsanitize=fuzzer,address,undefined", "-o", str(program), str(source)]
    command += [str(checked / f"fuzz_{target.name}.o"), str(checked / "core.a"), "-lrt", "-lm"]
    subprocess.run(command, check=True)
    return program


def coverage(target: Target) -> dict[str, float]:
    """Of each file that the target names, the percentage of lines that its corpus reaches."""
    program, raw = BUILD / f"reached/fuzz_{target.name}", BUILD / f"{target.name}.profraw"
    data = raw.with_suffix(".profdata")
    environment = {**os.environ, "LLVM_PROFILE_FILE": str(raw)}
    command = [str(program), "-runs=0", *target.options, str(CORPUS / target.name)]
    done = subprocess.run(command, check=True, env=environment, capture_output=True, text=True)
    files = target.files
    if target.name == "kernels" and machine() == "x86_64":
        tables = re.findall(r"^table (\w+)$", done.stderr, re.MULTILINE)
        files = tuple(file for table in tables for file in TABLES.get(table, ()))
    subprocess.run(["llvm-profdata", "merge", "-o", str(data), str(raw)], check=True)
    command = ["llvm-cov", "export", "-summary-only", f"-instr-profile={data}", str(program)]
    told = subprocess.run(
        [*command, *(str(CORE / file) for file in files)], check=True, capture_output=True, text=True
    )
    reached = {Path(each["filename"]).resolve(): each for each in json.loads(told.stdout)["data"][0]["files"]}
    return {file: reached[CORE / file]["summary"]["lines"]["percent"] for file in files}
