"""A Celery application over folders; its task leaves eight threads at work. As a program, it sends tasks."""

from __future__ import annotations

import sys

from celery import Celery

from ledger.program import moment
from ledger.tally import FOLDER, start_threads

folders = {f"data_folder_{way}": str(FOLDER / "queue") for way in ("in", "out")}
folders["control_folder"] = str(FOLDER / "control")
app = Celery("ledger", broker="filesystem://")
app.conf.update(broker_transport_options=folders, broker_connection_retry_on_startup=True)


def work() -> None:
    start_threads(daemon=True)
    moment()


task = app.task(name="work")(work)

if __name__ == "__main__":
    for _ in range(int(sys.argv[1])):
        task.delay()
