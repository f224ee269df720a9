"""Support for monitoring tools that patch `Sanic._startup` or `Starlette.__call__`.

Sanic's server awaits `_startup` before it starts. Tools such as sentry-sdk patch it on the class to register signals
that follow requests; here it is awaited once per application, at its start. The same tool may also patch
`Starlette.__call__`. An application here is both, so such a tool would count its requests twice. A request is counted
once:

| the request | counted by |
|---|---|
| goes to a route of Sanic's | the tool's signals; `Sanic.__call__` is one that the tool has not patched |
| goes to a mounted application or a Starlette route | the patched `Starlette.__call__`, which is called for it |
| comes through a Starlette application that this one is mounted in | that application's patched `__call__` |
| triggers the start of the application | the patched `Starlette.__call__`, through which it has come |

A tool that has patched only `Starlette.__call__` catches exceptions there. In Starlette, exceptions that a handler for
`Exception` has answered get there too; here they don't. So `report_to_tool` raises such an exception again inside the
patched method, and catches it outside, before the server gets it.

Imported only if one of these methods is patched.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, wraps
from types import SimpleNamespace
from typing import Any

from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send

from sanic_star.compat._app.error_handler import UNEXPECTED
from sanic_star.compat._app.methods import ENTRY, is_overridden
from sanic_star.compat.request._url import leads_to_sanic

# A key of the scope: whether the tool's signals count the request. Missing if it did not come through `_call`.
_LEFT_TO_SIGNALS = "sanic_star.left_to_signals"


async def start_up(app: Any) -> None:
    """Await an application's override of `Sanic._startup`, which a tool or a subclass provides."""
    owner = _owner(type(app))
    if owner is None:
        await app._startup()
        return
    owner.__call__ = _call
    app._answers.entry_for_forwarded = partial(through_starlette, app)
    signal = app.signal
    app.signal = _signal_for_left_requests(signal)
    try:
        await app._startup()
    finally:
        del app.signal


def _owner(cls: type[Any]) -> Any:
    """Return the class that a tool has patched, if the same tool has patched Starlette too; else `None`."""
    tool = _package(Starlette.__call__)
    return next((base for base in cls.__mro__ if _package(vars(base).get("_startup")) == tool), None)


def _package(function: Any) -> str:
    return str(getattr(function, "__module__", "")).partition(".")[0]


def _signal_for_left_requests(signal: Callable[..., Any]) -> Callable[..., Any]:
    """Return an application's `signal` whose handlers run only for requests that the tool's signals count."""

    def register(*args: Any, **kwargs: Any) -> Callable[[Callable[..., Any]], Any]:
        add = signal(*args, **kwargs)

        def decorate(handler: Callable[..., Any]) -> Any:
            @wraps(handler)
            async def handle(*args: Any, **context: Any) -> Any:
                request = context.get("request") or next(iter(args), None)
                if request is None or _is_left_to_signals(request):
                    return await handler(*args, **context)
                return None

            add(handle)
            return handler

        return decorate

    return register


def _is_left_to_signals(request: Any) -> bool:
    if not request.scope.get(_LEFT_TO_SIGNALS):
        return False
    # Events before the routing hide the route.
    return leads_to_sanic({"route": request._hidden_route or request.scope.get("route")})


def through_starlette(app: Any, target: ASGIApp) -> ASGIApp:
    """Return an ASGI application that calls a mount or a Starlette route through the patched `Starlette.__call__`.

    Args:
        app: the application that it belongs to.
        target: the application that answers the connection.
    """

    async def run_target(scope: Scope, receive: Receive, send: Send) -> None:
        # `Starlette.__call__` has set its first argument here.
        scope["app"] = app
        # Also applies to applications of this package that are mounted deeper.
        scope[_LEFT_TO_SIGNALS] = False
        await target(scope, receive, send)

    # The only attribute that Starlette's method reads.
    entry: Any = SimpleNamespace(middleware_stack=run_target)

    async def enter(scope: Scope, receive: Receive, send: Send) -> None:
        await Starlette.__call__(entry, scope, receive, send)

    return enter


def _entry(app: Any) -> Any:
    return next((vars(base)["__call__"] for base in type(app).__mro__ if "__call__" in vars(base)), None)


async def _call(self: Any, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a connection as Starlette's unpatched method does."""
    if not is_overridden(type(self)._startup):
        # The tool has removed its patch of Sanic.
        await Starlette.__call__(self, scope, receive, send)
        return
    stack = self.middleware_stack
    if stack is None:
        stack = self.middleware_stack = self.build_middleware_stack()
    outer_app = scope.get("app")
    if outer_app is None or _entry(outer_app) is _call:
        scope.setdefault(_LEFT_TO_SIGNALS, True)
    scope["app"] = self
    await stack(scope, receive, send)


def watch(app: Any) -> None:
    """Pass exceptions that a handler for `Exception` answers to the tool that has patched `Starlette.__call__`.

    Args:
        app: an application; the entry is set on its class `Sanic`, for all applications.
    """
    cls: Any = next(base for base in type(app).__mro__ if Starlette in base.__bases__)
    if "__call__" not in vars(cls):
        cls.__call__ = report_to_tool


async def report_to_tool(self: Any, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a connection through the patched `Starlette.__call__`; raise answered unexpected exceptions inside it."""
    if Starlette.__call__ is ENTRY:
        # The tool has removed its patch of Starlette.
        cls: Any = next(base for base in type(self).__mro__ if "__call__" in vars(base))
        del cls.__call__
    if scope["type"] != "http" or UNEXPECTED in scope:
        await Starlette.__call__(self, scope, receive, send)
        return
    unexpected: list[BaseException] = []

    async def run_target(scope: Scope, receive: Receive, send: Send) -> None:
        # `Starlette.__call__` has set its first argument here.
        scope["app"] = self
        stack = self.middleware_stack
        if stack is None:
            stack = self.middleware_stack = self.build_middleware_stack()
        await stack(scope, receive, send)
        if unexpected:
            raise unexpected[0]

    scope[UNEXPECTED] = unexpected
    entry: Any = SimpleNamespace(middleware_stack=run_target)
    try:
        await Starlette.__call__(entry, scope, receive, send)
    except Exception as error:
        if not any(error is raised for raised in unexpected):
            raise
    finally:
        # Breaks a reference cycle: the exceptions' tracebacks refer to the scope.
        unexpected.clear()
