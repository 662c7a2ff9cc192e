"""uvicorn, which takes SIGTERM over while it serves, and raises it once more when it has shut down."""

from __future__ import annotations

import http.client
import json
import signal
import socket
import sys
from collections import Counter
from typing import Any

from scripted import Receiver

from .serving import Server, arrived, each_has_its_own_instance

ADDRESS = r"running on http://127\.0\.0\.1:(\d+)"
WORKERS = rf"(?s){ADDRESS}.*startup complete"  # they have begun, and not who says it first
PATIENT = ("--timeout-worker-healthcheck", "60")
"""uvicorn kills a worker that does not answer it for five seconds, as on a machine with much else to do."""


def command(*more: str, app: str = "asgi_app:application") -> list[str]:
    """With a port that is free now: of more processes than one uvicorn tells no other."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    return [sys.executable, "-m", "uvicorn", "--port", str(port), *more, app]


def post(port: int, path: str, value: object) -> tuple[int, Any]:
    """The status and the answer, both in JSON."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("POST", path, json.dumps(value), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def test_one_process_sends_the_rest_at_sigterm() -> None:
    with Receiver() as receiver, Server(receiver, *command(), listening=ADDRESS) as server:
        for number in range(20):
            server.get(f"request{number}")
        assert server.stop() in (0, -signal.SIGTERM), server.log()
        assert Counter(span.name for span in arrived(receiver)) == Counter(server.answered.keys())
        assert "Traceback" not in server.log(), server.log()


def test_workers_that_flush_at_the_end_of_their_lifespan_lose_nothing() -> None:
    with (
        Receiver() as receiver,
        Server(receiver, *command("--workers", "2", *PATIENT), listening=WORKERS, FLUSH_AT_END="1") as server,
    ):
        server.get_until("request", 2)
        assert server.stop() in (0, -signal.SIGTERM), server.log()
        spans = arrived(receiver)
        assert Counter((span.name, span.pid) for span in spans) == Counter(server.answered.items()), (
            server.log()
        )
        assert each_has_its_own_instance(spans)


def test_traced_endpoints_and_dependencies_of_fastapi() -> None:
    """FastAPI reads their signatures and whether they are coroutine functions, and calls by name."""
    with (
        Receiver() as receiver,
        Server(receiver, *command(app="fastapi_app:app"), listening=ADDRESS) as server,
    ):
        port = server.port()
        answers = {}
        for kind in ("async", "sync"):
            status, answers[kind] = post(port, f"/{kind}/7?name=me", {"name": "tea"})
            assert status == 200 and answers[kind]["text"] == "7 tea 1.0 me"
            assert post(port, f"/{kind}/seven", {"name": "tea"})[0] == 422
        assert server.stop() in (0, -signal.SIGTERM), server.log()
        spans = {span.name: span for span in receiver.spans()}
        names = Counter(receiver.names())  # beside ours, those that newer FastAPIs record themselves
        assert [names[name] for name in ("customer", "create", "sync")] == [4, 1, 1]
        assert spans["create"].span_id.hex() == answers["async"]["current"]
        assert spans["sync"].span_id.hex() == answers["sync"]["current"]
        assert "Traceback" not in server.log(), server.log()
