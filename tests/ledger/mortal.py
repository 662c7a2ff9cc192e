"""A program that records until it is killed, on threads and in children, and says so; or the next start.

On standard output, a line each: `pid.thread.number` once that span has ended, and how many that process's
region has overwritten by then; and what the next start counts, as JSON.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from random import Random

import otlp_lite
from ledger.known import pad, region_size

SEED = os.environ["DEATH_SEED"]


def configure() -> otlp_lite.Telemetry:
    """As the round has it: the same for all its processes."""
    random = Random(f"{SEED} settings")
    return otlp_lite.configure(
        service_name="mortal",
        region_size=region_size(SEED),
        schedule_delay=random.choice((0.005, 0.05, 60.0)),
        max_export_batch_size=random.choice((None, 20)),
        compression=random.choice(("none", "none", "gzip")),
        exit_timeout=20.0,
    )


def record(thread: int) -> None:
    pid = os.getpid()
    random = Random(f"{SEED} {pid} {thread}")
    number = 0
    while True:
        for _ in range(random.randrange(1, 40)):
            name = f"{pid}.{thread}.{number}"
            attributes: dict[str, int | str] = {"number": number, "pad": pad(pid, thread, number)}
            if random.random() < 0.3:
                with tracer.start_as_current_span(name, attributes=attributes):
                    pass
            else:
                tracer.start_span(name, attributes=attributes).end()
            overwritten = telemetry.stats().traces.dropped.get(otlp_lite.DropReason.OVERWRITTEN, 0)
            os.write(1, f"{name} {overwritten}\n".encode())
            number += 1
        if random.random() < 0.3:
            time.sleep(random.uniform(0, 0.005))


def live() -> None:
    """Threads, and children that have threads; each for ever."""
    random = Random(f"{SEED} life")
    for thread in range(random.randrange(1, 5)):
        threading.Thread(target=record, args=(thread,), daemon=True).start()
    for _ in range(random.randrange(3)):
        time.sleep(random.uniform(0, 0.1))
        if os.fork() == 0:
            for thread in range(random.randrange(1, 3)):
                threading.Thread(target=record, args=(thread,), daemon=True).start()
            break
    while True:
        time.sleep(random.uniform(0.001, 0.2))
        if random.random() < 0.5:
            telemetry.force_flush(0.05)


def inherit(folder: str) -> None:
    """Sends what the dead left, until there is nothing."""
    deadline = time.monotonic() + 60
    telemetry.force_flush(60)
    while time.monotonic() < deadline:
        if len([name for name in os.listdir(folder) if name.endswith(".region")]) <= 1:
            break
        time.sleep(0.005)
    stats = telemetry.stats().traces
    os.write(1, json.dumps({**stats._asdict(), "dropped": dict(stats.dropped)}).encode() + b"\n")


telemetry = configure()
tracer = otlp_lite.get_tracer("mortal")

if __name__ == "__main__":
    if sys.argv[1] == "live":
        live()
    else:
        inherit(os.environ["OTLP_LITE_REGION_DIR"])
