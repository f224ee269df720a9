"""Websockets that get the messages of a channel without a task for each of them.

In the usual loop over `send`, each message wakes a task for each websocket, builds and compresses a frame and passes
through the layers of the server. Here the frame is built once, and written to the connection by the publisher:

| the connection | the message |
|---|---|
| is one of uvicorn's, and takes data | its frame is written at once |
| is one of uvicorn's whose client is slow | waits in a bounded queue, and a task sends it when the client reads |
| is of another server, or behind ASGI middleware | the same |

The task is there only while messages wait.
"""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Any, Self

from starlette.websockets import WebSocket, WebSocketDisconnect

from sanic_star.compat.exceptions import SanicException
from sanic_star.compat.server.websockets.impl import WebsocketImplProtocol
from sanic_star.hub._messages import Message
from sanic_star.hub._subscriptions import Channels, MessageQueue

# "Try again later" (IANA's registry of close codes): the client may connect again, and then be faster.
TOO_SLOW = 1013
# How long a client that is too slow may take for the close frame, in seconds, before the connection is broken off.
CLOSE_S = 1.0


class _Wire:
    """The way past the layers of the server: a connection of uvicorn's, on which whole frames may be written.

    Args:
        protocol: uvicorn's object for the connection.
    """

    __slots__ = ("_connection", "_is_writable", "_open", "_protocol", "_transport")

    def __init__(self, protocol: Any) -> None:
        self._protocol = protocol
        self._connection = protocol.conn
        self._open = protocol.conn.state
        self._transport = protocol.transport
        self._is_writable = protocol.writable.is_set

    @classmethod
    def behind(cls, ws: WebSocket) -> _Wire | None:
        """Return the connection behind a websocket; `None` where it is of another kind, or is not open."""
        send = getattr(ws, "_server_send", None) or getattr(ws, "_send", None)
        protocol: Any = getattr(send, "__self__", None)
        names = ("conn", "transport", "writable", "close_sent", "handshake_complete")
        if not all(hasattr(protocol, name) for name in names):
            return None
        state = getattr(protocol.conn, "state", None)
        return cls(protocol) if getattr(state, "name", None) == "OPEN" and protocol.handshake_complete else None

    def write(self, frame: bytes) -> bool:
        """Write a frame, unless the client is slow or the connection is about to end; return whether that was done."""
        if (
            self._is_writable()
            and self._connection.state is self._open
            and not self._protocol.close_sent
            and not self._transport.is_closing()
        ):
            self._transport.write(frame)
            return True
        return False

    def abort(self) -> None:
        """Break the connection off; what was not sent is dropped."""
        self._transport.abort()


class Attachment:
    """A websocket that gets the messages of a channel for as long as the block lasts; `hub.attach` makes it.

    Args:
        hub: where it subscribes.
        ws: the websocket, which is open.
        channel: the name of the channel.
        queue: holds messages while the client is slow.
    """

    lost: int | None = 0
    """How many messages did not arrive because Redis could not be reached; `None`: that cannot be told."""

    def __init__(self, hub: Channels, ws: WebSocket, channel: str, queue: MessageQueue) -> None:
        self.channel = channel
        self._hub = hub
        self._ws = ws
        self._queue = queue
        self._wire: _Wire | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def dropped(self) -> int:
        """How many messages were dropped because the client was slow."""
        return self._queue.dropped

    async def __aenter__(self) -> Self:
        self._wire = _Wire.behind(self._ws)
        await self._hub._join(self.channel, self)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._hub._leave(self.channel, self)
        self._queue.clear()
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    def deliver(self, message: Message) -> None:
        """Send a message, now or as soon as the client reads."""
        wire, task = self._wire, self._task
        # PERF: first, because it is the way of nearly every message; `benchmarks/` shows it as the broadcast. Safe:
        # nothing is written on a connection that is about to close.
        if task is None and wire is not None and wire.write(message._frame or message.frame):
            return
        if getattr(self._ws, "_closed", False):
            # Its handler learns that from the next call, and leaves the block.
            self._hub._leave(self.channel, self)
        elif task is None:
            self._queue.put(message)
            self._task = asyncio.get_running_loop().create_task(self._send_all())
        elif not self._queue.put(message):
            self._hub._leave(self.channel, self)
            self._queue.clear()
            task.cancel()
            self._task = asyncio.get_running_loop().create_task(self._close())

    def end(self) -> None:
        """Do nothing: the websocket belongs to its handler."""

    async def _send_all(self) -> None:
        """Send the messages that wait; the connection may end meanwhile, which its handler learns."""
        try:
            while len(self._queue):
                await self._send(self._queue.take())
        except (SanicException, WebSocketDisconnect, OSError, RuntimeError):
            self._hub._leave(self.channel, self)
            self._queue.clear()
        finally:
            # Not where the task is cancelled: then another one has taken its place.
            if self._task is asyncio.current_task():
                self._task = None

    async def _send(self, message: Message) -> None:
        ws, data = self._ws, message.data
        if isinstance(ws, WebsocketImplProtocol):
            await ws.send(data)
        elif isinstance(data, str):
            await ws.send_text(data)
        else:
            await ws.send_bytes(data)

    async def _close(self) -> None:
        try:
            async with asyncio.timeout(CLOSE_S):
                await self._ws.close(TOO_SLOW, "The client is too slow")
        except TimeoutError:
            if self._wire is not None:
                self._wire.abort()
        except (SanicException, OSError, RuntimeError):
            pass  # it is closed already
