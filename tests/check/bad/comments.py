"""Comments that ignore what there is not."""

from opentelemetry import trace

tracer = trace.get_tracer(__name__)


def an_unknown_code():
    span = tracer.start_span("a")  # otlp: ignore[OTL999]  # bad: OTL003 OTL900
    span.set_attribute("key", 1)


def a_known_one_and_an_unknown_one():
    span = tracer.start_span("a")  # otlp: ignore[OTL003, F401]  # bad: OTL900
    span.set_attribute("key", 1)


def no_code_in_brackets():
    span = tracer.start_span("a")  # otlp: ignore[]  # bad: OTL003 OTL900
    span.set_attribute("key", 1)


def a_prefix():
    span = tracer.start_span("a")  # otlp: ignore[OTL]  # bad: OTL003 OTL900
    span.set_attribute("key", 1)


def another_code():
    span = tracer.start_span("a")  # otlp: ignore[OTL001]  # bad: OTL003
    span.set_attribute("key", 1)


def on_another_line():
    # otlp: ignore[OTL003]
    span = tracer.start_span("a")  # bad: OTL003
    span.set_attribute("key", 1)


def a_bracket_that_is_open():
    span = tracer.start_span("a")  # otlp: ignore[OTL003  # bad: OTL003 OTL900
    span.set_attribute("key", 1)


def no_brackets():
    span = tracer.start_span("a")  # otlp: ignore OTL003  # bad: OTL003 OTL900
    span.set_attribute("key", 1)


def another_command():
    span = tracer.start_span("a")  # otlp: ignore-next-line  # bad: OTL003
    span.set_attribute("key", 1)


def another_word():
    span = tracer.start_span("a")  # otlp: ignored  # bad: OTL003
    span.set_attribute("key", 1)


def a_colon_for_brackets():
    span = tracer.start_span("a")  # otlp: ignore: OTL003  # bad: OTL003 OTL900
    span.set_attribute("key", 1)


def other_brackets():
    span = tracer.start_span("a")  # otlp: ignore (OTL003)  # bad: OTL003 OTL900
    span.set_attribute("key", 1)


def in_small_letters():
    span = tracer.start_span("a")  # otlp: ignore otl003  # bad: OTL003 OTL900
    span.set_attribute("key", 1)


def a_comma_at_the_end():
    span = tracer.start_span("a")  # otlp: ignore[OTL003,]
    span.set_attribute("key", 1)


def on_the_line_below():
    span = tracer.start_span("a")  # bad: OTL003
    # otlp: ignore[OTL003]
    span.set_attribute("key", 1)


def brackets_behind_a_colon():
    span = tracer.start_span("a")  # otlp: ignore: [OTL003]  # bad: OTL003 OTL900
    span.set_attribute("key", 1)


def a_comma_before_the_code():
    span = tracer.start_span("a")  # otlp: ignore, OTL003  # bad: OTL003 OTL900
    span.set_attribute("key", 1)


def a_dash_before_the_code():
    span = tracer.start_span("a")  # otlp: ignore - OTL003  # bad: OTL003 OTL900
    span.set_attribute("key", 1)


def curly_brackets():
    span = tracer.start_span("a")  # otlp: ignore {OTL003}  # bad: OTL003 OTL900
    span.set_attribute("key", 1)


def a_code_with_a_dash():
    span = tracer.start_span("a")  # otlp: ignore OTL-003  # bad: OTL003 OTL900
    span.set_attribute("key", 1)


def another_comment_behind_it():
    span = tracer.start_span("a")  # otlp: ignore # OTL003, see below  # bad: OTL003 OTL900
    span.set_attribute("key", 1)
