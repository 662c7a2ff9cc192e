"""Names that stand for tracers and spans, and calls that return."""

from typing import ClassVar, NoReturn, Optional
from unittest import TestCase

from app import Imported, log, model, parser
from opentelemetry import trace
from opentelemetry.trace import Span

tracer = trace.get_tracer(__name__)


def after_an_error_of_some_parser():
    parser.error("no")
    tracer.start_span("a")  # bad: OTL005


def after_something_else_of_it():
    parser.feed("text")
    tracer.start_span("a")  # bad: OTL005


def after_what_fails_elsewhere():
    model.fail("some")
    tracer.start_span("a")  # bad: OTL005


def after_a_method_of_nobody(self):
    self.fail("some")
    tracer.start_span("a")  # bad: OTL005


class Refusing(TestCase):
    def refuse(self) -> NoReturn:
        raise ValueError

    def after_a_method_of_another(self, other):
        other.refuse()
        tracer.start_span("a")  # bad: OTL005

    def after_a_check(self):
        self.check()
        tracer.start_span("a")  # bad: OTL005


def by_walrus():
    (mine := trace.get_tracer("a")).start_span("b")  # bad: OTL005


class Owner:
    held: ClassVar[trace.Tracer]

    @classmethod
    def mine(cls):
        return trace.get_tracer("a")

    @classmethod
    def by_a_method_of_the_class(cls):
        mine = cls.mine()
        mine.start_span("a")  # bad: OTL005

    def by_an_attribute_of_the_class(self):
        self.held.start_span("a")  # bad: OTL005


class Inheriting(Imported):
    """Perhaps a tracer."""


class Mine(trace.Tracer):
    """A tracer."""


class Other(Mine):
    """One, too."""


def of_an_imported_class():
    Inheriting().start_as_current_span("a")  # bad: OTL006


def of_a_class_of_such():
    Other().start_as_current_span("a")  # bad: OTL006


def of_a_class_by_annotation(mine: Mine):
    mine.start_span("a")  # bad: OTL005


def of_an_annotation_that_is_not_known(mine: Imported):
    mine.start_as_current_span("a")  # bad: OTL006


def of_a_dotted_one(mine: model.Mine):
    mine.start_as_current_span("a")  # bad: OTL006


def of_any_object(mine: object):
    mine.start_as_current_span("a")  # bad: OTL006


def returned(flag):
    if flag:
        return trace.get_tracer("a")


def returned_in_a_branch():
    mine = returned(log)
    mine.start_span("a")  # bad: OTL005


def nothing():
    return None


def of_one_that_is_not_none():
    mine = nothing() or trace.get_tracer("a")
    mine.start_span("a")  # bad: OTL005


def a_span_or_none(span: Span | None):
    if span is None:
        tracer.start_span("a")  # bad: OTL005


def a_span_that_is_optional(span: Optional[Span]):
    if span is None:
        tracer.start_span("a")  # bad: OTL005


def by_walrus_in_an_assignment():
    other = (mine := trace.get_tracer("a"))
    mine.start_span("b")  # bad: OTL005
    log(other)


def by_walrus_in_one_with_an_annotation():
    other: object = (mine := trace.get_tracer("a"))
    mine.start_span("b")  # bad: OTL005
    log(other)


def by_walrus_in_another():
    log(other := (mine := trace.get_tracer("a")))
    mine.start_span("b")  # bad: OTL005
    log(other)
