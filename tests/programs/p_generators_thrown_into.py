"""An exception thrown into a generator is the error of the span it is in."""

from collections.abc import Generator

from opentelemetry import trace

tracer = trace.get_tracer("generators")


def answers(name: str) -> Generator[str, None, str]:
    with tracer.start_as_current_span(name) as span:
        while True:
            try:
                yield "ready"
            except KeyError as error:
                span.record_exception(error, {"handled": True})
                yield "recovered"


with tracer.start_as_current_span("outer"):
    for name, error in (
        ("recovers", KeyError("expected")),
        ("fails", ValueError("unexpected")),
        ("exits", SystemExit(3)),
    ):
        generator = answers(name)
        next(generator)
        try:
            print(name, generator.throw(error))
        except BaseException as escaped:
            print(name, repr(escaped))
        generator.close()
    delegated = answers("delegated")
    chain = (answer for answer in delegated)
    print(next(chain))
    chain.close()
    delegated.close()
