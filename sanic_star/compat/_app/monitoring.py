"""What a monitoring tool has put in the place of `Sanic._startup`, called once for each application, at its start.

Sanic's server awaits that method before it starts; tools (sentry-sdk is one) replace it on the class, to register the
signals by which they follow requests. The same tool may know Starlette too, and patch `Starlette.__call__`. An
application here is both, so such a tool would count its requests twice. Who counts what:

| the request | counted by |
|---|---|
| goes to a route of Sanic's | the tool's signals; `Sanic.__call__` is one that the tool has not patched |
| goes to a mounted application or a Starlette route | the patched `Starlette.__call__`, which is called for it |
| comes through a Starlette application that has this one mounted | that application's patched `__call__` |
| has come before the start, which it causes | the patched `Starlette.__call__`, through which it has come |

A tool that has replaced only `Starlette.__call__` waits there for exceptions. On Starlette one that a handler for
`Exception` has answered arrives there, too; an application here ends it. So `report_to_tool` stands around the tool: it
raises the exception again inside of the tool, and catches it outside, before the server sees it.

Loaded where one of these methods is replaced.
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

# In the scope: whether the request is left to the tool's signals. Not there if it did not come through `_call`.
_LEFT_TO_SIGNALS = "sanic_star.left_to_signals"


async def start_up(app: Any) -> None:
    """Await the method of an application that a tool or a subclass has put in the place of `Sanic._startup`."""
    owner = _owner(type(app))
    if owner is None:
        await app._startup()
        return
    owner.__call__ = _call
    app._answers.entry_for_forwarded = partial(through_starlette, app)
    signal = app.signal
    app.signal = _registering_for_the_left(signal)
    try:
        await app._startup()
    finally:
        del app.signal


def _owner(cls: type[Any]) -> Any:
    """Return the class whose method a tool has replaced that has replaced Starlette's, too; else `None`."""
    tool = _package(Starlette.__call__)
    return next((base for base in cls.__mro__ if _package(vars(base).get("_startup")) == tool), None)


def _package(function: Any) -> str:
    return str(getattr(function, "__module__", "")).partition(".")[0]


def _registering_for_the_left(signal: Callable[..., Any]) -> Callable[..., Any]:
    """Return an application's `signal`; what is registered by it hears only of requests that are left to signals."""

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
    # Events before the routing do not show the route.
    return leads_to_sanic({"route": request._hidden_route or request.scope.get("route")})


def through_starlette(app: Any, target: ASGIApp) -> ASGIApp:
    """Return what calls a mounted application or a Starlette route through Starlette's patched entry.

    Args:
        app: the application that it belongs to.
        target: what answers the connection.
    """

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        # Starlette's entry puts its first argument there.
        scope["app"] = app
        # Also where an application of this package is somewhere below.
        scope[_LEFT_TO_SIGNALS] = False
        await target(scope, receive, send)

    # All that Starlette's method reads of an application.
    entry: Any = SimpleNamespace(middleware_stack=answer)

    async def enter(scope: Scope, receive: Receive, send: Send) -> None:
        await Starlette.__call__(entry, scope, receive, send)

    return enter


def _entry(app: Any) -> Any:
    return next((vars(base)["__call__"] for base in type(app).__mro__ if "__call__" in vars(base)), None)


async def _call(self: Any, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a connection as Starlette's unpatched method does."""
    if not is_overridden(type(self)._startup):
        # The tool has let go of Sanic.
        await Starlette.__call__(self, scope, receive, send)
        return
    stack = self.middleware_stack
    if stack is None:
        stack = self.middleware_stack = self.build_middleware_stack()
    outer = scope.get("app")
    if outer is None or _entry(outer) is _call:
        scope.setdefault(_LEFT_TO_SIGNALS, True)
    scope["app"] = self
    await stack(scope, receive, send)


def watch(app: Any) -> None:
    """Let the tool that has replaced `Starlette.__call__` see exceptions that a handler for `Exception` answers.

    Args:
        app: an application; its class `Sanic` gets the entry that does it, for all applications.
    """
    cls: Any = next(base for base in type(app).__mro__ if Starlette in base.__bases__)
    if "__call__" not in vars(cls):
        cls.__call__ = report_to_tool


async def report_to_tool(self: Any, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a connection through Starlette's patched entry, and raise there what a handler for anything answered."""
    if Starlette.__call__ is ENTRY:
        # The tool has let go of Starlette.
        cls: Any = next(base for base in type(self).__mro__ if "__call__" in vars(base))
        del cls.__call__
    if scope["type"] != "http" or UNEXPECTED in scope:
        await Starlette.__call__(self, scope, receive, send)
        return
    unexpected: list[BaseException] = []

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        # Starlette's entry puts its first argument there.
        scope["app"] = self
        stack = self.middleware_stack
        if stack is None:
            stack = self.middleware_stack = self.build_middleware_stack()
        await stack(scope, receive, send)
        if unexpected:
            raise unexpected[0]

    scope[UNEXPECTED] = unexpected
    entry: Any = SimpleNamespace(middleware_stack=answer)
    try:
        await Starlette.__call__(entry, scope, receive, send)
    except Exception as error:
        if not any(error is answered for answered in unexpected):
            raise
    finally:
        # They hold the scope, by way of their traceback.
        unexpected.clear()
