"""The applications of this process by name, for modules that `compat.app` imports and that cannot import it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sanic_star.compat.exceptions import SanicException

# `Sanic._app_registry`. Of two applications with one name it has the newer.
applications: dict[str, Any] = {}
# `Sanic`, which `compat.app` sets at its import; the package `compat` imports that module before all others.
make_application: Callable[..., Any]

_HOW_TO_FIND = (
    "\nApp instantiation must occur outside if __name__ == '__main__' block or by using an AppLoader."
    "\nSee https://sanic.dev/en/guide/deployment/app-loader.html for more details."
)


def find_application(name: str, registry: Mapping[str, Any] = applications) -> Any:
    """Return an application by its name; `__main__` finds `__mp_main__` too.

    Args:
        name: its name.
        registry: where to look, by default in the registry of this process.

    Raises:
        SanicException: there is none of that name.
    """
    candidate = "__mp_main__" if name == "__main__" and name not in registry else name
    if candidate in registry:
        return registry[candidate]
    raise SanicException(f"Sanic app name '{candidate}' not found.{_HOW_TO_FIND}")
