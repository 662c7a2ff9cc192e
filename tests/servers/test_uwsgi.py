"""uWSGI: with threads spans are sent as they come; without, at a flush and at a worker's end, as is said."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import pytest
from clock import until
from scripted import Receiver

from .serving import Server, arrived, each_has_its_own_instance

UWSGI = Path(sys.executable).with_name("uwsgi")
LISTENING = r"bound to TCP address 127\.0\.0\.1:(\d+) \(port auto-assigned\)"
COMMAND = ["--http-socket", "127.0.0.1:0", "--virtualenv", sys.prefix, "--pythonpath", ".", "--need-app"]
COMMAND += ["--die-on-term", "--master", "--processes", "2", "--wsgi-file", "wsgi_app.py"]
WARNING = "uWSGI runs without --enable-threads"


@pytest.fixture(autouse=True)
def built() -> None:
    if not UWSGI.exists() and sys.version_info >= (3, 14):
        pytest.skip("uWSGI is not built here")


@pytest.mark.parametrize("options", [[], ["--lazy-apps"]], ids=["", "lazy-apps"])
def test_with_threads_every_answer_has_its_span(options: list[str]) -> None:
    command = [str(UWSGI), *COMMAND, "--enable-threads", *options]
    with (
        Receiver() as receiver,
        Server(receiver, *command, listening=LISTENING, OTEL_BSP_SCHEDULE_DELAY="400") as server,
    ):
        server.get_until("before", 2)
        names = set(server.answered)
        assert until(lambda: names <= set(receiver.names()), 20), server.log()
        server.get_until("after", 2)
        server.stop()
        spans = arrived(receiver)
        assert Counter((span.name, span.pid) for span in spans) == Counter(server.answered.items())
        assert each_has_its_own_instance(spans)
        assert WARNING not in server.log() and "Traceback" not in server.log(), server.log()


def test_without_threads_each_request_may_flush() -> None:
    with (
        Receiver() as receiver,
        Server(receiver, str(UWSGI), *COMMAND, listening=LISTENING, FLUSH_EACH="1") as server,
    ):
        server.get_until("request", 2)
        assert until(lambda: set(receiver.names()) == set(server.answered), 20), server.log()
        server.stop()
        assert Counter(receiver.names()) == Counter(server.answered.keys())


def test_without_threads_a_flush_and_the_end_of_a_worker_send() -> None:
    with (
        Receiver() as receiver,
        Server(receiver, str(UWSGI), *COMMAND, listening=LISTENING, OTEL_BSP_SCHEDULE_DELAY="100") as server,
    ):
        server.get_until("before", 2)
        pid = server.get("flush")
        flushed = {name for name, by in server.answered.items() if by == pid}
        threads = "support is disabled" not in server.log()
        if not threads:
            assert set(receiver.names()) == flushed  # by the caller, before it answered
        server.get_until("after", 2)
        server.stop()
        spans = arrived(receiver)
        assert Counter((span.name, span.pid) for span in spans) == Counter(server.answered.items())
        assert each_has_its_own_instance(spans)
        assert server.log().count(WARNING) == (0 if threads else 1), server.log()
        assert "Traceback" not in server.log(), server.log()
