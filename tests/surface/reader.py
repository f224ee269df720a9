"""The public surface of a package, by introspection only: `python -m tests.surface.reader sanic app blueprints …`.

Run in a process of its own for each package, because one of them may stand in for the other. Prints JSON: by module its
names, by name its kind, parameters and attributes.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import re
import sys
import textwrap
from typing import Any

VALUE = {"kind": "value", "names": [], "open": False, "async": False, "idle": False}
NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


class Reader:
    """Reads one package: of Sanic the names that it defines itself, of a mirror all names that can be imported.

    Args:
        package: its name.
    """

    def __init__(self, package: str) -> None:
        self.package = package
        self.is_reference = package == "sanic"

    def module(self, name: str) -> dict[str, Any]:
        """Return the names of a module, or the error with which its import ends."""
        full = f"{self.package}.{name}" if name else self.package
        try:
            module = importlib.import_module(full)
        except Exception as error:
            return {"error": f"{type(error).__name__}: {error}"}
        listed = getattr(module, "__all__", None) if self.is_reference else None
        keys = listed or [key for key in dir(module) if not key.startswith("__") or key == "__version__"]
        values = {key: getattr(module, key, None) for key in keys}
        return {
            "names": {
                key: self.entry(value)
                for key, value in values.items()
                if not inspect.ismodule(value) and (listed or not self.is_reference or _is_own(key, value, full))
            }
        }

    def entry(self, value: Any) -> dict[str, Any]:
        """Describe the value of a name in a module."""
        is_class = inspect.isclass(value)
        is_error = is_class and issubclass(value, BaseException)
        bases = [
            base.__name__
            for base in (value.__mro__[1:] if is_error else ())
            if not self.is_reference or base.__module__.split(".")[0] == "sanic"
        ]
        return {**describe(value), "attributes": self.attributes(value) if is_class else {}, "bases": bases}

    def attributes(self, cls: type) -> dict[str, Any]:
        """Describe the public attributes of a class, those that methods of a mirror's class set on `self` included."""
        attributes: dict[str, Any] = {}
        for base in reversed(cls.__mro__):
            if self.is_reference and base.__module__.split(".")[0] != "sanic":
                continue
            for name in vars(base):
                if not name.startswith("_"):
                    attributes[name] = describe(inspect.getattr_static(cls, name))
            for name in getattr(base, "__annotations__", {}):
                if not name.startswith("_"):
                    attributes.setdefault(name, VALUE)
            if not self.is_reference:
                for name in _set_on_self(base):
                    attributes.setdefault(name, VALUE)
        return attributes


def describe(value: Any) -> dict[str, Any]:
    """Describe the kind of an object, and a callable's parameters.

    `open` is whether it takes any keyword argument and uses them, `idle` whether it does nothing.
    """
    if isinstance(value, property) or inspect.isdatadescriptor(value):
        return VALUE
    if isinstance(value, (classmethod, staticmethod)):
        value = value.__func__
    if not callable(value):
        return VALUE
    kind = "class" if inspect.isclass(value) else "function"
    signature = {"kind": kind, "names": [], "open": True, "async": False, "idle": False}
    try:
        parameters = inspect.signature(value).parameters.values()
    except (TypeError, ValueError):
        return signature
    tree = _tree(value) if kind == "function" else None
    extra = next((parameter.name for parameter in parameters if parameter.kind is inspect.Parameter.VAR_KEYWORD), None)
    return signature | {
        "names": [
            parameter.name
            for parameter in parameters
            if parameter.kind in NAMED and parameter.name not in ("self", "cls") and not parameter.name.startswith("_")
        ],
        "open": extra is not None and (tree is None or _uses(tree, extra)),
        "idle": _is_idle(tree),
        "async": inspect.iscoroutinefunction(value),
    }


def _is_own(key: str, value: Any, module: str) -> bool:
    """Return whether a module defines a public name itself."""
    home = getattr(value, "__module__", None)
    return not key.startswith("_") and (key.isupper() if home is None else home == module)


def _set_on_self(cls: type) -> list[str]:
    try:
        return re.findall(r"\bself\.([a-z]\w*)\s*(?::[^=\n]+)?=[^=]", inspect.getsource(cls))
    except (OSError, TypeError):
        return []


def _tree(function: Any) -> ast.stmt | None:
    """Return a function's syntax tree, or `None` where there is no source."""
    try:
        return ast.parse(textwrap.dedent(inspect.getsource(inspect.unwrap(function)))).body[0]
    except (OSError, TypeError, SyntaxError, IndexError):
        return None


def _uses(tree: ast.stmt, name: str) -> bool:
    return any(isinstance(node, ast.Name) and node.id == name for node in ast.walk(tree))


def _is_idle(tree: ast.stmt | None) -> bool:
    if not isinstance(tree, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return False
    steps = [step for step in tree.body if not (isinstance(step, ast.Expr) and isinstance(step.value, ast.Constant))]
    return all(_does_nothing(step) for step in steps)


def _does_nothing(step: ast.stmt) -> bool:
    match step:
        case ast.Pass() | ast.Return(value=None | ast.Constant()):
            return True
        case ast.Raise():
            return "NotImplemented" in ast.dump(step)
    return False


if __name__ == "__main__":
    reader = Reader(sys.argv[1])
    print(json.dumps({name: reader.module(name) for name in ["", *sys.argv[2:]]}))
