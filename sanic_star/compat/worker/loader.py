"""`AppLoader` and `CertLoader`: load the application and the certificate in a process."""

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
    """The module has no variable `app`, and the input names no other one."""


class AppLoader:
    """Load an application, in this process or in a worker; picklable if its arguments are.

    Args:
        module_input: `module:name`, `module.name`, `module` for its variable `app`, or a directory whose files are
            served. The name may be that of a factory.
        as_factory: whether the name is a factory.
        as_simple: whether `module_input` is a directory.
        args: the argument for the factory, if the factory takes one.
        factory: a function without parameters that returns the application; used instead of `module_input`.

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
        # Whether a factory was called and has returned `None`.
        self.factory_returned_none = False
        self.module_name, self.app_name = self._split_input()

    def _split_input(self) -> tuple[str, str]:
        """Return the names of module and application; both are empty if the input is only a module or a directory."""
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
            ValueError: `module_input` is empty, and there is no factory.
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
            return self._default_app_of(self.module_input)
        module = import_module(self.module_name)
        target: Any = module
        for name in self.app_name.split("."):
            target = getattr(target, name, None)
        # `shop.server` may be a module with an `app`, or the name `server` in the module `shop`.
        dotted = self.module_input
        if ":" not in dotted and (isinstance(target, ModuleType) or (target is None and _exists(dotted, module))):
            return self._default_app_of(dotted)
        return target

    def _default_app_of(self, module: str) -> Any:
        target = getattr(import_module(module), DEFAULT_APP_NAME, None)
        if target is None:
            raise NoApplication(
                f"There is no {DEFAULT_APP_NAME!r} in the module {module!r}; name the application, "
                f"as in {module}:{DEFAULT_APP_NAME}, or the function that returns it."
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
        self.factory_returned_none = app is None
        return app


def _accepts(factory: Callable[..., Any], *args: Any) -> bool:
    try:
        signature(factory).bind(*args)
    except TypeError:
        return False
    return True


def _exists(name: str, package: ModuleType) -> bool:
    return hasattr(package, "__path__") and find_spec(name) is not None
