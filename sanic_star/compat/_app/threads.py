"""Synchronous functions in threads: handlers, middleware, exception handlers and listeners.

Whether a function runs in a thread is decided at its registration and when the application is finalised. Only
applications that use threads import this module.

An asynchronous function always runs in the event loop. A synchronous one that returns an awaitable is called in a
thread, and the awaitable is awaited in the event loop.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import update_wrapper
from inspect import isawaitable
from typing import TYPE_CHECKING, Any

from sanic_star.compat._app.error_handler import as_sanic_exception
from sanic_star.compat._app.pipeline import Call, is_coroutine_function
from sanic_star.compat.constants import HTTP_METHODS
from sanic_star.compat.request.types import Request

if TYPE_CHECKING:
    from sanic_star.compat._app.seams import Application

Run = Callable[..., Awaitable[Any]]


class InThread:
    """A synchronous function that runs in a thread when it is called.

    It has the function's name and signature, and can be pickled with the application.

    Args:
        app: the application that owns the threads.
        function: the user's function.
    """

    def __init__(self, app: Application, function: Callable[..., Any]) -> None:
        update_wrapper(self, function)
        self._app = app
        self._function = function

    async def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function in a thread; await its result if that is awaitable."""
        result = await self._app._answers.threads.run(self._function, *args, **kwargs)
        return await result if isawaitable(result) else result


class ExceptionHandlerInThread(InThread):
    """An exception handler that runs in a thread, with the same results as in the event loop.

    As in Sanic 25.12, a synchronous handler differs from an asynchronous one: `None` stands for the error page, and an
    exception that it raises leads to status 500.
    """

    async def __call__(self, request: Any, error: BaseException) -> Any:
        """Call the handler in a thread."""
        if not isinstance(request, Request) or request._is_answered:
            # A websocket or a background task has no response.
            return await super().__call__(request, error)
        table = self._app.error_handler
        try:
            response = await self._app._answers.threads.run(self._function, request, error)
        except Exception as raised:
            return table._answer_to_failure(request, self, raised)
        if response is None:
            return table.default(request, as_sanic_exception(error))
        return await response if isawaitable(response) else response


def in_thread(app: Application, function: Callable[..., Any], kind: type[InThread] = InThread) -> Callable[..., Any]:
    """Return a callable that calls a function in a thread; an asynchronous function unchanged."""
    if isinstance(function, InThread) or is_coroutine_function(function):
        return function
    return kind(app, function)


def middleware_in_thread(run: Run, function: Callable[..., Any]) -> Callable[..., Awaitable[Any]]:
    """Return a middleware's function that runs in a thread.

    Args:
        run: calls a function in a thread.
        function: the user's function.
    """

    async def call_in_thread(*args: Any) -> Any:
        result = await run(function, *args)
        return await result if isawaitable(result) else result

    return call_in_thread


def handler_in_thread(run: Run, handler: Callable[..., Any], call: Call) -> Call:
    """Return a callable that calls a handler in a thread; of a class view, only its synchronous methods.

    Args:
        run: calls a function in a thread.
        handler: the user's handler.
        call: calls it in the event loop.
    """

    async def call_in_thread(request: Any) -> Any:
        response = await run(handler, request, **request._route_params)
        return await response if isawaitable(response) else response

    if is_coroutine_function(handler):
        return call
    view = getattr(handler, "view_class", None)
    if view is None:
        return call_in_thread
    blocking = _synchronous_methods(view)

    async def call_view(request: Any) -> Any:
        return await (call_in_thread if request.method in blocking else call)(request)

    return call_view if blocking else call


def _synchronous_methods(view: type) -> frozenset[str]:
    """Return the HTTP methods that a class view handles synchronously."""
    if is_coroutine_function(getattr(view, "dispatch_request", None) or view):
        return frozenset()
    functions = {str(method): getattr(view, method.lower(), None) for method in HTTP_METHODS}
    functions["HEAD"] = functions["HEAD"] or functions["GET"]
    return frozenset(
        method for method, function in functions.items() if function and not is_coroutine_function(function)
    )
