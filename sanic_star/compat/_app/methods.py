"""The public methods of `Sanic`: those that a part of the application has, and those that a subclass may override.

A method that is delegated to a part has its signature and its docstring written once, at the part.

A method that a subclass overrides, or that a tool has replaced on the class, is called where Sanic calls it. Here most
of these places are composed when the application is finalised, and need no method of the application. So each such
method is marked, and its place looks once whether the application's method is still the marked one.
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
# Where monitoring tools come in: Starlette's own method, or `None` if a tool has replaced it already. Not told by
# `__module__`, which `functools.wraps` copies.
_entry = Starlette.__call__
ENTRY = _entry if type(_entry) is FunctionType and _entry.__globals__ is vars(applications) else None
# By identity: `functools.wraps` copies attributes of a function, and an override may be any callable.
_marked: dict[int, Any] = {}


def through(method: Callable[Concatenate[T, P], R], part: Callable[[Any], T]) -> Callable[Concatenate[Any, P], R]:
    """Return a method of the application that calls one of a part of it.

    Args:
        method: the part's method; its signature and its docstring are the result's.
        part: gets the part from the application.
    """
    call: Any
    if iscoroutinefunction(method):

        async def call(self: Any, *args: Any, **kwargs: Any) -> Any:
            return await method(part(self), *args, **kwargs)
    else:

        def call(self: Any, *args: Any, **kwargs: Any) -> Any:
            return method(part(self), *args, **kwargs)

    wrapped: Callable[Concatenate[Any, P], R] = wraps(method)(call)
    wrapped.__qualname__ = f"Sanic.{method.__name__}"
    return wrapped


def overridable(method: F) -> F:
    """Mark a method of `Sanic` that is called elsewhere where a subclass overrides it."""
    _marked[id(method)] = method
    return method


class Overrides:
    """Which of these methods an application's class overrides."""

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
        """Look at the methods of an application."""
        overrides = cls()
        for name, default in vars(cls).items():
            if default is False:
                setattr(overrides, name, is_overridden(getattr(app, name)))
        return overrides


def is_overridden(method: Callable[..., Any]) -> bool:
    """Tell whether an application's method is another one than `Sanic`'s.

    Args:
        method: as an attribute of the application.
    """
    return id(getattr(method, "__func__", method)) not in _marked
