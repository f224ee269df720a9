"""The websocket that handlers get: Sanic's words on an ASGI websocket."""

from __future__ import annotations

import asyncio
import json
from asyncio import CancelledError
from collections.abc import AsyncIterator, Iterable, Mapping
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from starlette import websockets
from starlette.datastructures import URL
from starlette.responses import Response
from starlette.types import Message
from starlette.websockets import WebSocketDisconnect, WebSocketState

from sanic_star.compat._support.lazy import OldName, names_without_old
from sanic_star.compat.exceptions import BadRequest, ServerError, WebsocketClosed
from sanic_star.engine import requests
from sanic_star.engine.websockets import WebSocket

# The inbox and the frames are loaded with the first connection: most applications have no websockets.
if TYPE_CHECKING:
    from sanic_star.compat.server.websockets._frames import Frames
    from sanic_star.compat.server.websockets._inbox import Inbox
    from sanic_star.compat.server.websockets._members import Members, RecvLock, ServerProtocol

# What a close frame may say (RFC 6455, section 7.4, and IANA's registry of close codes).
_CLOSE_CODES = (range(1000, 1004), range(1007, 1015), range(3000, 5000))
# Sanic breaks the connection off for this one, which stands for no frame.
_NO_FRAME, _INTERNAL_ERROR = 1006, 1011
# After so many messages that a handler sends, the event loop gets a turn: hypercorn takes all that is sent to a client
# that has left without one, and a handler that only sends would stop the process.
MESSAGES_A_TURN = 256
# As much as a control frame holds beside the code (section 5.5), in bytes.
_REASON_SIZE = 123
# How long `send` waits for the end to arrive after the server said that the client has left, in seconds. uvicorn puts
# both into one turn of the event loop.
_END_WAIT = 0.5
_CONNECTED = WebSocketState.CONNECTED
_DISCONNECT = "websocket.disconnect"


def _check_close(code: Any, reason: Any) -> None:
    if code is not None and not (isinstance(code, int) and any(code in codes for codes in _CLOSE_CODES)):
        problem = f"close code {code!r}: 1000 to 1003, 1007 to 1014 and 3000 to 4999 may be sent"
    elif not isinstance(reason, str) or len(reason.encode()) > _REASON_SIZE:
        problem = f"close reason {reason!r}: text of up to {_REASON_SIZE} bytes may be sent"
    else:
        return
    from sanic_star.compat.server.websockets._members import InvalidClose

    raise InvalidClose(problem)


# How the handler of a websocket learns that its client has left:
#
# | state | becomes | when the handler |
# |---|---|---|
# | cancellable | starlette | calls a method of Starlette's |
# | cancellable | informed | calls `close` |
# | cancellable | cancelled | calls `recv` or `send` after the end, or awaits something else for too long |
# | any but informed | cancelled | calls `recv` after the end |
# | any | informed | comes to the end of `async for`, or of `wait_for_connection_lost` |
#
# - cancellable: not yet; `recv` or `send` raises `CancelledError`, and the sweeper cancels whatever else is awaited.
# - starlette: by `WebSocketDisconnect`; it uses Starlette's methods.
# - informed: its `async for` has ended, it has waited for the end, or it has closed the websocket itself.
# - cancelled: it was cancelled.
_Handler: TypeAlias = Literal["cancellable", "starlette", "informed", "cancelled"]


class _ServersOwn(OldName):
    """A member of Sanic's websocket that belongs to the server here; its `AttributeError` says what takes its place."""

    __slots__ = ()

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        from sanic_star.compat.server.websockets._members import explain

        raise AttributeError(explain(self.name.rpartition(".")[2]), name=self.name, obj=instance)


class WebsocketImplProtocol(WebSocket):
    """A websocket.

    When the client leaves, messages that came before are delivered first. Then `async for` ends and `recv` raises
    `asyncio.CancelledError`, as in Sanic 25.12. A handler that awaits anything else is cancelled within a second.
    Starlette's methods (`receive_text`, `send_json`, …) raise `WebSocketDisconnect`; a handler that uses them is not
    cancelled.

    Example, a handler that sends everything back:

        @app.websocket("/echo")
        async def echo(request, ws):
            async for message in ws:
                await ws.send(message)
    """

    def __dir__(self) -> list[str]:
        return [name for name in names_without_old(self) if hasattr(type(self), name) or name in vars(self)]

    open = OldName()
    closed = OldName()
    ensure_open = OldName()
    wait_closed = OldName()
    remote_address = OldName()
    local_address = OldName()
    # What the server does. PERF: no `__getattr__`, with which the interpreter looks up each attribute of the class the
    # slow way: a third more for each message, see the echo in `benchmarks/`.
    assembler = _ServersOwn()
    async_data_received = _ServersOwn()
    async_eof_received = _ServersOwn()
    auto_close_connection = _ServersOwn()
    auto_closer_task = _ServersOwn()
    conn_mutex = _ServersOwn()
    connection_lost = _ServersOwn()
    connection_lost_waiter = _ServersOwn()
    connection_made = _ServersOwn()
    data_finished_fut = _ServersOwn()
    data_received = _ServersOwn()
    eof_received = _ServersOwn()
    keepalive_ping = _ServersOwn()
    keepalive_ping_task = _ServersOwn()
    pause_frame_fut = _ServersOwn()
    pause_frames = _ServersOwn()
    process_event_mutex = _ServersOwn()
    process_events = _ServersOwn()
    process_pong = _ServersOwn()
    recv_cancel = _ServersOwn()
    resume_frames = _ServersOwn()
    send_data = _ServersOwn()

    subprotocol: str | None = None
    _frames: Frames | None = None
    # `WEBSOCKET_MAX_SIZE`, which holds under servers too that were not told of it.
    _max_size: int | None = None
    _handler: _Handler = "cancellable"
    # Whether the handler has read by Sanic's methods.
    _reads = False
    # How many `async for` loops of the handler's run.
    _iterating = 0
    # How many tasks wait for the connection's end.
    _awaited = 0
    # How many messages the handler has sent.
    _sent = 0
    _plain: websockets.WebSocket | None = None
    # What is there for code that looks at the parts of Sanic's websocket.
    _members: Members | None = None
    _recv_lock: RecvLock | None = None
    # Code and reason with which the handler has closed the connection.
    _close_sent: tuple[int | None, str] | None = None
    # Whether `receive` still has to return the end, which the handler has brought about itself.
    _end_is_due = False
    # Whether the route has accepted the connection, before its handler was called.
    _accepted_by_route = False
    # Whether the handler is over.
    _is_released = False
    # The messages for the handler, from the moment at which the connection is accepted.
    _inbox: Inbox

    async def _handshake(self, subprotocols: Iterable[str] = ()) -> None:
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
        self._max_size = config.get("WEBSOCKET_MAX_SIZE")
        await self.accept(self.subprotocol)
        self._accepted_by_route = True

    # Sanic's methods: receiving --------------------------------------------------------------------------------------

    async def recv(self, timeout: float | None = None) -> str | bytes | None:  # noqa: ASYNC109 - Sanic's signature
        """Return the next message: text, or bytes.

        Args:
            timeout: how long to wait, in seconds; without it as long as the connection is open.

        Returns:
            The message, or `None` when the time is over.

        Raises:
            asyncio.CancelledError: the connection is over; raised in its handler, once.
            WebsocketClosed: the same in any other case: in the handler of another connection, or a second time.
            ServerError: another task is waiting for a message already, or holds `recv_lock`.
        """
        message = await self._take(timeout)
        if message is None:
            return None
        if message["type"] == _DISCONNECT:
            if self._handler != "informed" and self._is_own_handler():
                await self._cancel_handler()
            await self._refuse("Cannot receive from websocket interface after it is closed.")
        return _data(message)

    async def _take(self, timeout: float | None = None) -> Message | None:  # noqa: ASYNC109
        inbox = self._inbox
        self._check_reader(inbox)
        message = await (inbox.next() if timeout is None else inbox.next_within(timeout))
        if message is None:
            return None
        limit = self._max_size
        if message["type"] == "websocket.receive" and (limit is None or len(_data(message)) * 4 <= limit):
            return message
        return await self._check_message(message)

    def _check_reader(self, inbox: Inbox) -> None:
        if inbox.waiting or (self._recv_lock is not None and self._recv_lock.is_held):
            raise ServerError("Another task is already waiting for the next message")
        self._reads = True

    async def _check_message(self, message: Message) -> Message:
        """Return the message, or what ends the connection; close it if the message is too large."""
        if message["type"] != "websocket.receive":
            if message["type"] != _DISCONNECT:
                raise RuntimeError(f"the server has sent {message['type']!r}, which no open websocket receives")
            self.client_state = WebSocketState.DISCONNECTED
            return message
        limit = self._max_size
        if limit is not None:
            data = _data(message)
            # A character is at most four bytes: most messages are not encoded for this.
            if len(data) * 4 > limit and (size := _size(data)) > limit:
                await self._end_by_handler(1009, f"frame with {size} bytes exceeds limit of {limit} bytes")
                assert self._inbox.end is not None
                return self._inbox.end
        return message

    async def recv_burst(self, max_recv: int = 256) -> list[str | bytes]:
        """Return the messages that are there at once, without waiting for more.

        Args:
            max_recv: how many at most.

        Raises:
            asyncio.CancelledError, WebsocketClosed: there is none, and the connection is over; as in `recv`.
        """
        messages: list[str | bytes] = []
        while len(messages) < max_recv:
            # What was taken before the end is returned first.
            if messages and self._inbox.end is not None and not self._inbox.unread:
                break
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
        # A handler that leaves the loop to another task does not learn of the end from it.
        own = self._is_own_task()
        self._iterating += own
        limit = self._max_size
        try:
            while True:
                # PERF: as `_take` does, without a coroutine for each message; `benchmarks/` shows it as the echo.
                inbox = self._inbox
                self._check_reader(inbox)
                message = await inbox.next()
                if message["type"] == "websocket.receive":
                    text = message.get("text")
                    data = message["bytes"] if text is None else text
                    if limit is None or len(data) * 4 <= limit:
                        yield data
                        continue
                taken = await self._check_message(message)
                if taken["type"] == _DISCONNECT:
                    break
                yield _data(taken)
            if own:
                self._handler = "informed"
        finally:
            self._iterating -= own

    async def wait_for_connection_lost(self, timeout: float | None = None) -> bool:  # noqa: ASYNC109
        """Wait until the connection is closed; tell whether it is.

        Messages that come meanwhile are kept for `recv`, up to so many that the client can't fill the memory. The
        handler is not cancelled while it waits, nor afterwards.

        Args:
            timeout: how long to wait, in seconds; without it as long as it takes.
        """
        self._awaited += 1
        try:
            async with asyncio.timeout(timeout):
                await self._inbox.wait_for_end()
        except TimeoutError:
            return self._closed
        finally:
            self._awaited -= 1
        if self._is_own_handler():
            self._handler = "informed"
        return True

    # Sanic's methods: sending ----------------------------------------------------------------------------------------

    async def send(self, message: Any) -> None:
        """Send a message.

        Args:
            message: text, something like bytes, or several of either that make one message.

        Raises:
            asyncio.CancelledError: the client has left; raised in the handler of this connection, once. Where messages
                that came before wait for it, or in an `async for` over this websocket, what is sent is dropped
                instead: the handler gets the messages, then the end.
            WebsocketClosed: the connection is over, in any other case: in the handler of another connection, a second
                time, or after `close`.
            TypeError: the message is of another type, a mapping for example, or its parts are of different types. An
                ASGI message is sent by `websocket.starlette.send`.
            UnicodeEncodeError: the text has a lone surrogate, which UTF-8 cannot hold.
        """
        if not self._closed:
            event: Message
            if isinstance(message, str):
                if not message.isascii():
                    # granian sends an empty message instead of a lone surrogate.
                    message.encode()
                event = {"type": "websocket.send", "text": message}
            elif isinstance(message, (bytes, bytearray, memoryview)):
                event = {"type": "websocket.send", "bytes": bytes(message)}
            elif isinstance(message, Mapping):
                raise TypeError("Websocket data must be bytes, str: a mapping is neither")
            elif isinstance(message, Iterable):
                await self.send(_joined(message))
                return
            else:
                raise TypeError("Websocket data must be bytes, str.")
            if self.application_state is not _CONNECTED:
                await self._send_to_server(event)
                return
            try:
                await self._server_send(event)
                self._sent += 1
                if not self._sent % MESSAGES_A_TURN:
                    await asyncio.sleep(0)
                return
            except OSError:
                self._closed = True
                self._inbox.ended_at = asyncio.get_running_loop().time()
        if self._handler == "cancellable" and self._is_own_handler():
            if await self._will_read():
                return
            await self._cancel_handler()
        await self._refuse("Cannot write to websocket interface after it is closed.")

    async def _will_read(self) -> bool:
        """Tell whether the handler still gets messages that came before the end, or the end of its iteration."""
        # A handler that sends and sends must not stop the event loop.
        await asyncio.sleep(0)
        if self._iterating:
            return True
        inbox = self._inbox
        if self._reads and not inbox.unread:
            try:
                async with asyncio.timeout(_END_WAIT):
                    await inbox.wait_for_end()
            except TimeoutError:
                inbox.finish({"type": _DISCONNECT, "code": 1006})
        return self._reads and inbox.unread > 0

    async def ping(self, data: str | bytes | None = None) -> asyncio.Future[float]:
        """Send a ping.

        Args:
            data: up to 125 bytes that the pong brings back, by default four random ones.

        Returns:
            A future, done when the pong arrives, with the seconds that it took: `await (await ws.ping())`.

        Raises:
            ServerError: this server gives no way to it. Under uvicorn there is one, unless the application is mounted
                in one whose ASGI middleware stands before it; under every server `WEBSOCKET_PING_INTERVAL`, or its own
                setting, makes the server ping.
            ValueError: a ping with the same data waits for its pong.
            WebsocketClosed: the connection is closed.
        """
        if self._closed:
            raise WebsocketClosed("Cannot send a ping when the websocket interface is closed.")
        return await self._control("ping").ping(data if data is None else _control_data(data))

    async def pong(self, data: str | bytes = b"") -> None:
        """Send a pong that nobody asked for, as a sign of life.

        Nothing is sent on a connection that is closed, as in Sanic.

        Raises:
            ServerError: this server gives no way to it; see `ping`.
        """
        if not self._closed:
            await self._control("pong").pong(_control_data(data))

    def _control(self, kind: str) -> Frames:
        frames = self._find_frames()
        if frames is None:
            raise ServerError(f"This server sends no {kind} for an application; it sends its own (see its settings)")
        return frames

    def _find_frames(self) -> Frames | None:
        if self._frames is None:
            from sanic_star.compat.server.websockets._frames import frames_of

            self._frames = frames_of(self.scope, self._server_send)
        return self._frames

    async def close(self, code: int | None = 1000, reason: str | None = "") -> None:
        """Close the connection. The handler that does so runs on; any other handler of the connection is cancelled.

        Args:
            code: why, as a number (RFC 6455, section 7.4.1); `None` says nothing. 1006 breaks the connection off
                without a close frame; it sends 1011 where the server gives no way to that (any but uvicorn).
            reason: why, in words.

        Raises:
            ValueError: a close frame can't say so; the connection stays open. It is a `ProtocolError` of the package
                `websockets`, too, which Sanic 25.12 raises.
        """
        if code == _NO_FRAME:
            if self._closed:
                return
            if self._break_off():
                assert self._ending is not None
                await self._ending
                return
            code = _INTERNAL_ERROR
        elif code is None and (frames := self._find_frames()) is not None and frames.needs_code:
            code = 1000
        if not self._closed:
            _check_close(code, reason or "")
            self._inform_handler()
        await self._end_by_handler(code, reason or "")

    def end_connection(self, code: int = 1000, reason: str = "") -> bool:
        """Close the connection from code that cannot await `close`.

        Args:
            code: as for `close`.
            reason: why, in words.

        Returns:
            `False`, as in Sanic 25.12: the server takes care of the rest.

        Raises:
            ValueError: as `close` does.

        Example, a callback that is no coroutine:

            request.app.loop.call_later(60, ws.end_connection, 1001, "a minute is over")
        """
        if self._closed:
            return False
        if code == _NO_FRAME:
            if self._break_off():
                return False
            code = _INTERNAL_ERROR
        _check_close(code, reason)
        self._inform_handler()
        self._note_own_end(code, reason)
        self._closed = True
        self._ending = self.loop.create_task(self._send_close(code, reason))
        self._inbox.finish({"type": _DISCONNECT, "code": code, "reason": reason})
        return False

    def fail_connection(self, code: int = 1006, reason: str = "") -> bool:
        """Break the connection off, or close it with another code than 1006; see `end_connection`."""
        return self.end_connection(code, reason)

    def abort_pings(self) -> None:
        """Cancel the futures of pings that have no pong yet.

        Raises:
            ServerError: the connection is open, so that a pong may still come.
        """
        if not self._closed:
            raise ServerError("The connection is open: a pong may still come")
        if self._frames is not None:
            self._frames.close()

    # Attributes of Sanic's websocket ---------------------------------------------------------------------------------

    max_queue: int | None = None
    can_pause = True
    # In seconds; Sanic's default, for which it has no setting.
    close_timeout = 10.0

    @property
    def ws_proto(self) -> ServerProtocol:
        """What there is of the protocol object of the package `websockets`: `state`, `close_code`, `subprotocol`, …

        Example:

            from websockets.protocol import State

            if ws.ws_proto.state is State.OPEN:
                await ws.send("still here")
        """
        return self._load_members().ws_proto

    @property
    def io_proto(self) -> Any:
        """Sanic's protocol of the connection: `app`, `loop`, `transport`, `conn_info`, `websocket`."""
        return self._load_members().io_proto

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The event loop that serves the connection; also when it is asked for from another thread."""
        stream = self._request._open_stream if self._request is not None else None
        task: asyncio.Task[Any] | None = stream.task if stream is not None else None
        return asyncio.get_running_loop() if task is None else task.get_loop()

    @property
    def ping_interval(self) -> float | None:
        """Seconds between two pings of the server's: `WEBSOCKET_PING_INTERVAL`."""
        from sanic_star.compat.server.websockets._members import configured

        return configured(self, "ping_interval")

    @property
    def ping_timeout(self) -> float | None:
        """Seconds that a pong may take: `WEBSOCKET_PING_TIMEOUT`."""
        from sanic_star.compat.server.websockets._members import configured

        return configured(self, "ping_timeout")

    @property
    def pings(self) -> dict[bytes, asyncio.Future[float]]:
        """The futures of the handler's pings that have no pong yet, by their data."""
        return {} if self._frames is None else self._frames.waiting

    @property
    def recv_lock(self) -> RecvLock:
        """The lock that is held while a task waits for a message."""
        if self._recv_lock is None:
            from sanic_star.compat.server.websockets._members import RecvLock

            self._recv_lock = RecvLock(self)
        return self._recv_lock

    def _load_members(self) -> Members:
        if self._members is None:
            from sanic_star.compat.server.websockets._members import Members

            self._members = Members(self)
        return self._members

    # Starlette's methods ---------------------------------------------------------------------------------------------

    async def accept(
        self, subprotocol: str | None = None, headers: Iterable[tuple[bytes, bytes]] | None = None
    ) -> None:
        """Accept the connection, as Starlette's method does.

        From here on its messages come by way of the inbox, in the context of the caller. A route of Sanic's has
        accepted the connection when its handler is called; a library that accepts it once more changes nothing.

        Raises:
            RuntimeError: it is accepted already, with another subprotocol, or not by the route; or the server does not
                offer one.
        """
        if self._is_accepted_like(subprotocol, headers):
            return
        event = {"type": "websocket.accept", "subprotocol": subprotocol, "headers": list(headers or ())}
        if self.application_state is not WebSocketState.CONNECTING:
            # Starlette's method says what is wrong.
            await self._send_to_server(event)
            return
        if self.client_state is WebSocketState.CONNECTING:
            offer = (await self._receive_message())["type"]
            if offer != "websocket.connect":
                raise RuntimeError(f"the server has sent {offer!r}, with which no websocket begins")
            self.client_state = _CONNECTED
        self.application_state = _CONNECTED
        await self._send_message(event)
        from sanic_star.compat.server.websockets._inbox import Inbox

        self._inbox = inbox = Inbox(self._server_receive, self._note_end, copy_context())
        self._receive = inbox.next

    def _is_accepted_like(self, subprotocol: str | None, headers: Iterable[tuple[bytes, bytes]] | None) -> bool:
        """Tell whether the route has accepted the connection, as a handler wants to do now.

        Raises:
            RuntimeError: it has, and otherwise.
        """
        if not self._accepted_by_route or self._closed:
            return False
        if subprotocol not in (None, self.subprotocol) or list(headers or ()):
            raise RuntimeError(
                f"the route has accepted this websocket with the subprotocol {self.subprotocol!r}: name yours where "
                f"the route is made, as in @app.websocket(path, subprotocols=[{subprotocol!r}]); header fields cannot "
                "be added any more"
            )
        return True

    async def receive(self) -> Message:
        """Return the next ASGI message, as Starlette's method does; `recv` is Sanic's."""
        if self._end_is_due and not self._inbox.unread:
            self._end_is_due = False
            assert self._inbox.end is not None
            return self._inbox.end
        if self.client_state is _CONNECTED:
            self._use_starlette()
            if self._inbox.end is not None and not self._inbox.unread:
                # The server may say it only once, and is not asked when the handler is over.
                self.client_state = WebSocketState.DISCONNECTED
                return self._inbox.end
        return await super().receive()

    async def send_text(self, data: str) -> None:
        """Send text, as Starlette's method does.

        Raises:
            WebSocketDisconnect: the client has left.
        """
        await self._send_as_starlette({"type": "websocket.send", "text": data})

    async def send_bytes(self, data: bytes) -> None:
        """Send bytes, as Starlette's method does.

        Raises:
            WebSocketDisconnect: the client has left.
        """
        await self._send_as_starlette({"type": "websocket.send", "bytes": data})

    async def send_json(self, data: Any, mode: str = "text") -> None:
        """Send something as JSON, as Starlette's method does.

        Args:
            data: what the standard library's `json` serialises.
            mode: `text` or `binary`, the kind of message.

        Raises:
            RuntimeError: another mode.
            WebSocketDisconnect: the client has left.
        """
        if mode not in ("text", "binary"):
            raise RuntimeError(f"mode {mode!r}: use 'text' or 'binary'")
        text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
        await (self.send_text(text) if mode == "text" else self.send_bytes(text.encode()))

    async def send_denial_response(self, response: Response) -> None:
        """Refuse the handshake with a response, as Starlette's method does.

        Raises:
            RuntimeError: the server has no way to it (ASGI extension `websocket.http.response`).
        """
        if "websocket.http.response" not in self.scope.get("extensions", {}):
            raise RuntimeError("this server refuses a handshake with 403 only: use close()")
        await response(self.scope, self.receive, self._send_to_server)

    @property
    def starlette(self) -> websockets.WebSocket:
        """A plain Starlette websocket on the same connection, which sends and receives ASGI messages.

        Example:

            await websocket.starlette.send({"type": "websocket.send", "text": "hello"})
        """
        if self._plain is None:
            from sanic_star.compat.server.websockets._plain import PlainWebSocket

            plain = PlainWebSocket(self.scope, self._receive_as_starlette, self._send_message)
            plain._websocket = self
            plain.client_state = self.client_state
            plain.application_state = self.application_state
            self._plain = plain
        return self._plain

    def url_for(self, name: str, /, **path_params: Any) -> URL:
        """Build a whole URL to a view of the application, else of the outermost one.

        Raises:
            NoMatchFound: no view of either has that name and these parameters.
        """
        return self.starlette.url_for(name, **path_params)

    async def _receive_as_starlette(self) -> Message:
        self._use_starlette()
        return await self._inbox.next()

    async def _send_as_starlette(self, message: Message) -> None:
        self._use_starlette()
        end = self._inbox.end
        if end is not None and self.application_state is _CONNECTED:
            # Not every server says so to who sends.
            self.application_state = WebSocketState.DISCONNECTED
            raise WebSocketDisconnect(end.get("code") or 1005, end.get("reason"))
        await self._send_to_server(message)

    async def _send_to_server(self, message: Message) -> None:
        # Starlette's own methods call `send` with an ASGI message; Sanic's takes none.
        await super().send(message)

    def _use_starlette(self) -> None:
        if self._handler == "cancellable" and self._is_own_handler():
            self._handler = "starlette"

    # The end ---------------------------------------------------------------------------------------------------------

    async def _end_by_handler(self, code: int | None, reason: str) -> None:
        """Close the connection unless it is closed already, and wait for no message any more."""
        if not self._closed:
            await self._end(code, reason)
            self._note_own_end(code, reason)
            self._inbox.finish({"type": _DISCONNECT, "code": code, "reason": reason})

    def _note_own_end(self, code: int | None, reason: str) -> None:
        self._close_sent = code, reason
        self._end_is_due = self.client_state is _CONNECTED
        for websocket in (self, self._plain):
            if websocket is not None:
                websocket.client_state = websocket.application_state = WebSocketState.DISCONNECTED

    def _break_off(self) -> bool:
        """Close the connection without a close frame; tell whether the server gives a way to that."""
        frames = self._find_frames()
        if frames is None:
            return False
        self._inform_handler()
        self._closed = True
        self._ending = self.loop.create_task(frames.break_off())
        self._note_own_end(_NO_FRAME, "")
        self._close_sent = None
        self._inbox.finish({"type": _DISCONNECT, "code": _NO_FRAME, "reason": ""})
        return True

    def _inform_handler(self) -> None:
        """Keep the handler from being cancelled: it has closed the connection itself."""
        if self._handler == "cancellable" and self._is_own_handler():
            self._handler = "informed"

    def _note_end(self) -> None:
        self._closed = True
        if self._frames is not None:
            self._frames.close()

    def _look(self, now: float) -> None:
        """Read ahead; cancel the handler if its client has left, and it does not read the rest and end.

        Called by the application's sweeper while nobody waits for a message.

        Args:
            now: the event loop's time.
        """
        inbox = self._inbox
        if self._handler != "cancellable":
            return
        inbox.read_ahead()
        if self._closed and not self._awaited and inbox.grace_is_over(now):
            self._cut()

    def _is_own_handler(self) -> bool:
        """Tell whether this connection's handler is running, or a task that it has started."""
        request = self._request
        return request is None or requests.live.get(requests.current.get(0)) is request

    def _is_own_task(self) -> bool:
        """Tell whether this connection's handler is running, and no other task."""
        request = self._request
        stream = request._open_stream if request is not None else None
        return stream.task is asyncio.current_task() if stream is not None else self._is_own_handler()

    def _cut(self) -> None:
        self._handler = "cancelled"
        stream = self._request._open_stream if self._request is not None else None
        if stream is not None:
            stream.cancel("client left", "the websocket's client has left")

    async def _cancel_handler(self) -> None:
        """Cancel the handler, and raise `CancelledError` in whichever task runs; only once for each connection."""
        if self._handler != "cancelled":
            self._cut()
            # The handler's own task is cancelled here.
            await asyncio.sleep(0)
            raise CancelledError("the websocket's client has left")

    async def _refuse(self, problem: str) -> None:
        # Something that tries again and again must not stop the event loop.
        await asyncio.sleep(0)
        raise WebsocketClosed(problem)

    async def _was_cancelled(self) -> bool:
        """Tell whether the handler ends with a `CancelledError` only because its client left, and take that back."""
        stream = self._request._open_stream if self._request is not None else None
        if stream is not None and stream.reason is not None:
            return stream.reason == "client left" and await stream.finish_cancelled()
        # A server's task that nobody can cancel: granian's in Rust.
        return stream is None and self._handler == "cancelled"

    def _end_reading(self) -> None:
        """Stop reading, and release the server's connection: the handler is over."""
        self._inbox.release()
        self._is_released = True
        self._plain = self._members = None
        if self._frames is not None:
            self._frames.close()


def _data(message: Message) -> str | bytes:
    text: str | None = message.get("text")
    data: str | bytes = message["bytes"] if text is None else text
    return data


def _joined(parts: Iterable[Any]) -> str | bytes:
    """Return the parts of a message as one: ASGI has no fragments."""
    parts = list(parts)
    if all(isinstance(part, str) for part in parts):
        return "".join(parts)
    if all(isinstance(part, (bytes, bytearray, memoryview)) for part in parts):
        return b"".join(parts)
    raise TypeError("Websocket data must be bytes, str: all parts of a message of one kind")


def _control_data(data: str | bytes | bytearray | memoryview) -> bytes:
    return data.encode() if isinstance(data, str) else bytes(data)


def _size(data: str | bytes) -> int:
    return len(data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data)


if not TYPE_CHECKING:

    def __getattr__(name):
        # Packages take these from here, as from Sanic's module; they are of the package `websockets`.
        if name in ("ConnectionClosed", "ConnectionClosedError", "ConnectionClosedOK"):
            from websockets import exceptions as home
        elif name in ("OPEN", "CLOSING", "CLOSED", "State"):
            from websockets import protocol as home
        else:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(home, name)
