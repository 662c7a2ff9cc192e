"""Where a small fault can be put: an operator, a constant, a condition, a statement."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from fnmatch import fnmatch
from typing import NamedTuple


class Mutant(NamedTuple):
    """One change of one file's text."""

    file: str
    """From the root."""
    start: int
    end: int
    new: str
    kind: str

    def line(self, source: str) -> int:
        return source.count("\n", 0, self.start) + 1

    def apply(self, source: str) -> str:
        return source[: self.start] + self.new + source[self.end :]

    def name(self, source: str) -> str:
        """The same for as long as the line's text is, wherever it stands."""
        first = source.rfind("\n", 0, self.start) + 1
        line = source[first : source.find("\n", self.start)]
        at = self.start - first
        old = " ".join(source[self.start : self.end].split())
        return (
            f"{self.file}: {' '.join(line.split())} [{old or 'nothing'} at {at} -> {self.new or 'nothing'}]"
        )


class Passed(NamedTuple):
    """Places where a kind of fault is none."""

    files: str
    line: str
    """An expression; a match of it in the line."""
    kinds: tuple[str, ...]
    reason: str


PASSED_OVER = (
    Passed(
        "csrc/record/ticks.c",
        r"\bMILLISECOND\b|_M(AX|IN)\b|16 \*|>> 10|> ticks->floor|told > ns|rate > |passed < |uint64_t most ",
        ("constant", "bound"),
        "a tolerance, or the later of two times: one nanosecond or tick more is the same",
    ),
    Passed(
        "csrc/record/compose.c",
        r"\bfits\(",
        ("constant",),
        "an upper bound: with a byte more, a block is found too small a byte earlier, and a larger one taken",
    ),
    Passed(
        "csrc/region/batch.c",
        r"\bwork->(?:item|run|segment)_max = ",
        ("constant",),
        "the share of the work area that an array has: what no longer fits goes with the next batch",
    ),
    Passed(
        "csrc/region/*.c",
        r"uint32_t signal = 0; signal < SIGNALS",
        ("operator", "bound", "constant"),
        "of the signals that a slot has room for, spans are the first, and the only ones yet",
    ),
    Passed(
        "csrc/region/batch.c",
        r"size_t overhead = |return entry->size \+ bytes|uint32_t before = |^ +uint32_t references = ",
        ("constant",),
        "what a batch will take at most: the last record may come with the next one",
    ),
    Passed(
        "csrc/encode/span.c",
        r"return text.length == 0 \? 0 : text_field_bound|^enum ",
        ("constant",),
        "an upper bound of a span's bytes",
    ),
    Passed(
        "csrc/region/*.c",
        r"\b(?:free|open)_hint = ",
        ("constant",),
        "where looking for a free one begins: all are looked at",
    ),
    Passed(
        "src/otlp_lite/cli/waterfall.py",
        r"style\.width - \d+",
        ("constant",),
        "how much of a line is left for names",
    ),
    Passed("csrc/region/table.c", r"\d{8}u", ("constant",), "a hash's constants: another is as good"),
)


def _passed_over(mutant: Mutant, source: str) -> bool:
    first = source.rfind("\n", 0, mutant.start) + 1
    line = source[first : source.find("\n", mutant.start)]
    return any(
        fnmatch(mutant.file, passed.files) and mutant.kind in passed.kinds and re.search(passed.line, line)
        for passed in PASSED_OVER
    )


# ---- C ----

_APART = re.compile(
    r"""//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|^\s*#[^\n]*""", re.DOTALL | re.M
)
_OLD = "<  <= >  >= == != + - / % & | ^ << >> && || += -= |= &= ++ --"
_NEW = "<= <  >= >  != == - + * * | & | >> << || && -= += &= |= -- ++"
SWAPS = dict(zip(_OLD.split(), _NEW.split(), strict=True))
_BINARY = re.compile(r"(?<= )(<=|>=|==|!=|<<|>>|&&|\|\||\+=|-=|\|=|&=|[<>+\-/%&|^])(?=[ \n])")
_STEP = re.compile(r"\+\+|--")
_NUMBER = re.compile(r"(?<![\w.])(0x[0-9a-fA-F]+|\d+)(?=[uUlL]*\b)")
_TRUTH = re.compile(r"\b(true|false)\b")
_NOT = re.compile(r"!(?=[\w(])")
_CONDITION = re.compile(r"\b(?:if|while) (?=\()")
_STATEMENT = re.compile(
    r"^ +((?:\+\+|--)?[\w>\-.*()\[\]&]+(?: [-+|&^]?= [^;\n]*|\+\+|--)|\w+\([^;\n]*\));$", re.M
)
_DECLARES = re.compile(r"(?:return|goto|case|else|struct|enum|const|static|uint\w+|size_t|bool|int|void)\b")


def of_c(file: str, source: str, lines: set[int]) -> list[Mutant]:
    """Those on the lines that are given."""
    code = _APART.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), source)
    found = [mutant for mutant in _of_c(file, code) if mutant.line(code) in lines]
    return sorted(mutant for mutant in found if not _passed_over(mutant, code))


def _of_c(file: str, code: str) -> Iterator[Mutant]:
    for match in (*_BINARY.finditer(code), *_STEP.finditer(code)):
        new = SWAPS[match.group()]
        yield Mutant(file, *match.span(), new, _kind(match.group(), new))
    for match in _NUMBER.finditer(code):
        yield Mutant(file, *match.span(1), str(int(match[1], 0) + 1), "constant")
    for match in _TRUTH.finditer(code):
        yield Mutant(file, *match.span(), "false" if match[1] == "true" else "true", "constant")
    for match in _NOT.finditer(code):
        yield Mutant(file, *match.span(), "", "condition")
    for match in _CONDITION.finditer(code):
        end = _closing(code, match.end())
        yield Mutant(file, match.end(), end, f"(!{_flat(code[match.end() : end])})", "condition")
    for match in _STATEMENT.finditer(code):
        if not _DECLARES.match(match[1]):
            yield Mutant(file, *match.span(1), "", "statement")


def _kind(old: str, new: str) -> str:
    """Of an operator: a bound is one that is the same but where both sides are."""
    return "bound" if old.rstrip("=") == new.rstrip("=") and old[0] in "<>" else "operator"


def _closing(code: str, opening: int) -> int:
    """Past the bracket that closes the one here."""
    depth = 0
    for at in range(opening, len(code)):
        depth += (code[at] == "(") - (code[at] == ")")
        if depth == 0:
            return at + 1
    raise ValueError(f"nothing closes the bracket at {opening}")


def _flat(text: str) -> str:
    return " ".join(text.split())


# ---- Python ----


def _table(rows: str) -> dict[type[ast.AST], tuple[str, str]]:
    """Of ast's name of an operator, how it is written, and what it becomes."""
    split = [row.split() for row in rows.split(",")]
    return {getattr(ast, name): (old.replace("_", " "), new.replace("_", " ")) for name, old, new in split}


_COMPARISONS = _table(
    "Eq == !=, NotEq != ==, Lt < <=, LtE <= <, Gt > >=, GtE >= >, "
    "Is is is_not, IsNot is_not is, In in not_in, NotIn not_in in"
)
_ARITHMETIC = _table(
    "Add + -, Sub - +, Mult * /, Div / *, FloorDiv // *, Mod % *, "
    "BitAnd & |, BitOr | &, LShift << >>, RShift >> <<"
)
_LOGIC = _table("And and or, Or or and")


class _Finder(ast.NodeVisitor):
    """Of what functions do: no annotation, no docstring, no text for people."""

    def __init__(self, file: str, source: str) -> None:
        self._file, self._source = file, source
        self._starts = [0]
        for line in source.splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))
        self._lines = source.splitlines()
        self._within = 0
        self.found: list[Mutant] = []

    def _at(self, line: int, column: int) -> int:
        """Columns count bytes."""
        return self._starts[line - 1] + len(self._lines[line - 1].encode()[:column].decode())

    def _span(self, node: ast.expr | ast.stmt) -> tuple[int, int]:
        assert node.end_lineno is not None and node.end_col_offset is not None
        return self._at(node.lineno, node.col_offset), self._at(node.end_lineno, node.end_col_offset)

    def _add(self, start: int, end: int, new: str, kind: str) -> None:
        if self._within:
            self.found.append(Mutant(self._file, start, end, new, kind))

    def _swap(self, left: ast.expr, right: ast.expr, pair: tuple[str, str], kind: str) -> None:
        """The operator between two expressions, in brackets or not."""
        start, end = self._span(left)[1], self._span(right)[0]
        words = r"\s+".join(map(re.escape, pair[0].split()))
        match = re.search(rf"(?<![\w<>=!/]){words}(?![\w<>=/])", self._source[start:end])
        if match:
            self._add(start + match.start(), start + match.end(), pair[1], kind)

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        body = node.body[1:] if ast.get_docstring(node) is not None else node.body
        for default in (*node.args.defaults, *node.args.kw_defaults):
            if default is not None:
                self.visit(default)
        self._within += 1
        for statement in body:
            self.visit(statement)
        self._within -= 1

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.visit(node.value)

    def visit_Compare(self, node: ast.Compare) -> None:
        left = node.left
        for operator, right in zip(node.ops, node.comparators, strict=True):
            pair = _COMPARISONS[type(operator)]
            self._swap(left, right, pair, _kind(*pair))
            left = right
        self.generic_visit(node)

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        for left, right in zip(node.values, node.values[1:], strict=False):
            self._swap(left, right, _LOGIC[type(node.op)], "operator")
        self.generic_visit(node)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        text = isinstance(node.left, ast.Constant) and isinstance(node.left.value, str)
        if type(node.op) in _ARITHMETIC and not text:
            self._swap(node.left, node.right, _ARITHMETIC[type(node.op)], "operator")
        self.generic_visit(node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> None:
        if isinstance(node.op, ast.Not):
            start = self._span(node)[0]
            self._add(start, start + len("not"), "", "condition")
        self.generic_visit(node)

    def _condition(self, node: ast.If | ast.While | ast.IfExp) -> None:
        start, end = self._span(node.test)
        self._add(start, end, f"not ({self._source[start:end]})", "condition")
        self.generic_visit(node)

    visit_If = visit_While = visit_IfExp = _condition

    def visit_Constant(self, node: ast.Constant) -> None:
        value, (start, end) = node.value, self._span(node)
        if isinstance(value, bool):
            self._add(start, end, str(not value), "constant")
        elif isinstance(value, int):
            self._add(start, end, str(value + 1), "constant")
        elif isinstance(value, str) and value and " " not in value and self._source[start] in "\"'":
            self._add(start, end, repr(value + "?"), "constant")

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        """Passed over: before CPython 3.12 nothing tells where its parts lie."""

    def visit_Return(self, node: ast.Return) -> None:
        if node.value is not None and not (isinstance(node.value, ast.Constant) and node.value.value is None):
            self._add(*self._span(node.value), "None", "statement")
        self.generic_visit(node)

    def _statement(self, node: ast.stmt) -> None:
        self._add(*self._span(node), "pass", "statement")
        self.generic_visit(node)

    visit_AugAssign = visit_Raise = visit_Delete = _statement

    def visit_Expr(self, node: ast.Expr) -> None:
        if isinstance(node.value, ast.Call):
            self._statement(node)

    def visit_Assign(self, node: ast.Assign) -> None:
        if any(isinstance(target, (ast.Attribute, ast.Subscript)) for target in node.targets):
            self._add(*self._span(node), "pass", "statement")
        self.visit(node.value)


def of_python(file: str, source: str) -> list[Mutant]:
    finder = _Finder(file, source)
    finder.visit(ast.parse(source))
    return sorted({mutant for mutant in finder.found if not _passed_over(mutant, source)})
