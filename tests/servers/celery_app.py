"""A Celery application over folders: a span a task. Run as a program, it sends ten tasks."""

from __future__ import annotations

import os
import sys

from celery import Celery
from opentelemetry import trace

import otlp_lite

folder = os.environ["FOLDER"]
app = Celery("tasks", broker="filesystem://")
app.conf.update(
    broker_transport_options={
        "data_folder_in": f"{folder}/queue",
        "data_folder_out": f"{folder}/queue",
        "control_folder": f"{folder}/control",
    },
    broker_connection_retry_on_startup=True,
)
otlp_lite.configure(service_name="tasks")


@otlp_lite.traced
def work(number: int) -> None:
    span = trace.get_current_span()
    span.update_name(f"task {number}")
    span.set_attribute("pid", os.getpid())


task = app.task(name="work")(work)

if __name__ == "__main__":
    for number in range(int(sys.argv[1])):
        task.delay(number)
