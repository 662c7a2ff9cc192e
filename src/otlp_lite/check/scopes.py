"""Where names of a module come from: imports, parameters, assignments; scopes as Python nests them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final, NamedTuple

Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


class Assigned(NamedTuple):
    """One way in which a name gets its value; None each where it is some other."""

    value: ast.expr | None = None
    annotation: ast.expr | None = None
    imported: str | None = None
    """`package.module.name`."""
    defined: Definition | None = None
    parameter: bool = False


_SOMEHOW: Final = Assigned()


class Scope:
    """A module, class or function: the names that are its own."""

    def __init__(self, node: ast.AST, parent: Scope | None, owner: ast.ClassDef | None) -> None:
        self.node = node
        self.parent = parent
        self.owner = owner
        """The class that `self` is of, here and in functions within."""
        self.names: dict[str, list[Assigned]] = {}
        self.elsewhere: set[str] = set()
        """Named by `global` or `nonlocal`."""
        self.inner: list[Scope] = []

    def find(self, name: str) -> tuple[Scope, list[Assigned]] | None:
        """The scope that a name read here belongs to. Names of a class are seen in its own body alone."""
        scope: Scope | None = self
        while scope is not None:
            seen = scope is self or not isinstance(scope.node, ast.ClassDef)
            if seen and name in scope.names and name not in scope.elsewhere:
                return scope, scope.names[name]
            scope = scope.parent
        return None

    def module(self) -> Scope:
        scope = self
        while scope.parent is not None:
            scope = scope.parent
        return scope

    def captured(self) -> set[str]:
        """Names of this scope that functions and classes within it read or bind."""
        return {
            name
            for inner in self.inner
            for name in _reads(inner.node)
            if (found := inner.find(name)) is not None and found[0] is self
        }

    def rebound(self) -> set[str]:
        """Names of this scope that functions within it bind."""
        found: set[str] = set()
        todo = list(self.inner)
        while todo:
            inner = todo.pop()
            todo += inner.inner
            found |= {name for name in inner.elsewhere if (of := inner.find(name)) and of[0] is self}
        return found


def _reads(node: ast.AST) -> Iterator[str]:
    for each in ast.walk(node):
        if isinstance(each, ast.Name):
            yield each.id
        elif isinstance(each, (ast.Nonlocal, ast.Global)):
            yield from each.names


class Scopes(ast.NodeVisitor):
    """The scopes of a module, by their nodes, and what each class gives `self`."""

    def __init__(self, module: ast.Module) -> None:
        self.tree: ast.Module = module
        self.by_node: dict[ast.AST, Scope] = {}
        self.attributes: dict[ast.ClassDef, dict[str, list[tuple[Assigned, Scope]]]] = {}
        self.imports: set[str] = set()
        self._scope = self._enter(module, None)
        for statement in module.body:
            self.visit(statement)

    def _enter(self, node: ast.AST, owner: ast.ClassDef | None, parent: Scope | None = None) -> Scope:
        scope = self.by_node[node] = Scope(node, parent, owner)
        if parent is not None:
            parent.inner.append(scope)
        return scope

    def _bind(self, name: str, how: Assigned) -> None:
        scope = self._scope
        scope.names.setdefault(name, []).append(how)
        if name in scope.elsewhere and scope.parent is not None:
            found = scope.parent.find(name)
            (found[0] if found else scope.module()).names.setdefault(name, []).append(how)
        if isinstance(scope.node, ast.ClassDef):
            self.attributes.setdefault(scope.node, {}).setdefault(name, []).append((how, scope))

    def _within(self, node: ast.AST, owner: ast.ClassDef | None, body: list[ast.AST]) -> None:
        outer = self._scope
        self._scope = self._enter(node, owner, outer)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            given = _defaults_by_name(node.args)
            for argument in _arguments(node.args):
                default = given.get(argument.arg)
                self._bind(argument.arg, Assigned(default, argument.annotation, parameter=True))
        for child in body:
            self.visit(child)
        self._scope = outer

    # ---- What binds ----

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._definition(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self._definition(node)

    def _definition(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self._bind(node.name, Assigned(defined=node))
        for outside in (*node.decorator_list, *defaults(node.args)):
            self.visit(outside)
        owner = self._scope.node if isinstance(self._scope.node, ast.ClassDef) else self._scope.owner
        self._within(node, owner, list(node.body))

    def visit_Lambda(self, node: ast.Lambda) -> None:
        for outside in defaults(node.args):
            self.visit(outside)
        self._within(node, self._scope.owner, [node.body])

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._bind(node.name, Assigned(defined=node))
        for outside in (*node.decorator_list, *node.bases, *node.keywords):
            self.visit(outside)
        self._within(node, None, list(node.body))

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self.imports.add(alias.name)
            name, _, _ = alias.name.partition(".")
            self._bind(alias.asname or name, Assigned(imported=alias.name if alias.asname else name))

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        module = "." * node.level + (node.module or "")
        self.imports.add(module)
        for alias in node.names:
            self._bind(alias.asname or alias.name, Assigned(imported=f"{module}.{alias.name}"))

    def visit_Assign(self, node: ast.Assign) -> None:
        self.visit(node.value)
        for target in node.targets:
            self._target(target, node.value)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.visit(node.value)
        self._target(node.target, node.value, node.annotation)

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        self.visit(node.value)
        self._target(node.target, node.value)

    def _target(self, target: ast.expr, value: ast.expr | None, annotation: ast.expr | None = None) -> None:
        if isinstance(target, ast.Name):
            self._bind(target.id, Assigned(value, annotation))
        elif isinstance(target, (ast.Tuple, ast.List)):
            values: list[ast.expr | None] = [None] * len(target.elts)
            if isinstance(value, (ast.Tuple, ast.List)) and len(value.elts) == len(target.elts):
                values = list(value.elts)
            for each, its in zip(target.elts, values, strict=True):
                self._target(each, its)
        elif isinstance(target, ast.Attribute):
            owner = self._scope.owner
            if (
                owner is not None
                and isinstance(target.value, ast.Name)
                and target.value.id in ("self", "cls")
            ):
                how = (Assigned(value, annotation), self._scope)
                self.attributes.setdefault(owner, {}).setdefault(target.attr, []).append(how)
        else:
            self.visit(target)

    def visit_Global(self, node: ast.Global | ast.Nonlocal) -> None:
        self._scope.elsewhere.update(node.names)

    def visit_Nonlocal(self, node: ast.Nonlocal) -> None:
        self.visit_Global(node)

    def visit_Name(self, node: ast.Name) -> None:
        if not isinstance(node.ctx, ast.Load):
            self._bind(node.id, _SOMEHOW)

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        if node.name:
            self._bind(node.name, _SOMEHOW)
        self.generic_visit(node)

    def visit_MatchAs(self, node: ast.MatchAs) -> None:
        if node.name:
            self._bind(node.name, _SOMEHOW)
        self.generic_visit(node)

    def visit_MatchStar(self, node: ast.MatchStar) -> None:
        if node.name:
            self._bind(node.name, _SOMEHOW)

    def visit_MatchMapping(self, node: ast.MatchMapping) -> None:
        if node.rest:
            self._bind(node.rest, _SOMEHOW)
        self.generic_visit(node)


def _arguments(arguments: ast.arguments) -> list[ast.arg]:
    listed = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    return [*listed, *filter(None, (arguments.vararg, arguments.kwarg))]


def defaults(arguments: ast.arguments) -> list[ast.expr]:
    return [*arguments.defaults, *filter(None, arguments.kw_defaults)]


def _defaults_by_name(arguments: ast.arguments) -> dict[str, ast.expr]:
    positional = [*arguments.posonlyargs, *arguments.args]
    behind = positional[len(positional) - len(arguments.defaults) :]
    found = {argument.arg: value for argument, value in zip(behind, arguments.defaults, strict=True)}
    pairs = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    return found | {argument.arg: value for argument, value in pairs if value is not None}
