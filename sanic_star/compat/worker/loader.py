"""What a process loads: its application (`AppLoader`) and its certificate (`CertLoader`)."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from inspect import isroutine, signature
from pathlib import Path
from types import ModuleType
from typing import Any

from sanic_star.compat._serving.certificates import CertLoader
from sanic_star.compat.simple import create_simple_server
from sanic_star.engine.application import engine_of

__all__ = ["DEFAULT_APP_NAME", "AppLoader", "CertLoader", "NoApplication"]

DEFAULT_APP_NAME = "app"


class NoApplication(ValueError):
    """A module has no `app`, and nothing else was asked for."""


class AppLoader:
    """Load an application, in this process or in a worker; it can be pickled where what it was given can be.

    Args:
        module_input: `module:name`, `module.name`, or `module` for its `app`; the name may be that of a function that
            makes the application. Or a directory, whose files are served.
        as_factory: whether the name is something to call.
        as_simple: whether `module_input` is a directory.
        args: what the function gets where it takes an argument.
        factory: makes the application; called without arguments.

    Examples:
        >>> from sanic_star import Sanic
        >>> AppLoader(factory=lambda: Sanic("Loaded")).load()
        Sanic(name="Loaded")
    """

    def __init__(
        self,
        module_input: str = "",
        as_factory: bool = False,
        as_simple: bool = False,
        args: Any = None,
        factory: Callable[[], Any] | None = None,
    ) -> None:
        self.module_input = module_input
        self.as_factory = as_factory
        self.as_simple = as_simple
        self.args = args
        self.factory = factory
        # Whether what was asked for is there, and has returned `None` when it was called.
        self.made_nothing = False
        self.module_name, self.app_name = self._parts()

    def _parts(self) -> tuple[str, str]:
        """Return the names of module and application, empty where the input names a module or a directory."""
        if self._is_path():
            return "", ""
        module, _, name = self.module_input.rpartition(":" if ":" in self.module_input else ".")
        if name.endswith("()"):
            self.as_factory = True
            name = name.removesuffix("()")
        return (module, name) if module else ("", "")

    def _is_path(self) -> bool:
        return self.as_simple or not {"/", "\\"}.isdisjoint(self.module_input) or self.module_input in {".", ".."}

    def load(self) -> Any:
        """Return what was asked for: the application, or whatever else is found under its name, `None` for nothing.

        Raises:
            ModuleNotFoundError: there is no such module.
            SanicException: there is no such directory.
            NoApplication: there is no `app` in the module.
            ValueError: nothing was asked for.
        """
        if self.factory is not None:
            return self.factory()
        if self.as_simple or (self._is_path() and Path(self.module_input).is_dir()):
            return create_simple_server(Path(self.module_input))
        if not self.module_input:
            raise ValueError("AppLoader needs the name of an application, such as server:app, or a factory")
        if "" not in sys.path and str(Path.cwd()) not in sys.path:
            sys.path.insert(0, str(Path.cwd()))
        target = self._find()
        if engine_of(target) is not None or not (self.as_factory or isroutine(target)):
            return target
        return self._call(target)

    def _find(self) -> Any:
        if not self.module_name:
            return self._app_of(self.module_input)
        module = import_module(self.module_name)
        target: Any = module
        for name in self.app_name.split("."):
            target = getattr(target, name, None)
        # `shop.server` may be a module, which has its `app`, as well as the name `server` in the module `shop`.
        dotted = self.module_input
        if ":" not in dotted and (isinstance(target, ModuleType) or (target is None and _exists(dotted, module))):
            return self._app_of(dotted)
        return target

    def _app_of(self, module: str) -> Any:
        target = getattr(import_module(module), DEFAULT_APP_NAME, None)
        if target is None:
            raise NoApplication(
                f"There is no {DEFAULT_APP_NAME!r} in the module {module!r}; say which name is the application, "
                f"as in {module}:{DEFAULT_APP_NAME}, or which function makes it."
            )
        return target

    def _call(self, factory: Callable[..., Any]) -> Any:
        try:
            made = factory(self.args) if _takes(factory, self.args) else factory()
        except TypeError:
            # As in Sanic: `create_app(name="shop")` takes an argument, and can't make anything of this one.
            if not (_takes(factory, self.args) and _takes(factory)):
                raise
            made = factory()
        self.made_nothing = made is None
        return made


def _takes(factory: Callable[..., Any], *args: Any) -> bool:
    try:
        signature(factory).bind(*args)
    except TypeError:
        return False
    return True


def _exists(name: str, package: ModuleType) -> bool:
    return hasattr(package, "__path__") and find_spec(name) is not None
