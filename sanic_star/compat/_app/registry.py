"""The applications of this process by name, for modules that `compat.app` imports and that cannot import it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sanic_star.compat.exceptions import SanicException

# `Sanic._app_registry`. If two applications have the same name, it has the newer one.
applications: dict[str, Any] = {}
# The class `Sanic`, set by `compat.app`, which the package `compat` imports before its other modules.
make_application: Callable[..., Any]

_HOW_TO_FIND = (
    "\nApp instantiation must occur outside if __name__ == '__main__' block or by using an AppLoader."
    "\nSee https://sanic.dev/en/guide/deployment/app-loader.html for more details."
)


def find_application(name: str, registry: Mapping[str, Any] = applications) -> Any:
    """Return an application by its name; `__main__` also finds `__mp_main__`.

    Args:
        name: its name.
        registry: the registry, by default that of this process.

    Raises:
        SanicException: no application has that name.
    """
    candidate = "__mp_main__" if name == "__main__" and name not in registry else name
    if candidate in registry:
        return registry[candidate]
    raise SanicException(f"Sanic app name '{candidate}' not found.{_HOW_TO_FIND}")
