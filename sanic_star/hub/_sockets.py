"""`Attachment`: a websocket that gets the messages of a channel, without a task for each websocket.

In a loop over `send`, each message wakes a task for each websocket, which builds and compresses a frame and calls the
layers of the server. Here the frame is built once, and the publisher writes it to all connections:

| connection | message |
|---|---|
| of uvicorn, and writable | its frame is written at once |
| of uvicorn, with a slow client | waits in a bounded queue until a task sends it |
| of another server, or behind ASGI middleware | waits in a bounded queue until a task sends it |

The task exists only while messages wait.
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

# "Try again later" (IANA's registry of close codes): the client may connect again.
TOO_SLOW_CODE = 1013
# How long a client that is too slow may take for the close frame before the connection is aborted, in seconds.
CLOSE_S = 1.0


class _Connection:
    """A connection of uvicorn, to which complete frames are written directly.

    Args:
        protocol: uvicorn's object for the connection.
    """

    __slots__ = ("_connection", "_is_writable", "_open_state", "_protocol", "_transport")

    def __init__(self, protocol: Any) -> None:
        self._protocol = protocol
        self._connection = protocol.conn
        self._open_state = protocol.conn.state
        self._transport = protocol.transport
        self._is_writable = protocol.writable.is_set

    @classmethod
    def of(cls, ws: WebSocket) -> _Connection | None:
        """Return the connection of a websocket; `None` if it is not uvicorn's, or not open."""
        send = getattr(ws, "_server_send", None) or getattr(ws, "_send", None)
        protocol: Any = getattr(send, "__self__", None)
        names = ("conn", "transport", "writable", "close_sent", "handshake_complete")
        if not all(hasattr(protocol, name) for name in names):
            return None
        state = getattr(protocol.conn, "state", None)
        return cls(protocol) if getattr(state, "name", None) == "OPEN" and protocol.handshake_complete else None

    def write(self, frame: bytes) -> bool:
        """Write a frame, unless the client is slow or the connection is closing; return whether it was written."""
        if (
            self._is_writable()
            and self._connection.state is self._open_state
            and not self._protocol.close_sent
            and not self._transport.is_closing()
        ):
            self._transport.write(frame)
            return True
        return False

    def abort(self) -> None:
        """Close the connection at once, and drop the data that was not sent."""
        self._transport.abort()


class Attachment:
    """A websocket that gets the messages of a channel during an `async with` block; `hub.attach` returns it.

    Args:
        hub: the hub.
        ws: the websocket, which is open.
        channel: the name of the channel.
        queue: stores messages while the client is slow.
    """

    lost: int | None = 0
    """The number of messages that were lost during outages of Redis; `None` if it is unknown."""

    def __init__(self, hub: Channels, ws: WebSocket, channel: str, queue: MessageQueue) -> None:
        self.channel = channel
        self._hub = hub
        self._ws = ws
        self._queue = queue
        self._connection: _Connection | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def dropped(self) -> int:
        """The number of messages that were dropped because the queue was full."""
        return self._queue.dropped

    async def __aenter__(self) -> Self:
        self._connection = _Connection.of(self._ws)
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
        """Send a message, now or when the client reads."""
        connection, task = self._connection, self._task
        # PERF: saves the task and the layers of the server for nearly every message, about half of the CPU time of a
        # broadcast (`benchmarks.broadcast`). Safe because no message waits before this one, and a connection that is
        # closing is not written to.
        if task is None and connection is not None and connection.write(message._frame or message.frame):
            return
        if getattr(self._ws, "_closed", False):
            # The next call in its handler raises an exception, which ends the block.
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
        """Do nothing: the handler closes the websocket."""

    async def _send_all(self) -> None:
        """Send the messages of the queue; stop when the connection ends, of which the handler is informed."""
        try:
            while len(self._queue):
                await self._send(self._queue.take())
        except (SanicException, WebSocketDisconnect, OSError, RuntimeError):
            self._hub._leave(self.channel, self)
            self._queue.clear()
        finally:
            # If this task was cancelled, another one may have replaced it.
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
                await self._ws.close(TOO_SLOW_CODE, "The client is too slow")
        except TimeoutError:
            if self._connection is not None:
                self._connection.abort()
        except (SanicException, OSError, RuntimeError):
            pass  # the websocket is already closed
