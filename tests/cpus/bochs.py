"""`bochs.py VECTORS`: kernels against the scalar ones in an emulated AVX-512 processor, told as JSON.

bochscpu-python 0.3.1 emulates an i5-1135G7, instruction by instruction. The core's csrc/cpu is compiled
without a C library and lies in its memory; nothing is mapped around the buffers. A call returns to a `hlt`,
which user code may not execute: that fault is its end. First each check is shown planted faults, and the
choice of the table operating systems that save less.
"""

from __future__ import annotations

import json
import os
import re
import struct
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import bochscpu
from bochscpu import memory
from bochscpu.cpu import set_long_mode

ROOT = Path(__file__).resolve().parents[2]
KERNELS = tuple(
    re.findall(r"^    X\((\w+)\)", (ROOT / "csrc/cpu/kernels.h").read_text("utf-8"), re.MULTILINE)
)
PAGE = 4096
CODE, TASK, INPUT, OUTPUT, EXPECTED, STACK, RETURN, TABLES = (place << 20 for place in range(1, 9))
ROOM = 3 * PAGE
"""Of a buffer; the pages after it are not there."""
FIELDS = struct.Struct("<QQQQIIIIIII16s16sxxxx")  # struct task of differential.c
WRONG_BYTE, READ_PAST_END = 1, 2
GENERAL_PROTECTION, PAGE_FAULT = 13, 14
X87_AND_SSE, WITH_YMM, WITH_ZMM = 0x03, 0x07, 0xE7
OSFXSR, OSXMMEXCPT, OSXSAVE = 1 << 9, 1 << 10, 1 << 18
READ_AND_WRITE = 1
SEED = 88172645463325252


class Outcome(NamedTuple):
    """Of a task: the vectors that were equal, whether the next was not, and what ended it (0: itself)."""

    table: str
    vectors: int
    wrong: bool
    fault: int


def build(folder: Path) -> tuple[bytes, int]:
    """The code as it lies in memory, with what is zero at first, and where in memory `differential` is."""
    program, image = folder / "program", folder / "image"
    flags = ["-std=c11", "-O2", "-ffreestanding", "-fno-pic", "-fno-stack-protector", f"-I{ROOT / 'csrc'}"]
    flags += ["-nostdlib", "-static", "-no-pie", "-Wl,-z,noseparate-code,--build-id=none,-e,differential"]
    sources = [ROOT / "tests/cpus/differential.c", *sorted((ROOT / "csrc/cpu").rglob("*.c"))]
    compiler = os.environ.get("CC", "gcc")
    subprocess.run([compiler, *flags, f"-Wl,-Ttext={CODE:#x}", "-o", program, *sources], check=True)
    subprocess.run(["objcopy", "-O", "binary", program, image], check=True)
    names = subprocess.run(["nm", program], check=True, capture_output=True, text=True).stdout
    places = {name: int(place, 16) for place, name in re.findall(r"^(\w+) \w (\w+)$", names, re.MULTILINE)}
    return image.read_bytes().ljust(places["_end"] - CODE, b"\0"), places["differential"]


class Machine:
    """The memory, with the code in it, and a processor that calls it."""

    def __init__(self, image: bytes, entry: int) -> None:
        self._entry = entry
        self._tables = memory.PageMapLevel4Table()  # its pages are freed with it
        buffers = [(place, bytes(ROOM)) for place in (INPUT, OUTPUT, EXPECTED, STACK)]
        for start, content in ((CODE, image), (TASK, bytes(PAGE)), (RETURN, b"\xf4"), *buffers):
            for at in range(0, len(content), PAGE):
                memory.page_insert(start + at, memory.allocate_host_page())
                memory.phy_write(start + at, list(content[at : at + PAGE].ljust(PAGE, b"\0")))
                self._tables.insert(start + at, start + at, READ_AND_WRITE)
        for host, guest in self._tables.commit(TABLES):
            memory.page_insert(guest, host)
        self._faults: list[int] = []
        self._session, self._hook = bochscpu.Session(), bochscpu.Hook()
        self._session.missing_page_handler = self._stop
        self._hook.exception = self._exception

    def _stop(self, *_: object) -> None:
        self._session.stop()

    def _exception(self, session: object, processor: int, vector: int, code: int) -> None:
        self._faults.append(vector)
        self._session.stop()

    def _state(self, xcr0: int) -> bochscpu.State:
        """User code in long mode, about to call, where the operating system saves the registers of `xcr0`."""
        state = bochscpu.State()
        set_long_mode(state)
        state.cr4 |= OSFXSR | OSXMMEXCPT | OSXSAVE
        state.cr3, state.xcr0, state.rflags, state.mxcsr = TABLES, xcr0, 2, 0x1F80
        code, data = bochscpu.Segment(), bochscpu.Segment()
        for segment, selector, attributes in ((code, 0x33, 0x22FB), (data, 0x2B, 0xCF3)):
            segment.present, segment.base, segment.limit = True, 0, 0xFFFFFFFF
            segment.selector, segment.attr = selector, attributes
        state.cs, state.ss, state.ds, state.es, state.fs, state.gs = code, *[data] * 5
        state.rip, state.rdi, state.rsp = self._entry, TASK, STACK + ROOM - 64 - 8
        memory.phy_write(state.rsp, list(struct.pack("<Q", RETURN)))
        return state

    def run(
        self, kernel: str, vectors: int, plant: int = 0, asked: str = "avx512", xcr0: int = WITH_ZMM
    ) -> Outcome:
        task = (INPUT + ROOM, OUTPUT + ROOM, EXPECTED, SEED, KERNELS.index(kernel), vectors, plant, *[0] * 4)
        memory.phy_write(TASK, list(FIELDS.pack(*task, asked.encode(), b"")))
        self._faults.clear()
        self._session.cpu.state = self._state(xcr0)
        self._session.run([self._hook])
        *_, done, wrong, _, table = FIELDS.unpack(bytes(memory.phy_read(TASK, FIELDS.size)))
        returned = self._faults == [GENERAL_PROTECTION] and self._session.cpu.rip == RETURN + 1
        return Outcome(
            table.rstrip(b"\0").decode(), done, wrong != 0, 0 if returned else (self._faults or [-1])[0]
        )


def unseen(machine: Machine) -> list[str]:
    """What was planted and not found."""
    missed = []
    for kernel in KERNELS:
        if not machine.run(kernel, 2000, WRONG_BYTE).wrong:
            missed.append(f"{kernel}: a wrong result")
        if machine.run(kernel, 2000, READ_PAST_END).fault != PAGE_FAULT:
            missed.append(f"{kernel}: a read past the end")
    for xcr0, table in ((WITH_ZMM, "avx512"), (WITH_YMM, "avx2"), (X87_AND_SSE, "crc")):
        chosen = machine.run("hex_encode", 100, xcr0=xcr0).table
        if chosen != table:
            missed.append(f"{chosen}, not {table}, where the system saves the registers of {xcr0:#x}")
    return missed


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        machine = Machine(*build(Path(folder)))
    missed = unseen(machine)
    for line in missed:
        print(json.dumps({"missed": line}))
    right = not missed
    for kernel in KERNELS:
        outcome = machine.run(kernel, int(sys.argv[1]))
        right = right and outcome.table == "avx512" and not outcome.wrong and outcome.fault == 0
        print(json.dumps({"kernel": kernel, **outcome._asdict()}), flush=True)
    sys.stdout.flush()
    os._exit(not right)  # the binding tells of leaks at an exit, and of nothing else


if __name__ == "__main__":
    main()
