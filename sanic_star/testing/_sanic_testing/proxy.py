"""The websocket client that a `mimic` coroutine function uses; it records the messages.

It has the methods of a client of the `websockets` library, which `sanic_testing` passes to `mimic`. If the websocket is
closed, it raises the exceptions of that library.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Mapping
from contextlib import suppress
from typing import Any

from starlette.types import Message
from starlette.websockets import WebSocketDisconnect
from websockets.exceptions import ConnectionClosed, ConnectionClosedError, ConnectionClosedOK
from websockets.frames import Close

from sanic_star.testing._asgi.conversation import ABNORMAL, Conversation
from sanic_star.testing._sanic_testing.response import ResponseHeaders, headers_of

__all__ = ["SocketProxy", "WebsocketProxy", "websocket_proxy"]


class WebsocketProxy:
    """Sends messages to an application, receives messages from it, and records both.

    Args:
        conversation: the websocket before its handshake.

    Attributes:
        opened: whether the application has accepted the handshake.
        subprotocol: the subprotocol that it has selected.
        client_sent: the messages that the client has sent.
        client_received: the messages that the client has received.
        request_headers: the headers of the handshake request.
        response_headers: the headers of the application's response to the handshake.
    """

    def __init__(self, conversation: Conversation) -> None:
        self.opened = False
        self.subprotocol: str | None = None
        self.client_sent: list[str | bytes] = []
        self.client_received: list[str | bytes] = []
        self.request_headers: Mapping[str, str] = conversation.request_headers
        self.response_headers: Mapping[str, str] = ResponseHeaders([])
        self._conversation = conversation

    @property
    def ws(self) -> "WebsocketProxy":
        """This object, under the name that `sanic_testing` uses."""
        return self

    @property
    def open(self) -> bool:
        """Whether the websocket is open, as far as the client knows."""
        return self.opened and self.close_code is None

    @property
    def closed(self) -> bool:
        """Whether the client knows that the websocket is closed."""
        return self.opened and self.close_code is not None

    @property
    def close_code(self) -> int | None:
        """The close code; `None` while the websocket is open."""
        return self._conversation.close_code

    @property
    def close_reason(self) -> str | None:
        """The close reason; `None` while the websocket is open."""
        return self._conversation.close_reason

    @property
    def path(self) -> str:
        """The path of the handshake."""
        path: str = self._conversation.path
        return path

    @property
    def server_sent(self) -> list[str | bytes]:
        """The messages of the application that the client has received."""
        return self.client_received

    @property
    def server_received(self) -> list[str | bytes]:
        """The messages that the client has sent."""
        return self.client_sent

    async def send(self, data: str | bytes) -> None:
        """Send a text (str) or binary (bytes) message.

        Args:
            data: the message.

        Raises:
            websockets.exceptions.ConnectionClosed: the client knows that the websocket is closed.
        """
        kind = "text" if isinstance(data, str) else "bytes"
        try:
            await self._conversation.deliver({"type": "websocket.receive", kind: data})
        except WebSocketDisconnect as error:
            raise _closed(error) from error
        self.client_sent.append(data)

    async def recv(self) -> str | bytes:
        """Wait for the application's next message.

        Raises:
            websockets.exceptions.ConnectionClosed: the websocket is closed.
        """
        try:
            message = await self._conversation.next_message(None)
            if message["type"] == "websocket.close":
                raise WebSocketDisconnect(message.get("code", 1000), message.get("reason"))
        except WebSocketDisconnect as error:
            raise _closed(error) from error
        data: str | bytes = message["text"] if message.get("text") is not None else message["bytes"]
        self.client_received.append(data)
        return data

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Close the websocket.

        Args:
            code: the close code, 1000 to 4999.
            reason: the close reason.
        """
        await self._conversation.leave(code, reason)

    async def wait_closed(self) -> None:
        """Wait until the application has closed the websocket or has ended."""
        await self._conversation.closed()

    async def ping(self, data: str | bytes = b"") -> Awaitable[float]:
        """Send a ping; return an awaitable that ends with the pong.

        In process, there is no connection, so the awaitable is done at once, with a latency of 0 seconds.

        Args:
            data: the content of the ping.
        """
        if self.close_code is not None:
            raise ConnectionClosedError(None, None)
        pong: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        pong.set_result(0.0)
        return pong

    async def pong(self, data: str | bytes = b"") -> None:
        """Send a pong that answers no ping.

        Args:
            data: the content of the pong.

        Raises:
            websockets.exceptions.ConnectionClosed: the websocket is closed.
        """
        await self.ping(data)

    async def __aiter__(self) -> AsyncIterator[str | bytes]:
        try:
            while True:
                yield await self.recv()
        except ConnectionClosedOK:
            return

    async def talk(self, mimic: "Callable[[WebsocketProxy], Coroutine[Any, Any, Any]] | None") -> Message:
        """Connect, run `mimic`, close; return the application's answer to the handshake."""
        message = await self._conversation.connect()
        try:
            if message["type"] == "websocket.accept":
                self.opened, self.subprotocol = True, message.get("subprotocol")
                self.response_headers = headers_of(message.get("headers", ()))
                await self.play(mimic)
        finally:
            await self._conversation.leave(1000)
        return message

    async def play(self, mimic: "Callable[[WebsocketProxy], Coroutine[Any, Any, Any]] | None") -> None:
        """Run `mimic`; return if it raises `ConnectionClosedOK`, because the websocket was closed normally."""
        if mimic is None:
            return
        try:
            await mimic(self)
        except ConnectionClosedOK:
            return
        # `sanic_testing` sends an empty message at the end, and tests expect it in `client_sent`.
        with suppress(ConnectionClosed):
            await self.send("")


class SocketProxy(WebsocketProxy):
    """The same client over a socket.

    Args:
        connection: a client connection of the `websockets` library; other attributes are those of the connection.
    """

    def __init__(self, connection: Any) -> None:
        self.opened = True
        self.subprotocol: str | None = connection.subprotocol
        self.client_sent: list[str | bytes] = []
        self.client_received: list[str | bytes] = []
        self.request_headers = connection.request.headers
        self.response_headers = connection.response.headers
        self._connection = connection

    @property
    def close_code(self) -> int | None:
        code: int | None = self._connection.close_code
        return code

    @property
    def close_reason(self) -> str | None:
        reason: str | None = self._connection.close_reason
        return reason

    @property
    def path(self) -> str:
        path: str = self._connection.request.path
        return path

    async def send(self, data: Any) -> None:
        await self._connection.send(data)
        self.client_sent.append(data)

    async def recv(self) -> str | bytes:
        data: str | bytes = await self._connection.recv()
        self.client_received.append(data)
        return data

    async def close(self, code: int = 1000, reason: str = "") -> None:
        await self._connection.close(code, reason)

    async def wait_closed(self) -> None:
        await self._connection.wait_closed()

    async def ping(self, data: str | bytes = b"") -> Awaitable[float]:
        pong: Awaitable[float] = await self._connection.ping(data or None)
        return pong

    async def pong(self, data: str | bytes = b"") -> None:
        await self._connection.pong(data)

    def __getattr__(self, name: str) -> Any:
        if name == "_connection":
            raise AttributeError(name)
        return getattr(self._connection, name)


async def websocket_proxy(
    url: str,
    *,
    mimic: "Callable[[WebsocketProxy], Coroutine[Any, Any, Any]] | None" = None,
    extra_headers: Mapping[str, str] | Iterable[tuple[str, str]] | None = None,
    **kwargs: Any,
) -> WebsocketProxy:
    """Run `mimic` with a connection to any server; return the client with the recorded messages.

    Args:
        url: a URL that begins with `ws:` or `wss:`.
        mimic: a coroutine function that gets the client. It may end with `ConnectionClosedOK`.
        extra_headers: headers of the handshake; the newer name is `additional_headers`.
        kwargs: the arguments of `connect` of the `websockets` library.

    Raises:
        websockets.exceptions.InvalidHandshake: the server did not accept the handshake.
        OSError: the server cannot be reached.
        Exception: any exception of `mimic`.
    """
    from websockets.asyncio.client import connect

    if extra_headers is not None:
        kwargs.setdefault("additional_headers", extra_headers)
    async with connect(url, **{"proxy": None, **kwargs}) as connection:
        proxy = SocketProxy(connection)
        await proxy.play(mimic)
    return proxy


def _closed(error: WebSocketDisconnect) -> ConnectionClosed:
    if error.code == ABNORMAL:
        return ConnectionClosedError(None, None)
    error_class = ConnectionClosedOK if error.code in (1000, 1001) else ConnectionClosedError
    return error_class(Close(error.code, error.reason or ""), None)
