"""Values that several tests ask about: what one of them tells, the others know."""

import logging

from app import work

from otlp_lite import get_tracer

tracer = get_tracer(__name__)


def negative_codes(code):
    span = tracer.start_span("a")
    if code == 0:
        span.end()
    if code == -1:
        span.end()
    if code not in (0, -1):
        span.end()


def a_text_and_nothing(status):
    if status != "ok" and status:
        return
    span = tracer.start_span("a")
    if status == "ok":
        span.end()
    if not status:
        span.end()


def counted_to_one_at_least(rows):
    span = None
    count = 0
    for row in rows:
        if count == 0:
            span = tracer.start_span("a")
        count += 1
    if count >= 1:
        span.end()


def one_of_some_or_none_of_all(mode):
    span = tracer.start_span("a")
    if mode == "r":
        span.end()
    if mode in ("w", "a"):
        span.end()
    if mode not in ("r", "w", "a"):
        span.end()


def true_itself_and_not_true(flag):
    span = tracer.start_span("a")
    if flag is True:
        span.end()
    if not flag:
        span.end()
    if flag and flag is not True:
        span.end()


def a_state_of_three(rows):
    state = "new"
    for row in rows:
        if state == "new":
            span = tracer.start_span("a")
            state = "open"
        elif state == "open" and row.last:
            span.end()
            state = "closed"
    if state == "open":
        span.end()


def a_state_of_three_numbers(rows):
    state = 0
    for row in rows:
        if state == 0:
            span = tracer.start_span("a")
            state = 1
        elif state == 1 and row.last:
            span.end()
            state = 2
    if state == 1:
        span.end()


def an_attribute_that_is_two_is_true(self):
    span = None
    if self.mode == 2:
        span = tracer.start_span("a")
    if self.mode:
        if span is not None:
            span.end()


def a_text_is_true(kind):
    span = None
    if kind == "b":
        span = tracer.start_span("a")
    if kind:
        if span:
            span.end()


def zero_is_false(n):
    span = None
    if n == 0:
        span = tracer.start_span("a")
    if not n:
        if span:
            span.end()


def what_is_above_zero_is_true(n):
    span = None
    if n > 0:
        span = tracer.start_span("a")
    if n:
        if span:
            span.end()


def counted_from_below(rows):
    index = -1
    span = None
    for row in rows:
        index += 1
        if index == 0:
            span = tracer.start_span("a")
    if index >= 0:
        span.end()


def a_negative_result(cmd):
    span = tracer.start_span("a")
    code = 0
    try:
        work(cmd)
    except ValueError:
        code = -1
    except BaseException:
        span.end()
        raise
    if code == 0:
        span.end()
    if code == -1:
        span.end()


def a_result_below_zero(cmd):
    span = tracer.start_span("a")
    code = 0
    try:
        work(cmd)
    except ValueError:
        code = -1
    except BaseException:
        span.end()
        raise
    if code < 0:
        span.end()
    if code == 0:
        span.end()


def a_parser_that_is_within(lines):
    state = "outside"
    for line in lines:
        if state == "outside":
            if line == "BEGIN":
                span = tracer.start_span("block")
                state = "inside"
        else:
            if line == "END":
                span.end()
                state = "outside"
    if state == "inside":
        span.end()


def a_text_or_true(mode):
    span = tracer.start_span("a")
    if mode == "all":
        span.end()
    if mode is True:
        span.end()
    if mode != "all" and mode is not True:
        span.end()


def a_state_to_the_last():
    state = "connect"
    span = None
    while state != "done":
        if state == "connect":
            span = tracer.start_span("connect")
            state = "read"
        elif state == "read":
            span.end()
            state = "done"


def a_result_of_two(rows):
    result = "none"
    span = tracer.start_span("a")
    for row in rows:
        if row == "x":
            result = "found"
    if result == "found":
        span.end()
    elif result == "none":
        span.end()


def fewer_than_one(rows):
    errors = 0
    span = tracer.start_span("a")
    for row in rows:
        errors += 1
    if errors < 1:
        span.end()
    if errors:
        span.end()


def counted_from_one(rows):
    n = 1
    span = None
    for row in rows:
        if n == 1:
            span = tracer.start_span("a")
        n += 1
    if n > 1:
        span.end()


def in_batches_of_two(rows):
    n = 0
    span = None
    for row in rows:
        if n == 0:
            span = tracer.start_span("batch")
        n += 1
        if n == 2:
            span.end()
            n = 0
    if n == 1:
        span.end()


def true_or_a_value_or_nothing(verify):
    span = tracer.start_span("a")
    if verify is True:
        span.end()
    elif verify and verify is not True:
        span.end()
    elif not verify:
        span.end()


def a_status_of_two(rows):
    status = 200
    span = tracer.start_span("a")
    for row in rows:
        if row.bad:
            status = 500
    if status == 500:
        span.set_attribute("bad", True)
    if status == 200:
        span.end()
    if status == 500:
        span.end()


def true_or_nothing_first(verify):
    span = tracer.start_span("a")
    if verify is True or not verify:
        span.end()
        return
    if verify is not True:
        span.end()


def none_is_no_text(url):
    kind = None
    if url:
        kind = "x"
    span = tracer.start_span("a")
    if kind == "x":
        span.end()
    if kind is None:
        span.end()


def a_text_is_not_none(url):
    kind = None
    if url:
        kind = "x"
    if kind == "x":
        span = tracer.start_span("a")
    if kind is not None:
        span.end()


def false_is_no_text():
    span = tracer.start_span("a")
    found = False
    if found == "x":
        span.end()
    if not found:
        span.end()


def a_code_or_none(url):
    error = None
    if url:
        error = 404
    span = tracer.start_span("a")
    if error == 404:
        span.end()
    if not error:
        span.end()


def an_error_or_none(url):
    error = None
    span = tracer.start_span("a")
    try:
        url.go()
    except KeyError:
        error = "missing"
    except BaseException:
        span.end()
        raise
    if error == "missing":
        span.set_attribute("error", error)
        span.end()
    if error is None:
        span.end()


def none_is_no_number(url):
    best = None
    if url:
        best = 5
    if best == 5:
        span = tracer.start_span("a")
    if best:
        span.end()


def one_of_lists(value):
    span = None
    if value in ([1], [2]):
        span = tracer.start_span("a")
    if value in ([1], [2]):
        span.end()
    if value == 1:
        work()


def an_item_of_an_item(state):
    span = tracer.start_span("a")
    state["c"]["on"] = "first"
    span.end()
    state["c"]["on"] = "second"
    if state["c"]["on"] == "first":
        span.set_attribute("late", 1)


def none_is_none_of_these(x):
    span = tracer.start_span("a")
    if x is None:
        span.end()
    elif x not in ("a", "b"):
        span.end()
    if x in ("a", "b"):
        span.end()


def one_of_these_is_true(x):
    span = tracer.start_span("a")
    if x in ("a", "b"):
        span.end()
    elif x:
        span.end()
    if not x:
        span.end()


def one_of_these_is_not_none(x):
    span = tracer.start_span("a")
    if x in ("a", "b"):
        span.end()
    elif x is not None:
        span.end()
    if x is None:
        span.end()


def none_or_one_of_these():
    mode = None
    if work():
        mode = "a"
    span = tracer.start_span("a")
    if mode in ("a", "b"):
        span.end()
    if mode is None:
        span.end()


def a_text_that_is_not_written(x, cells):
    cells[f"{x.replace(' ', ' ')}"] = 1
    cells[f"{x.replace('​', ' ')}"] += 1
    while f"{x.replace('　', ' ')}" or x:
        x = x.pop()
    span = tracer.start_span("a")
    span.end()


def within_two_marks(x: f"{'　'}"):
    span = tracer.start_span("a")
    span.end()


def a_variable_of_its_own(user, rows):
    if user:
        span = tracer.start_span("a")
    users = {user: 1 for user in rows}
    if user:
        span.set_attribute("users", len(users))
        span.end()


def what_a_comprehension_asks(x, items):
    span = tracer.start_span("a")
    if x != 1:
        span.end()
    ones = [x for x in items if x == 1]
    if x == 1:
        span.set_attribute("ones", len(ones))
        span.end()


def what_an_end_does_not_change():
    error = None

    def on_error(e):
        nonlocal error
        error = e

    span = tracer.start_span("a")
    try:
        work(on_error)
    finally:
        if error is None:
            span.end()
        if error is not None:
            span.record_exception(error)
            span.end()


def what_no_log_changes(ok):
    def fail():
        nonlocal ok
        ok = False

    fail()
    span = tracer.start_span("a")
    if not ok:
        span.end()
    logging.info("done")
    if ok:
        span.end()


def a_name_of_a_function_further_in():
    done = False

    def outer():
        done = False

        def inner():
            nonlocal done
            done = True

        return inner, done

    outer()()
    span = tracer.start_span("a")
    if not done:
        span.end()
    if done:
        span.end()


def none_is_one_of_these(x):
    span = tracer.start_span("a")
    if x is None:
        span.end()
    if x not in (None, "a"):
        span.end()
    elif x is not None:
        span.end()


def one_of_one(x):
    span = tracer.start_span("a")
    if x in (None,):
        span.end()
    if x is not None:
        span.end()
