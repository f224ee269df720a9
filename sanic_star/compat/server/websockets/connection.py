"""`WebSocketConnection`: Sanic's websocket of its ASGI mode. Here, handlers get a `Websocket` instead."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from starlette.types import Receive, Send

from sanic_star.compat.exceptions import BadRequest


class WebSocketConnection:
    """Sends and receives the messages of one websocket, for code that has only ASGI's `send` and `receive`.

    It behaves as in Sanic 25.12, but there `close` does nothing.

    Args:
        send: the ASGI callable.
        receive: the ASGI callable.
        subprotocols: the subprotocols that the client offers.

    Examples:
        >>> import asyncio
        >>> sent = []
        >>> async def send(message):
        ...     sent.append(message)
        >>> async def receive():
        ...     return {"type": "websocket.receive", "text": "hello"}
        >>> async def talk():
        ...     websocket = WebSocketConnection(send, receive, ["chat"])
        ...     await websocket.accept(["chat", "log"])
        ...     await websocket.send(await websocket.recv())
        >>> asyncio.run(talk())
        >>> sent[0]["subprotocol"], sent[1]
        ('chat', {'type': 'websocket.send', 'text': 'hello'})
    """

    def __init__(self, send: Send, receive: Receive, subprotocols: Sequence[str] | None = None) -> None:
        self._send = send
        self._receive = receive
        self._subprotocols = list(subprotocols or ())

    @property
    def subprotocols(self) -> list[str]:
        """The subprotocols that the client offers."""
        return self._subprotocols

    async def send(self, data: str | bytes, *args: Any, **kwargs: Any) -> None:
        """Send a message.

        Args:
            data: bytes, `bytearray` or `memoryview` for a binary message; of any other object, `str()` is sent as text.
            args: ignored.
            kwargs: ignored.
        """
        if isinstance(data, (bytes, bytearray, memoryview)):
            await self._send({"type": "websocket.send", "bytes": bytes(data)})
        else:
            await self._send({"type": "websocket.send", "text": str(data)})

    async def recv(self, *args: Any, **kwargs: Any) -> str | bytes | None:
        """Return the next message; `None` for an event without data.

        Args:
            args: ignored.
            kwargs: ignored.

        Raises:
            BadRequest: the server has sent a message without text and bytes.
        """
        message = await self._receive()
        if message["type"] != "websocket.receive":
            return None
        data: str | bytes | None = message.get("text")
        if data is None:
            data = message.get("bytes")
        if data is None and not {"text", "bytes"} & message.keys():
            raise BadRequest("The server has sent a websocket message without data")
        return data

    receive = recv

    async def accept(self, subprotocols: Sequence[str] | None = None) -> None:
        """Accept the handshake.

        Args:
            subprotocols: the subprotocols that the application supports, in order of preference. The first one that
                the client offers is selected.
        """
        subprotocol = next((name for name in subprotocols or () if name in self._subprotocols), None)
        await self._send({"type": "websocket.accept", "subprotocol": subprotocol})

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Close the websocket.

        Args:
            code: the close code (RFC 6455, section 7.4).
            reason: the close reason, as text.
        """
        await self._send({"type": "websocket.close", "code": code, "reason": reason})
