"""`guard`: one permission function for requests and websockets, on a route, a blueprint, a group, a mount.

Imported when it is used.
"""

from __future__ import annotations

from collections.abc import Callable
from inspect import isawaitable
from typing import Any

from starlette.middleware import Middleware
from starlette.types import ASGIApp, Receive, Scope, Send

from sanic_star.compat.exceptions import Forbidden
from sanic_star.compat.request.types import Request
from sanic_star.engine.websockets import can_deny

# Where a layer of ASGI middleware keeps the request in the scope.
REQUEST = "sanic_star.request"


def guard(check: Callable[..., Any]) -> Middleware:
    """Return ASGI middleware that lets a function decide about each request and each handshake of a websocket.

    Use it as ASGI middleware: `middleware=[guard(check)]` of an application, a group, a blueprint, a route, static
    files or a mount. The function is called before a handshake is accepted.

    Args:
        check: called with the request, for a websocket with the request of the handshake; may be a coroutine function.
            To allow, it returns `None` or `True`. To refuse, it returns `False` (403) or a response, or raises an
            exception such as `Forbidden`. Starlette's `requires` may decorate it.

    Raises:
        TypeError: `check` is not callable.

    Examples:
        >>> from sanic_star import Blueprint, guard
        >>> async def staff_only(request):
        ...     return request.headers.get("x-role") == "staff"
        >>> bp = Blueprint("admin", url_prefix="/admin", middleware=[guard(staff_only)])
    """
    if not callable(check):
        raise TypeError(f"guard takes a function, got {check!r}")
    return Middleware(Guard, check=check)


class Guard:
    """The ASGI middleware of `guard`.

    Args:
        app: the ASGI application inside.
        check: the function.
    """

    def __init__(self, app: ASGIApp, check: Callable[..., Any]) -> None:
        self.app = app
        self.check = check

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a connection on, or refuse it."""
        if scope["type"] in ("http", "websocket"):
            refusal = await self._decide(scope, receive, send)
            if refusal is False:
                raise Forbidden("You are not allowed to do that")
            if refusal is not None and refusal is not True:
                await self._refuse(refusal, scope, receive, send)
                return
        await self.app(scope, receive, send)

    async def _decide(self, scope: Scope, receive: Receive, send: Send) -> Any:
        request = scope.get(REQUEST) or Request(scope, receive, send)
        former, request.scope = request.scope, scope
        try:
            decision = self.check(request)
            return await decision if isawaitable(decision) else decision
        finally:
            request.scope = former

    @staticmethod
    async def _refuse(response: Any, scope: Scope, receive: Receive, send: Send) -> None:
        if not callable(response):
            raise TypeError(f"guard: {response!r} is neither a response nor a truth value")
        if scope["type"] == "http" or can_deny(scope):
            await response(scope, receive, send)
        else:
            # The server answers this with status 403.
            await send({"type": "websocket.close", "code": 1008, "reason": ""})
