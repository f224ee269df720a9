"""Imports within the package: they have no cycles, including annotations, and they are statements."""

import ast
import importlib
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import sanic_star
from tests.project import ROOT
from tests.project.public_names import ONLY_WITHOUT_SANIC, public_modules

PACKAGE = ROOT / "sanic_star"
# The default of `Request[Sanic]`: a handler annotated with `Request` gets an application with its type.
ALLOWED = {("sanic_star.compat.request.types", "sanic_star.compat.app")}


def _name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {_name(path): ast.parse(path.read_text()) for path in PACKAGE.rglob("*.py")}


def _imported(tree: ast.Module) -> Iterator[str]:
    """Yield the modules of the package that a module imports: at its top, in functions and for annotations."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(str(module), names, 0):
                for alias in names:
                    submodule = f"{module}.{alias.name}"
                    yield submodule if submodule in MODULES else module
            case ast.Call(
                func=ast.Name("import_module") | ast.Attribute(attr="import_module"), args=[ast.Constant(name)]
            ):
                yield str(name)


def test_imports_form_no_circle() -> None:
    graph = {
        module: {
            other
            for other in _imported(tree)
            if other in MODULES and other != module and (module, other) not in ALLOWED
        }
        for module, tree in MODULES.items()
    }
    assert len(graph) > 100
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        # Each module of the list is imported by the next one.
        raise AssertionError(" <- ".join(error.args[1])) from None


# Where a name of a module is chosen while the program runs.
CHOSEN = {
    "sanic_star.compat._alias.alias": "self.own_spec.name",
    "sanic_star.compat.helpers": "module",
    "sanic_star.compat.worker.loader": "self.module_name",
    "sanic_star.testing": "f'{__name__}.{_MODULES[name]}'",
}


def test_no_module_of_the_package_is_imported_by_a_string() -> None:
    calls = {
        (module, ast.unparse(node.args[0]))
        for module, tree in MODULES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module")
    }
    assert set(CHOSEN.items()) <= calls
    assert [call for call in calls - set(CHOSEN.items()) if "sanic" in call[1]] == []


def _loaded_late(module: str) -> Iterator[str]:
    """Yield the public names that a module imports only for type checkers, and passes on when they are used."""
    for node in MODULES[module].body:
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            for statement in node.body:
                if isinstance(statement, ast.ImportFrom):
                    yield from (alias.asname or "" for alias in statement.names if alias.asname == alias.name)


def test_dir_lists_what_is_loaded_late() -> None:
    hidden = []
    for name in sorted(set(public_modules()) - ONLY_WITHOUT_SANIC):
        module = importlib.import_module(name)
        listed = dir(module)
        late = {*_loaded_late(name), *getattr(module, "__all__", ())}
        hidden += [f"{name}.{member}" for member in late if member not in listed]
        hidden += [f"{name}.{member}: does not exist" for member in listed if not hasattr(module, member)]
    assert hidden == []
    assert {"Hub", "EventStream", "guard", "exceptions", "response"} <= set(dir(sanic_star))
