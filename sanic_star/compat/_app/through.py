"""Delegate a method of an application to one of its parts: signature and docstring are written once, at the part."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from inspect import iscoroutinefunction
from typing import Any, Concatenate, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")


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
