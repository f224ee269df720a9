"""The public names of the package, as one sorted text: `module: name name …`.

A module's public names are its `__all__`. A module without one has the names that it defines itself and that do not
begin with an underscore; so only a module that passes on names of others needs an `__all__`.

The text is kept in `public_names.txt`, so that each change of the public face shows in a diff.
`python -m tests.project.public_names` writes it anew.
"""

import ast
import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path

import sanic_star

NAMES_FILE = Path(__file__).with_suffix(".txt")
# It installs the alias, which it refuses in a process that has imported Sanic, as the tests do. `test_ext` imports it.
ONLY_WITHOUT_SANIC = {"sanic_star.ext"}


def public_modules() -> Iterator[str]:
    """Yield the dotted names of the package's modules that have no private part in them."""
    yield "sanic_star"
    for module in pkgutil.walk_packages(sanic_star.__path__, "sanic_star."):
        if not any(part.startswith("_") for part in module.name.split(".")):
            yield module.name


def defined_names(source: str) -> Iterator[str]:
    """Yield the names that a module's own statements bind, imports aside."""
    for node in ast.parse(source).body:
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.Assign(targets=targets):
                yield from (target.id for target in targets if isinstance(target, ast.Name))
            case ast.AnnAssign(target=ast.Name(id=name)):
                yield name


def public_names(module: str) -> list[str]:
    """Return a module's public names, sorted."""
    if module in ONLY_WITHOUT_SANIC:
        source = (Path(sanic_star.__path__[0]) / f"{module.rpartition('.')[2]}.py").read_text()
        (names,) = [
            node.value
            for node in ast.parse(source).body
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
        ]
        return sorted(ast.literal_eval(names))
    loaded = importlib.import_module(module)
    if hasattr(loaded, "__all__"):
        return sorted(loaded.__all__)
    source = Path(str(loaded.__file__)).read_text()
    return sorted({name for name in defined_names(source) if not name.startswith("_")})


def describe() -> str:
    """Return the public names as they are now."""
    return "".join(f"{module}: {' '.join(public_names(module))}".rstrip() + "\n" for module in sorted(public_modules()))


if __name__ == "__main__":
    NAMES_FILE.write_text(describe())
