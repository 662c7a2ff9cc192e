"""Runs a program as a whole process on two SDKs and says in what they disagree."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from .compare import Departure, diff, differences, rendered, undeclared
from .forest import HEX_ID, Fixed, Node, canonical
from .receiver import listening

HERE = Path(__file__).parent
SECOND = 1_000_000_000  # ns
SHOWN = 20  # differences of one program that are told in full
LIMIT = 60.0  # seconds that a program may run; each takes well under two on a free machine


@dataclass(frozen=True)
class Program:
    """A program file and what the comments at its top say about it.

    # env: NAME=value     a variable of its environment
    # exit: N             its exit status, 0 unless said
    # expect: nothing     it exports no span
    # concurrent          its spans start in no fixed order, so that siblings are told apart by content
    # late                its module runs before the SDK is set up, its main() after
    # port                it needs the free TCP port named by PROGRAM_PORT
    """

    path: Path
    env: dict[str, str] = field(default_factory=dict)
    exit: int = 0
    silent: bool = False
    concurrent: bool = False
    late: bool = False
    port: bool = False
    ids: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        return self.path.stem.removeprefix("p_")

    @classmethod
    def read(cls, path: Path) -> Program:
        source = path.read_text("utf-8")
        env: dict[str, str] = {}
        said: dict[str, str] = {}
        for line in source.splitlines():
            if not line.startswith("# "):
                break
            word, _, rest = line[2:].partition(": ")
            if word == "env":
                name, _, value = rest.partition("=")
                env[name] = value
            else:
                said[word] = rest
        unknown = said.keys() - {"exit", "expect", "concurrent", "late", "port"}
        if unknown or said.get("expect", "nothing") != "nothing":
            raise ValueError(f"{path.name}: {said} is not understood")
        return cls(
            path=path,
            env=env,
            exit=int(said.get("exit", 0)),
            silent="expect" in said,
            concurrent="concurrent" in said,
            late="late" in said,
            port="port" in said,
            ids=frozenset(HEX_ID.findall(source.lower())),
        )


@dataclass(frozen=True)
class Run:
    """What one process of a program left behind."""

    bodies: list[bytes]
    stdout: str
    stderr: str
    status: int
    window: tuple[int, int]  # ns, of the wall clock

    def canonical(self, program: Program) -> Node:
        fixed = Fixed(program.ids, self.window, not program.concurrent)
        return canonical(self.bodies, self.stdout, fixed)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


def run(program: Program, sdk: str, port: int = 0) -> Run:
    """The program in a process of its own, under the SDK, exporting to a receiver of its own."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    env |= {"PYTHONHASHSEED": "0", "PYTHONUTF8": "1", "PROGRAM_PORT": str(port)}
    if sdk == "stock":
        env.pop("LD_PRELOAD", None)  # sanitizers look at ours
    command = [sys.executable, str(HERE / "run.py"), *["--late"] * program.late, sdk, str(program.path)]
    with listening() as receiver:
        env |= {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url} | program.env
        started = time.time_ns()
        ended = subprocess.run(
            command,
            env=env,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=LIMIT,
            check=False,
        )
        window = (started - SECOND, time.time_ns() + SECOND)
        return Run(receiver.bodies, ended.stdout, ended.stderr, ended.returncode, window)


def run_both(program: Program, sdks: tuple[str, str]) -> tuple[Run, Run]:
    """Side by side; one after the other if they need the same port."""
    port = free_port() if program.port else 0
    with ThreadPoolExecutor(max_workers=1 if program.port else 2) as pool:
        first, second = pool.map(lambda sdk: run(program, sdk, port), sdks)
    return first, second


def complaints(
    program: Program, sdks: tuple[str, str], runs: tuple[Run, Run], rows: Sequence[Departure]
) -> list[str]:
    """Everything that is wrong with two runs of a program; none if they differ as the rows say."""
    found = []
    first, second = (ended.canonical(program) for ended in runs)
    for sdk, ended, node in zip(sdks, runs, (first, second), strict=True):
        said = f"; stderr:\n{ended.stderr[-2000:]}"
        if ended.status != program.exit:
            found.append(f"{sdk}: exit status {ended.status} instead of {program.exit}{said}")
        if bool(node["spans"]) == program.silent:
            found.append(f"{sdk}: {len(node['spans'])} spans exported{said}")
    apart = undeclared(list(differences(first, second)), rows, sdks)
    if apart:
        found += [*apart[:SHOWN], f"{len(apart)} in all", *diff(first, second, sdks)[: 20 * SHOWN]]
    return found


def main() -> None:
    """python -m programs.harness SDK PROGRAM, from tests/: prints the canonical run."""
    sdk, path = sys.argv[1:]
    program = Program.read(Path(path))
    ended = run(program, sdk, free_port())
    print("\n".join(rendered(ended.canonical(program))))
    print(f"exit status {ended.status}, {len(ended.bodies)} requests, stderr:\n{ended.stderr}")


if __name__ == "__main__":
    main()
