"""The public names of the package, as one sorted text: `module: name name …`.

The text is kept in `public_names.txt`, so that each change of the public face shows in a diff.
`python -m tests.project.public_names` writes it anew.
"""

import ast
import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path

import sanic_star

KEPT = Path(__file__).with_suffix(".txt")


def public_modules() -> Iterator[str]:
    """Yield the dotted names of the package's modules that have no private part in them."""
    yield "sanic_star"
    for module in pkgutil.walk_packages(sanic_star.__path__, "sanic_star."):
        if not any(part.startswith("_") for part in module.name.split(".")):
            yield module.name


def public_names(module: str) -> list[str] | None:
    """Return a module's `__all__`; none is needed where there is nothing but a docstring."""
    loaded = importlib.import_module(module)
    empty = len(ast.parse(Path(str(loaded.__file__)).read_text()).body) <= 1
    return getattr(loaded, "__all__", [] if empty else None)


def describe() -> str:
    """Return the public names as they are now."""
    names = {module: public_names(module) for module in sorted(public_modules())}
    return "".join(f"{module}: {' '.join(sorted(has or []))}".rstrip() + "\n" for module, has in names.items())


if __name__ == "__main__":
    KEPT.write_text(describe())
