"""The limit on request bodies, counted outside the user's ASGI middleware.

The dispatch counts the body that it reads. But a middleware may read the body first, or answer without calling the
application. So an application with ASGI middleware passes it the `receive` of a `CountedBody`. This counts all bytes
that are read, and raises 413 as soon as there are too many, or the header announces too many.

Until the request reaches the dispatch, the limit of the path's route applies, else the application's. Then it is the
limit of the route that the dispatch finds: a middleware may have rewritten the path. From then on, a handler that
streams the body has no limit unless its route sets one.
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
        find_limit: returns the limit in bytes for a scope, `None` for no limit. Its second argument says whether the
            request has reached the dispatch.
        scope: the request's scope; this object becomes its entry `COUNTED_BODY`.
        receive: the ASGI `receive` of the server.

    Attributes:
        refusal: the exception that was raised; `None` if the limit was not exceeded.
        answered: whether the response has begun.
    """

    # PERF: most requests have no body, and so need no look-up of the limit. Safe because the first byte exceeds 0, and
    # then the limit is looked up.
    _cached_limit: float = 0
    _size = 0
    _is_announced_checked = False
    # `path`, `raw_path` and `root_path` of the scope when the request reached the dispatch.
    _dispatched_paths: tuple[str, bytes | None, str] | None = None
    # Whether the limit is exceeded. The dispatch gets the message that exceeds it, because it counts the body, too, and
    # raises 413 where handlers can catch it. It gets no message after that.
    _is_exceeded = False
    refusal: RefusedRequest | None = None
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
            RefusedRequest: 413, the body is larger than the limit. Every later call raises it again, until the response
                has begun. Then a call drops the rest of the body, and returns its end or the disconnect.
        """
        if self._is_exceeded:
            return await self._after_the_limit()
        if not self._is_announced_checked:
            # Before the first `receive`, at which a server sends `100 Continue`, so that the client sends the body.
            self._is_announced_checked = True
            self.check_announced()
        message = await self._receive()
        if body := message.get("body"):
            self._size += len(body)
            if self._size > self._cached_limit:
                self._cached_limit = self._limit()
                if self._size > self._cached_limit:
                    self._is_exceeded = True
                    if self._dispatched_paths is None:
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
                if exceeds(value, self._cached_limit) and exceeds(value, self._limit()):
                    self._refuse()
                return

    def arrive(self, scope: Scope) -> None:
        """Store the scope with which the request has reached the dispatch.

        Args:
            scope: the scope; middleware may have copied and changed it.
        """
        self._scope = scope
        self._dispatched_paths = scope["path"], scope.get("raw_path"), scope.get("root_path", "")
        self._cached_limit = 0
        # The dispatch checks the header itself.
        self._is_announced_checked = True

    def check_answer(self, start: Message) -> None:
        """Raise 413 if a response is not a proper answer to a body above the limit.

        Such a response is a success from a middleware that has not called the application. Or it is an internal error
        after the refusal, because not every application expects `receive` to raise an exception.

        Args:
            start: the ASGI message with the status.
        """
        status = start["status"]
        if self.refusal is not None and (status >= 500 or (status < 300 and self._dispatched_paths is None)):
            raise self.refusal
        if status < 300 and self._dispatched_paths is None:
            self.check_announced()

    def caused(self, error: BaseException) -> bool:
        """Return whether an exception is the refusal, has it as a cause or context, or is a group with it.

        Args:
            error: the exception.
        """
        return self.refusal is not None and any(cause is self.refusal for cause in related(error))

    def release(self, scope: Scope) -> None:
        """Break the reference cycles with the scope and with the refusal's traceback, when the request is over.

        Args:
            scope: the server's scope; the dispatch may have a copy.
        """
        scope.pop(COUNTED_BODY, None)
        self._scope = scope
        self.refusal = None

    def _limit(self) -> float:
        scope = self._scope
        if self._dispatched_paths is None:
            limit = self._find_limit(scope, False)
        elif isinstance(route := scope.get("route"), Route):
            limit = route.max_body_size
        elif (limit := scope.get(MAX_BODY_SIZE_SCOPE_KEY)) is None:
            # A mount has changed the paths of the scope.
            path, raw_path, root_path = self._dispatched_paths
            scope = {**scope, "path": path, "raw_path": raw_path, "root_path": root_path}
            limit = self._find_limit(scope, True)
        return float("inf") if limit is None else limit

    def _refuse(self) -> None:
        self._is_exceeded = True
        self.refusal = self.refusal or RefusedRequest(413, TOO_LARGE)
        raise self.refusal


def starlette_limit(route: Any, scope: Scope) -> int | None:
    """Return the body limit of one of Starlette's routes or mounts; the innermost one counts.

    Args:
        route: the route or mount of the request.
        scope: the scope that the route gets; it is changed.

    Returns:
        The limit in bytes; `None` for no limit.
    """
    inner = getattr(route, "_base_app", None)
    # Starlette's routes have middleware with the limit around their application; a route of this package has the limit.
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
