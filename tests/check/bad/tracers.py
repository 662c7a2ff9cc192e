"""The ways in which a tracer, a span or a leaf is known: in each a span is thrown away, or used late."""

import typing
from typing import Annotated, Final, Optional, Union

import opentelemetry.trace
import opentelemetry.trace as ot
from app import items, telemetry, work
from opentelemetry import trace as api
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import Span, Tracer, get_tracer_provider
from opentelemetry.trace import get_tracer as tracer_of
from opentelemetry.trace.propagation import get_current_span

import otlp_lite
import otlp_lite as ol
from otlp_lite import SpanBuilder as Builder
from otlp_lite import get_tracer as ours
from otlp_lite import span as current

LATER = None
PROVIDER = TracerProvider()
FINAL: Final[Tracer] = work()


def set_up():
    global LATER
    LATER = api.get_tracer("later")


def by_a_global_that_is_set_later():
    LATER.start_span("a")  # bad: OTL005


def by_the_module():
    opentelemetry.trace.get_tracer("x").start_span("a")  # bad: OTL005


def by_the_module_under_another_name():
    ot.get_tracer("x").start_span("a")  # bad: OTL005


def by_an_import_under_another_name():
    tracer_of("x").start_span("a")  # bad: OTL005


def by_ours():
    ours("x").start_span("a")  # bad: OTL005
    ol.get_tracer("x").start_span("a")  # bad: OTL005
    otlp_lite.get_tracer("x").leaf("a")  # bad: OTL005


def by_an_import_within():
    from opentelemetry.trace import get_tracer

    get_tracer("x").start_span("a")  # bad: OTL005


def by_a_provider():
    PROVIDER.get_tracer("x").start_span("a")  # bad: OTL005


def by_the_provider_that_is_set():
    get_tracer_provider().get_tracer("x").start_span("a")  # bad: OTL005


def by_a_provider_that_is_given(source: ot.TracerProvider):
    source.get_tracer("x").start_span("a")  # bad: OTL005


def by_annotation(one: Tracer, two: api.Tracer, three: "Tracer", four: otlp_lite.Tracer):
    one.start_span("a")  # bad: OTL005
    two.start_span("a")  # bad: OTL005
    three.start_span("a")  # bad: OTL005
    four.start_span("a")  # bad: OTL005


def by_an_annotation_with_none(one: Tracer | None, two: Optional[Tracer], three: Union[None, Tracer]):
    one.start_span("a")  # bad: OTL005
    two.start_span("a")  # bad: OTL005
    three.start_span("a")  # bad: OTL005


def by_an_annotation_with_more(one: Annotated[Tracer, "the one"], *, two: typing.Optional["api.Tracer"] = None):
    one.start_span("a")  # bad: OTL005
    two.start_span("a")  # bad: OTL005
    FINAL.start_span("a")  # bad: OTL005


def by_an_annotated_name():
    mine: Tracer = work()
    mine.start_span("a")  # bad: OTL005


def by_or(given=None):
    mine = given_tracer = PROVIDER.get_tracer("x") or None
    mine.start_span("a")  # bad: OTL005
    given_tracer.start_span("a")  # bad: OTL005
    (FINAL or PROVIDER.get_tracer("y")).start_span("a")  # bad: OTL005


def by_a_conditional_expression(flag):
    mine = api.get_tracer("x") if flag else api.get_tracer("y")
    mine.start_span("a")  # bad: OTL005


def by_walrus():
    if mine := api.get_tracer("x"):
        mine.start_span("a")  # bad: OTL005


def by_a_tuple():
    mine, name = api.get_tracer("x"), "a"
    mine.start_span(name)  # bad: OTL005


def by_none_first(flag):
    mine = None
    if flag:
        mine = api.get_tracer("x")
    mine.start_span("a")  # bad: OTL005


def makes_one():
    return api.get_tracer("x")


def makes_one_or_none(flag):
    if flag:
        return None
    return api.get_tracer("x")


def makes_one_by_annotation() -> Tracer:
    return telemetry.make()


def by_functions():
    makes_one().start_span("a")  # bad: OTL005
    makes_one_or_none(False).start_span("a")  # bad: OTL005
    makes_one_by_annotation().start_span("a")  # bad: OTL005


def by_its_name(tracer, my_tracer):
    tracer.start_span("a")  # bad: OTL005
    my_tracer.start_span("a")  # bad: OTL005
    telemetry.tracer.start_span("a")  # bad: OTL005
    telemetry.get_tracer("x").start_span("a")  # bad: OTL005


def by_the_name_of_the_method(whatever):
    whatever.start_as_current_span("a")  # bad: OTL006
    whatever[0].start_as_current_span("a")  # bad: OTL006


class Own(Tracer):
    """A tracer that is defined here."""

    def twice(self):
        self.start_span("a")  # bad: OTL005


def by_a_class():
    mine = Own()
    mine.start_span("a")  # bad: OTL005


class Base:
    of_the_class = api.get_tracer("x")
    annotated: Tracer

    def __init__(self, given: Tracer):
        self.given = given
        self.made = self._make()
        self.leaf = ol.get_tracer("x").bind_leaf(work)

    def _make(self):
        return api.get_tracer("x")

    @property
    def asked(self):
        return api.get_tracer("x")


class Middle(Base):
    pass


class Service(Middle):
    def by_attributes(self):
        self.of_the_class.start_span("a")  # bad: OTL005
        self.annotated.start_span("a")  # bad: OTL005
        self.given.start_span("a")  # bad: OTL005
        self.asked.start_span("a")  # bad: OTL005

    @classmethod
    def by_the_class(cls):
        cls.of_the_class.start_span("a")  # bad: OTL005

    def nested(self):
        def inner():
            self.given.start_span("a")  # bad: OTL005

        return inner


class Alone(Base):
    def by_a_method(self):
        self._make().start_span("a")  # bad: OTL005
        self.made.start_span("a")  # bad: OTL005


class Made:
    def __init__(self):
        self.one = self._one()

    def _one(self):
        return api.get_tracer("x")

    def by_what_a_method_made(self):
        self.one.start_span("a")  # bad: OTL005
        self._one().start_span("a")  # bad: OTL005


def by_a_leaf_of_an_attribute():
    leaf = ol.get_tracer("x").bind_leaf(work)
    leaf("a")  # bad: OTL005


def of_other_names():
    current("a")  # bad: OTL006
    Builder("a")  # bad: OTL005


def a_span_by_annotation(one: Span, two: "Span", three: Optional[Span], four: api.Span | None, *, five: ol.LiveSpan):
    one.end()
    one.set_attribute("late", 1)  # bad: OTL001
    two.end()
    two.set_attribute("late", 1)  # bad: OTL001
    three.end()
    three.set_attribute("late", 1)  # bad: OTL001
    four.end()
    four.set_attribute("late", 1)  # bad: OTL001
    five.end()
    five.event("late")  # bad: OTL001


def a_span_by_an_annotated_name():
    span: Span = work()
    span.end()
    span.set_attribute("late", 1)  # bad: OTL001


def the_current_span_of_the_propagation():
    span = get_current_span()
    span.end()
    span.set_attribute("late", 1)  # bad: OTL001


def a_span_of_use_span(given):
    with api.use_span(given, end_on_exit=True) as span:
        work(items)
    span.set_attribute("late", 1)  # bad: OTL001


def by_a_default(one=api.get_tracer("x"), *, two=api.get_tracer("y")):
    one.start_span("a")  # bad: OTL005
    two.start_span("a")  # bad: OTL005


class SetLater:
    tracer = None

    def by_its_name(self):
        self.tracer.start_span("a")  # bad: OTL005
