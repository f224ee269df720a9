"""`Websocket`, under Sanic's name `WebsocketImplProtocol`: Sanic's methods on a Starlette websocket."""

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
from sanic_star.engine.failures import is_a
from sanic_star.engine.websockets import CLOSE_REASON_SIZE, SERVER_SEND, WebSocket, can_deny, is_close_code

# Imported late, with the first connection, because most applications have no websockets.
if TYPE_CHECKING:
    from sanic_star.compat.server.websockets._frames import Frames
    from sanic_star.compat.server.websockets._inbox import Inbox
    from sanic_star.compat.server.websockets._members import Members, RecvLock, ServerProtocol

# 1006 stands for the end without a close frame: as in Sanic, the connection is closed without one.
_NO_FRAME, _INTERNAL_ERROR = 1006, 1011
# After this number of sent messages the event loop gets a turn. hypercorn accepts all messages for a client that has
# left without a pause, so that a handler that only sends would block the process.
MESSAGES_A_TURN = 256
# The maximum length of the data of a control frame, in bytes (RFC 6455, section 5.5).
_CONTROL_SIZE = 125
# How long `send` waits for the end after the server has raised an exception because the client has left, in seconds.
# With uvicorn both happen in one turn of the event loop.
_END_WAIT_S = 0.5
_CONNECTED = WebSocketState.CONNECTED
_DISCONNECT = "websocket.disconnect"


def _check_close(code: Any, reason: Any) -> None:
    if code is not None and not is_close_code(code):
        problem = f"close code {code!r} is invalid: use 1000 to 1003, 1007 to 1014 or 3000 to 4999"
    elif not isinstance(reason, str) or len(reason.encode()) > CLOSE_REASON_SIZE:
        problem = f"close reason {reason!r} is invalid: use text of up to {CLOSE_REASON_SIZE} bytes"
    else:
        return
    from sanic_star.compat.server.websockets._members import InvalidControlFrame

    raise InvalidControlFrame(problem)


# How the handler of a websocket is informed that the connection has ended:
#
# | state | becomes | when the handler |
# |---|---|---|
# | cancellable | starlette | calls a method of Starlette |
# | cancellable | informed | calls `close` |
# | cancellable | cancelled | calls `recv` or `send` after the end, or awaits something else for too long |
# | any but informed | cancelled | calls `recv` after the end |
# | any | informed | reaches the end of `async for`, or of `wait_for_connection_lost` |
#
# - cancellable: not informed yet; `recv` or `send` will raise `CancelledError`, and the sweeper cancels other awaits.
# - starlette: uses Starlette's methods, which raise `WebSocketDisconnect`.
# - informed: its `async for` has ended, it has waited for the end, or it has closed the websocket.
# - cancelled: it was cancelled.
_Handler: TypeAlias = Literal["cancellable", "starlette", "informed", "cancelled"]


class _ServerMember(OldName):
    """A member of Sanic's websocket that the ASGI server has; the `AttributeError` says what to use instead."""

    __slots__ = ()

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        from sanic_star.compat.server.websockets._members import missing_member_text

        raise AttributeError(missing_member_text(self.name.rpartition(".")[2]), name=self.name, obj=instance)


class WebsocketImplProtocol(WebSocket):
    """A websocket.

    When the client leaves, the handler still gets earlier messages. Then `async for` ends, and `recv` raises
    `asyncio.CancelledError`, as in Sanic 25.12. A handler that awaits something else is cancelled within a second.
    Starlette's methods (`receive_text`, `send_json`, …) raise `WebSocketDisconnect`; a handler that uses them is not
    cancelled.

    Example, a handler that returns each message:

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
    # Members that the server has. PERF: descriptors save a `__getattr__`, with which the interpreter would look up each
    # attribute of the class more slowly: a third more time for each message (the echo in `benchmarks/`). Safe because a
    # descriptor raises the same `AttributeError`.
    assembler = _ServerMember()
    async_data_received = _ServerMember()
    async_eof_received = _ServerMember()
    auto_close_connection = _ServerMember()
    auto_closer_task = _ServerMember()
    conn_mutex = _ServerMember()
    connection_lost = _ServerMember()
    connection_lost_waiter = _ServerMember()
    connection_made = _ServerMember()
    data_finished_fut = _ServerMember()
    data_received = _ServerMember()
    eof_received = _ServerMember()
    keepalive_ping = _ServerMember()
    keepalive_ping_task = _ServerMember()
    pause_frame_fut = _ServerMember()
    pause_frames = _ServerMember()
    process_event_mutex = _ServerMember()
    process_events = _ServerMember()
    process_pong = _ServerMember()
    recv_cancel = _ServerMember()
    resume_frames = _ServerMember()
    send_data = _ServerMember()

    subprotocol: str | None = None
    _frames: Frames | None = None
    # `WEBSOCKET_MAX_SIZE`; checked here, too, because a server may have another limit.
    _max_size: int | None = None
    _handler: _Handler = "cancellable"
    # Whether the handler has called a reading method of Sanic.
    _has_read = False
    # The number of running `async for` loops of the handler.
    _running_loops = 0
    # The number of tasks that wait for the end of the connection.
    _end_waiters = 0
    # The number of messages that the handler has sent.
    _sent_count = 0
    # The number of messages that were dropped after the end, since the handler has read at this time of the loop.
    _dropped_count = 0
    _dropped_since = 0.0
    _plain: websockets.WebSocket | None = None
    # The objects of `ws_proto` and `io_proto`.
    _members: Members | None = None
    _recv_lock: RecvLock | None = None
    # The code and the reason with which the handler has closed the connection.
    _close_sent: tuple[int | None, str] | None = None
    # Whether the handler has closed the connection, and `receive` has not returned the end yet.
    _end_is_due = False
    # Whether the route has accepted the connection, before its handler was called.
    _accepted_by_route = False
    # Whether the handler has ended.
    _is_released = False
    # The messages for the handler; set when the connection is accepted.
    _inbox: Inbox

    async def _handshake(self, subprotocols: Iterable[str] = ()) -> None:
        """Accept the connection.

        Args:
            subprotocols: the subprotocols of the handler; the first one that the client offers is selected.

        Raises:
            BadRequest: the handler has subprotocols, and the client offers none of them.
        """
        offered = self.scope.get("subprotocols") or ()
        supported = list(subprotocols)
        self.subprotocol = next((name for name in supported if name in offered), None)
        if supported and self.subprotocol is None:
            expected = ", ".join(supported)
            problem = f"invalid subprotocol; expected one of {expected}" if offered else "missing subprotocol"
            raise BadRequest(f"Failed to open a WebSocket connection: {problem}.\n")
        config = getattr(self.scope.get("app"), "config", {})
        self._max_size = config.get("WEBSOCKET_MAX_SIZE")
        await self.accept(self.subprotocol)
        self._accepted_by_route = True

    # Sanic's methods: receiving --------------------------------------------------------------------------------------

    async def recv(self, timeout: float | None = None) -> str | bytes | None:  # noqa: ASYNC109 - Sanic's signature
        """Return the next message: text, or bytes.

        Args:
            timeout: how long to wait, in seconds; `None` for no limit.

        Returns:
            The message; `None` after a timeout.

        Raises:
            asyncio.CancelledError: the connection has ended; raised once, in its handler.
            WebsocketClosed: the connection has ended; raised in the handler of another connection, or after the first
                exception.
            ServerError: another task is waiting for a message, or holds `recv_lock`.
        """
        inbox = self._inbox
        self._check_reader(inbox)
        message = await (inbox.next() if timeout is None else inbox.next_within(timeout))
        if message is None:
            return None
        message = await self._check_message(message)
        if message["type"] == _DISCONNECT:
            if self._handler != "informed" and self._is_own_handler():
                await self._cancel_handler()
            await self._raise_closed("Cannot receive from websocket interface after it is closed.")
        return _data(message)

    def _check_reader(self, inbox: Inbox) -> None:
        if inbox.waiting_readers or (self._recv_lock is not None and self._recv_lock.is_held):
            raise ServerError("Another task is already waiting for the next message")
        self._has_read = True

    async def _check_message(self, message: Message) -> Message:
        """Return the message, or the end of the connection; if the message is too large, close the connection."""
        if message["type"] != "websocket.receive":
            if message["type"] != _DISCONNECT:
                raise RuntimeError(f"the server has sent an invalid message to an open websocket: {message['type']!r}")
            self.client_state = WebSocketState.DISCONNECTED
            return message
        limit = self._max_size
        if limit is not None:
            data = _data(message)
            # A character has at most four bytes, so that most messages need not be encoded.
            if len(data) * 4 > limit and (size := _size(data)) > limit:
                await self._end_by_handler(1009, f"frame with {size} bytes exceeds limit of {limit} bytes")
                assert self._inbox.end is not None
                return self._inbox.end
        return message

    async def recv_burst(self, max_recv: int = 256) -> list[str | bytes]:
        """Return the messages that have arrived, without waiting.

        Args:
            max_recv: the maximum number of messages.

        Raises:
            asyncio.CancelledError, WebsocketClosed: no message is left, and the connection has ended; as in `recv`.
            ServerError: as in `recv`.
        """
        messages: list[str | bytes] = []
        while len(messages) < max_recv:
            # These messages are returned before the end raises an exception.
            if messages and self._inbox.end is not None and not self._inbox.unread:
                break
            message = await self.recv(0)
            if message is None:
                break
            messages.append(message)
        return messages

    async def recv_streaming(self) -> AsyncIterator[str | bytes]:
        """Yield the next message in one part: an ASGI server does not pass on parts."""
        message = await self.recv()
        assert message is not None
        yield message

    def __aiter__(self) -> AsyncIterator[str | bytes]:
        # As the inbox, loaded with the first connection.
        from sanic_star.compat.server.websockets._messages import Messages

        return Messages(self)

    async def wait_for_connection_lost(self, timeout: float | None = None) -> bool:  # noqa: ASYNC109
        """Wait until the connection is closed, and return whether it is.

        Messages that arrive meanwhile are kept for `recv`, up to a limit: then the server pauses the client. The
        handler is not cancelled, neither while it waits nor afterwards.

        Args:
            timeout: how long to wait, in seconds; `None` for no limit.
        """
        self._end_waiters += 1
        try:
            async with asyncio.timeout(timeout):
                await self._inbox.wait_for_end()
        except TimeoutError:
            return self._closed
        finally:
            self._end_waiters -= 1
        if self._is_own_handler():
            self._handler = "informed"
        return True

    # Sanic's methods: sending ----------------------------------------------------------------------------------------

    async def send(self, message: Any) -> None:
        """Send a message.

        Args:
            message: text; bytes, `bytearray` or `memoryview`; or an iterable of parts, which are joined.

        Raises:
            asyncio.CancelledError: the client has left; raised once, in the handler of this connection. If the handler
                has unread messages, or is in an `async for` over this websocket, the message is dropped instead, and
                the handler reads the other messages and the end. Up to 256 messages are dropped for each one read.
                While the handler waits in `wait_for_connection_lost`, only the task that sends is cancelled.
            WebsocketClosed: the connection has ended; raised in the handler of another connection, after the first
                exception, or after `close`.
            TypeError: the message has another type, for example a mapping, or its parts have different types. Use
                `websocket.starlette.send` to send an ASGI message.
            UnicodeEncodeError: the text contains a lone surrogate, which cannot be encoded.
        """
        if not self._closed:
            event: Message
            # PERF: saves a call of `bytes` for bytes (the echo in `benchmarks/`). Safe because they cannot change.
            if type(message) is bytes:
                event = {"type": "websocket.send", "bytes": message}
            elif isinstance(message, str):
                if not message.isascii():
                    # granian sends an empty message instead of a lone surrogate.
                    message.encode()
                event = {"type": "websocket.send", "text": message}
            elif isinstance(message, (bytes, bytearray, memoryview)):
                event = {"type": "websocket.send", "bytes": bytes(message)}
            elif isinstance(message, Mapping):
                raise TypeError("Websocket data must be bytes, str: got a mapping")
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
                self._sent_count += 1
                if not self._sent_count % MESSAGES_A_TURN:
                    await asyncio.sleep(0)
                return
            except OSError:
                self._note_loss()
        if self._handler == "cancellable" and self._is_own_handler():
            if await self._will_read():
                return
            await self._cancel_handler()
        await self._raise_closed("Cannot write to websocket interface after it is closed.")

    async def _will_read(self) -> bool:
        """Return whether the handler has still to read earlier messages, or the end of its `async for`.

        A handler that drops `MESSAGES_A_TURN` messages without reading one will not read: it may only keep an iterator.
        """
        # A turn for the event loop, because the handler may only send.
        await asyncio.sleep(0)
        inbox = self._inbox
        if self._dropped_since != inbox.taken_at:
            self._dropped_count, self._dropped_since = 0, inbox.taken_at
        self._dropped_count += 1
        if self._dropped_count > MESSAGES_A_TURN:
            return False
        if self._running_loops:
            return True
        if self._has_read and not inbox.unread:
            try:
                async with asyncio.timeout(_END_WAIT_S):
                    await inbox.wait_for_end()
            except TimeoutError:
                self._finish_lost()
        return self._has_read and inbox.unread > 0

    async def ping(self, data: str | bytes | None = None) -> asyncio.Future[float]:
        """Send a ping.

        Args:
            data: the data of the ping, up to 125 bytes; by default four random bytes.

        Returns:
            A future with the time until the pong, in seconds: `await (await ws.ping())`.

        Raises:
            ServerError: this is not possible under this server. It is possible under uvicorn, unless another
                application with ASGI middleware mounts this one. Every server sends its own pings
                (`WEBSOCKET_PING_INTERVAL`, or a setting of the server).
            TypeError: the data is neither text nor bytes.
            ValueError: the data is too long, or another ping with the same data is waiting for its pong.
            WebsocketClosed: the connection is closed.
        """
        if self._closed:
            raise WebsocketClosed("Cannot send a ping when the websocket interface is closed.")
        payload = None if data is None else _control_data(data)
        return await self._control("ping").ping(payload)

    async def pong(self, data: str | bytes = b"") -> None:
        """Send a pong without a ping, to keep the connection open; as in Sanic, do nothing if it is closed.

        Args:
            data: the data of the pong, up to 125 bytes.

        Raises:
            ServerError: this is not possible under this server; see `ping`.
            TypeError: the data is neither text nor bytes.
            ValueError: the data is too long.
        """
        if not self._closed:
            payload = _control_data(data)
            await self._control("pong").pong(payload)

    def _control(self, kind: str) -> Frames:
        frames = self._find_frames()
        if frames is None:
            raise ServerError(f"An application cannot send a {kind} under this server: see the server's own settings")
        return frames

    def _find_frames(self) -> Frames | None:
        if self._frames is None:
            from sanic_star.compat.server.websockets._frames import frames_of

            self._frames = frames_of(self.scope, self._server_send)
        return self._frames

    async def close(self, code: int | None = 1000, reason: str | None = "") -> None:
        """Close the connection. If its handler calls this, it continues; otherwise it is cancelled.

        Args:
            code: the close code (RFC 6455, section 7.4.1); `None` for a close frame without a code. 1006 closes the
                connection without a close frame under uvicorn; under other servers 1011 is sent.
            reason: the close reason, up to 123 bytes.

        Raises:
            ValueError: the code or the reason is invalid; the connection stays open. The exception is also a
                `ProtocolError` of the package `websockets`, as in Sanic 25.12.
        """
        if code == _NO_FRAME:
            if self._closed:
                return
            if self._close_without_frame():
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
            code: the close code, as for `close`.
            reason: the close reason, up to 123 bytes.

        Returns:
            `False`, as in Sanic 25.12: the caller has nothing else to do.

        Raises:
            ValueError: as in `close`.

        Example, a callback, which cannot be a coroutine function:

            request.app.loop.call_later(60, ws.end_connection, 1001, "a minute is over")
        """
        if self._closed:
            return False
        if code == _NO_FRAME:
            if self._close_without_frame():
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
        """Close the connection from code that cannot await `close`, by default without a close frame.

        Args:
            code: the close code, as for `close`.
            reason: the close reason, up to 123 bytes.

        Returns:
            `False`, as in Sanic 25.12.

        Raises:
            ValueError: as in `close`.
        """
        return self.end_connection(code, reason)

    def abort_pings(self) -> None:
        """Cancel the futures of pings without a pong.

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
    # In seconds; the constant of Sanic.
    close_timeout = 10.0

    @property
    def ws_proto(self) -> ServerProtocol:
        """The protocol object of the package `websockets`, with `state`, `close_code`, `subprotocol` and a few others.

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
        """The event loop that serves the connection; also in other threads."""
        stream = self._request._open_stream if self._request is not None else None
        task: asyncio.Task[Any] | None = stream.task if stream is not None else None
        return asyncio.get_running_loop() if task is None else task.get_loop()

    @property
    def ping_interval(self) -> float | None:
        """The interval of the server's pings, in seconds: `WEBSOCKET_PING_INTERVAL`."""
        from sanic_star.compat.server.websockets._members import configured_seconds

        return configured_seconds(self, "ping_interval")

    @property
    def ping_timeout(self) -> float | None:
        """How long the server waits for a pong, in seconds: `WEBSOCKET_PING_TIMEOUT`."""
        from sanic_star.compat.server.websockets._members import configured_seconds

        return configured_seconds(self, "ping_timeout")

    @property
    def pings(self) -> dict[bytes, asyncio.Future[float]]:
        """The futures of the handler's pings without a pong, by the data of the ping."""
        return {} if self._frames is None else self._frames.unanswered_pings

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
        """Accept the connection (Starlette's method).

        A route of Sanic accepts the connection before its handler is called; if a library accepts it again, nothing
        happens. Messages that are read ahead are received in the context of the caller.

        Args:
            subprotocol: the selected subprotocol.
            headers: further header fields of the response.

        Raises:
            RuntimeError: the connection was accepted, by other code than the route or with other arguments; or the
                first message of the server is not `websocket.connect`.
        """
        if self._is_accepted_like(subprotocol, headers):
            return
        event = {"type": "websocket.accept", "subprotocol": subprotocol, "headers": list(headers or ())}
        if self.application_state is not WebSocketState.CONNECTING:
            # Raises Starlette's exception.
            await self._send_to_server(event)
            return
        if self.client_state is WebSocketState.CONNECTING:
            first_type = (await self._receive_message())["type"]
            if first_type != "websocket.connect":
                raise RuntimeError(f"the server has begun a websocket with an invalid message: {first_type!r}")
            self.client_state = _CONNECTED
        self.application_state = _CONNECTED
        await self._send_message(event)
        from sanic_star.compat.server.websockets._inbox import Inbox

        self._inbox = inbox = Inbox(self._server_receive, self._note_end, copy_context())
        self._receive = inbox.next

    def _is_accepted_like(self, subprotocol: str | None, headers: Iterable[tuple[bytes, bytes]] | None) -> bool:
        """Return whether the route has accepted the connection in the same way.

        Raises:
            RuntimeError: the route has accepted it with another subprotocol, or there are header fields.
        """
        if not self._accepted_by_route or self._closed:
            return False
        if subprotocol not in (None, self.subprotocol) or list(headers or ()):
            raise RuntimeError(
                f"the route has accepted this websocket with the subprotocol {self.subprotocol!r}: pass yours to the "
                f"route, as in @app.websocket(path, subprotocols=[{subprotocol!r}]); header fields cannot be added"
            )
        return True

    async def receive(self) -> Message:
        """Return the next ASGI message (Starlette's method; Sanic's is `recv`)."""
        if self._end_is_due and not self._inbox.unread:
            self._end_is_due = False
            assert self._inbox.end is not None
            return self._inbox.end
        if self.client_state is _CONNECTED:
            self._use_starlette()
            if self._inbox.end is not None and not self._inbox.unread:
                # A server may report the end only once, and the handler of the websocket may have ended.
                self.client_state = WebSocketState.DISCONNECTED
                return self._inbox.end
        return await super().receive()

    async def send_text(self, data: str) -> None:
        """Send text (Starlette's method).

        Args:
            data: the text.

        Raises:
            WebSocketDisconnect: the client has left.
        """
        await self._send_as_starlette({"type": "websocket.send", "text": data})

    async def send_bytes(self, data: bytes) -> None:
        """Send bytes (Starlette's method).

        Args:
            data: the bytes.

        Raises:
            WebSocketDisconnect: the client has left.
        """
        await self._send_as_starlette({"type": "websocket.send", "bytes": data})

    async def send_json(self, data: Any, mode: str = "text") -> None:
        """Send a value as JSON (Starlette's method).

        Args:
            data: a value that the standard library's `json` can write.
            mode: the kind of the message: `text` or `binary`.

        Raises:
            RuntimeError: the mode is invalid.
            TypeError, ValueError: `json` cannot write the value.
            WebSocketDisconnect: the client has left.
        """
        if mode not in ("text", "binary"):
            raise RuntimeError(f"mode {mode!r} is invalid: use 'text' or 'binary'")
        text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
        await (self.send_text(text) if mode == "text" else self.send_bytes(text.encode()))

    async def send_denial_response(self, response: Response) -> None:
        """Refuse the handshake with a response (Starlette's method).

        Args:
            response: the response.

        Raises:
            RuntimeError: the server does not support this (ASGI extension `websocket.http.response`).
        """
        if not can_deny(self.scope):
            raise RuntimeError("this server can refuse a handshake only with 403: use close()")
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
        """Return the absolute URL of a route of the application, or else of the outermost application.

        Args:
            name: the name of the route.
            path_params: the values of the path parameters.

        Raises:
            NoMatchFound: no route has that name and these parameters.
        """
        return self.starlette.url_for(name, **path_params)

    async def _receive_as_starlette(self) -> Message:
        self._use_starlette()
        return await self._inbox.next()

    async def _send_as_starlette(self, message: Message) -> None:
        self._use_starlette()
        end = self._inbox.end
        if end is not None and self.application_state is _CONNECTED:
            # Some servers do not raise an exception in `send`.
            self.application_state = WebSocketState.DISCONNECTED
            raise WebSocketDisconnect(end.get("code") or 1005, end.get("reason"))
        await self._send_to_server(message)

    async def _send_to_server(self, message: Message) -> None:
        # Starlette's methods call `send` with an ASGI message, which Sanic's `send` does not accept.
        await super().send(message)

    def _use_starlette(self) -> None:
        if self._handler == "cancellable" and self._is_own_handler():
            self._handler = "starlette"

    # The end ---------------------------------------------------------------------------------------------------------

    async def _end_by_handler(self, code: int | None, reason: str) -> None:
        """Close the connection, unless it is closed, and stop reading."""
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

    def _close_without_frame(self) -> bool:
        """Close the connection without a close frame, and return `True`; return `False` if the server cannot."""
        frames = self._find_frames()
        if frames is None:
            return False
        self._inform_handler()
        self._closed = True
        self._ending = self.loop.create_task(frames.close_without_frame())
        self._note_own_end(_NO_FRAME, "")
        self._close_sent = None
        self._inbox.finish({"type": _DISCONNECT, "code": _NO_FRAME, "reason": ""})
        return True

    def _inform_handler(self) -> None:
        """Note that the handler is informed of the end, because it closes the connection: it is not cancelled."""
        if self._handler == "cancellable" and self._is_own_handler():
            self._handler = "informed"

    def _note_end(self) -> None:
        self._closed = True
        if self._frames is not None:
            self._frames.close()

    def _note_loss(self) -> None:
        self._closed = True
        # Without an inbox, the server could not even accept the connection.
        inbox: Inbox | None = getattr(self, "_inbox", None)
        if inbox is not None:
            inbox.note_loss()

    def _finish_lost(self) -> None:
        from sanic_star.compat.server.websockets._inbox import LOST_CONNECTION

        self._inbox.finish(LOST_CONNECTION)

    def _check_client(self, now: float) -> None:
        """Read ahead; cancel the handler if its client left long enough ago.

        Called by the application's sweeper while no task waits for a message.

        Args:
            now: the event loop's time, in seconds.
        """
        inbox = self._inbox
        if inbox.is_full and self._server_has_lost_client():
            self._note_loss()
        if self._end_waiters:
            if inbox.ended_at and inbox.grace_is_over(now):
                # The server does not report the end.
                self._finish_lost()
            return
        if self._handler != "cancellable":
            return
        inbox.read_ahead()
        if self._closed and inbox.grace_is_over(now):
            self._cancel_task()

    def _server_has_lost_client(self) -> bool:
        """Return whether the server has closed the connection, and reports that after the messages that are unread.

        For example, the client has not answered a ping. Under granian and daphne the answer is unknown, and `False`.
        """
        protocol = getattr(self.scope.get(SERVER_SEND, self._server_send), "__self__", None)
        # uvicorn's object has the transport; hypercorn's has the attribute.
        is_closing = getattr(getattr(protocol, "transport", None), "is_closing", None)
        return getattr(protocol, "closed", False) is True or (is_closing is not None and is_closing())

    def _is_own_handler(self) -> bool:
        """Return whether the current task is the handler of this connection, or was started by it."""
        request = self._request
        return request is None or requests.live.get(requests.current.get(0)) is request

    def _is_own_task(self) -> bool:
        """Return whether the current task is the handler of this connection."""
        request = self._request
        stream = request._open_stream if request is not None else None
        return stream.task is asyncio.current_task() if stream is not None else self._is_own_handler()

    def _is_own_end(self, error: BaseException) -> bool:
        return super()._is_own_end(error) or (self._closed and is_a(error, WebsocketClosed))

    def _cancel_task(self) -> None:
        self._handler = "cancelled"
        stream = self._request._open_stream if self._request is not None else None
        if stream is not None:
            stream.cancel("client left", "the websocket's client has left")

    async def _cancel_handler(self) -> None:
        """Cancel the handler, and raise `CancelledError` in the current task; only once for each connection.

        A handler that is in `wait_for_connection_lost`, or has left it, is informed by that: only the task that it has
        started is cancelled.
        """
        if self._end_waiters or self._handler == "informed":
            await asyncio.sleep(0)
            raise CancelledError("the websocket's client has left")
        if self._handler != "cancelled":
            self._cancel_task()
            # In the task of the handler, this raises the `CancelledError`.
            await asyncio.sleep(0)
            raise CancelledError("the websocket's client has left")

    async def _raise_closed(self, problem: str) -> None:
        # A turn for the event loop, because a caller may retry in a loop.
        await asyncio.sleep(0)
        raise WebsocketClosed(problem)

    async def _was_cancelled(self) -> bool:
        """Return whether the handler was cancelled only because its client left; undo the cancellation then."""
        stream = self._request._open_stream if self._request is not None else None
        if stream is not None and stream.reason is not None:
            return stream.reason == "client left" and await stream.finish_cancelled()
        if stream is not None and self._closed and self._handler == "informed":
            # A task that the handler waits for was cancelled by `send` or `recv`.
            return not stream.task.cancelling()
        # Without a task to cancel, as under granian, whose tasks are written in Rust.
        return stream is None and self._handler == "cancelled"

    def _end_reading(self) -> None:
        """Stop reading, and release the server's connection, after the end of the handler."""
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
    """Join the parts of a message, because ASGI has no fragments."""
    parts = list(parts)
    if all(isinstance(part, str) for part in parts):
        return "".join(parts)
    if all(isinstance(part, (bytes, bytearray, memoryview)) for part in parts):
        return b"".join(parts)
    raise TypeError("Websocket data must be bytes, str: the parts of a message have different types")


def _control_data(data: Any) -> bytes:
    if isinstance(data, str):
        payload = data.encode()
    elif isinstance(data, bytes | bytearray | memoryview):
        payload = bytes(data)
    else:
        raise TypeError(f"the data of a ping or a pong must be str or bytes, not {type(data).__name__}")
    if len(payload) > _CONTROL_SIZE:
        from sanic_star.compat.server.websockets._members import InvalidControlFrame

        raise InvalidControlFrame(
            f"the data of a ping or a pong has {len(payload)} bytes: use up to {_CONTROL_SIZE} bytes"
        )
    return payload


def _size(data: str | bytes) -> int:
    return len(data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data)


if not TYPE_CHECKING:

    def __getattr__(name):
        # Names of the package `websockets` that other packages import from this module, because Sanic's has them.
        if name in ("ConnectionClosed", "ConnectionClosedError", "ConnectionClosedOK"):
            from websockets import exceptions as home
        elif name in ("OPEN", "CLOSING", "CLOSED", "State"):
            from websockets import protocol as home
        else:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(home, name)
