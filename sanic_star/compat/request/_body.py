"""`request.stream`: reads the body of a request while it arrives.

It has the methods and attributes of Sanic's `request.stream`; a call of it is Starlette's `request.stream()`.
"""

from __future__ import annotations

import asyncio
from asyncio import CancelledError
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from typing import TYPE_CHECKING, Any, Protocol, cast

from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive, Scope

from sanic_star.compat._support.lazy import OldName, names_without_old
from sanic_star.compat.exceptions import PayloadTooLarge
from sanic_star.engine.application import engine_of
from sanic_star.engine.requests import TOO_LARGE, current, live
from sanic_star.engine.streams import resumable

if TYPE_CHECKING:
    from sanic_star.compat.response._writer import ResponseWriter
    from sanic_star.compat.response.types import BaseHTTPResponse


if TYPE_CHECKING:

    class ReadRequest(Protocol):
        """The attributes of a request that this module uses; the request's module imports this one."""

        scope: Scope
        _received: int
        _waits_for_part: bool
        _hidden_route: Any
        _receive: Receive
        _is_disconnected: bool
        _stream_consumed: bool
        _writer: ResponseWriter | None

        @property
        def _body_is_read(self) -> bool: ...
        @property
        def _is_read_first(self) -> bool: ...
        def _kept_body(self) -> Iterable[bytes]: ...


def _limit(request: ReadRequest) -> int | None:
    """Return the maximum size of a body in bytes: the route's limit, or that of the application without a route."""
    route = request.scope.get("route") or request._hidden_route
    if route is None:
        engine = engine_of(request.scope.get("app"))
        return None if engine is None else engine.limits.body
    return getattr(route, "max_body_size", None)


class BodyStream:
    """Reads the body of a request part by part; also gives access to a response that has begun.

    It has no state of its own: each access to `request.stream` creates one.

    Args:
        request: the request.
    """

    __dir__ = names_without_old
    get = OldName()

    def __init__(self, request: ReadRequest) -> None:
        self.request = request
        request._receive = resumable(request._receive)

    @property
    def writer(self) -> ResponseWriter | None:
        """The object that sends the response; `None` before `request.respond()`."""
        return self.request._writer

    @property
    def response(self) -> BaseHTTPResponse | None:
        """The response that `request.respond()` has begun, or `None`."""
        return self.writer.response if self.writer else None

    @property
    def send(self) -> Any:
        """The ASGI `send` callable of the response; `None` if the response has not begun or is complete."""
        return self.writer.send if self.writer else None

    async def read(self) -> bytes | None:
        """Return the next part of the body, or `None` at its end.

        Raises:
            PayloadTooLarge: the body exceeds the limit of the route.
            asyncio.CancelledError: the client has disconnected; raised once, in the handler of this request, as in
                Sanic 25.12.
            ClientDisconnect: the client has disconnected; raised in the handler of another request, and on further
                calls.
        """
        was_disconnected = self.request._is_disconnected
        try:
            return await self._receive_part()
        except ClientDisconnect:
            await self._cancel_on_disconnect(was_disconnected)
            raise

    async def _cancel_on_disconnect(self, was_disconnected: bool) -> None:
        """Cancel the handler of this request after a disconnect, unless an earlier call has already done so.

        Raises:
            asyncio.CancelledError: this is the first call, in the handler of this request.
        """
        if not was_disconnected and live.get(current.get(0)) is cast(object, self.request):
            raise CancelledError("the client has disconnected") from None
        # A handler that reads in a loop must not block the event loop.
        await asyncio.sleep(0)

    async def _receive_part(self) -> bytes | None:
        request = self.request
        if request._is_read_first and request._body_is_read:
            # No part follows. A handler that streams the body may set `body` earlier, and still read further parts.
            return None
        while not request._stream_consumed:
            request._waits_for_part = True
            try:
                message = await request._receive()
            finally:
                request._waits_for_part = False
            if chunk := self._take(message, _limit(request)):
                return chunk
        return None

    def _take(self, message: Message, limit: int | None) -> bytes:
        """Return the part of the body in an ASGI message; it may be empty."""
        request = self.request
        if message["type"] == "http.disconnect":
            request._is_disconnected = True
            raise ClientDisconnect
        chunk: bytes = message.get("body", b"")
        if not message.get("more_body", False):
            request._stream_consumed = True
            writer = request._writer
            if writer is not None and writer.on_open is not None:
                # Reads noticed a disconnect until now; `on_open` starts to watch for it.
                writer.on_open()
        request._received += len(chunk)
        if limit is not None and request._received > limit:
            raise PayloadTooLarge(TOO_LARGE)
        return chunk

    async def __aiter__(self) -> AsyncIterator[bytes]:
        # PERF: without the two coroutines of `read` for each part: a third of the time («streams»). Safe because a part
        # is only taken without `_take` if it cannot be the end, a disconnect or above a limit.
        request, take = self.request, self._take
        if request._is_read_first and request._body_is_read:
            return
        limit = _limit(request)
        while not request._stream_consumed:
            was_disconnected = request._is_disconnected
            request._waits_for_part = True
            try:
                message = await request._receive()
                if limit is None and message.get("more_body"):
                    chunk = message.get("body", b"")
                    request._received += len(chunk)
                else:
                    chunk = take(message, limit)
            except ClientDisconnect:
                await self._cancel_on_disconnect(was_disconnected)
                raise
            finally:
                request._waits_for_part = False
            if chunk:
                yield chunk

    async def __call__(self) -> AsyncGenerator[bytes, None]:
        """Yield the parts of the body and then an empty one, as Starlette's `request.stream()`.

        Raises:
            ClientDisconnect: the client has disconnected.
        """
        if self.request._body_is_read:
            for part in self.request._kept_body():
                yield part
        else:
            while (chunk := await self._receive_part()) is not None:
                yield chunk
        yield b""
