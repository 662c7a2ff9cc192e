"""Writes generated/kernels_<isa>.c: each kernel is described once, each instruction set by its operations.

python3 csrc/cpu/generate.py [--check] [--all DIRECTORY]: docs/kernels.md tells more.
"""

from __future__ import annotations

import argparse
import ast
from collections.abc import Iterator
from pathlib import Path
from textwrap import indent

from described import KERNELS, SIGNATURES, TABLES
from isas import ISAS, Isa, Vector

# ---- From a description to C ----

SIGNS = {
    ast.BitAnd: "&",
    ast.BitOr: "|",
    ast.BitXor: "^",
    ast.Add: "+",
    ast.Sub: "-",
    ast.Eq: "==",
    ast.LtE: "<=",
}
PLAIN = {"look_up": 0, "shr16": 1, "shl16": 1, "behind": 2}
"""Which operand is no vector: a table, or a number."""


class Kernel:
    """A description, parsed: its shape and that one's settings, its arguments, statements and results."""

    def __init__(self, tree: ast.FunctionDef) -> None:
        (shape,) = tree.decorator_list
        call = shape if isinstance(shape, ast.Call) else ast.Call(shape, [], [])
        self.name, self.says = tree.name, ast.get_docstring(tree)
        self.shape = ast.unparse(call.func)
        self.settings = {each.arg: ast.literal_eval(each.value) for each in call.keywords}
        self.sizes = (self.settings.get("takes", 1), self.settings.get("gives", 1))
        self.arguments = [each.arg for each in tree.args.args]
        *self.statements, last = tree.body[1 if self.says else 0 :]
        assert isinstance(last, ast.Return) and last.value is not None
        self.results = last.value.elts if isinstance(last.value, ast.Tuple) else [last.value]
        self.tables = [
            name for name in TABLES if any(name == getattr(node, "id", "") for node in ast.walk(tree))
        ]


class Block:
    """The statements of a kernel as C, in one width."""

    def __init__(self, kernel: Kernel, vector: Vector, *scalars: str) -> None:
        self.vector = vector
        self.types = {name: "scalar" if name in scalars else "vector" for name in kernel.arguments}
        self.lines: list[str] = []
        for statement in kernel.statements:
            assert isinstance(statement, ast.Assign)
            (target,) = statement.targets
            self.let(ast.unparse(target), statement.value)
        self.results = [self.code(result) for result in kernel.results]

    @property
    def text(self) -> str:
        return indent("\n".join(self.lines), "    ")

    def let(self, name: str, value: ast.expr) -> None:
        code = self.code(value)
        self.types[name] = self.type_of(value)
        type_ = self.vector.mask if self.types[name] == "mask" else self.vector.type
        self.lines.append(f"{type_} {name} = {code};")

    def type_of(self, node: ast.expr) -> str:
        if isinstance(node, ast.Name):
            return self.types[node.id]
        if isinstance(node, ast.BinOp):
            return self.type_of(node.left)
        return "mask" if isinstance(node, ast.Compare) else "vector"

    def apply(self, op: str, *operands: str, n: str = "") -> str:
        return self.vector.ops[op].format(*operands, n=n)

    def code(self, node: ast.expr) -> str:
        if all(name.id == "ord" for name in ast.walk(node) if isinstance(name, ast.Name)):
            return self.apply("splat", self.number(node))
        if isinstance(node, ast.Name):
            return self.apply("splat", node.id) if self.types[node.id] == "scalar" else node.id
        if isinstance(node, ast.BinOp):
            sign = SIGNS[type(node.op)]
            if self.type_of(node.left) == "mask":
                sign = {"|": "or masks", "&": "and masks"}[sign]
            return self.apply(sign, self.code(node.left), self.code(node.right))
        if isinstance(node, ast.Compare):
            return self.apply(SIGNS[type(node.ops[0])], self.code(node.left), self.code(node.comparators[0]))
        assert isinstance(node, ast.Call)
        op = ast.unparse(node.func)
        if op == "repeat":
            return self.apply(f"splat{ast.unparse(node.args[1])}", self.number(node.args[0]))
        operands = [
            (ast.unparse if PLAIN.get(op) == place else self.code)(operand)
            for place, operand in enumerate(node.args)
        ]
        return self.apply(op, *operands)

    @staticmethod
    def number(node: ast.expr) -> str:
        return f"{eval(ast.unparse(node), {'ord': ord}):#x}"


# ---- The shapes ----
#
# What stays the same around a block, for each shape; what differs with masks is written twice.


def each(isa: Isa, kernel: Kernel) -> Iterator[str]:
    result, signature = SIGNATURES[kernel.name]
    vectors = isa.vectors[:1] if isa.masked else isa.vectors
    for vector in vectors:
        yield _each_block(isa, kernel, vector)
    yield f"static {result} {kernel.name}({signature})\n{{"
    for vector in vectors:
        yield (_each_masked if isa.masked else _each_overlapping)(kernel, vector)
    if not isa.masked:
        yield f"    {'' if result == 'void' else 'return '}otlite_kernels_scalar.{kernel.name}(dst, src, n);"
    yield "}\n"


def _each_block(isa: Isa, kernel: Kernel, vector: Vector) -> str:
    """The function for one block; with masks, for n units or fewer."""
    dst, src = SIGNATURES[kernel.name][1].split(", ")[:2]
    block = Block(kernel, vector)
    checks = len(kernel.results) == 2
    bytes_in, bytes_out = ("n" if size == 1 else f"{size} * n" for size in kernel.sizes)
    load = "widen" if kernel.sizes[0] == 1 else "part" if isa.masked else "load"
    store = "narrow" if kernel.sizes[1] == 1 else "store part" if isa.masked else "store"
    count = ", size_t n" if isa.masked else ""
    filler = block.apply("splat", f"'{kernel.settings.get('filler')}'")
    return f"""/* {kernel.says} */
static inline {vector.mask if checks else "void"} {kernel.name}{vector.bytes // 2}({dst}, {src}{count})
{{
    {vector.type} {kernel.arguments[0]} = {block.apply(load, "src", filler, n=bytes_in)};
{block.text}
    {vector.type} result = {block.results[0]};
    {block.apply(store, "dst", "result", n=bytes_out)};
    {f"return {block.results[1]};" if checks else ""}
}}
"""


def _around(kernel: Kernel, vector: Vector) -> tuple[str, str, str]:
    """What keeps whether all was good: its declaration, what a call becomes, and its end."""
    if len(kernel.results) == 1:
        return "", "{};", "return;"
    good, every = vector.ops["and masks"], vector.ops["all"].format("good")
    return (
        f"{vector.mask} good = {vector.ops['true']};",
        f"good = {good.format('good', '{}')};",
        f"return {every} ? 0 : -1;",
    )


def _each_masked(kernel: Kernel, vector: Vector) -> str:
    begin, keep, end = _around(kernel, vector)
    units, (takes, gives) = vector.bytes // 2, kernel.sizes
    return f"""    {begin}
    for (; n > {units}; dst += {gives * units}, src += {takes * units}, n -= {units})
        {keep.format(f"{kernel.name}{units}(dst, src, {units})")}
    {keep.format(f"{kernel.name}{units}(dst, src, n)")}
    {end.removeprefix("return;")}"""


def _each_overlapping(kernel: Kernel, vector: Vector) -> str:
    """A rest is done as the last whole block, over what is done already."""
    begin, keep, end = _around(kernel, vector)
    units, (takes, gives) = vector.bytes // 2, kernel.sizes

    def at(place: str) -> str:
        to, by = (f"{place}" if size == 1 else f"{size} * {place}" for size in (gives, takes))
        return keep.format(f"{kernel.name}{units}(dst + {to}, src + {by})")

    return f"""    if (n >= {units}) {{
        {begin}
        for (size_t i = 0; i < n - {units}; i += {units})
            {at("i")}
        {at(f"(n - {units})")}
        {end}
    }}"""


def scan(isa: Isa, kernel: Kernel) -> Iterator[str]:
    vector = isa.vectors[0]
    block, width = Block(kernel, vector), vector.bytes
    before, now = kernel.arguments
    skip = ""
    if isa.masked:
        part = f"        now = {block.apply('part', 'at', block.apply('zero'), n='n')};"
    else:
        part = f"""        now = {block.apply("zero")};
        if (n < {width})
            memcpy(&now, at, n);
        else
            now = {block.apply("load", "at")};"""
        skip = f"""    if (n < {width}) /* short texts are ASCII more often than not */
        otlite_skip_ascii(&at, &n);
    if (n == 0)
        return (size_t)(at - src);
"""
    yield f"""/* {kernel.says} */
static inline {vector.type} {kernel.name}_faults({vector.type} {before}, {vector.type} {now})
{{
{block.text}
    return {block.results[0]};
}}

static size_t {kernel.name}(const uint8_t *src, size_t n)
{{
    const uint8_t *at = src;
    {vector.type} before = {block.apply("zero")};
{skip}
    for (;; at += {width}, n -= {width}) {{
        {vector.type} now; /* zeros after the end show a character that is cut */
{part}
        if ({block.apply("top", block.apply("|", "before", "now"))}) {{
            {vector.type} faults = {kernel.name}_faults(before, now);
            if ({block.apply("any", "faults")})
                break;
        }}
        if (n < {width})
            return (size_t)(at - src) + n;
        before = now;
    }}
    return otlite_{kernel.name}_from(src, at, n);
}}
"""


def once(isa: Isa, kernel: Kernel) -> Iterator[str]:
    block, (result, signature) = Block(kernel, isa.vectors[-1], kernel.arguments[1]), SIGNATURES[kernel.name]
    block.lines += [f"return {block.results[0]};"]
    first = kernel.arguments[0]
    text = block.text.replace(first, block.apply("load", first), 1)
    yield f"/* {kernel.says} */\nstatic {result} {kernel.name}({signature})\n{{\n{text}\n}}\n"


def runs(isa: Isa, kernel: Kernel) -> Iterator[str]:
    block, unit = Block(kernel, isa.vectors[0]), kernel.settings["unit"]
    (result, signature), vector = SIGNATURES[kernel.name], isa.vectors[0]
    width, step = vector.bytes, vector.bytes // unit
    loads = [
        f"{vector.type} {name} = {block.apply('load', f'src + {step * at}' if at else 'src')};"
        for at, name in enumerate(kernel.arguments)
    ]
    yield f"""static {result} {kernel.name}({signature})
{{
    uint8_t *out = dst;
    for (; n >= {width}; src += {width}, n -= {width}) {{
{indent(chr(10).join(loads), " " * 8)}
{indent(block.text, "    ")}
        if ({block.apply("any", block.results[1])}) {{
            out += otlite_kernels_scalar.{kernel.name}(out, src, {width});
        }} else {{
            {block.apply("store", "out", block.results[0])};
            out += {width};
        }}
    }}
    return (size_t)(out - dst) + otlite_kernels_scalar.{kernel.name}(out, src, n);
}}
"""


SHAPES = {"each": each, "scan": scan, "once": once, "runs": runs}

# ---- The files ----


def wrapped(line: str) -> str:
    """At most a hundred columns, broken after a comma or an operator."""
    margin = " " * (len(line) - len(line.lstrip()) + 4)
    head = ""
    while len(line) > 100 and not line.startswith("#"):
        at = line.rfind(" ", len(margin) + 1, 100)
        head, line = f"{head}{line[:at]}\n", margin + line[at + 1 :]
    return head + line


def table(isa: Isa, by_hand: tuple[str, ...]) -> str:
    kernels = [Kernel(tree) for tree in ast.parse(KERNELS).body if isinstance(tree, ast.FunctionDef)]
    drawn = [kernel for kernel in kernels if kernel.name not in by_hand]
    used = [name for name in TABLES if any(name in kernel.tables for kernel in drawn)]
    entries = [
        f"    .{name} = {name if name not in by_hand else f'otlite_{name}_{isa.name}'},"
        for name in SIGNATURES
    ]
    parts = [
        f"/* kernels_{isa.name}.c - the kernels for {isa.title}, as ../generate.py writes them */",
        f'\n#include "../by_hand.h"\n\n#if defined(OTLITE_CPU_{isa.where})\n',
        f"{isa.begin}\n{isa.prelude}",
        *(f"static const uint8_t {name}[16] = {{{', '.join(map(str, TABLES[name]))}}};" for name in used),
        "",
        *(part for kernel in drawn for part in SHAPES[kernel.shape](isa, kernel)),
        isa.end,
        f"const struct otlite_kernels otlite_kernels_{isa.name} = {{",
        f'    .name = "{isa.name}",',
        f"    .needs = {' | '.join(f'OTLITE_CPU_{need}' for need in isa.needs)},",
        *entries,
        "};\n\n#endif\n",
    ]
    lines = (wrapped(line) for line in "\n".join(parts).splitlines() if line == "" or line.strip())
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="fails if a file is not as it would be written")
    parser.add_argument("--all", type=Path, metavar="DIRECTORY", help="writes there, nothing by hand")
    options = parser.parse_args()
    folder = options.all or Path(__file__).parent / "generated"
    stale = []
    for isa in ISAS:
        path, text = folder / f"kernels_{isa.name}.c", table(isa, () if options.all else isa.by_hand)
        if options.check:
            stale += [] if path.exists() and path.read_text("utf-8") == text else [path.name]
        else:
            path.write_text(text, "utf-8")
    if stale:
        raise SystemExit(f"not as csrc/cpu/generate.py writes them: {', '.join(stale)}; run it")


if __name__ == "__main__":
    main()
