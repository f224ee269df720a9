"""Types of handlers, middleware and listeners, for annotations.

Application and request are `Any`, because users subclass both: a listener for `MyApp` is a listener.
"""

from __future__ import annotations

from asyncio import AbstractEventLoop
from collections.abc import Callable, Coroutine
from typing import Any, TypeAlias, TypeVar

Sanic = TypeVar("Sanic", bound=Any)
Request = TypeVar("Request", bound=Any)

MiddlewareResponse: TypeAlias = Any
RequestMiddlewareType: TypeAlias = Callable[[Request], MiddlewareResponse]
ResponseMiddlewareType: TypeAlias = Callable[[Request, Any], MiddlewareResponse]
ErrorMiddlewareType: TypeAlias = Callable[[Request, BaseException], Coroutine[Any, Any, None] | None]
MiddlewareType: TypeAlias = RequestMiddlewareType[Request] | ResponseMiddlewareType[Request]
ListenerType: TypeAlias = (
    Callable[[Sanic], Coroutine[Any, Any, None] | None]
    | Callable[[Sanic, AbstractEventLoop], Coroutine[Any, Any, None] | None]
)
RouteHandler: TypeAlias = Callable[..., Any]
SignalHandler: TypeAlias = Callable[..., Any]
