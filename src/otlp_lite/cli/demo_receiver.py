"""The demo's receiver, a process of its own: tells what came from whom, with waterfalls already drawn."""

from __future__ import annotations

import sys
import threading

from otlp_lite.cli.demo_child import answer, serve
from otlp_lite.cli.otlp import TracesRequest
from otlp_lite.cli.receive import Log
from otlp_lite.cli.server import Receiver
from otlp_lite.cli.waterfall import Style, service_name


def main(width: str, charset: str, colour: str, waterfalls_per_second: str) -> None:
    log = Log(float(waterfalls_per_second), Style(int(width), charset == "unicode", colour == "colour"))
    ids: dict[str, set[bytes]] = {}

    def on_request(request: TracesRequest) -> None:
        """Spans are counted by id: what is sent twice must not hide what is lost."""
        log.on_request(request)
        for group in request.resource_spans:
            seen = ids.setdefault(service_name(group), set())
            seen.update(span.span_id for scope_spans in group.scope_spans for span in scope_spans.spans)

    receiver = Receiver("127.0.0.1", 0, on_request, log.on_refused)
    threading.Thread(target=receiver.serve_forever, daemon=True).start()
    answer({"url": receiver.url})
    serve({"poll": lambda: {"lines": log.lines(), "spans": {name: len(ids[name]) for name in list(ids)}}})


if __name__ == "__main__":
    main(*sys.argv[1:])
