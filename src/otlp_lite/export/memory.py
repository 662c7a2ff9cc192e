"""A carrier that keeps each body in a list: for tests of programs that are traced."""

from __future__ import annotations

from .._native import core
from .http import Drained


class Memory:
    """Accepts everything. `bodies` holds an ExportTraceServiceRequest each."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []

    def open(self, timeout: float) -> bool:
        return True

    def drain(
        self, region: core.Region, max_bytes: int, max_records: int, timeout: float, until: int
    ) -> Drained:
        done = 0
        while (batch := region.collect(max_bytes, max_records)) is not None:
            done += batch.records
            self.bodies.append(batch.tobytes())
            batch.acknowledge()
            if until and done >= until:
                break
        return None, None, done

    def exchange(self, batch: core.Batch, timeout: float) -> core.Answer:
        answer = core.Answer()
        answer.feed(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        self.bodies.append(batch.tobytes())
        return answer

    def usable(self) -> float:
        return 0.0

    def interrupt(self) -> None:
        pass

    def close(self) -> None:
        pass
