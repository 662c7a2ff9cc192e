"""Spans that one condition starts and another of the same outcome ends."""

from app import Color, end_of, run, work
from opentelemetry import trace
from opentelemetry.trace import Span

from otlp_lite import get_tracer

tracer = get_tracer(__name__)


def a_flag_that_a_test_set(span=None):
    own = span is None
    if span is None:
        span = tracer.start_span("a")
    try:
        work()
    finally:
        if own:
            span.end()


def a_flag_that_several_tests_set(n):
    if n.x == 1 or n.y == 2:
        span = tracer.start_span("a")
    log = n.x == 1 or n.y == 2
    if log:
        span.end()


def asked_for_truth_itself(n):
    sampled = n.sampled()
    if sampled:
        span = tracer.start_span("a")
    if sampled is True:
        span.end()


def what_it_has_is_asked_twice(response):
    span = tracer.start_span("a")
    streams = hasattr(response, "__iter__")
    if streams:
        return run(response, span)
    if not hasattr(response, "__iter__"):
        span.end()
    return response


def of_which_class_it_is(n):
    span = None
    if n.wanted():
        span = tracer.start_span("a")
    if isinstance(span, Span):
        span.end()


def the_other_way_round(n):
    span = tracer.start_span("a") if n.wanted() else None
    if None is not span:
        span.end()


def none_of_the_valid(n):
    span = tracer.start_span("a") if n.wanted() else trace.INVALID_SPAN
    if span is not trace.INVALID_SPAN:
        span.end()


def one_of_some(span, others):
    span = span or tracer.start_span("a")
    if span not in others:
        span.end()


def a_count(n):
    begun = 0
    if n.wanted():
        span = tracer.start_span("a")
        begun += 1
    if begun:
        span.end()


def a_count_that_is_compared(n):
    if n.count > 0:
        span = tracer.start_span("a")
    if n.count <= 0:
        return
    span.end()


def not_in_and_in(kind):
    if kind in ("a", "b"):
        span = tracer.start_span("a")
    if kind not in ("a", "b"):
        return
    span.end()


def a_loop_until_an_attribute(job):
    span = tracer.start_span("a")
    job.done = False
    try:
        while not job.done:
            if job.last:
                span.end()
                job.done = True
    except BaseException:
        end_of(span)
        raise


def matched_none(n):
    span = None
    if n.wanted():
        span = tracer.start_span("a")
    match span:
        case None:
            pass
        case _:
            span.end()


def matched_by_its_class():
    match tracer.start_span("a") or None:
        case Span() as span:
            span.end()


def matched_under_another_name():
    span = tracer.start_span("a")
    match span:
        case Span() as same:
            same.end()


def matched_each(x: bool):
    span = tracer.start_span("a")
    match x:
        case True:
            span.end()
        case False:
            span.end()


def matched_or_whatever(x):
    span = tracer.start_span("a")
    match x:
        case Color.RED:
            span.end()
        case 1 | _:
            span.end()


def compared_with_false(flag):
    span = tracer.start_span("a")
    ended = False
    if flag:
        span.end()
        ended = True
    if ended == False:
        span.end()


def is_not_true(flag):
    span = tracer.start_span("a")
    ended = False
    if flag:
        span.end()
        ended = True
    if ended is not True:
        span.end()


def own_is_true(x):
    own = x.span is None
    if own:
        span = tracer.start_span("a")
    if own is True:
        span.end()


def given_or_own(own):
    span = own or tracer.start_span("a")
    try:
        work()
    finally:
        if own is None:
            span.end()


def the_first_of_some(rows):
    span = None
    count = 0
    for _ in rows:
        if count == 0:
            span = tracer.start_span("a")
        count += 1
    if count > 0:
        span.end()


def the_first_of_all(rows):
    span = None
    count = 0
    for _ in rows:
        count += 1
        if count == 1:
            span = tracer.start_span("a")
    if span is not None:
        span.end()


def of_one_kind(kind, rows):
    if kind != Color.RED:
        return
    span = tracer.start_span("a")
    for row in rows:
        if kind == row.kind:
            row.seen = True
        if kind != row.kind:
            row.seen = False
    if kind == Color.RED:
        span.end()


def of_a_named_kind(kind, rows):
    span = tracer.start_span("a")
    if kind == "red":
        span.end()
    for row in rows:
        if kind == row.kind:
            row.seen = True
        if kind != row.kind:
            row.seen = False
    if kind != "red":
        span.end()


def of_the_kind_of_all(kind, default, rows):
    span = tracer.start_span("a")
    if kind == default:
        span.end()
    for row in rows:
        if kind == "red":
            row.seen = True
        if kind != "red":
            row.seen = False
    if kind != default:
        span.end()


def a_flag_of_three_values(flag=None):
    span = tracer.start_span("a")
    if flag is True:
        span.end()
    if flag is False:
        span.end()
    if flag is None:
        span.end()


def neither_true_nor(flag=None):
    if flag:
        return
    span = tracer.start_span("a")
    if flag is False:
        span.end()
    if flag is None:
        span.end()


def equal_to_either(flag):
    span = tracer.start_span("a")
    if flag == True:
        span.end()
    if flag == False:
        span.end()


def nothing_of_either_sort(value):
    span = tracer.start_span("a")
    if not value:
        if value is None:
            span.end()
        if value == 0:
            span.end()
    else:
        span.end()


def no_text(value):
    span = tracer.start_span("a")
    if not value:
        if value == "":
            span.end()
        if value is None:
            span.end()
    else:
        span.end()


def what_a_test_gave_is_asked_for_truth_itself(count):
    many = count > 3
    if count > 3:
        span = tracer.start_span("a")
    if many is True:
        span.end()


def counted_down():
    left = 3
    left -= 1
    span = tracer.start_span("a")
    if left == 2:
        span.end()


def the_same_case_twice(command):
    match command:
        case "start":
            span = tracer.start_span("a")
    match command:
        case "start":
            span.end()


def an_expression_of_what_there_is():
    span = tracer.start_span("a")
    not span or span.end()


def the_contrary_of_two_spans(other):
    span = tracer.start_span("a")
    if span is not other:
        work()
    else:
        extra = tracer.start_span("b")
    if span is other:
        extra.end()
    span.end()


def not_true_itself_twice(flag):
    if flag is True:
        work()
    else:
        span = tracer.start_span("a")
    if flag is True:
        return
    span.end()


def a_span_is_true():
    span = tracer.start_span("a")
    if not bool(span):
        tracer.start_span("b")
    span.end()


def none_is_no_span():
    span = None
    if isinstance(span, Span):
        tracer.start_span("a")
    if span is not None:
        work()


def counted_up():
    count = 3
    count += 1
    span = tracer.start_span("a")
    if count == 4:
        span.end()
