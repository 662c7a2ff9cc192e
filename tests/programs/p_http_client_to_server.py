# concurrent
# port
"""A traced HTTP client calls a traced WSGI server in another thread: one trace across both."""

import os
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

from opentelemetry import baggage, context, trace
from opentelemetry.instrumentation.urllib import URLLibInstrumentor
from opentelemetry.instrumentation.wsgi import OpenTelemetryMiddleware

tracer = trace.get_tracer("http")
PORT = int(os.environ["PROGRAM_PORT"])


def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    with tracer.start_as_current_span(f"handle {environ['PATH_INFO']}") as span:
        span.set_attribute("baggage", str(baggage.get_baggage("user")))
    if environ["PATH_INFO"] == "/broken":
        raise RuntimeError("broken")
    start_response(
        "404 Not Found" if environ["PATH_INFO"] == "/missing" else "200 OK", [("Content-Length", "4")]
    )
    return [b"body"]


class Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass

    def get_stderr(self) -> Any:
        return open(os.devnull, "w")


URLLibInstrumentor().instrument()
server = make_server("127.0.0.1", PORT, OpenTelemetryMiddleware(app), handler_class=Quiet)
thread = threading.Thread(target=server.serve_forever, args=(0.02,))
thread.start()
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
with tracer.start_as_current_span("client"):
    token = context.attach(baggage.set_baggage("user", "alice"))
    for path in ("/found", "/missing", "/broken"):
        try:
            with opener.open(f"http://127.0.0.1:{PORT}{path}") as answer:
                print(path, answer.status, answer.read())
        except urllib.error.HTTPError as error:
            print(path, error.code)
            error.close()
    context.detach(token)
server.shutdown()
thread.join()
server.server_close()
try:
    opener.open(f"http://127.0.0.1:{PORT}/gone")
except urllib.error.URLError as error:
    print(type(error.reason).__name__)
URLLibInstrumentor().uninstrument()
