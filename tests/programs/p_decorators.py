"""A decorated function has a new span each call, also when it calls itself, and keeps its name."""

from collections.abc import Iterator

from opentelemetry import trace

tracer = trace.get_tracer("decorators")


@tracer.start_as_current_span("factorial", attributes={"kind": "recursive"})
def factorial(number: int) -> int:
    """Its own product."""
    trace.get_current_span().set_attribute("number", number)
    return 1 if number == 0 else number * factorial(number - 1)


@tracer.start_as_current_span("fails")
def fails(*arguments: int, **named: int) -> None:
    raise ValueError(f"{arguments} {named}")


@tracer.start_as_current_span("outer decorator", kind=trace.SpanKind.CLIENT)
@tracer.start_as_current_span("inner decorator")
def twice() -> bool:
    return trace.get_current_span().is_recording()


@tracer.start_as_current_span("generator function")
def numbers() -> Iterator[int]:
    tracer.start_span("in the generator").end()
    yield 1


class Service:
    @tracer.start_as_current_span("method")
    def method(self, name: str) -> "Service":
        trace.get_current_span().set_attribute("name", name)
        return self

    @staticmethod
    @tracer.start_as_current_span("static method")
    def static() -> int:
        return 1

    @classmethod
    @tracer.start_as_current_span("class method")
    def of_class(cls) -> str:
        return cls.__name__

    @property
    @tracer.start_as_current_span("property")
    def answer(self) -> int:
        return 42


print(factorial(4), factorial.__name__, factorial.__doc__)
for number in range(2):
    try:
        fails(number, named=1)
    except ValueError as error:
        print(error)
print(twice(), list(numbers()))
service = Service()
print(service.method("a").method("b") is service, Service.static(), Service.of_class(), service.answer)
with tracer.start_as_current_span("caller"):
    factorial(1)
with trace.use_span(tracer.start_span("used"), end_on_exit=True):
    factorial(0)
