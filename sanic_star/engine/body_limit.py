"""The limit on request bodies, counted outside the user's ASGI middleware.

The dispatch counts the body that it reads. A middleware that reads the body first, or that answers without calling the
application, never reaches the dispatch. So where there is ASGI middleware, the application wraps it in a `CountedBody`:
its `receive` counts what anyone reads, and raises 413 as soon as the limit is passed or the header announces more.

Until the request reaches the dispatch, the limit is that of the route that the path leads to, else the application's.
From then on it is the dispatch's own: a middleware may have rewritten the path, and a handler that streams the body
has no limit unless its route sets one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.applications import Starlette
from starlette.middleware.body_limit import MAX_BODY_SIZE_SCOPE_KEY
from starlette.routing import Match
from starlette.types import Message, Receive, Scope

from sanic_star.engine.failures import RefusedRequest, related
from sanic_star.engine.requests import COUNTED_BODY, TOO_LARGE, exceeds
from sanic_star.engine.routing import Route
from sanic_star.engine.streams import resumable


class CountedBody:
    """The body of one request, counted while it is received.

    Args:
        find_limit: returns the limit in bytes for a scope, `None` for no limit; the second argument tells whether the
            request has reached the dispatch.
        scope: the request's scope; this object is kept there under `COUNTED_BODY`.
        receive: the ASGI `receive` of the server.
    """

    # PERF: without a look-up of the limit for most requests, which have no body. Safe because the first byte exceeds
    # this one.
    _known_limit: float = 0
    _size = 0
    _is_announced_checked = False
    # What the dispatch's scope said about the path when the request arrived there.
    _arrived: tuple[str, bytes | None, str] | None = None
    # The dispatch counts what it gets and refuses it itself, in a way that handlers can catch. So the message that
    # exceeds the limit is still delivered there; a middleware in between that collects the body gets no other one.
    _is_exceeded = False
    refusal: RefusedRequest | None = None
    # Whether the response has begun.
    answered = False

    def __init__(self, find_limit: Callable[[Scope, bool], int | None], scope: Scope, receive: Receive) -> None:
        self._find_limit = find_limit
        self._scope = scope
        self._receive = resumable(receive)
        scope[COUNTED_BODY] = self

    @property
    def server_receive(self) -> Receive:
        """Return the ASGI `receive` of the server."""
        return self._receive

    async def receive(self) -> Message:
        """Return the server's next message.

        Raises:
            RefusedRequest: 413, the body is larger than the limit. Every later call raises it again until the response
                has begun, so that a middleware that catches it gets nothing more. After that only the disconnect is
                of interest.
        """
        if self._is_exceeded:
            return await self._after_the_limit()
        if not self._is_announced_checked:
            # Before the first message is asked for: asking makes a server tell the client to send the body.
            self._is_announced_checked = True
            self.check_announced()
        message = await self._receive()
        if body := message.get("body"):
            self._size += len(body)
            if self._size > self._known_limit:
                self._known_limit = self._limit()
                if self._size > self._known_limit:
                    self._is_exceeded = True
                    if self._arrived is None:
                        self._refuse()
        return message

    async def _after_the_limit(self) -> Message:
        if not self.answered:
            self._refuse()
        while True:
            message = await self._receive()
            if message["type"] != "http.request":
                return message
            if not message.get("more_body"):
                return {**message, "body": b""}

    def check_announced(self) -> None:
        """Raise 413 if the header announces a body that is larger than the limit."""
        for name, value in self._scope.get("headers", ()):
            if name == b"content-length":
                if exceeds(value, self._known_limit) and exceeds(value, self._limit()):
                    self._refuse()
                return

    def arrive(self, scope: Scope) -> None:
        """Note that the request has reached the dispatch, with this scope."""
        self._scope = scope
        self._arrived = scope["path"], scope.get("raw_path"), scope.get("root_path", "")
        self._known_limit = 0
        # From here on this is left to the dispatch.
        self._is_announced_checked = True

    def check_answer(self, start: Message) -> None:
        """Raise 413 if the start of a response is not the answer that a body above the limit should get.

        That is an acceptance by a middleware that did not call the application; and an internal error after the
        refusal, because not every application expects `receive` to raise an exception.
        """
        status = start["status"]
        if self.refusal is not None and (status >= 500 or (status < 300 and self._arrived is None)):
            raise self.refusal
        if status < 300 and self._arrived is None:
            self.check_announced()

    def caused(self, error: BaseException) -> bool:
        """Tell whether an exception is the refusal, or was raised because of it (an exception group of it, too)."""
        return self.refusal is not None and any(cause is self.refusal for cause in related(error))

    def release(self, scope: Scope) -> None:
        """Break the reference cycles with the scope and with the refusal's traceback, when the request is over.

        Args:
            scope: the one that the server has given; that of the dispatch may be a copy.
        """
        scope.pop(COUNTED_BODY, None)
        self._scope = scope
        self.refusal = None

    def _limit(self) -> float:
        scope = self._scope
        if self._arrived is None:
            limit = self._find_limit(scope, False)
        elif isinstance(route := scope.get("route"), Route):
            limit = route.max_body_size
        elif (limit := scope.get(MAX_BODY_SIZE_SCOPE_KEY)) is None:
            # A mounted application has its share of the path taken off the scope.
            path, raw_path, root_path = self._arrived
            scope = {**scope, "path": path, "raw_path": raw_path, "root_path": root_path}
            limit = self._find_limit(scope, True)
        return float("inf") if limit is None else limit

    def _refuse(self) -> None:
        self._is_exceeded = True
        self.refusal = self.refusal or RefusedRequest(413, TOO_LARGE)
        raise self.refusal


def starlette_limit(route: Any, scope: Scope) -> int | None:
    """Return the limit that one of Starlette's routes or mounts sets for a request, the innermost one.

    Args:
        route: what the request leads to.
        scope: as the route receives it; it is changed.
    """
    inner = getattr(route, "_base_app", None)
    # Starlette puts its middleware for this limit around the route's application; a route of ours has it itself.
    holder = route if hasattr(route, "max_body_size") else getattr(route, "app", None)
    limit: int | None = getattr(holder, "max_body_size", None)
    if isinstance(inner, Starlette) and inner.max_body_size is not None:
        limit = inner.max_body_size
    matches = ((child, *child.matches(scope)) for child in getattr(route, "routes", None) or ())
    for child, match, change in matches:
        if match is Match.FULL:
            nested = starlette_limit(child, {**scope, **change})
            return limit if nested is None else nested
    return limit
