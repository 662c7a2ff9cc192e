"""A server as a process of its own, what it answered, and what arrived from it."""

from __future__ import annotations

import fcntl
import http.client
import os
import re
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

from child import environment
from clock import until
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from scripted import Receiver

HERE = Path(__file__).parent


class Arrived(NamedTuple):
    """A span, by who recorded it."""

    name: str
    pid: int
    instance: str
    """service.instance.id"""


def arrived(receiver: Receiver) -> list[Arrived]:
    found = []
    for request in receiver.requests:
        for resource in ExportTraceServiceRequest.FromString(request.body).resource_spans:
            identity = {each.key: each.value.string_value for each in resource.resource.attributes}
            for scope in resource.scope_spans:
                for span in scope.spans:
                    pid = next(each.value.int_value for each in span.attributes if each.key == "pid")
                    found.append(Arrived(span.name, pid, identity["service.instance.id"]))
    return found


def each_has_its_own_instance(spans: list[Arrived]) -> bool:
    """A process has one service.instance.id, and no other process has that."""
    pairs = {(span.pid, span.instance) for span in spans}
    return len(pairs) == len({pid for pid, _ in pairs}) == len({instance for _, instance in pairs})


def connects(connection: http.client.HTTPConnection) -> bool:
    """A server may say that it is there a moment before it listens."""
    try:
        connection.connect()
    except ConnectionRefusedError:
        return False
    return True


class Server:
    """A command that serves http on a port which `listening`, a pattern of its log, tells."""

    def __init__(self, receiver: Receiver, *command: str, listening: str = "", **settings: str) -> None:
        self._listening = listening
        self._output = os.memfd_create("log")
        # Without it processes that write at once share one position, and no lock on it: a line is lost.
        fcntl.fcntl(self._output, fcntl.F_SETFL, os.O_APPEND)
        self.answered: dict[str, int] = {}
        """Paths, and the process that answered each."""
        variables = environment({"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url, "PYTHONUNBUFFERED": "1"})
        self.process = subprocess.Popen(
            command, env=variables | settings, cwd=HERE, stdout=self._output, stderr=subprocess.STDOUT
        )

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *error: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self._output)

    def log(self) -> str:
        return os.pread(self._output, os.fstat(self._output).st_size, 0).decode()

    def says(self, pattern: str, times: int = 1) -> bool:
        """Waits until its log does."""
        return until(lambda: len(re.findall(pattern, self.log())) >= times, 30)

    def port(self) -> int:
        assert self.says(self._listening), self.log()
        found = re.search(self._listening, self.log())
        assert found is not None
        return int(found.group(1))

    def get(self, path: str) -> int:
        """The process that answered."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port(), timeout=30)
        try:
            assert until(lambda: connects(connection), 30), self.log()
            connection.request("GET", f"/{path}")
            answer = connection.getresponse()
            pid = int(answer.read())
            assert answer.status == 200
        finally:
            connection.close()
        self.answered[path] = pid
        return pid

    def get_until(self, prefix: str, workers: int, known: Collection[int] = ()) -> set[int]:
        """Asks until so many workers that are not `known` have answered, and each of them twice."""
        answers: Counter[int] = Counter()
        deadline = time.monotonic() + 30
        while len(answers) < workers or min(answers.values()) < 2:
            assert time.monotonic() < deadline, self.log()
            pid = self.get(f"{prefix}{len(self.answered)}")
            if pid not in known:
                answers[pid] += 1
            time.sleep(0.005)
        return set(answers)

    def stop(self) -> int:
        """Asks it to end, as a process manager does. Its exit status."""
        self.process.send_signal(signal.SIGTERM)
        assert until(lambda: self.process.poll() is not None, 30), self.log()
        return self.process.wait()
