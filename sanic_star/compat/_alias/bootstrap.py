"""The main module of a process that multiprocessing spawns from a program under the alias.

Such a process imports the main file of its parent, to find there what it shall run, before any other code. Where
that file says `import sanic` and a command has installed the alias, the import fails. So the command names this module
as the main one (multiprocessing asks `__main__.__spec__`). It installs the alias, then runs the file in question.
"""

from __future__ import annotations

import os
import runpy
import sys
from importlib.machinery import ModuleSpec
from types import ModuleType

from sanic_star.compat._alias.alias import install

THIS = "sanic_star.compat._alias.bootstrap"
# Tells a spawned process what would have been its main module: `path:/srv/app/server.py`, `module:shop.server`.
# Without the underscore it would be a setting: applications take what begins with `SANIC_` from the environment.
MAIN = "_SANIC_STAR_MAIN"
# The name that multiprocessing gives to the main module of a process that it has spawned.
SPAWNED = "__mp_main__"


class _Spec(ModuleSpec):
    """Names this module, and leaves the package that relative imports start from as it is."""

    def __init__(self, package: str) -> None:
        super().__init__(THIS, None)
        self.package = package

    @property
    def parent(self) -> str:
        return self.package


def stand_before(main: ModuleType | None, what: str = "") -> None:
    """Let spawned processes import this module in place of a main module.

    Args:
        main: the main module; an embedded interpreter may have none.
        what: what they shall run then: `path:` and a file, `module:` and a name, or nothing.
    """
    if main is not None:
        os.environ[MAIN] = what
        main.__spec__ = _Spec(getattr(main, "__package__", None) or "")


if __name__ == SPAWNED:
    install()
    how, _, target = os.environ.get(MAIN, "").partition(":")
    namespace = {}
    if how == "path":
        namespace = runpy.run_path(target, run_name=SPAWNED)
    elif how == "module":
        namespace = runpy.run_module(target, run_name=SPAWNED, alter_sys=True)
    globals().update(namespace)
    # For the processes that this one spawns.
    stand_before(sys.modules[SPAWNED], os.environ.get(MAIN, ""))
