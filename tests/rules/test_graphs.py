"""Who uses whom: a folder of C includes, a room of Python imports only what stands above it; no cycles."""

from __future__ import annotations

import ast
import posixpath
import re

from .house import files, source, text
from .tree import cycle, house

Graph = dict[str, set[str]]


def includes(file: str, code: str, known: list[str]) -> set[str]:
    """The project's own files that a C file includes."""
    found = set()
    for name in re.findall(r'^\s*#\s*include\s+"([^"]+)"', code, re.MULTILINE):
        near, root = posixpath.normpath(posixpath.join(posixpath.dirname(file), name)), f"csrc/{name}"
        found.add(root if root in known and near not in known else near)
    return found


def imports(file: str, code: str, known: list[str]) -> set[str]:
    """The package's own files that a module imports or cimports, wherever it does."""
    found = set()
    package = file.removeprefix("src/").split("/")[:-1]
    if file.endswith(".py"):
        named = []
        for node in ast.walk(ast.parse(code)):
            if isinstance(node, ast.Import):
                named += [(each.name, "") for each in node.names]
            elif isinstance(node, ast.ImportFrom):
                base = package[: len(package) - node.level + 1] if node.level else []
                module = ".".join([*base, *filter(None, [node.module])])
                named += [(module, each.name) for each in node.names]
    else:
        lines = re.findall(r"^\s*from +(\S+) +c?import +([^#\n]+)", code, re.MULTILINE)
        named = [(module, name.strip(" (")) for module, names in lines for name in names.split(",")]
        named += [(module, "") for module in re.findall(r"^\s*c?import +([\w.]+)", code, re.MULTILINE)]
    for module, name in named:
        path = "src/" + module.replace(".", "/")
        for stem in (f"{path}/{name}", path):
            here = [
                at
                for at in known
                if at in (f"{stem}.py", f"{stem}.pyx", f"{stem}.pxd", f"{stem}/__init__.py")
            ]
            if here:
                found.update(here)
                break
    return found - {file}


def wrong_way(graph: Graph, top: str, order: tuple[str, ...]) -> list[str]:
    """Uses of a room that stands below, or is not drawn."""

    def place(file: str) -> int:
        name, slash, _ = file.removeprefix(top).partition("/")
        return order.index(name + slash) if name + slash in order else len(order)

    return [
        f"{user} -> {used}"
        for user, all_used in graph.items()
        for used in all_used
        if place(used) > place(user)
    ]


CORE = files("csrc/*.c", "csrc/*.h")
PACKAGE = files("src/otlp_lite/*.py", "src/otlp_lite/*.pyx", "src/otlp_lite/*.pxd")


def core_graph() -> Graph:
    return {file: includes(file, source(file).text, CORE) for file in CORE}


def package_graph() -> Graph:
    return {
        file: imports(file, text(file) if file.endswith(".py") else source(file).text, PACKAGE)
        for file in PACKAGE
    }


def test_uses_are_read() -> None:
    known = ["csrc/otlite.h", "csrc/cpu/kernels.h", "csrc/base/atomics.h"]
    code = '#include <string.h>\n#include "base/atomics.h"\n#include "../otlite.h"\n#include "kernels.h"\n'
    assert includes("csrc/cpu/a.c", code, known) == set(known)
    room = "src/otlp_lite/"
    known = [
        f"{room}{name}"
        for name in ("__init__.py", "config.py", "a/__init__.py", "a/b.py", "a/c.pyx", "a/c.pxd")
    ]
    python = "import os\ndef f():\n    from ..config import load\n"
    python += "from . import c\nfrom otlp_lite.a.b import (\n  x)\n"
    assert imports(f"{room}a/d.py", python, known) == {known[1], *known[3:]}
    assert imports(f"{room}d.py", "from otlp_lite import __version__\nfrom .a import x", known) == {
        known[0],
        known[2],
    }
    cython = "from otlp_lite.a.c cimport f\ncimport cython\nif x:\n    from otlp_lite.a import b\n"
    assert imports(f"{room}a/d.pyx", cython, known) == set(known[3:])


def test_a_use_of_a_room_below_and_a_cycle_are_found() -> None:
    order = ("otlite.h", "base/", "cpu/")
    graph = {
        "csrc/base/a.h": {"csrc/cpu/b.h"},
        "csrc/cpu/b.h": {"csrc/base/c.h"},
        "csrc/cpu/d.h": {"csrc/x/e.h"},
    }
    assert wrong_way(graph, "csrc/", order) == ["csrc/base/a.h -> csrc/cpu/b.h", "csrc/cpu/d.h -> csrc/x/e.h"]
    assert cycle(graph) == []
    assert cycle({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c", "b"]


def test_a_folder_of_c_includes_only_those_above_it() -> None:
    graph = core_graph()
    assert sum(map(len, graph.values())) > 20
    assert wrong_way(graph, "csrc/", house().core) == []
    assert cycle(graph) == []


def test_a_module_imports_only_rooms_above_it() -> None:
    graph = package_graph()
    assert sum(map(len, graph.values())) > 30
    assert wrong_way(graph, "src/otlp_lite/", house().package) == []
    modules = {
        re.sub(r"\.\w+$", "", file): {re.sub(r"\.\w+$", "", at) for at in used}
        for file, used in graph.items()
    }
    assert cycle(modules) == []


def test_the_compiled_rooms_import_nothing_of_the_package_but_each_other() -> None:
    native = {file: used for file, used in package_graph().items() if "/_native/" in file}
    assert native and all("/_native/" in used for all_used in native.values() for used in all_used)


def looks_inside(code: str) -> bool:
    """Whether Python code, or a program within its strings, imports a compiled room."""
    return (
        re.search(r"\b(from|import) +otlp_lite\._native\b|\bfrom otlp_lite import .*_native\b", code)
        is not None
    )


def test_a_look_inside_is_found() -> None:
    assert looks_inside("from otlp_lite._native import core")
    assert looks_inside("program = 'import otlp_lite._native.core as core'")
    assert looks_inside("from otlp_lite import _native")
    assert not looks_inside("from otlp_lite import configure")


def test_only_white_tests_look_inside_and_say_why() -> None:
    tests = [file for file in files("tests/*.py") if not file.startswith("tests/rules/")]
    assert len(tests) > 100
    inside = [file for file in tests if looks_inside(text(file))]
    assert inside and [file for file in inside if not file.startswith("tests/white/")] == []
    assert [
        file for file in inside if "White: " not in (ast.get_docstring(ast.parse(text(file))) or "")
    ] == []


def test_no_module_bears_the_name_of_a_public_function() -> None:
    rooms = {file.removeprefix("src/otlp_lite/").partition("/")[0].removesuffix(".py") for file in PACKAGE}
    public = re.findall(r'^    "(\w+)",$', source("src/otlp_lite/__init__.py").text, re.MULTILINE)
    assert "configure" in public
    assert rooms & set(public) == set()


def test_nothing_is_included_as_text() -> None:
    assert files("*.pxi") == []
    assert [file for file in CORE if re.search(r'#\s*include\s+"[^"]+\.c"', source(file).text)] == []
    cython = [file for file in PACKAGE if not file.endswith(".py")]
    assert cython and not [
        file for file in cython if re.search(r"^\s*include\b", source(file).code, re.MULTILINE)
    ]
