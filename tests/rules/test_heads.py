"""How files begin, and what the public names say: a purpose on the first line, a docstring on each name."""

from __future__ import annotations

import ast
import re

from .house import files, source, text

C_HEAD = re.compile(r"/\* (\S+) - \S.*")
SENTENCE = re.compile(r"\S.{10,}")


def c_head_is_missing(file: str, code: str) -> bool:
    """Whether the first line is not `/* name.c - purpose`."""
    head = C_HEAD.match(code)
    return head is None or head.group(1) != file.rpartition("/")[2]


def undocumented(module: ast.Module, public: set[str]) -> list[str]:
    """The module, its public names and their public methods that have no docstring."""
    missing = [] if SENTENCE.match(ast.get_docstring(module) or "") else ["the module"]
    for node in module.body:
        if not isinstance(node, (ast.FunctionDef, ast.ClassDef)) or node.name not in public:
            continue
        methods = [each for each in getattr(node, "body", ()) if isinstance(each, ast.FunctionDef)]
        named = [
            node,
            *(method for method in methods if isinstance(node, ast.ClassDef) and method.name[0] != "_"),
        ]
        missing += [each.name for each in named if not ast.get_docstring(each)]
    return missing


def test_a_missing_head_is_found() -> None:
    assert not c_head_is_missing("csrc/a/b.c", "/* b.c - does things */\n")
    assert c_head_is_missing("csrc/a/b.c", "/* c.c - does things */\n")
    assert c_head_is_missing("csrc/a/b.c", "#include <a.h>\n")


def test_a_missing_docstring_is_found() -> None:
    code = "class A:\n  '''a'''\n  def b(self): pass\n  def _c(self): pass\ndef d(): pass\ndef e(): pass\n"
    assert undocumented(ast.parse(code), {"A", "d"}) == ["the module", "b", "d"]


def test_each_file_says_what_it_is_for() -> None:
    c = files("csrc/*.c", "csrc/*.h", "tests/*.c", "tests/*.h")
    assert len(c) > 30
    assert [file for file in c if c_head_is_missing(file, text(file))] == []
    python = [file for file in files("*.py") if text(file).strip()]
    assert len(python) > 100
    assert [file for file in python if undocumented(ast.parse(text(file)), set())] == []


def test_each_public_name_is_documented() -> None:
    public = set(re.findall(r'^    "(\w+)",$', source("src/otlp_lite/__init__.py").text, re.MULTILINE))
    assert "configure" in public
    modules = files("src/otlp_lite/*.py")
    missing = {file: undocumented(ast.parse(text(file)), public) for file in modules}
    assert {file: names for file, names in missing.items() if names} == {}
