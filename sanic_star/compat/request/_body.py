"""The request's body while it arrives: `request.stream`, in Sanic's words and callable in Starlette's."""

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
        """What reading a body needs of its request, whose module imports this one."""

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
    """Return the greatest size of a body, in bytes: the route's, or the application's where there is no route."""
    route = request.scope.get("route") or request._hidden_route
    if route is None:
        engine = engine_of(request.scope.get("app"))
        return None if engine is None else engine.limits.body
    return getattr(route, "max_body_size", None)


class BodyStream:
    """Reads the body's parts one by one; also knows the response that was begun.

    It keeps nothing itself: a request makes one whenever it is asked for it.

    Args:
        request: the request whose body it is.
    """

    __dir__ = names_without_old
    get = OldName()

    def __init__(self, request: ReadRequest) -> None:
        self.request = request
        request._receive = resumable(request._receive)

    @property
    def writer(self) -> ResponseWriter | None:
        """The way of the response, once there is one."""
        return self.request._writer

    @property
    def response(self) -> BaseHTTPResponse | None:
        """The response that was begun."""
        return self.writer.response if self.writer else None

    @property
    def send(self) -> Any:
        """The ASGI callable of the response, `None` when it is complete or was never begun."""
        return self.writer.send if self.writer else None

    async def read(self) -> bytes | None:
        """Return the next part of the body, or `None` at its end.

        Raises:
            PayloadTooLarge: the route has a limit and the body is larger.
            asyncio.CancelledError: the client left before the end; raised in the handler of this request, once, as in
                Sanic 25.12.
            ClientDisconnect: the same in any other case: in the handler of another request, or a second time.
        """
        again = self.request._is_disconnected
        try:
            return await self._receive_part()
        except ClientDisconnect:
            await self._end_with_client(again)
            raise

    async def _end_with_client(self, again: bool) -> None:
        """Cancel the handler of this request, whose client has left, unless it was cancelled for that already."""
        if not again and live.get(current.get(0)) is cast(object, self.request):
            raise CancelledError("the request's client has left") from None
        # Something that tries again and again must not stop the event loop.
        await asyncio.sleep(0)

    async def _receive_part(self) -> bytes | None:
        request = self.request
        if request._is_read_first and request._body_is_read:
            # Nothing follows. A handler that reads the parts itself may set `body`, which does not end them.
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
        """Return the part of the body that a message brings; it may be empty."""
        request = self.request
        if message["type"] == "http.disconnect":
            request._is_disconnected = True
            raise ClientDisconnect
        chunk: bytes = message.get("body", b"")
        if not message.get("more_body", False):
            request._stream_consumed = True
            writer = request._writer
            if writer is not None and writer.on_open is not None:
                # Until now this read would have noticed a client that leaves.
                writer.on_open()
        request._received += len(chunk)
        if limit is not None and request._received > limit:
            raise PayloadTooLarge(TOO_LARGE)
        return chunk

    async def __aiter__(self) -> AsyncIterator[bytes]:
        # PERF: as `read` does, without two coroutines for each part: a third of the time («streams»).
        request, take = self.request, self._take
        if request._is_read_first and request._body_is_read:
            return
        limit = _limit(request)
        while not request._stream_consumed:
            again = request._is_disconnected
            request._waits_for_part = True
            try:
                message = await request._receive()
                if limit is None and message.get("more_body"):
                    # Neither the end nor a disconnect.
                    chunk = message.get("body", b"")
                    request._received += len(chunk)
                else:
                    chunk = take(message, limit)
            except ClientDisconnect:
                await self._end_with_client(again)
                raise
            finally:
                request._waits_for_part = False
            if chunk:
                yield chunk

    async def __call__(self) -> AsyncGenerator[bytes, None]:
        """Yield the body in Starlette's way: the parts, then an empty one.

        Raises:
            ClientDisconnect: the client left before the end.
        """
        if self.request._body_is_read:
            for part in self.request._kept_body():
                yield part
        else:
            while (chunk := await self._receive_part()) is not None:
                yield chunk
        yield b""
