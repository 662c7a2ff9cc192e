"""Values that a test says nothing about any more, or never did."""

from app import items, read, work
from opentelemetry import trace

tracer = trace.get_tracer(__name__)


def the_limit_is_another_one(i, limits):
    span = tracer.start_span("a")
    if i < limits[i]:
        span.end()
        return
    span.end()
    i += 1
    if i < limits[i]:
        span.set_attribute("late", 1)  # bad: OTL001


def another_comma(i, text):
    span = tracer.start_span("a")  # bad: OTL003
    if not i < text.find(",", i):
        i += 1
        if i < text.find(",", i):
            return
    span.end()


class Reader:
    def the_end_is_another_one(self):
        span = tracer.start_span("a")
        if self.at > self.ends[self.at]:
            span.end()
            return
        span.end()
        self.at += 1
        if not self.at > self.ends[self.at]:
            span.set_attribute("late", 1)  # bad: OTL001


def counted_up_to_nothing():
    span = tracer.start_span("a")
    k = -5
    span.end()
    while k < 0:
        k += 1
        if k == 0:
            span.set_attribute("late", 1)  # bad: OTL001


def the_first_is_0(rows):
    span = tracer.start_span("a")
    at = -1
    span.end()
    for _ in rows:
        at += 1
        if at == 0:
            span.set_attribute("late", 1)  # bad: OTL001


def a_long_way(lines):
    span = tracer.start_span("a")
    state = "s0"
    for _ in lines:
        if state == "s0":
            state = "s1"
        elif state == "s1":
            state = "s2"
        elif state == "s2":
            state = "s3"
        elif state == "s3":
            state = "s4"
        elif state == "s4":
            state = "s5"
        elif state == "s5":
            state = "s6"
        elif state == "s6":
            state = "s7"
        elif state == "s7":
            state = "s8"
        elif state == "s8":
            state = "s9"
        elif state == "s9":
            state = "s10"
        elif state == "s10":
            state = "s11"
        elif state == "s11":
            state = "s12"
        elif state == "s12":
            state = "s13"
    span.end()
    if state == "s13":
        span.set_attribute("late", 1)  # bad: OTL001


def a_function_within_says_so(run, jobs):
    done = False

    def set_done():
        nonlocal done
        done = True

    span = tracer.start_span("a")  # bad: OTL004
    for job in jobs:
        run(job, set_done)
        if done:
            span.end()
            span.set_attribute("late", 1)  # bad: OTL001
            return
    span.end()


def a_function_within_changes_what_was_asked(run):
    done = read()

    def set_done():
        nonlocal done
        done = True

    span = tracer.start_span("a")  # bad: OTL004
    if not done:
        span.end()
    run(set_done)
    if done:
        span.set_attribute("late", 1)  # bad: OTL001
    if span.is_recording():
        span.end()


state = "old"


def what_all_may_change(run):
    global state
    state = "new"
    span = tracer.start_span("a")
    span.end()
    run()
    if state != "new":
        span.set_attribute("late", 1)  # bad: OTL001


def an_item_of_an_item(state):
    span = tracer.start_span("a")
    state["c"]["on"] = True
    span.end()
    state["c"]["on"] = read()
    if not state["c"]["on"]:
        span.set_attribute("late", 1)  # bad: OTL001


def three_that_are_compared(old, new):
    span = tracer.start_span("a")
    if old == "open":
        span.end()
    if not (old == "open" == new):
        span.set_attribute("late", 1)  # bad: OTL001
    if span.is_recording():
        span.end()


def true_and_another(old, new):
    span = tracer.start_span("a")
    if old is True:
        span.end()
    if not (old is True is new):
        span.set_attribute("late", 1)  # bad: OTL001
    if span.is_recording():
        span.end()


def none_that_is_false(code):
    span = tracer.start_span("a")
    if code == 0:
        span.end()
    if code is False:
        span.set_attribute("late", 1)  # bad: OTL001
    if span.is_recording():
        span.end()


def a_name_with_marks():
    नाम = read()
    span = tracer.start_span("a")  # bad: OTL004
    if नाम == "open":
        span.end()
    नाम = read()
    if नाम != "open":
        span.set_attribute("late", 1)  # bad: OTL001
    if span.is_recording():
        span.end()


def powers(n):
    span = tracer.start_span("a")
    if (-1) ** n > 0:
        span.end()
    if not -1**n > 0:
        span.set_attribute("late", 1)  # bad: OTL001
    if span.is_recording():
        span.end()


def one_of_that_name(x):
    span = tracer.start_span("a")
    if x == 1:
        span.end()
        return
    span.end()
    [span.set_attribute("late", x) for x in items if x == 1]  # bad: OTL001
    work()


def a_text_that_is_not_written(x):
    span = tracer.start_span("a")  # bad: OTL003
    if f"{x.replace(' ', ' ')}" == "a b":
        return
    span.end()


async def what_an_await_may_change(ready):
    done = read()

    def callback():
        nonlocal done
        done = True

    ready.add(callback)
    span = tracer.start_span("a")
    span.end()
    if not done:
        await ready
        if done:
            span.set_attribute("late", 1)  # bad: OTL001


def what_an_iterator_may_change(rows):
    done = read()

    def callback():
        nonlocal done
        done = True

    rows.add(callback)
    span = tracer.start_span("a")
    span.end()
    if not done:
        for _ in rows:
            if done:
                span.set_attribute("late", 1)  # bad: OTL001


def what_a_lock_may_change(lock):
    done = read()

    def callback():
        nonlocal done
        done = True

    lock.add(callback)
    span = tracer.start_span("a")
    span.end()
    if not done:
        with lock:
            if done:
                span.set_attribute("late", 1)  # bad: OTL001


def one_of_these_is_not_true(x):
    span = tracer.start_span("a")
    if x in ("a", "b"):
        span.end()
    if x is not True:
        span.set_attribute("late", 1)  # bad: OTL001
    if span.is_recording():
        span.end()


def zero_is_not_false(x):
    span = tracer.start_span("a")
    if x in (0, ""):
        span.end()
    if x is not False:
        span.set_attribute("late", 1)  # bad: OTL001
    if span.is_recording():
        span.end()


def three_after_a_loop(other):
    state = "a"
    span = tracer.start_span("a")
    span.end()
    for _ in range(3):
        if state == "b":
            other += 1
    if not (state == "a" == other):
        span.set_attribute("late", 1)  # bad: OTL001


def three_with_a_constant(other):
    x = True
    span = tracer.start_span("a")  # bad: OTL003
    if x:
        span.set_attribute("key", 1)
    if x == 1 == other:
        span.end()


def in_and_in(other):
    x = None
    span = tracer.start_span("a")  # bad: OTL003
    if x is None:
        span.set_attribute("key", 1)
    if x in (None, True) in other:
        span.end()


def another_name_says_below(rows):
    at = -2
    span = tracer.start_span("a")
    span.end()
    for _ in rows:
        below = 1
        at += 1
        if at == 0:
            span.set_attribute("late", below)  # bad: OTL001


def a_float_that_begins_below():
    k = -1.0
    span = tracer.start_span("a")
    span.end()
    k += 1
    if k == 0:
        span.set_attribute("late", 1)  # bad: OTL001


def a_number_that_was_asked_for(n):
    span = tracer.start_span("a")
    span.end()
    if n and n <= -1:
        n += 1
        if n == 0:
            span.set_attribute("late", 1)  # bad: OTL001


class Cancelled(BaseException):
    """No Exception."""


def what_an_exception_is_not(job):
    span = tracer.start_span("a")  # bad: OTL003
    try:
        if job.over:
            raise Cancelled("no")
    except Exception:
        span.end()
        return
    span.end()
