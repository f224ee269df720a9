"""The public names of the package, as one sorted text: `module: name name …`.

The text is kept in `public_names.txt`, so that each change of the public face shows in a diff.
`python -m tests.project.public_names` writes it anew.
"""

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


def describe() -> str:
    """Return the public names as they are now."""
    lines = []
    for name in sorted(public_modules()):
        names = getattr(importlib.import_module(name), "__all__", None)
        lines.append(f"{name}: {'no __all__' if names is None else ' '.join(sorted(names))}".rstrip())
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    KEPT.write_text(describe())
