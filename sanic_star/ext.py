"""Sanic Extensions for projects that import `sanic_star`: `from sanic_star.ext import validate`.

The package `sanic_ext` imports `sanic`. So the import of this module installs the alias: from then on `import sanic`
imports this package, in the whole process. This module has all names and submodules of `sanic_ext`:
`sanic_star.ext.extensions.openapi.definitions` is `sanic_ext.extensions.openapi.definitions`, the same module.

The import raises `sanic_star.compat._alias.alias.AliasError` (a `RuntimeError`) if Sanic itself was already imported,
and `ModuleNotFoundError` if `sanic-ext` is not installed.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType
from typing import Any

from sanic_star.compat._alias import alias

alias.install("sanic_star.ext needs `import sanic` to mean sanic_star, and comes too late")

try:
    import sanic_ext
    from sanic_ext import (
        Config,
        CountedRequest,
        Extend,
        Extension,
        __version__,
        cors,
        openapi,
        render,
        serializer,
        validate,
    )
except ModuleNotFoundError as error:
    if error.name != "sanic_ext":
        raise
    raise ModuleNotFoundError(
        "sanic_star.ext needs the package sanic-ext: pip install sanic-ext", name="sanic_ext"
    ) from None

# Makes the module a package, so that Python imports submodules of it.
__path__: list[str] = []


class _Finder:
    """Finds the modules of `sanic_ext` by the name of this module."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if not fullname.startswith(f"{__name__}."):
            return None
        sanic_ext_spec = find_spec(f"sanic_ext.{fullname.removeprefix(f'{__name__}.')}")
        return None if sanic_ext_spec is None else alias.renamed(fullname, sanic_ext_spec)


sys.meta_path.insert(0, _Finder())


def __getattr__(name: str) -> Any:
    return getattr(sanic_ext, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


__all__ = [
    "Config",
    "CountedRequest",
    "Extend",
    "Extension",
    "__version__",
    "cors",
    "openapi",
    "render",
    "serializer",
    "validate",
]
