"""Names that stand for no tracer and no span, and calls that never return."""

import typing
from argparse import ArgumentParser
from typing import Never, NoReturn
from unittest import TestCase

import typing_extensions
from app import registry, work
from opentelemetry import trace
from opentelemetry.trace import Span
from pytest import exit, skip, xfail

tracer = trace.get_tracer(__name__)
whole = trace.get_tracer("whole")
parser = ArgumentParser()


def after_an_error_of_the_command_line():
    parser.error("no")
    tracer.start_span("a")


def after_an_exit_of_the_command_line():
    parser.exit(1)
    tracer.start_span("a")


def after_what_cannot_be(value):
    typing.assert_never(value)
    tracer.start_span("a")


def after_what_cannot_be_in_older_pythons(value):
    typing_extensions.assert_never(value)
    tracer.start_span("a")


def after_a_skip():
    skip("not here")
    tracer.start_span("a")


def after_an_expected_failure():
    xfail("not yet")
    tracer.start_span("a")


def after_the_end_of_all_tests():
    exit("enough")
    tracer.start_span("a")


def refuse() -> Never:
    raise ValueError


def after_what_is_said_never_to_return():
    refuse()
    tracer.start_span("a")


class Refusing(TestCase):
    @classmethod
    def refuse(cls) -> NoReturn:
        raise ValueError

    @classmethod
    def after_a_method_of_the_class(cls):
        cls.refuse()
        tracer.start_span("a")

    def after_a_skip(self):
        self.skipTest("not here")
        tracer.start_span("a")


class Recorder:
    """A class of this program's own, whose methods bear the API's names."""

    def start_span(self, name):
        registry.add(name)

    @classmethod
    def start_as_current_span(cls, name):
        registry.add(name)

    @classmethod
    def record(cls):
        cls.start_as_current_span("a")


def of_another_registry():
    mine = registry.get_tracer("a")
    mine.start_span("b")


def of_each_other(flag):
    one = flag or two
    two = one
    one.start_span("a")


if registry:

    def chosen():
        return trace.get_tracer("a")

else:

    def chosen():
        return Recorder()


def of_one_of_two():
    mine = chosen()
    mine.start_span("a")


class Owner:
    def mine(self):
        return trace.get_tracer("a")

    def of_another_object(self, other):
        mine = other.mine()
        mine.start_span("a")


class Far(registry.Base):
    """Who knows what it is."""


def of_a_class_elsewhere():
    mine = Far()
    mine.start_span("a")


def a_span_is_not_none(span: Span):
    if span is None:
        tracer.start_span("a")
    work(span)


def the_rest_of_some(items):
    _, *whole = items
    whole.start_span("a")


def each_of_some(items):
    for whole in items:
        whole.start_span("a")


def an_exception():
    try:
        work()
    except ValueError as whole:
        whole.start_span("a")


def assigned_in_a_handler():
    try:
        work()
    except ValueError:
        whole = registry
    whole.start_span("a")


def whatever_there_is(command):
    match command:
        case whole:
            whole.start_span("a")


def a_part_of_what_has_a_name(command):
    match command:
        case [whole] as everything:
            whole.start_span("a")
            registry.add(everything)


def the_rest_of_a_sequence(command):
    match command:
        case [_, *whole]:
            whole.start_span("a")


def the_rest_of_a_mapping(command):
    match command:
        case {"key": 1, **whole}:
            whole.start_span("a")


def a_value_of_a_mapping(command):
    match command:
        case {"key": whole}:
            whole.start_span("a")


class Cancelled(Exception):
    """Of a job."""


def what_another_module_calls_so(job):
    span = tracer.start_span("a")
    try:
        if job.over:
            raise Cancelled("no")
    except Exception:
        span.end()
        return
    span.end()
