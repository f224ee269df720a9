"""The answer to an exception that has left the user's ASGI middleware.

An exception without a handler is raised through the middleware, as in Starlette: a transaction rolls back, or a
middleware turns the exception into a response. If the exception leaves the outermost middleware, it is answered there,
with the request that failed. The answer needs the headers that middleware adds to each response (CORS, a correlation
id). So `SendThroughMiddleware` sends it through the middleware, as long as that passes messages on.
"""

from __future__ import annotations

import asyncio

from starlette.types import Message, Scope, Send

from sanic_star.engine.body_limit import CountedBody
from sanic_star.engine.failures import EXCHANGE
from sanic_star.engine.requests import BOUNDARY, Request

# How long the middleware may take for a message, in seconds: it has returned, and its queue may have no reader.
_MAX_SEND_S = 10.0


class Boundary:
    """An entry of the scope through which the failed request gets from the dispatch to the boundary.

    It is an object, because middleware copies scopes.

    Args:
        engine: the engine of the middleware; a mounted application of this package answers its own exceptions.
        scope: the server's scope.

    Attributes:
        request: the request that failed; `None` if a middleware has raised the exception.
        send: the `send` that the dispatch was called with, which passes all of the middleware.
    """

    __slots__ = ("engine", "request", "send")

    def __init__(self, engine: object, scope: Scope) -> None:
        self.engine = engine
        self.request: Request | None = None
        self.send: Send | None = None
        scope[BOUNDARY] = self
        scope.setdefault(EXCHANGE, object())

    def release(self, scope: Scope) -> None:
        """Break the reference cycles with the scope and the request, when the request is over.

        Args:
            scope: the server's scope.
        """
        scope.pop(BOUNDARY, None)
        self.request = self.send = None


class SendThroughMiddleware:
    """An ASGI `send` for the answer to an exception that has left the middleware.

    Messages go through the middleware. Messages that it keeps, refuses or loses go to the server directly: a middleware
    that compresses has closed its buffer, and one with a task has closed its queue.

    Args:
        inner_send: the `send` that passes the middleware.
        server_send: the server's `send`.
        body: the counted body, which records whether the server has got the start of a response.
    """

    def __init__(self, inner_send: Send, server_send: Send, body: CountedBody) -> None:
        self._inner_send = inner_send
        self._server_send = server_send
        self._body = body
        # Messages that the server may not have got; `None` once messages go to the server directly.
        self._unconfirmed: list[Message] | None = []

    async def __call__(self, message: Message) -> None:
        """Send a message.

        Args:
            message: an ASGI message of a response.
        """
        if self._unconfirmed is None:
            await self._server_send(message)
            return
        self._unconfirmed.append(message)
        failed, kind = False, message["type"]
        try:
            async with asyncio.timeout(_MAX_SEND_S):
                await self._inner_send(message)
        except Exception:
            failed = True
        if self._body.answered:
            # The server has the start, and every message after it, unless the middleware refused this one.
            self._unconfirmed = [message] if failed and kind != "http.response.start" else []
        is_last = kind == "http.response.pathsend" or (kind == "http.response.body" and not message.get("more_body"))
        if failed or (is_last and not self._body.answered):
            unconfirmed, self._unconfirmed = self._unconfirmed, None
            for unconfirmed_message in unconfirmed:
                await self._server_send(unconfirmed_message)
