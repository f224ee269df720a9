"""Public methods of `Sanic` that a subclass overrides are called where Sanic calls them.

Here most of these places are composed when the application is finalised, and need no method of the application. So each
such method is marked, and its place looks once whether the application's method is still the marked one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])
# By identity: `functools.wraps` copies attributes of a function, and an override may be any callable.
_marked: dict[int, Any] = {}


def overridable(method: F) -> F:
    """Mark a method of `Sanic` that is called elsewhere where a subclass overrides it."""
    _marked[id(method)] = method
    return method


def is_overridden(method: Callable[..., Any]) -> bool:
    """Tell whether an application's method is another one than `Sanic`'s.

    Args:
        method: as an attribute of the application.
    """
    return id(getattr(method, "__func__", method)) not in _marked
