"""pytest plugin (`-p alias_plugin`): make `import sanic` mean this package, before anything is collected.

A guard then refuses each module that would come from the folder of a real `sanic` or `sanic_testing`, so that no test
passes on a real Sanic that happens to be installed.

Some files import parts of Sanic's own server at their head. Where such a name is missing, it gets a placeholder that
raises when it is used: the file can be collected, and only the tests that use the placeholder fail.

`child/sitecustomize.py` imports this module in every Python process that a test starts: a worker, or the command.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.machinery
import os
import sys
import types
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path

GUARDED = ("sanic", "sanic_testing")
# Names that the suite's files import at their heads and that this package leaves out.
PLACEHOLDERS = {"sanic.cli.app": "SanicCLI is_atty"}


def real_folders() -> list[Path]:
    """Return the folders of real packages of Sanic in this environment."""
    specs = (importlib.machinery.PathFinder.find_spec(name) for name in GUARDED)
    return [Path(spec.origin).resolve().parent for spec in specs if spec and spec.origin]


def is_real(origin: str | None) -> bool:
    """Return whether a file belongs to a real Sanic."""
    return bool(origin) and any(Path(str(origin)).resolve().is_relative_to(folder) for folder in REAL_FOLDERS)


class Guard:
    """A finder, placed first, that refuses modules of the real packages."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: types.ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the specification that the other finders give, unless it leads to a real Sanic."""
        if name.partition(".")[0] not in GUARDED:
            return None
        for finder in list(sys.meta_path):
            if finder is self or not hasattr(finder, "find_spec"):
                continue
            if spec := finder.find_spec(name, path, target):
                if is_real(spec.origin):
                    break
                return spec
        raise ModuleNotFoundError(f"No module named {name!r}: the package under test does not have it", name=name)


def placeholder(name: str) -> type:
    """Return a class that raises when it is called."""

    def refuse(self: object, *args: object, **kwargs: object) -> None:
        raise NotImplementedError(f"the package under test has no {name}")

    return type(name, (), {"__init__": refuse})


def imported_or_empty(path: str) -> types.ModuleType:
    """Import a module; put empty ones where it or a parent of it is missing."""
    module = types.ModuleType(path)
    parts = path.split(".")
    for length in range(1, len(parts) + 1):
        name = ".".join(parts[:length])
        try:
            module = importlib.import_module(name)
        except ImportError:
            module = sys.modules[name] = types.ModuleType(name)
            module.__path__ = []
        parent, _, last = name.rpartition(".")
        if parent and not hasattr(sys.modules[parent], last):
            with contextlib.suppress(AttributeError, TypeError):
                setattr(sys.modules[parent], last, module)
    return module


def fill_missing_names() -> None:
    """Put placeholders where a file of the suite could otherwise not be collected."""
    for path, names in PLACEHOLDERS.items():
        module = imported_or_empty(path)
        for name in names.split():
            if not hasattr(module, name):
                setattr(module, name, placeholder(name))


def real_modules() -> list[str]:
    """Return the names of loaded modules that come from a real Sanic."""
    loaded = list(sys.modules.items())
    return sorted(
        name
        for name, module in loaded
        if name.partition(".")[0] in GUARDED and is_real(getattr(module, "__file__", None))
    )


REAL_FOLDERS = real_folders()
importlib.import_module(os.environ.get("ACCEPTANCE_ALIAS", "sanic_star.compat")).install()
fill_missing_names()
sys.meta_path.insert(0, Guard())
