"""`AppLoader` and `CertLoader`, which load a process's application and certificate."""

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
    """A module has no `app`, and no other name was given."""


class AppLoader:
    """Load an application, in this process or in a worker; picklable if its arguments are.

    Args:
        module_input: `module:name`, `module.name`, or `module` for its `app`; the name may be a factory. Or a directory
            whose files are served.
        as_factory: whether the name is a factory.
        as_simple: whether `module_input` is a directory.
        args: the argument of a factory that takes one.
        factory: returns the application; called without arguments.

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
        # Whether the factory was found and has returned `None`.
        self.made_nothing = False
        self.module_name, self.app_name = self._parts()

    def _parts(self) -> tuple[str, str]:
        """Return the names of module and application; empty if the input is only a module or a directory."""
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
        """Return the application, or any other object that has the given name.

        Raises:
            ModuleNotFoundError: the module does not exist.
            SanicException: the directory does not exist.
            NoApplication: the module has no `app`.
            ValueError: there is neither a name nor a factory.
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
        # `shop.server` may be a module with an `app`, or the name `server` in the module `shop`.
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
            app = factory(self.args) if _accepts(factory, self.args) else factory()
        except TypeError:
            # As in Sanic: `create_app(name="shop")` accepts an argument, but fails with this one.
            if not (_accepts(factory, self.args) and _accepts(factory)):
                raise
            app = factory()
        self.made_nothing = app is None
        return app


def _accepts(factory: Callable[..., Any], *args: Any) -> bool:
    try:
        signature(factory).bind(*args)
    except TypeError:
        return False
    return True


def _exists(name: str, package: ModuleType) -> bool:
    return hasattr(package, "__path__") and find_spec(name) is not None
