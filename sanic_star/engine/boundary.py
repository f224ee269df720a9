"""The way of an exception outwards, through the user's ASGI middleware.

An exception that nobody handles is raised through the middleware, as in Starlette: a transaction rolls back, and a
middleware may turn it into a response. If it comes out of the outermost middleware, it is answered there, with the
request that has failed. Headers that middleware adds to each response (CORS, a correlation id) should be in this
answer, too. So `LateSend` sends it through the middleware, as long as that passes messages on.
"""

from __future__ import annotations

import asyncio

from starlette.types import Message, Scope, Send

from sanic_star.engine.body_limit import CountedBody
from sanic_star.engine.failures import EXCHANGE
from sanic_star.engine.requests import BOUNDARY, Request

# How long middleware that is over may keep a message, in seconds: a queue that nobody empties would keep it for ever.
_PATIENCE_S = 10.0


class Boundary:
    """What passes the middleware beside an exception: the request that has failed.

    It is an object in the scope, because middleware copies scopes.

    Args:
        engine: the engine whose middleware it is; a mounted application of this package answers its own exceptions.
        scope: the scope that the server has given.
    """

    __slots__ = ("engine", "request", "send")

    def __init__(self, engine: object, scope: Scope) -> None:
        self.engine = engine
        self.request: Request | None = None
        # What the dispatch was called with: it goes through all of the middleware.
        self.send: Send | None = None
        scope[BOUNDARY] = self
        scope.setdefault(EXCHANGE, object())

    def release(self, scope: Scope) -> None:
        """Break the reference cycles with the scope and the request, when the request is over."""
        scope.pop(BOUNDARY, None)
        self.request = self.send = None


class LateSend:
    """An ASGI `send` for the answer to an exception that has passed the middleware.

    Messages go through the middleware. What that keeps back, refuses or loses goes to the server directly: a middleware
    that compresses has closed its buffer, one with a task of its own has closed its queue.

    Args:
        through: the `send` that goes through the middleware.
        past: the server's `send`.
        body: knows whether the server has got the start of a response.
    """

    def __init__(self, through: Send, past: Send, body: CountedBody) -> None:
        self._through = through
        self._past = past
        self._body = body
        # What the server may not have got; `None` once messages go past the middleware.
        self._kept: list[Message] | None = []

    async def __call__(self, message: Message) -> None:
        """Send a message."""
        if self._kept is None:
            await self._past(message)
            return
        self._kept.append(message)
        failed, kind = False, message["type"]
        try:
            async with asyncio.timeout(_PATIENCE_S):
                await self._through(message)
        except Exception:
            failed = True
        if self._body.answered:
            # The start has arrived, and of what follows only a message that was refused has not.
            self._kept = [message] if failed and kind != "http.response.start" else []
        ends = kind == "http.response.pathsend" or (kind == "http.response.body" and not message.get("more_body"))
        if failed or (ends and not self._body.answered):
            kept, self._kept = self._kept, None
            for kept_message in kept:
                await self._past(kept_message)
