"""Which expressions are tracers, and which calls the API's or ours: by imports, annotations, assignments."""

from __future__ import annotations

import ast
import enum
import re
from typing import Final

from .scopes import Assigned, Scope, Scopes
from .texts import last, written


class What(enum.Enum):
    """What an expression is."""

    TRACER = enum.auto()
    PROVIDER = enum.auto()
    LEAF = enum.auto()
    """Of bind_leaf(): called, it starts a span."""
    SPAN = enum.auto()
    LIVE = enum.auto()
    NOTHING = enum.auto()
    """None."""
    OTHER = enum.auto()
    """Surely none of these."""


class Api(enum.Enum):
    """What a call does."""

    GET_TRACER = enum.auto()
    GET_PROVIDER = enum.auto()
    START_SPAN = enum.auto()
    START_CURRENT = enum.auto()
    BIND_LEAF = enum.auto()
    CALL_LEAF = enum.auto()
    USE_SPAN = enum.auto()
    CURRENT_SPAN = enum.auto()
    SET_IN_CONTEXT = enum.auto()
    SET_VALUE = enum.auto()
    ATTACH = enum.auto()
    DETACH = enum.auto()
    BUILDER = enum.auto()
    SUPPRESS = enum.auto()
    EXIT_STACK = enum.auto()


_TRACE = ("opentelemetry.trace", "opentelemetry.trace.propagation", "opentelemetry.trace.span")
_CONTEXT = ("opentelemetry.context", "opentelemetry.context.context")
FUNCTIONS: Final = {
    "opentelemetry.trace.get_tracer": Api.GET_TRACER,
    "opentelemetry.trace.get_tracer_provider": Api.GET_PROVIDER,
    "opentelemetry.sdk.trace.TracerProvider": Api.GET_PROVIDER,
    "opentelemetry.trace.use_span": Api.USE_SPAN,
    **{f"{module}.get_current_span": Api.CURRENT_SPAN for module in _TRACE},
    **{f"{module}.set_span_in_context": Api.SET_IN_CONTEXT for module in _TRACE},
    **{f"{module}.set_value": Api.SET_VALUE for module in _CONTEXT},
    **{f"{module}.attach": Api.ATTACH for module in _CONTEXT},
    **{f"{module}.detach": Api.DETACH for module in _CONTEXT},
    "otlp_lite.get_tracer": Api.GET_TRACER,
    "otlp_lite.span": Api.START_CURRENT,
    "otlp_lite.SpanBuilder": Api.BUILDER,
    "contextlib.suppress": Api.SUPPRESS,
    "contextlib.ExitStack": Api.EXIT_STACK,
    "contextlib.AsyncExitStack": Api.EXIT_STACK,
}
METHODS: Final = {
    "start_span": Api.START_SPAN,
    "leaf": Api.START_SPAN,
    "start_as_current_span": Api.START_CURRENT,
    "bind_leaf": Api.BIND_LEAF,
}
"""Of tracers."""
_CONCERNS: Final = {*METHODS, *(name.rpartition(".")[2] for name in FUNCTIONS), "current", "child"}
CLASSES: Final = {
    **{
        f"{module}.Tracer": What.TRACER
        for module in ("opentelemetry.trace", "opentelemetry.sdk.trace", "otlp_lite")
    },
    **{
        f"{module}.TracerProvider": What.PROVIDER
        for module in ("opentelemetry.trace", "opentelemetry.sdk.trace")
    },
    **{
        f"{module}.Span": What.SPAN
        for module in ("opentelemetry.trace", "opentelemetry.sdk.trace", "opentelemetry.trace.span")
    },
    "otlp_lite.LiveSpan": What.LIVE,
}
_MANAGED: Final = ("contextmanager", "asynccontextmanager")
_RIVALS = re.compile(r"(opentracing|ddtrace|elasticapm|jaeger_client|lightstep|sentry_sdk|aws_xray_sdk)\b")
_ENDS: Final = ("exit", "_exit", "abort", "assert_never", "quit")
_MOCKS: Final = ("Mock", "MagicMock", "AsyncMock", "NonCallableMock", "create_autospec")
_BY_NAME = re.compile(r"(^|_)tracer$", re.IGNORECASE)

UNKNOWN: Final = "?"
"""Among the bases of a class: there are some that are not known."""


class Names:
    """What the names of one module stand for."""

    def __init__(self, scopes: Scopes) -> None:
        self._scopes = scopes
        self._asked: set[tuple[int, int]] = set()
        self._told: dict[tuple[ast.expr, Scope], What | None] = {}
        imports = scopes.imports
        self._rival = any(_RIVALS.match(name) for name in imports)
        self._aliases = {
            name
            for each in scopes.by_node.values()
            for name, hows in each.names.items()
            for how in hows
            if how.imported in FUNCTIONS or self._binds(how.value)
        }
        """Local names of the functions, and of leaves that are bound."""
        self._argparse = any(name.partition(".")[0] == "argparse" for name in imports)
        self._ours = any(re.match(r"(opentelemetry|otlp_lite)\b", name) for name in imports)
        self.managed: set[str] = {
            last(argument)
            for each in ast.walk(scopes.tree)
            if isinstance(each, ast.Call) and last(each.func) in _MANAGED
            for argument in each.args
        }
        """Functions of which context managers are made."""
        bound = [item for each in scopes.by_node.values() for item in each.names.items()]
        self.elsewhere: set[str] = {name for name, hows in bound if any(how.defined is None for how in hows)}
        """Names that something else than a definition of this module binds."""
        self.classes: dict[str, list[str]] = _bases(scopes, self.elsewhere)
        """The names of their bases, those of other modules with a dot."""

    def _binds(self, node: ast.expr | None) -> bool:
        return isinstance(node, ast.Call) and last(node.func) == "bind_leaf"

    def concerns(self, scope: Scope) -> bool:
        """Whether there is anything in a scope's own text that may make, hold or attach a span."""
        body: list[ast.AST] = list(getattr(scope.node, "body", ()))
        arguments = getattr(scope.node, "args", None)
        if arguments is not None:
            body.append(arguments)
        while body:
            node = body.pop()
            if isinstance(node, ast.Call):
                name = last(node.func)
                if name in _CONCERNS or name in self._aliases:
                    return True
            annotation = getattr(node, "annotation", None)
            if annotation is not None and "Span" in written(annotation):
                return True
            if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                body += ast.iter_child_nodes(node)
            else:
                body += node.decorator_list
        return False

    def dotted(self, node: ast.expr, scope: Scope) -> str | None:
        """The full name of what was imported; None for anything else."""
        if isinstance(node, ast.Attribute):
            base = self.dotted(node.value, scope)
            return None if base is None else f"{base}.{node.attr}"
        if isinstance(node, ast.Name):
            found = scope.find(node.id)
            names = {how.imported for how in found[1] if not _is_none(how.value)} if found else set()
            return names.pop() if len(names) == 1 else None
        return None

    def api(self, call: ast.Call, scope: Scope) -> Api | None:
        """What a call of the API or of ours does; None for any other."""
        function = call.func
        if (name := self.dotted(function, scope)) is not None and name in FUNCTIONS:
            return FUNCTIONS[name]
        if isinstance(function, ast.Attribute):
            if function.attr in METHODS:
                if self._is_tracer(function, scope):
                    return METHODS[function.attr]
            elif function.attr == "get_tracer" and self.what(function.value, scope) is What.PROVIDER:
                return Api.GET_TRACER
        if self.what(function, scope) is What.LEAF:
            return Api.CALL_LEAF
        return None

    def _is_tracer(self, method: ast.Attribute, scope: Scope) -> bool:
        """Whether it is a tracer's method. The name start_as_current_span is OpenTelemetry's alone."""
        what = self.what(method.value, scope)
        if what not in (None, What.NOTHING) or self._rival:
            return what is What.TRACER
        if method.attr == "start_as_current_span":
            return True
        return self._ours and _BY_NAME.search(last(method.value)) is not None

    def never_returns(self, call: ast.Call, scope: Scope) -> bool:
        """Whether it ends the program, or is said never to return."""
        function = call.func
        of = last(function.value) if isinstance(function, ast.Attribute) else ""
        if last(function) in _ENDS and of in ("", "sys", "os", "typing", "typing_extensions"):
            return True
        if self._argparse and last(function) in ("error", "exit") and of.lower().endswith("parser"):
            return True
        if last(function) in ("fail", "skip", "exit", "xfail") and self.dotted(function, scope) == (
            f"pytest.{last(function)}"
        ):
            return True
        if isinstance(function, ast.Attribute):
            if of not in ("self", "cls") or scope.owner is None:
                return False
            found = self._of_self(scope, function.attr)
            if not found and function.attr in ("fail", "skipTest"):
                return any("Test" in last(base) for base in scope.owner.bases)
        else:
            looked_up = scope.find(last(function))
            found = [(how, scope) for how in looked_up[1]] if looked_up else []
        defined = found[0][0].defined if len(found) == 1 else None
        if not isinstance(defined, ast.FunctionDef) or defined.returns is None:
            return False
        return last(defined.returns) in ("NoReturn", "Never")

    def what(self, node: ast.expr, scope: Scope) -> What | None:
        """What an expression is; None: who knows."""
        key = (node, scope)
        if key not in self._told:
            asked = (id(node), id(scope))
            if asked in self._asked:
                return None
            self._asked.add(asked)
            self._told[key] = self._what(node, scope)
        return self._told[key]

    def _what(self, node: ast.expr, scope: Scope) -> What | None:
        if isinstance(node, ast.Constant):
            return What.NOTHING if node.value is None else What.OTHER
        if isinstance(node, (ast.Dict, ast.List, ast.Set, ast.Tuple, ast.JoinedStr, ast.Lambda, ast.Compare)):
            return What.OTHER
        if isinstance(node, ast.NamedExpr):
            return self.what(node.value, scope)
        if isinstance(node, ast.IfExp):
            return _common([self.what(node.body, scope), self.what(node.orelse, scope)])
        if isinstance(node, ast.BoolOp):
            return _common([self.what(value, scope) for value in node.values])
        if isinstance(node, ast.Call):
            return self._called(node, scope)
        if isinstance(node, ast.Name):
            found = scope.find(node.id)
            if found is None:
                return None
            if node.id in ("self", "cls") and scope.owner is not None and found[1][0].parameter:
                return self._class(scope.owner, scope)
            return _common([self._assigned(how, found[0]) for how in found[1]])
        if isinstance(node, ast.Attribute):
            return self._attribute(node, scope)
        return None

    def _called(self, node: ast.Call, scope: Scope) -> What | None:
        api = self.api(node, scope)
        if api is not None:
            return {
                Api.GET_TRACER: What.TRACER,
                Api.GET_PROVIDER: What.PROVIDER,
                Api.BIND_LEAF: What.LEAF,
            }.get(api, What.OTHER)
        function = node.func
        if last(function) in _MOCKS:
            return What.OTHER
        if isinstance(function, ast.Name) and (found := scope.find(function.id)):
            defined = [how.defined for how in found[1]]
            if len(defined) == 1 and defined[0] is not None:
                return self._of_definition(defined[0], found[0])
        if isinstance(function, ast.Attribute) and scope.owner and last(function.value) in ("self", "cls"):
            for how, where in self._of_self(scope, function.attr):
                return None if how.defined is None else self._of_definition(how.defined, where)
        return None

    def _of_definition(self, defined: ast.AST, scope: Scope) -> What | None:
        """What a call of a function or class of this module gives."""
        if isinstance(defined, ast.ClassDef):
            return self._class(defined, scope)
        if not isinstance(defined, ast.FunctionDef):
            return None
        if defined.returns is not None:
            return self.annotated(defined.returns, scope)
        inner = self._scopes.by_node[defined]
        returns = [each.value for each in _own(defined) if isinstance(each, ast.Return)]
        values = [What.NOTHING if value is None else self.what(value, inner) for value in returns]
        return _common(values) if values else None

    def _class(self, node: ast.ClassDef, scope: Scope) -> What | None:
        """What an instance of a class of this module is: what its bases are; unknown ones leave it open."""
        bases = [self.dotted(base, scope) for base in node.bases]
        for base in bases:
            if base in CLASSES:
                return CLASSES[base]
        plain = all(isinstance(each, ast.Name) and self._local_class(each, scope) for each in node.bases)
        return What.OTHER if plain else None

    def _local_class(self, node: ast.Name, scope: Scope) -> bool:
        found = scope.find(node.id)
        if found is None:
            return node.id in ("object", "Exception")
        defined = found[1][-1].defined
        return isinstance(defined, ast.ClassDef) and self._class(defined, found[0]) is What.OTHER

    def _assigned(self, how: Assigned, scope: Scope) -> What | None:
        if how.annotation is not None and (what := self.annotated(how.annotation, scope)) is not None:
            return what
        if how.value is not None:
            return self.what(how.value, scope)
        if how.defined is not None:
            return What.OTHER
        return None

    def _attribute(self, node: ast.Attribute, scope: Scope) -> What | None:
        """An attribute of `self` is what its class, or a base in this module, assigns to it."""
        owner = scope.owner
        if owner is None or last(node.value) not in ("self", "cls") or not isinstance(node.value, ast.Name):
            return None
        found = self._of_self(scope, node.attr)
        return _common([self._held(how, where) for how, where in found]) if found else None

    def _of_self(self, scope: Scope, name: str) -> list[tuple[Assigned, Scope]]:
        """Whatever gives `self` an attribute: its class, or the nearest base in this module."""
        for each in self._ancestry(scope.owner, scope) if scope.owner is not None else ():
            if found := self._scopes.attributes.get(each, {}).get(name):
                return found
        return []

    def _held(self, how: Assigned, scope: Scope) -> What | None:
        """What an attribute holds: of a property, what it returns."""
        if isinstance(how.defined, ast.FunctionDef):
            decorators = [last(each) for each in how.defined.decorator_list]
            if "property" in decorators or "cached_property" in decorators:
                return self._of_definition(how.defined, scope)
        return self._assigned(how, scope)

    def _ancestry(self, node: ast.ClassDef, scope: Scope) -> list[ast.ClassDef]:
        line, at = [node], 0
        while at < len(line):
            for base in line[at].bases:
                found = scope.module().find(base.id) if isinstance(base, ast.Name) else None
                defined = found[1][-1].defined if found else None
                if isinstance(defined, ast.ClassDef) and defined not in line:
                    line.append(defined)
            at += 1
        return line

    def annotated(self, node: ast.expr, scope: Scope) -> What | None:
        """What an annotation promises, `| None` or not; None for names that are not known here."""
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            try:
                return self.annotated(ast.parse(node.value.strip(), mode="eval").body, scope)
            except (SyntaxError, ValueError):
                return None
        if _is_none(node):
            return What.NOTHING
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
            return _common([self.annotated(node.left, scope), self.annotated(node.right, scope)])
        if isinstance(node, ast.Subscript):
            name = last(node.value)
            if name == "Optional":
                return self.annotated(node.slice, scope)
            if name in ("Annotated", "Final", "ClassVar", "Union"):
                inner = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
                parts = inner if name == "Union" else inner[:1]
                return _common([self.annotated(each, scope) for each in parts])
            return What.OTHER
        full = self.dotted(node, scope)
        if full in CLASSES:
            return CLASSES[full]
        if isinstance(node, ast.Name) and node.id in (
            "str",
            "int",
            "float",
            "bool",
            "bytes",
            "dict",
            "list",
            "object",
        ):
            return None if node.id == "object" else What.OTHER
        if isinstance(node, ast.Name) and (found := scope.find(node.id)):
            defined = found[1][-1].defined
            if isinstance(defined, ast.ClassDef):
                return self._class(defined, found[0])
        return None

    def optional(self, node: ast.expr) -> bool:
        """Whether an annotation allows None."""
        return "None" in (text := written(node)) or "Optional" in text


def _own(function: ast.FunctionDef) -> list[ast.stmt]:
    """The statements of a function, without those of functions within it."""
    found: list[ast.stmt] = []
    todo: list[ast.AST] = list(function.body)
    while todo:
        node = todo.pop()
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)):
            continue
        if isinstance(node, ast.stmt):
            found.append(node)
        todo += ast.iter_child_nodes(node)
    return found


def _is_none(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _common(each: list[What | None]) -> What | None:
    """Of values that a name may have: None apart, they are all of one kind, or nothing is said."""
    kinds = {what for what in each if what is not What.NOTHING}
    if not kinds:
        return What.NOTHING
    return kinds.pop() if len(kinds) == 1 else None


def _bases(scopes: Scopes, elsewhere: set[str]) -> dict[str, list[str]]:
    """Of each class of a module, by its name: those of another module have a dot."""
    found: dict[str, list[str]] = {}
    for each in ast.walk(scopes.tree):
        if isinstance(each, ast.ClassDef):
            bases = [_base(base, elsewhere) for base in each.bases]
            if each.name in found or each.name in elsewhere or each.name in bases:
                bases.append(UNKNOWN)
            found[each.name] = found.get(each.name, []) + bases
    return found


def _base(node: ast.expr, elsewhere: set[str]) -> str:
    if isinstance(node, ast.Name) and node.id in elsewhere:
        return f"{UNKNOWN}.{node.id}"
    return written(node) if isinstance(node, (ast.Name, ast.Attribute)) else UNKNOWN
