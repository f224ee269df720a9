"""The main module of processes that multiprocessing spawns from a program with the alias.

Such a process first imports its parent's main file, to find the function that it has to run. If a command has installed
the alias, and the file imports `sanic`, that import would fail. So the command sets this module as the main module
(multiprocessing reads `__main__.__spec__`). It installs the alias, then runs the original main file.
"""

from __future__ import annotations

import os
import runpy
import sys
from importlib.machinery import ModuleSpec
from types import ModuleType

from sanic_star.compat._alias.alias import install

MODULE_NAME = "sanic_star.compat._alias.bootstrap"
# The original main module for a spawned process: `path:/srv/app/server.py`, `module:shop.server`.
# With the prefix `SANIC_` it would be a setting of applications.
MAIN = "_SANIC_STAR_MAIN"
# The name that multiprocessing gives the main module of a spawned process.
SPAWNED = "__mp_main__"


class _Spec(ModuleSpec):
    """The spec of this module, with the package that relative imports of the original main module start from."""

    def __init__(self, package: str) -> None:
        super().__init__(MODULE_NAME, None)
        self.package = package

    @property
    def parent(self) -> str:
        return self.package


def replace_main(main: ModuleType | None, target_module: str = "") -> None:
    """Make spawned processes import this module instead of the main module.

    Args:
        main: the main module; an embedded interpreter may have none.
        target_module: what they run afterwards: `path:` and a file, `module:` and a name, or nothing.
    """
    if main is not None:
        os.environ[MAIN] = target_module
        main.__spec__ = _Spec(getattr(main, "__package__", None) or "")


if __name__ == SPAWNED:
    install()
    kind, _, target = os.environ.get(MAIN, "").partition(":")
    namespace = {}
    if kind == "path":
        namespace = runpy.run_path(target, run_name=SPAWNED)
    elif kind == "module":
        namespace = runpy.run_module(target, run_name=SPAWNED, alter_sys=True)
    globals().update(namespace)
    # For the processes that this one spawns.
    replace_main(sys.modules[SPAWNED], os.environ.get(MAIN, ""))
