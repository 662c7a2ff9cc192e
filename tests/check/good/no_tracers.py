"""Look-alikes of tracers.py: what is known to be something else, or not known at all."""

import opentelemetry.trace
from app import items, telemetry, work
from opentelemetry import trace as api
from opentelemetry.trace import Span

tracer = api.get_tracer(__name__)
text_tracer = "a name"
number_tracer: int = work()


class Recorder:
    def start_span(self, name):
        items.append(name)

    start_as_current_span = start_span

    def end(self):
        items.clear()

    def set_attribute(self, key, value):
        items.append((key, value))

    def itself(self):
        self.start_span("a")
        self.start_as_current_span("a")


class Derived(Recorder):
    def itself_again(self):
        self.start_span("a")


class Holder:
    tracer = Recorder()

    def __init__(self):
        self._tracer = Derived()
        self.my_tracer = self._make()

    def _make(self):
        return Recorder()

    @property
    def asked_tracer(self):
        return Recorder()

    def attributes(self):
        self.tracer.start_span("a")
        self._tracer.start_span("a")
        self.my_tracer.start_span("a")
        self.asked_tracer.start_span("a")

    @classmethod
    def of_the_class(cls):
        cls.tracer.start_span("a")


def make_tracer() -> Recorder:
    return telemetry.make()


def make_another_tracer():
    return Recorder()


def local():
    tracer = Recorder()
    tracer.start_span("a")


def of_functions():
    make_tracer().start_span("a")
    make_another_tracer().start_span("a")


def of_an_annotation(tracer: Recorder, my_tracer: "Recorder", a_tracer: Recorder | None, b_tracer: dict[str, str]):
    tracer.start_span("a")
    my_tracer.start_span("a")
    a_tracer.start_span("a")
    b_tracer.start_span("a")


def of_constants():
    text_tracer.start_span("a")
    number_tracer.start_span("a")
    (dict_tracer := {}).start_span("a")
    dict_tracer.start_span("a")


def of_a_condition(flag):
    tracer = Recorder() if flag else Derived()
    tracer.start_span("a")


def of_another_name(clock, racer):
    clock.start_span("a")
    racer.start_span("a")
    clock.get_racer("a").start_span("a")


def of_another_provider(shop):
    shop.get_tracer_of_parcels("a").start_span("a")


def of_another_leaf(leaf):
    leaf("a")


def a_name_that_hides_the_module_s(tracer=Recorder()):
    return tracer


def of_a_loop():
    for tracer in (Recorder(), Recorder()):
        items.append(tracer)


def of_a_span_by_another_annotation(span: Recorder, other: "re.Match[str]"):
    span.end()
    span.set_attribute("a", 1)
    other.end()
    return other.span()


def of_no_annotation(span):
    span.end()
    span.set_attribute("a", 1)


def of_the_current_span_that_is_not_kept():
    opentelemetry.trace.get_current_span().end()
    opentelemetry.trace.get_current_span().set_attribute("a", 1)


def a_parameter_that_is_given_anew(span: Span):
    span.end()
    span = work()
    span.set_attribute("a", 1)


def a_parameter_that_may_be_none(span: Span | None):
    if span is None:
        return
    span.set_attribute("a", 1)
    span.end()


def a_local_name_of_a_function_of_the_api(use_span, attach):
    use_span("a")
    attach("a")


class Body:
    tracer.start_span("a").end()
    span = tracer.start_span("of the class")
