"""Conditions that were decided before, and others that look like them."""

from app import items
from opentelemetry import trace

tracer = trace.get_tracer(__name__)


def a_condition_that_changes(flag):
    span = tracer.start_span("a")
    if flag:
        span.end()
    flag = len(items)
    if not flag:
        span.set_attribute("late", 1)  # bad: OTL001
    if span.is_recording():
        span.end()


class Service:
    def an_attribute_that_changes(self):
        span = tracer.start_span("a")
        if self.flag:
            span.end()
        self.flag = len(items)
        if not self.flag:
            span.set_attribute("late", 1)  # bad: OTL001
        if span.is_recording():
            span.end()


def an_element_that_changes(flags):
    span = tracer.start_span("a")
    if flags["a"]:
        span.end()
    flags["a"] = len(items)
    if not flags["a"]:
        span.set_attribute("late", 1)  # bad: OTL001
    if span.is_recording():
        span.end()


def conditions_of_more_parts(one, two):
    span = tracer.start_span("a")
    if one and two:
        span.end()
    if one:
        span.set_attribute("late", 1)  # bad: OTL001
    if not (one and two):
        span.end()


def either_of_two(one, two):
    span = tracer.start_span("a")
    if one or two:
        span.end()
    if not one:
        span.set_attribute("late", 1)  # bad: OTL001
    if not one and not two:
        span.end()


def another_condition(one, two):
    span = tracer.start_span("a")
    if one is None:
        span.end()
    if two is None:
        span.set_attribute("late", 1)  # bad: OTL001
    if one is not None:
        span.end()


def other_values(state):
    span = tracer.start_span("a")
    if state == 1:
        span.end()
    if state != 2:
        span.set_attribute("late", 1)  # bad: OTL001
    if state != 1:
        span.end()


class Flags:
    def in_an_attribute(self):
        span = tracer.start_span("a")
        self.ended = False
        if items:
            span.end()
            self.ended = True
        if self.ended:
            span.end()  # bad: OTL002
        else:
            span.end()


def a_word_that_is_wrong():
    span = tracer.start_span("a")
    outcome = "good"
    if items:
        outcome = "bad"
        span.end()
    if outcome == "bad":
        span.end()  # bad: OTL002
    else:
        span.end()


def a_word_that_changes(outcome):
    span = tracer.start_span("a")
    if outcome == "good":
        span.end()
    outcome = len(items)
    if outcome == "bad":
        span.end()  # bad: OTL002
    if span.is_recording():
        span.end()


def a_flag_that_a_test_set_the_other_way(span=None):
    given = span is not None
    if span is None:
        span = tracer.start_span("a")  # bad: OTL003
    if given:
        span.end()


def a_count_of_none(n):
    begun = 0
    span = tracer.start_span("a")  # bad: OTL003
    begun += 1
    if not begun:
        span.end()


def a_count_that_is_compared_otherwise(n):
    if n.count > 0:
        span = tracer.start_span("a")  # bad: OTL003
    if n.count <= 0:
        span.end()


def matched_where_it_is_not(n):
    span = tracer.start_span("a")  # bad: OTL003
    match span:
        case None:
            span.end()
        case _:
            pass


def matched_once(x: bool):
    span = tracer.start_span("a")  # bad: OTL003
    match x:
        case True:
            span.end()
        case _:
            pass
    if x is True:
        span.set_attribute("late", 1)  # bad: OTL001


def used_whatever_its_class():
    span = tracer.start_span("a")
    span.end()
    if isinstance(span, trace.Span):
        span.set_attribute("late", 1)  # bad: OTL001


def true_otherwise(value):
    span = tracer.start_span("a")
    if value is True:
        span.end()
    elif value:
        span.end()
        span.end()  # bad: OTL002
    else:
        span.end()


def false_otherwise(value):
    if value is False:
        return
    span = tracer.start_span("a")  # bad: OTL003
    if not value:
        return
    span.end()


def a_number_that_is_one(code):
    span = tracer.start_span("a")
    if code:
        if code == 1:
            return span.end()
        span.end()
        span.end()  # bad: OTL002
    else:
        span.end()


def one_of_the_others(count):
    if not count:
        return
    if count == 1:
        return
    span = tracer.start_span("a")  # bad: OTL003
    span.set_attribute("key", 1)


def all_but_the_first(rows):
    count = 0
    for _ in rows:
        count += 1
        if count == 1:
            continue
        span = tracer.start_span("a")  # bad: OTL003
        span.set_attribute("key", 1)


def a_number_that_comes_to_it(count):
    if not count:
        return
    if count == 3:
        return
    span = tracer.start_span("a")  # bad: OTL003
    count += 1
    if count == 3:
        return
    span.end()


def a_number_that_is_over_three(count):
    if count:
        span = tracer.start_span("a")  # bad: OTL003
        if count > 3:
            span.end()


def counted_down():
    left = 3
    left -= 1
    span = tracer.start_span("a")  # bad: OTL003
    if left == 4:
        span.end()


def doubled():
    count = 2
    count *= 2
    span = tracer.start_span("a")  # bad: OTL003
    if count == 0:
        span.end()


def one_less_than_some(count):
    if not count:
        return
    count -= 1
    span = tracer.start_span("a")  # bad: OTL003
    if count:
        span.end()


def one_more_than_any(count):
    count += 1
    span = tracer.start_span("a")  # bad: OTL003
    if count:
        span.end()


def a_number_that_comes_to_two(count):
    if not count:
        return
    count += 1
    if count == 2:
        span = tracer.start_span("a")  # bad: OTL003
        span.set_attribute("key", 1)


def false_is_not_none(flag):
    if flag is False:
        span = tracer.start_span("a")  # bad: OTL003
        if flag is None:
            span.end()


def none_is_of_its_type():
    span = None
    if isinstance(span, type(None)):
        tracer.start_span("a")  # bad: OTL005
    if span is not None:
        items.clear()


def by_its_class(flag):
    span = None
    if flag:
        span = tracer.start_span("a")
    match span:
        case Span():
            span.end()
            span.end()  # bad: OTL002


def one_is_not_true_itself():
    span = tracer.start_span("a")  # bad: OTL003
    number = 1
    if number is True:
        span.end()


def one_is_as_good_as_true():
    span = tracer.start_span("a")  # bad: OTL003
    number = 1
    if number == True:
        return
    span.end()


def a_minus_counts():
    span = tracer.start_span("a")
    code = -1
    if code < 0:
        span.end()
    if code == -1:
        span.end()  # bad: OTL002


def one_of_some_is_one_of_more(mode):
    span = tracer.start_span("a")  # bad: OTL003
    if mode in ("w", "a"):
        span.end()
    if mode in ("a", "r", "w"):
        span.end()  # bad: OTL002


def of_some_one_is_not_all(mode):
    span = tracer.start_span("a")  # bad: OTL003
    if mode in ("w", "a"):
        if mode == "w":
            span.end()
    else:
        span.end()


def a_state_that_no_round_leaves(rows):
    state = "new"
    for row in rows:
        if state == "new":
            span = tracer.start_span("a")  # bad: OTL003
            state = "open"
        elif state == "open" and row.last:
            state = "closed"
    if state == "open":
        span.end()


def counted_down_to_nothing(rows):
    count = 1
    span = tracer.start_span("a")  # bad: OTL003
    for _ in rows:
        count -= 1
    if count > 0:
        span.end()


def a_part_of_a_text(mode):
    span = tracer.start_span("a")
    if mode not in "abc":
        span.end()
    if mode in "abc":
        if mode == "ab":
            span.end()
        span.end()  # bad: OTL002
