"""Public methods that a subclass overrides, or that somebody has replaced on the class, are called where Sanic calls them.

Most of these places are composed when the application is finalised, and need no method of the application. So each such
method is marked, and its place looks whether the object's method is still the marked one. To compare it with the
method of the class would not do: monitoring tools replace that.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

F = TypeVar("F", bound=Callable[..., Any])
# By identity: `functools.wraps` copies attributes of a function, and an override may be any callable.
_marked: dict[int, Any] = {}


def overridable(method: F) -> F:
    """Mark a method of `Sanic` that is called elsewhere where a subclass overrides it."""
    _marked[id(method)] = method
    return method


class Overrides(msgspec.Struct, kw_only=True):
    """Which of these methods an application's class overrides."""

    dispatch: bool = False
    finalize_middleware: bool = False
    handle_exception: bool = False
    handle_request: bool = False
    shutdown_tasks: bool = False
    signalize: bool = False
    stop: bool = False

    @classmethod
    def of(cls, app: Any) -> Overrides:
        """Look at the methods of an application."""
        return cls(**{name: is_overridden(getattr(app, name)) for name in cls.__struct_fields__})


def is_overridden(method: Callable[..., Any]) -> bool:
    """Tell whether an application's method is another one than `Sanic`'s.

    Args:
        method: as an attribute of the application.
    """
    return id(getattr(method, "__func__", method)) not in _marked
