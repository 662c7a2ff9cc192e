"""Each marked line of bad/ is found with its codes, and no other; of good/, which looks alike, nothing is."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from otlp_lite.check.codes import TITLES
from otlp_lite.check.module import check

from .marked import HERE, MARK, found, marked

BAD, GOOD = (sorted((HERE / folder).glob("*.py")) for folder in ("bad", "good"))
LIKE = {
    "used_in_time": ("OTL001",),
    "ended_once": ("OTL002",),
    "ended": ("OTL003", "OTL004"),
    "kept": ("OTL005", "OTL006"),
    "suspended_safely": ("OTL007", "OTL008"),
    "conditions": (),
    "values": (),
    "handled": (),
    "current": (),
    "rivals": (),
    "no_tracers": (),
    "names": (),
    "ways": (),
    "rival_modules": (),
    "no_word_of_it": (),
}
"""Files of good/, and what their functions look like."""
FORMS: dict[str, type[ast.AST] | tuple[type[ast.AST], ...]] = {
    "sync": ast.FunctionDef,
    "async": ast.AsyncFunctionDef,
    "loop": (ast.For, ast.AsyncFor, ast.While),
    "try": ast.Try,
    "with": (ast.With, ast.AsyncWith),
    "match": ast.Match,
    "walrus": ast.NamedExpr,
}
ALL = {*FORMS, "method", "nested", "early return"}


def functions(tree: ast.AST, around: ast.AST | None = None) -> Iterator[tuple[ast.AST, set[str]]]:
    """Each function, and the forms that it has."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            below = list(ast.walk(node))
            forms = {form for form, kinds in FORMS.items() if any(isinstance(each, kinds) for each in below)}
            forms -= {"sync"} if isinstance(node, ast.AsyncFunctionDef) else {"async"}
            forms |= {"method"} if isinstance(around, ast.ClassDef) else set()
            forms |= {"nested"} if isinstance(around, (ast.FunctionDef, ast.AsyncFunctionDef)) else set()
            branches = [
                each for each in below if isinstance(each, (ast.If, ast.ExceptHandler, ast.match_case))
            ]
            if any(isinstance(each, ast.Return) for branch in branches for each in ast.walk(branch)):
                forms.add("early return")
            yield node, forms
        scope = isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
        yield from functions(node, node if scope else around)


def marked_functions(text: str) -> Iterator[tuple[str, set[str]]]:
    """The codes of each innermost function that has a mark, and its forms."""
    lines = text.splitlines()
    for node, forms in functions(ast.parse(text)):
        assert isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        inner = {
            line
            for each in ast.walk(node)
            if isinstance(each, (ast.FunctionDef, ast.AsyncFunctionDef)) and each is not node
            for line in range(each.lineno, (each.end_lineno or 0) + 1)
        }
        for at in range(node.lineno, (node.end_lineno or 0) + 1):
            if at not in inner and (mark := MARK.search(lines[at - 1])):
                yield from ((code, forms) for code in mark[1].split())


@pytest.mark.parametrize("file", BAD, ids=lambda file: file.stem)
def test_each_marked_line_is_found_and_no_other(file: Path) -> None:
    text = file.read_text("utf-8")
    assert marked(text)
    assert found(text) == marked(text)


@pytest.mark.parametrize("file", GOOD, ids=lambda file: file.stem)
def test_nothing_is_found_in_what_looks_alike(file: Path) -> None:
    assert found(file.read_text("utf-8")) == set()


def test_there_are_as_many_look_alikes() -> None:
    bad = {
        (file, node.lineno)
        for file in BAD
        for node, _ in functions(ast.parse(file.read_text("utf-8")))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        if any(
            MARK.search(line) for line in file.read_text("utf-8").splitlines()[node.lineno : node.end_lineno]
        )
    }
    good = [node for file in GOOD for node, _ in functions(ast.parse(file.read_text("utf-8")))]
    print(f"{len(bad)} functions with marks, {len(good)} that look alike")
    assert len(bad) >= 80
    assert len(good) >= len(bad)


@pytest.mark.parametrize("code", [code for code in TITLES if code != "OTL900"])
def test_each_rule_is_tried_on_every_form(code: str) -> None:
    wanted = ALL - {"sync"} if code == "OTL008" else ALL  # only what is async awaits
    forms = [each for file in BAD for told, each in marked_functions(file.read_text("utf-8")) if told == code]
    assert wanted - set().union(*forms) == set()
    (file,) = [file for file in GOOD if code in LIKE[file.stem]]
    assert wanted - set().union(*(each for _, each in functions(ast.parse(file.read_text("utf-8"))))) == set()


def test_a_mark_that_is_wrong_and_one_that_is_missing_are_told() -> None:
    text = (HERE / "bad/ended_twice.py").read_text("utf-8")
    assert found(text) != marked(text.replace("# bad: OTL002", "", 1))
    assert found(text) != marked(re.sub(r"(\n +work\(\))", r"\1  # bad: OTL002", text, count=1))
    repaired = text.replace("    span.end()  # bad: OTL002\n", "", 1)
    assert len(found(repaired)) == len(marked(text)) - 1


MESSAGES = {
    'span = tracer.start_span("a")\nspan.end()\nspan.add_event("b")': (
        'span "a" is used after its end, of line 2: add_event()'
    ),
    "span = tracer.start_span(name)\nspan.end()\nspan.end()": (
        "span is ended again: its end is that of line 2"
    ),
    'with tracer.start_as_current_span(name="a") as s:\n    s.end()': (
        'span "a" is ended here, and again by the `with` of line 1'
    ),
    'span = tracer.start_span("a")': 'span "a" is never ended',
    'span = tracer.start_span("a")\nif x:\n    return\nspan.end()': (
        'span "a" is not ended on each path: where line 3 returns'
    ),
    'span = tracer.start_span("a")\nif x:\n    raise x\nspan.end()': (
        'span "a" is not ended on each path: where line 3 raises'
    ),
    'span = tracer.start_span("a")\nif x:\n    span.end()': (
        'span "a" is not ended on each path: where the function comes to its end'
    ),
    'span = tracer.start_span("a")\nif x:\n    span.end()\nspan = None': (
        'span "a" is not ended on each path: its name is given to something else at line 4'
    ),
    'span = tracer.start_span("a")\nif x:\n    x(span)\n    return\nspan = None': (
        'span "a" is not ended on each path: its name is given to something else at line 5'
    ),
    'span = tracer.start_span("a")\nif x: return span.end()\nwith trace.use_span(span): x()\nspan = 1': (
        'span "a" is not ended on each path: its name is given to something else at line 4'
    ),
    'span = tracer.start_span("a")\nif x:\n    with trace.use_span(span, end_on_exit=x): x()': (
        'span "a" is not ended on each path: where the function comes to its end'
    ),
    'span = tracer.start_span("a")\nif x:\n    with span: x()': (
        'span "a" is not ended on each path: where the function comes to its end'
    ),
    'span = tracer.start_span("a")\nx()\nspan.end()': 'span "a" is not ended if what stands at line 2 raises',
    'span = tracer.start_span("a")\nyield\nspan.end()': (
        'span "a" is not ended if what stands at line 2 is cancelled or closed'
    ),
    'tracer.start_span("a")': 'span "a" is started and thrown away',
    'otlp_lite.SpanBuilder("a")': 'builder "a" is made and thrown away, not started',
    'b = otlp_lite.SpanBuilder("a")': 'builder "a" is never started',
    'b = otlp_lite.SpanBuilder("a")\nb.start().end()\nb.with_attribute("c", 1)': (
        'builder "a" is used after its start, of line 2: with_attribute()'
    ),
    'tracer.start_as_current_span("a")': 'span "a" never becomes current: `with` is missing',
    'm = tracer.start_as_current_span("a")': 'span "a" never becomes current: nothing enters it',
    'tracer.start_as_current_span("a").__enter__()': (
        'span "a" is entered, but what would leave it is thrown away'
    ),
    'with tracer.start_as_current_span("a"):\n    yield': (
        "the generator yields while the span of line 1 is current: so it is for whoever iterates, too"
    ),
}


@pytest.mark.parametrize("body", MESSAGES)
def test_messages_name_the_span_and_the_lines(body: str) -> None:
    head = "import otlp_lite\nfrom opentelemetry import trace\ntracer = trace.get_tracer(__name__)\n"
    head += "def f(x, name):\n"
    lines = [f"    {line}\n" for line in body.split("\n")]
    told = [finding.message for finding in check((head + "".join(lines)).encode()).findings]
    expected = re.sub(r"line (\d+)", lambda line: f"line {int(line[1]) + 4}", MESSAGES[body])
    assert expected in told


def test_columns_count_characters_whatever_divides_lines_elsewhere() -> None:
    head = "import otlp_lite\nx = 'a\x0cb\u2028c\x1cd'\ndef f(): "
    (finding,) = check((head + 'é = "ü"; otlp_lite.span("a")\n').encode()).findings
    assert (finding.at.line, finding.at.column) == (3, 19)


@pytest.mark.parametrize(
    ("comment", "told"),
    [
        ("ignore[X]", "'X'"),
        ("ignore[]", "''"),
        ("ignore [OTL003", "'[OTL003'"),
        ("ignore OTL003", "'OTL003 without brackets'"),
        ("ignore: otl003", "'otl003 without brackets'"),
    ],
)
def test_what_a_comment_has_in_place_of_codes_is_told(comment: str, told: str) -> None:
    (finding,) = check(f"x = 1  # otlp: {comment}\n".encode()).findings
    assert finding.message.startswith(f"the comment ignores {told}, which is no code: there are OTL001, ")


def test_the_column_of_a_comment_is_where_it_begins() -> None:
    (finding,) = check(b"x = 1  # otlp: ignore[none]\n").findings
    assert (finding.code, finding.at.line, finding.at.column) == ("OTL900", 1, 8)


def test_a_coding_is_obeyed() -> None:
    source = '# coding: latin-1\nimport otlp_lite\ndef f(): é = "ü"; otlp_lite.span("ö")\n'
    (finding,) = check(source.encode("latin-1")).findings
    assert (finding.at.column, finding.message.split()[1]) == (19, '"ö"')


def test_more_ways_than_are_followed_are_given_up_on_in_silence() -> None:
    tests = "".join(f"    if x{at}: a{at} = True\n    else: a{at} = False\n" for at in range(12))
    uses = "".join(f"    if a{at}: g({at})\n" for at in range(12))
    head = "from opentelemetry import trace\ntracer = trace.get_tracer(__name__)\ndef f():\n"
    source = (
        f"{head}    span = tracer.start_span('a')\n{tests}{uses}\ndef g(x):\n    tracer.start_span('b')\n"
    )
    checked = check(source.encode())
    assert [finding.code for finding in checked.findings] == ["OTL005"]
    assert [each.followed for each in checked.tracked] == [False, True]


@pytest.mark.parametrize("asked", ["x{}", "x{} > 3", "x{} is True", "x{} is None", "not x{}"])
def test_what_is_asked_but_once_makes_no_more_ways(asked: str) -> None:
    once = "".join(f"    if {asked.format(at)}: g({at})\n" for at in range(12))
    head = "from opentelemetry import trace\ntracer = trace.get_tracer(__name__)\n"
    checked = check(f"{head}def f():\n    span = tracer.start_span('a')\n{once}".encode())
    assert [finding.code for finding in checked.findings] == ["OTL003"]
    assert [each.followed for each in checked.tracked] == [True]


def test_spans_are_counted_that_a_function_starts() -> None:
    head = "from opentelemetry import trace\ntracer = trace.get_tracer(__name__)\n"
    body = (
        "def f(given: trace.Span, some):\n"
        "    given.end()\n"
        "    trace.get_current_span().add_event('a')\n"
        "    with trace.use_span(some) as other:\n        other.end()\n"
        "    with tracer.start_as_current_span('a'):\n        pass\n"
        "    tracer.start_span('b').end()\n"
    )
    assert [each.at.line for each in check((head + body).encode()).tracked] == [8, 10]


def test_what_python_warns_of_in_a_module_is_its_own(recwarn: pytest.WarningsRecorder) -> None:
    assert check(b"import otlp_lite\nx = '\\d'\n").findings == []
    assert recwarn.list == []


def followed(function: str) -> bool:
    head = "from opentelemetry import trace\ntracer = trace.get_tracer(__name__)\n"
    (span,) = check((head + function).encode()).tracked
    return span.followed


def test_a_function_is_followed_for_so_many_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("otlp_lite.check.flow.STEPS_MAX", 4)
    function = "def f(x):\n    tracer.start_span('a').end()\n    if x:\n        x()\n"
    assert followed(function + "    x()\n")
    assert not followed(function + "    x()\n    x()\n")


@pytest.mark.parametrize("calls", ["", "    x(1, x(2 if a else 3) if b else 4)\n"])
def test_so_many_ways_are_told_apart(calls: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("otlp_lite.check.expressions.STATES_MAX", 4)
    function = f"def f(x, a, b, c):\n    tracer.start_span('a').end()\n{calls}"
    asked = [f"    if {name}:\n        x()\n" for name in "abc"]
    assert followed(function + "".join(2 * asked[:2]))
    assert not followed(function + "".join(2 * asked))
