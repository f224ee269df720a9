"""The websocket that handlers get: Sanic's words on an ASGI websocket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any

from starlette.types import Message
from starlette.websockets import WebSocketDisconnect

from sanic_star.compat.exceptions import BadRequest, WebsocketClosed
from sanic_star.websockets import WebSocket


class ConnectionClosed(WebSocketDisconnect, WebsocketClosed):
    """The client has closed the websocket, or is gone; ends a handler that does not catch it."""

    def __init__(self, code: int = 1000, reason: str | None = None) -> None:
        WebsocketClosed.__init__(self, "Client has closed the websocket connection")
        WebSocketDisconnect.__init__(self, code, reason)


class WebsocketImplProtocol(WebSocket):
    """A websocket.

    Example, a handler that sends everything back:

        @app.websocket("/echo")
        async def echo(request, ws):
            async for message in ws:
                await ws.send(message)
    """

    subprotocol: str | None = None
    _receiving = False
    # A read that a time limit has left behind, for the next `recv`.
    _pending: asyncio.Future[Message] | None = None

    async def handshake(self, subprotocols: Iterable[str] = ()) -> None:
        """Accept the connection.

        Args:
            subprotocols: those that the handler speaks; the first that the client speaks too is taken.

        Raises:
            BadRequest: the handler speaks some, and the client none of them.
        """
        offered = self.scope.get("subprotocols") or ()
        spoken = list(subprotocols)
        self.subprotocol = next((each for each in spoken if each in offered), None)
        if spoken and self.subprotocol is None:
            problem = f"invalid subprotocol; expected one of {', '.join(spoken)}" if offered else "missing subprotocol"
            raise BadRequest(f"Failed to open a WebSocket connection: {problem}.\n")
        await self.accept(self.subprotocol)

    async def recv(self, timeout: float | None = None) -> str | bytes | None:  # noqa: ASYNC109 - Sanic's signature
        """Return the next message: text, or bytes.

        Args:
            timeout: how long to wait, in seconds; without it as long as the connection is open.

        Returns:
            The message, or `None` when the time is over.

        Raises:
            ConnectionClosed: the client has closed the connection.
            WebsocketClosed: another task is waiting for a message already.
        """
        if self._receiving:
            raise WebsocketClosed("Another task is already waiting for the next message")
        self._receiving = True
        try:
            if timeout is None and self._pending is None:
                message = await self.receive()
            else:
                # Not cancelled when the time is over: not every server keeps a message that was about to be given.
                self._pending = self._pending or asyncio.ensure_future(self.receive())
                if not (await asyncio.wait({self._pending}, timeout=timeout))[0]:
                    return None
                pending, self._pending = self._pending, None
                message = pending.result()
        finally:
            self._receiving = False
        if message["type"] == "websocket.disconnect":
            raise ConnectionClosed(message.get("code") or 1005, message.get("reason"))
        text: str | None = message.get("text")
        return message["bytes"] if text is None else text

    async def recv_burst(self, max_recv: int = 256) -> list[str | bytes]:
        """Return the messages that are there at once, without waiting for more.

        Args:
            max_recv: how many at most.
        """
        messages: list[str | bytes] = []
        while len(messages) < max_recv:
            message = await self.recv(0)
            if message is None:
                break
            messages.append(message)
        return messages

    async def recv_streaming(self) -> AsyncIterator[str | bytes]:
        """Yield the next message in parts; an ASGI server hands messages on whole, so that there is one part."""
        message = await self.recv()
        assert message is not None
        yield message

    async def __aiter__(self) -> AsyncIterator[str | bytes]:
        while True:
            try:
                message = await self.recv()
            except WebSocketDisconnect:
                return
            assert message is not None
            yield message

    async def send(self, message: Any) -> None:
        """Send a message.

        Args:
            message: text, something like bytes; a mapping is an ASGI message and passed on as such.

        Raises:
            WebsocketClosed: the connection is closed.
            TypeError: the message is of another type.
        """
        if isinstance(message, Mapping):
            await super().send(dict(message))
            return
        if self.closed:
            raise WebsocketClosed("Cannot write to websocket interface after it is closed.")
        if isinstance(message, str):
            await super().send({"type": "websocket.send", "text": message})
        elif isinstance(message, (bytes, bytearray, memoryview)):
            await super().send({"type": "websocket.send", "bytes": bytes(message)})
        else:
            raise TypeError("Websocket data must be bytes, str.")

    async def close(self, code: int = 1000, reason: str | None = "") -> None:
        """Close the connection.

        Args:
            code: why, as a number (RFC 6455, section 7.4.1).
            reason: why, in words.
        """
        await self.end(code, reason or "")

    async def end(self, code: int, reason: str = "") -> None:
        """Close the connection unless it is closed already, and wait for no message any more."""
        if self._pending is not None:
            self._pending.cancel()
        await super().end(code, reason)
