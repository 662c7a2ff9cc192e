"""Spans that are ended whatever is raised, and ways on which nothing more is asked."""

import argparse
import asyncio
import unittest
import urllib.error
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from typing import NoReturn

import anyio
import pytest
from app import PermissionError, Refused, db, errors, work, work_async, xmlreader
from opentelemetry.context import attach, detach
from opentelemetry.trace import set_span_in_context

from otlp_lite import get_tracer

tracer = get_tracer(__name__)
parser = argparse.ArgumentParser()


class Base(Exception):
    pass


class Derived(Base):
    pass


class HTTPError(urllib.error.HTTPError):
    pass


class TimeoutError(asyncio.TimeoutError):
    pass


try:
    from app import Missing
except ImportError:

    class Missing(Exception):
        pass


async def both_in_one_handler():
    span = tracer.start_span("a")
    try:
        await work_async()
    except (Exception, asyncio.CancelledError):
        span.end()
        raise
    span.end()


async def one_after_the_other():
    span = tracer.start_span("a")
    try:
        await work_async()
    except asyncio.CancelledError:
        span.end()
        raise
    except Exception as error:
        span.record_exception(error)
        span.end()
        raise
    span.end()


async def as_anyio_calls_it():
    span = tracer.start_span("a")
    try:
        await work_async()
    except anyio.get_cancelled_exc_class():
        span.end()
        raise
    except Exception:
        span.end()
        raise
    span.end()


def closed_at_its_yield(rows):
    span = tracer.start_span("a")
    try:
        yield from rows
    except GeneratorExit:
        span.end()
        raise
    except Exception:
        span.end()
        raise
    span.end()


@asynccontextmanager
async def each_of_three():
    span = tracer.start_span("a")
    try:
        yield span
    except (Exception, asyncio.CancelledError, GeneratorExit):
        span.end()
        raise
    span.end()


def a_class_of_this_module(x):
    span = tracer.start_span("a")
    try:
        if not x:
            raise Derived(x)
    except Base:
        span.end()
        return
    span.end()


def a_class_that_is_not_known_before():
    span = tracer.start_span("a")
    try:
        raise ValueError
    except Refused:
        work()
    except ValueError:
        span.end()


def a_class_by_another_name():
    span = tracer.start_span("a")
    try:
        raise OSError
    except IOError:
        span.end()


def a_parser_that_collects_errors(text):
    span = tracer.start_span("a")
    try:
        xmlreader.error(text)
    finally:
        span.end()


def the_program_ends(x):
    span = tracer.start_span("a")
    if x:
        span.end()
        quit()
    span.end()


def a_test_fails(x):
    span = tracer.start_span("a")
    if x:
        span.end()
        pytest.fail("x")
    span.end()


def what_argparse_refuses(x):
    span = tracer.start_span("a")
    if x:
        span.end()
        parser.error("x")
    span.end()


def what_cannot_be(x):
    span = tracer.start_span("a")
    if x:
        span.end()
    else:
        assert False


class Case(unittest.TestCase):
    def fails(self, x):
        span = tracer.start_span("a")
        if x:
            span.end()
            self.fail("x")
        span.end()

    def _die(self) -> NoReturn:
        raise RuntimeError

    def dies(self, x):
        span = tracer.start_span("a")
        if x:
            span.end()
            self._die()
        span.end()

    def __await__(self):
        with tracer.start_as_current_span("a"):
            return (yield from self.inner.__await__())


async def a_stack_is_entered_at_once():
    span = tracer.start_span("a")
    token = attach(set_span_in_context(span))
    async with AsyncExitStack() as stack:
        stack.callback(span.end)
        stack.callback(detach, token)
        await work_async()


def a_stack_is_closed_before():
    with ExitStack() as stack:
        stack.enter_context(tracer.start_as_current_span("a"))
        work()
        stack.close()
        yield 1


async def an_async_stack_is_closed_before():
    async with AsyncExitStack() as stack:
        stack.enter_context(tracer.start_as_current_span("a"))
        work()
        await stack.aclose()
        yield 1


def what_a_stack_had_is_taken_from_it():
    with ExitStack() as stack:
        stack.enter_context(tracer.start_as_current_span("a"))
        with stack.pop_all():
            work()
        yield 1


def as_what_another_module_calls_so(url):
    span = tracer.start_span("a")
    try:
        raise HTTPError(url, 404, "", {}, None)
    except OSError:
        span.end()


def as_what_has_a_builtin_s_name():
    span = tracer.start_span("a")
    try:
        raise TimeoutError
    except OSError:
        span.end()


def as_what_may_be_another_s():
    span = tracer.start_span("a")
    try:
        raise Missing
    except LookupError:
        span.end()


async def each_way_by_a_handler_of_its_own():
    span = tracer.start_span("a")
    try:
        try:
            yield 1
        except asyncio.CancelledError:
            span.end()
            return
    except GeneratorExit:
        span.end()
        return
    span.end()


def by_a_handler_for_all_that_are_exceptions():
    span = tracer.start_span("a")
    try:
        raise ValueError
    except Exception:
        span.end()


def by_no_handler_of_another_class():
    try:
        raise ValueError
    except KeyError:
        tracer.start_span("a")


class Mine(urllib.error.URLError):
    """As of another module."""


def by_the_handler_of_its_base():
    try:
        raise Mine("no")
    except urllib.error.URLError:
        work()
    except Exception:
        tracer.start_span("a")


def a_builtins_name_that_is_imported():
    span = tracer.start_span("a")
    try:
        raise PermissionError("a ValueError, it may be")
    except ValueError:
        span.end()


def a_builtins_name_of_another_module():
    span = tracer.start_span("a")
    try:
        raise errors.TimeoutError("a RuntimeError, it may be")
    except RuntimeError:
        span.end()


def a_class_within_a_class_of_another_module():
    span = tracer.start_span("a")
    try:
        raise db.User.DoesNotExist("a KeyError, it may be")
    except KeyError:
        span.end()


def another_modules_class_of_the_same_name():
    span = tracer.start_span("a")
    try:
        raise db.Base("a ValueError, it may be")
    except ValueError:
        span.end()


def a_handler_of_another_modules_class_of_the_same_name():
    span = tracer.start_span("a")
    try:
        raise ValueError("or several, it may be")
    except db.Base:
        span.end()


ConnectionError = (OSError, Refused)


def a_builtins_name_that_is_given_to_something_else():
    span = tracer.start_span("a")
    try:
        raise OSError("no")
    except ConnectionError:
        span.end()


cancelled = anyio.get_cancelled_exc_class()


async def by_another_name():
    span = tracer.start_span("a")
    try:
        await work_async()
    except cancelled:
        span.end()
        raise
    except Exception:
        span.end()
        raise
    span.end()
