"""The websocket client that a ``mimic`` coroutine plays with, and the record of what it did.

Its methods are those of a client of the `websockets` library, which is what `sanic_testing` hands to ``mimic``, and it
raises that library's exceptions when the websocket is closed.
"""

from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

from starlette.types import Message
from starlette.websockets import WebSocketDisconnect
from websockets.exceptions import ConnectionClosed, ConnectionClosedError, ConnectionClosedOK
from websockets.frames import Close

from sanic_star.testing.conversation import ABNORMAL, Conversation

__all__ = ["WebsocketProxy"]


class WebsocketProxy:
    """Send to and receive from an app, and remember both.

    Args:
        conversation: the websocket, not yet connected.

    Attributes:
        opened: whether the app has accepted.
        subprotocol: which subprotocol it has chosen.
        client_sent: what the client has sent.
        client_received: what the client has received.
    """

    def __init__(self, conversation: Conversation) -> None:
        self.opened = False
        self.subprotocol: str | None = None
        self.client_sent: list[str | bytes] = []
        self.client_received: list[str | bytes] = []
        self._conversation = conversation

    @property
    def server_sent(self) -> list[str | bytes]:
        """What the app has sent, as far as the client has received it."""
        return self.client_received

    @property
    def server_received(self) -> list[str | bytes]:
        """What the client has sent."""
        return self.client_sent

    async def send(self, data: str | bytes) -> None:
        """Send a text (str) or binary (bytes) message.

        Raises:
            websockets.exceptions.ConnectionClosed: the client knows already that the websocket is closed.
        """
        kind = "text" if isinstance(data, str) else "bytes"
        try:
            await self._conversation.give({"type": "websocket.receive", kind: data})
        except WebSocketDisconnect as error:
            raise _closed(error) from error
        self.client_sent.append(data)

    async def recv(self) -> str | bytes:
        """Wait for the app's next message.

        Raises:
            websockets.exceptions.ConnectionClosed: the websocket is closed.
        """
        try:
            message = await self._conversation.take(None)
            if message["type"] == "websocket.close":
                raise WebSocketDisconnect(message.get("code", 1000), message.get("reason"))
        except WebSocketDisconnect as error:
            raise _closed(error) from error
        data: str | bytes = message["text"] if message.get("text") is not None else message["bytes"]
        self.client_received.append(data)
        return data

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Close the websocket."""
        await self._conversation.leave(code, reason)

    async def __aiter__(self) -> AsyncIterator[str | bytes]:
        try:
            while True:
                yield await self.recv()
        except ConnectionClosedOK:
            return

    async def talk(self, mimic: "Callable[[WebsocketProxy], Coroutine[Any, Any, Any]] | None") -> Message:
        """Connect, let ``mimic`` play the client, close; give what the app said to the handshake."""
        message = await self._conversation.connect()
        try:
            if message["type"] == "websocket.accept":
                self.opened, self.subprotocol = True, message.get("subprotocol")
                if mimic is not None:
                    await mimic(self)
                    await self._say_goodbye()
        finally:
            await self._conversation.leave(1000)
        return message

    async def _say_goodbye(self) -> None:
        # sanic_testing ends with an empty message, and tests find it in client_sent.
        try:
            await self.send("")
        except ConnectionClosed:
            pass


def _closed(error: WebSocketDisconnect) -> ConnectionClosed:
    if error.code == ABNORMAL:
        return ConnectionClosedError(None, None)
    kind = ConnectionClosedOK if error.code in (1000, 1001) else ConnectionClosedError
    return kind(Close(error.code, error.reason or ""), None)
