"""Public methods of `Sanic` that are delegated to a part of the application, or that a subclass may override.

The signature and docstring of a delegated method are written once, at the part.

A method that a subclass overrides, or that a tool has patched on the class, is called where Sanic calls it. Here most
of these places are compiled when the application is finalised and do not call the method. So each such method is
marked, and finalisation checks whether the application's method is still the marked one.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from inspect import iscoroutinefunction
from types import FunctionType
from typing import Any, Concatenate, ParamSpec, TypeVar

from starlette import applications
from starlette.applications import Starlette

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])
# Monitoring tools patch this method: Starlette's own one, or `None` if a tool has patched it already. `__module__`
# would not show that, because `functools.wraps` copies it.
_entry = Starlette.__call__
ENTRY = _entry if type(_entry) is FunctionType and _entry.__globals__ is vars(applications) else None
# Compared by identity: `functools.wraps` copies a function's attributes, and an override may be any callable.
_overridable_methods: dict[int, Any] = {}


def delegate(method: Callable[Concatenate[T, P], R], part: Callable[[Any], T]) -> Callable[Concatenate[Any, P], R]:
    """Return a method of the application that calls a method of one of its parts.

    Args:
        method: the part's method; the result has its signature and docstring.
        part: returns the part of an application.
    """
    call: Any
    if iscoroutinefunction(method):

        async def call(self: Any, *args: Any, **kwargs: Any) -> Any:
            return await method(part(self), *args, **kwargs)
    else:

        def call(self: Any, *args: Any, **kwargs: Any) -> Any:
            return method(part(self), *args, **kwargs)

    method_of_app: Callable[Concatenate[Any, P], R] = wraps(method)(call)
    method_of_app.__qualname__ = f"Sanic.{method.__name__}"
    return method_of_app


def overridable(method: F) -> F:
    """Mark a method of `Sanic` that is called only if a subclass overrides it."""
    _overridable_methods[id(method)] = method
    return method


class Overrides:
    """The marked methods that an application's class overrides."""

    _startup = False
    dispatch = False
    finalize = False
    finalize_middleware = False
    handle_exception = False
    handle_request = False
    shutdown_tasks = False
    signalize = False
    stop = False

    @classmethod
    def of(cls, app: Any) -> Overrides:
        """Return the overrides of an application."""
        overrides = cls()
        for name, default in vars(cls).items():
            if default is False:
                setattr(overrides, name, is_overridden(getattr(app, name)))
        return overrides


def is_overridden(method: Callable[..., Any]) -> bool:
    """Return whether an application's method is not `Sanic`'s own.

    Args:
        method: the method, read as an attribute of the application.
    """
    return id(getattr(method, "__func__", method)) not in _overridable_methods
