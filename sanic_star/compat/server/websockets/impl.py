"""The websocket that handlers get: Sanic's words on an ASGI websocket."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any

from starlette.types import Message, Receive, Scope, Send
from starlette.websockets import WebSocketDisconnect

from sanic_star.compat.exceptions import BadRequest, ServerError, WebsocketClosed
from sanic_star.compat.server.websockets._frames import Frames
from sanic_star.streams import Cut
from sanic_star.websockets import WebSocket

# As many messages as a `recv_burst` takes are kept for one who waits for the end meanwhile.
KEPT = 256
# So many bytes of them are read ahead of a handler that does not read: as much as one message may have by default.
READ_AHEAD = 2**20
# How often it is asked whether the handler reads, in seconds.
LOOK = 1.0
# What a close frame may say (RFC 6455, section 7.4, and IANA's registry of close codes); 1006 stands for no frame.
_CLOSE_CODES = {*range(1000, 1004), *range(1006, 1015), *range(3000, 5000)}
# As much as a control frame holds beside the code (section 5.5), in bytes.
_REASON_SIZE = 123


def _check_close(code: Any, reason: Any) -> None:
    if code is not None and not (isinstance(code, int) and code in _CLOSE_CODES):
        raise ValueError(f"close code {code!r}: 1000 to 1003, 1007 to 1014 and 3000 to 4999 may be sent")
    if not isinstance(reason, str) or len(reason.encode()) > _REASON_SIZE:
        raise ValueError(f"close reason {reason!r}: text of up to {_REASON_SIZE} bytes may be sent")


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
    _frames: Frames | None = None
    # `WEBSOCKET_MAX_SIZE`, which holds under servers too that were not told of it.
    max_size: int | None = None
    # Whether the handler was told that the connection is over.
    _told = False
    # Whether somebody waits for the connection's end.
    _awaited = False
    _timer: asyncio.TimerHandle | None = None

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        super().__init__(scope, receive, send)
        # Messages that came while somebody waited for the connection's end.
        self._kept: deque[Message] = deque()
        # Told when a `recv` is over, and when the connection is: for who waits for the end.
        self._changed = asyncio.Event()

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
        config = getattr(self.scope.get("app"), "config", {})
        self.max_size = config.get("WEBSOCKET_MAX_SIZE")
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
        if self._told:
            await self._end_handler()
        if self._receiving:
            raise WebsocketClosed("Another task is already waiting for the next message")
        self._receiving = True
        try:
            if timeout is None and self._pending is None and not self._kept:
                message = await self.receive()
            else:
                while not self._kept:
                    if not await self._keep_next(timeout):
                        return None
                message = self._kept.popleft()
        finally:
            self._receiving = False
            self._changed.set()
        if message["type"] == "websocket.disconnect":
            self._told = True
            raise ConnectionClosed(message.get("code") or 1005, message.get("reason"))
        text: str | None = message.get("text")
        data: str | bytes = message["bytes"] if text is None else text
        limit = self.max_size
        # A character is at most four bytes: most messages are not encoded for this.
        if limit is not None and len(data) * 4 > limit and (size := _size(data)) > limit:
            reason = f"frame with {size} bytes exceeds limit of {limit} bytes"
            await self.end(1009, reason)
            raise ConnectionClosed(1009, reason)
        return data

    async def _keep_next(self, timeout: float | None = None) -> bool:  # noqa: ASYNC109
        """Wait for one more message and keep it; tell whether it came in time."""
        # Not cancelled when the time is over: not every server keeps a message that was about to be given.
        pending = self._pending = self._pending or asyncio.ensure_future(super().receive())
        if not (await asyncio.wait({pending}, timeout=timeout))[0]:
            return False
        # Of two that wait, for a message and for the end, the first that wakes takes it.
        if self._pending is pending:
            self._pending = None
            self._kept.append(pending.result())
        return True

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
            message: text, something like bytes, or several of either that make one message; a mapping is an ASGI
                message and passed on as such.

        Raises:
            WebsocketClosed: the connection is closed.
            TypeError: the message is of another type, or its parts are of different ones.
        """
        if isinstance(message, Mapping):
            await super().send(dict(message))
            return
        if self.closed:
            if self._told:
                await self._end_handler()
            self._told = True
            raise WebsocketClosed("Cannot write to websocket interface after it is closed.")
        if isinstance(message, str):
            await super().send({"type": "websocket.send", "text": message})
        elif isinstance(message, (bytes, bytearray, memoryview)):
            await super().send({"type": "websocket.send", "bytes": bytes(message)})
        elif isinstance(message, Iterable):
            await self.send(_joined(message))
        else:
            raise TypeError("Websocket data must be bytes, str.")

    async def ping(self, data: str | bytes | None = None) -> asyncio.Future[float]:
        """Send a ping.

        Args:
            data: up to 125 bytes that the pong brings back, by default four random ones.

        Returns:
            A future, done when the pong arrives: `await (await ws.ping())`.

        Raises:
            ServerError: this server gives no way to it. Under uvicorn there is one, unless an ASGI middleware stands
                before it; under every server `WEBSOCKET_PING_INTERVAL`, or its own setting, makes the server ping.
            WebsocketClosed: the connection is closed.
        """
        return self._control("ping").ping(data.encode() if isinstance(data, str) else data)

    async def pong(self, data: str | bytes = b"") -> None:
        """Send a pong that nobody asked for, as a sign of life; where that is possible, see `ping`."""
        self._control("pong").pong(data.encode() if isinstance(data, str) else bytes(data))

    def _control(self, what: str) -> Frames:
        if self.closed:
            raise WebsocketClosed(f"Cannot send a {what} when the websocket interface is closed.")
        if self._frames is None:
            self._frames = Frames.behind(self._server_send)
        if self._frames is None:
            raise ServerError(f"This server sends no {what} for an application; it sends its own (see its settings)")
        return self._frames

    async def wait_for_connection_lost(self, timeout: float | None = None) -> bool:  # noqa: ASYNC109
        """Wait until the connection is closed; tell whether it is.

        Messages that come meanwhile are kept for `recv`, up to so many that the client can't fill the memory.

        Args:
            timeout: how long to wait, in seconds; without it as long as it takes.
        """
        self._awaited = True
        try:
            async with asyncio.timeout(timeout):
                while not self.closed:
                    if self._receiving or len(self._kept) >= KEPT:
                        self._changed.clear()
                        await self._changed.wait()
                    else:
                        await self._keep_next()
        except TimeoutError:
            pass
        finally:
            self._awaited = False
        return self.closed

    async def receive(self) -> Message:
        """Return the next ASGI message, for Starlette's methods; `recv` is Sanic's."""
        if self._pending is None and not self._kept:
            before, self._receiving = self._receiving, True
            try:
                return await super().receive()
            finally:
                self._receiving = before
        while not self._kept:
            await self._keep_next()
        return self._kept.popleft()

    def look_out(self) -> None:
        """From now on, cancel the handler when the client leaves while it does not read, as Sanic does.

        Only who reads hears of it from an ASGI server. A read of our own beside the handler's would cost each message
        two turns of the event loop; so it begins where the handler was not found reading.
        """
        self._timer = asyncio.get_running_loop().call_later(LOOK, self._look)

    def _look(self) -> None:
        if not self._receiving and self._pending is not None and self._pending.done():
            self._came(self._pending)
        self._read_ahead()
        if not self.closed:
            self.look_out()

    def _read_ahead(self) -> None:
        if self.closed or self._receiving or self._pending is not None or len(self._kept) >= KEPT:
            return
        if sum(len(each.get("text") or each.get("bytes") or "") for each in self._kept) < READ_AHEAD:
            self._pending = asyncio.ensure_future(super().receive())
            self._pending.add_done_callback(self._came)

    def _came(self, read: asyncio.Future[Message]) -> None:
        """Keep what was read ahead; an exception is left to who reads next."""
        if self._pending is not read or read.cancelled() or read.exception() is not None:
            return
        self._pending = None
        self._kept.append(read.result())
        stream = self.request.open_stream
        if not self.closed:
            self._read_ahead()
        elif stream is not None and not self._receiving and not self._awaited:
            stream.cut(Cut.CLIENT_LEFT)

    async def receive_message(self) -> Message:
        """Pass on the server's next message; note the end."""
        message = await super().receive_message()
        if self.closed:
            self._lose()
        return message

    async def send_message(self, message: Message) -> None:
        """Pass a message on to the server; note the end."""
        try:
            await super().send_message(message)
        except OSError:
            # The client has gone, and the server says so to who sends.
            self.closed = self._told = True
            raise
        finally:
            if self.closed:
                self._lose()

    async def _end_handler(self) -> None:
        """Cancel a handler that was told of the end and goes on all the same.

        Sanic cancels the handler when its client leaves; one written for that may well catch every `Exception` and
        read again, forever.
        """
        stream = self.request.open_stream
        if stream is not None:
            stream.cut(Cut.CLIENT_LEFT)
        await asyncio.sleep(0)

    def _lose(self) -> None:
        self._changed.set()
        if self._timer is not None:
            self._timer.cancel()
        if self._frames is not None:
            self._frames.close()

    async def close(self, code: int = 1000, reason: str | None = "") -> None:
        """Close the connection.

        Args:
            code: why, as a number (RFC 6455, section 7.4.1); `None` says nothing.
            reason: why, in words.

        Raises:
            ValueError: a close frame can't say so; the connection stays open. The server would break it off.
        """
        if not self.closed:
            _check_close(code, reason or "")
        await self.end(code, reason or "")

    async def end(self, code: int, reason: str = "") -> None:
        """Close the connection unless it is closed already, and wait for no message any more."""
        await super().end(code, reason)
        pending, self._pending = self._pending, None
        if pending is not None:
            pending.cancel()


def _joined(parts: Iterable[Any]) -> str | bytes:
    """Return the parts of a message as one: ASGI has no fragments."""
    known = list(parts)
    if all(isinstance(part, str) for part in known):
        return "".join(known)
    if all(isinstance(part, (bytes, bytearray, memoryview)) for part in known):
        return b"".join(known)
    raise TypeError("Websocket data must be bytes, str: all parts of a message of one kind")


def _size(data: str | bytes) -> int:
    return len(data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data)
