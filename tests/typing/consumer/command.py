"""A command line that is traced, and says what became of its spans."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence

import otlp_lite
from otlp_lite import ConfigurationError, DropReason, SpanLimits, WaitTimeout, traced
from otlp_lite.traces.sampling import ParentBased, TraceIdRatioBased


@traced("lines", leaf=True)
def lines(text: str) -> Iterator[str]:
    yield from text.splitlines()


class Counter:
    total: int = 0

    @traced
    def add(self, line: str) -> int:
        self.total += len(line)
        return self.total

    @traced
    @staticmethod
    def name() -> str:
        return "counter"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("text")
    parser.add_argument("--endpoint", default="http://127.0.0.1:4318")
    options = parser.parse_args(arguments)
    try:
        telemetry = otlp_lite.configure(
            service_name="count",
            endpoint=options.endpoint,
            sampler=ParentBased(TraceIdRatioBased(1.0)),
            limits=SpanLimits(max_events=4),
            exit_timeout=0.2,
        )
    except ConfigurationError as error:
        parser.error(str(error))
    counter = Counter()
    for line in lines(options.text):
        counter.add(line)
    ended = otlp_lite.SpanBuilder(counter.name()).with_attributes({"total": counter.total}).start().end()
    try:
        ended.wait(0.1)
    except WaitTimeout:
        print("not in time")
    traces = telemetry.stats().traces
    print(counter.total, traces.recorded, traces.dropped.get(DropReason.OVERWRITTEN, 0))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
