"""The websocket. It records the messages in both directions, so that every connection is closed properly."""

from __future__ import annotations

from asyncio import Queue, Task, create_task, sleep, timeout
from contextlib import suppress
from types import BuiltinMethodType
from typing import Any

from starlette import websockets
from starlette.types import Message, Receive, Scope, Send

from sanic_star.engine.failures import attribute, is_a
from sanic_star.engine.requests import Request
from sanic_star.engine.responses import announce_close
from sanic_star.engine.server_logs import refused
from sanic_star.engine.streams import ResumableReceive

# The codes that a close frame may have (RFC 6455, section 7.4, and IANA's registry of close codes).
CLOSE_CODES = (range(1000, 1004), range(1007, 1015), range(3000, 5000))
# The maximum length of the reason in a close frame, in bytes: a control frame has 125 (RFC 6455, section 5.5).
CLOSE_REASON_SIZE = 123
_INTERNAL_ERROR = 1011
# If the queue of a closed websocket has had no new message for this time, in seconds, hypercorn has added its last one:
# it adds the messages one after the other, and waits only for room in the queue.
_QUIET_S = 1.0

# The key of the server's `send` in the scope of a websocket, if the application has ASGI middleware. Frames without an
# ASGI message, such as a ping, are written to the connection that it belongs to.
SERVER_SEND = "sanic_star.server_send"

# The ASGI extension for a response that refuses a handshake.
DENIAL = "websocket.http.response"
DENIAL_START, DENIAL_BODY = f"{DENIAL}.start", f"{DENIAL}.body"


def can_deny(scope: Scope) -> bool:
    """Return whether the server can refuse a handshake with a response.

    Args:
        scope: the ASGI scope; its optional entry `extensions` may also be `None`.
    """
    return DENIAL in (scope.get("extensions") or ())


def is_close_code(code: Any) -> bool:
    """Return whether a close frame may have this code.

    Args:
        code: any value.
    """
    return isinstance(code, int) and any(code in codes for codes in CLOSE_CODES)


def close_of(error: BaseException) -> tuple[int, str]:
    """Return the close code and the reason of a `WebSocketException`.

    An exception can have any code and reason. An invalid code becomes 1011, and the reason is cut to 123 bytes (RFC
    6455, section 5.5), because a server does not send an invalid frame, but drops the connection.

    Args:
        error: the exception.
    """
    code, reason = attribute(error, "code"), attribute(error, "reason")
    text = reason if isinstance(reason, str) else ""
    return (
        int(code) if is_close_code(code) else _INTERNAL_ERROR,
        text.encode(errors="replace")[:CLOSE_REASON_SIZE].decode(errors="ignore"),
    )


def as_close(message: Message) -> Message:
    """Translate the start of a response into `websocket.close`, for a server without `DENIAL`; the client gets 403.

    Args:
        message: an ASGI message; any other message is returned unchanged.
    """
    if message["type"] == DENIAL_START:
        return {"type": "websocket.close", "code": 1000, "reason": ""}
    return message


def closing_refusals(scope: Scope, send: Send) -> Send:
    """Return a `send` for ASGI middleware that translates responses to a handshake, if the server has no `DENIAL`.

    Args:
        scope: the ASGI scope of the handshake.
        send: the server's `send`.
    """
    if can_deny(scope):
        return send

    async def send_close(message: Message) -> None:
        if message["type"] != DENIAL_BODY:
            await send(as_close(message))

    return send_close


class WebSocket(websockets.WebSocket):
    """A websocket connection that records whether it is open.

    Mounted applications and Starlette's routes use its `_receive_message` and `_send_message`, so that the application
    can close their connections at its stop.
    """

    # The request of the handshake.
    _request: Request | None = None
    _route_params: dict[str, Any] = {}
    # As in `Request`.
    _outer: dict[str, Any] = {}
    # The exception that the server has raised for a message after the client had left (ASGI 2.4: an `OSError`).
    _send_failure: OSError | None = None
    # The task that closes the connection in the background.
    _ending: Task[None] | None = None
    # Whether a task discards the messages that the handler has not read.
    _discards = False
    # Whether the handler has returned, and the connection is closed.
    _is_over = False

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        super().__init__(scope, self._receive_message, self._send_message)
        # PERF: the same as `resumable(receive)`, without a call. Safe because both use `ResumableReceive` for built-in
        # methods only.
        self._server_receive = ResumableReceive(receive) if type(receive) is BuiltinMethodType else receive
        self._server_send = send
        self._opened = False
        self._closed = False

    async def _receive_message(self) -> Message:
        """Return the server's next message."""
        message = await self._server_receive()
        if message["type"] == "websocket.disconnect":
            self._closed = True
        return message

    def _note(self, message: Message) -> Message | None:
        """Record a message to the server.

        Args:
            message: the ASGI message.

        Returns:
            The message to send, or `None`.
        """
        if not self._opened and not can_deny(self.scope):
            if message["type"] == DENIAL_BODY:
                return None
            message = as_close(message)
        kind = message["type"]
        if kind == "websocket.accept":
            self._opened = True
        elif kind == "websocket.close" or kind == DENIAL_START:
            self._closed = True
            if kind == DENIAL_START:
                # Some servers close a connection whose handshake was refused.
                message = announce_close(self.scope, message)
        elif kind == DENIAL_BODY:
            refused.set(not message.get("more_body"))
        return message

    async def _send_message(self, message: Message) -> None:
        """Send a message to the server.

        Args:
            message: the ASGI message.

        Raises:
            UnicodeEncodeError: a text has a lone surrogate; granian would send an empty message instead.
        """
        text = message.get("text")
        if text and not text.isascii():
            text.encode()
        recorded_message = self._note(message)
        if recorded_message is None:
            return
        try:
            await self._server_send(recorded_message)
        except OSError as error:
            self._note_loss()
            self._send_failure = error
            raise

    def _note_loss(self) -> None:
        """Record that the server can no longer send to the client."""
        self._closed = True

    async def _end(self, code: int | None, reason: str = "") -> None:
        """Close the connection, unless it is closed already.

        Args:
            code: the close code (RFC 6455, section 7.4.1); `None` sends a close frame without a code, or with 1000 if
                the server cannot do that.
            reason: the reason, as text.
        """
        if self._closed:
            if self._ending is not None:
                await self._ending
        else:
            await self._send_close(code, reason)

    async def _send_close(self, code: int | None, reason: str) -> None:
        close = {"type": "websocket.close", "code": code, "reason": reason}
        queue = self._find_bounded_queue()
        if queue is not None and queue.full():
            self._start_discarding(queue)
        await self._try_to_close(close)

    def _find_bounded_queue(self) -> Queue[Message] | None:
        """Return hypercorn's queue of unread messages."""
        queue = getattr(self._server_receive, "__self__", None)
        return queue if isinstance(queue, Queue) and queue.maxsize else None

    def _start_discarding(self, queue: Queue[Message]) -> None:
        """Discard the messages that the handler has not read.

        hypercorn puts messages and the end into the queue, and waits for room in it, even if the client has left or the
        handler has returned, so that there is no reader.
        """
        if not self._discards:
            self._discards = True
            task = create_task(self._discard(queue))
            _discarding.add(task)
            task.add_done_callback(_discarding.discard)

    async def _discard(self, queue: Queue[Message]) -> None:
        # hypercorn's task, which waited for room, may need a turn to put the next message in.
        await sleep(0)
        await sleep(0)
        # The end is not the last message: hypercorn still puts those in that have arrived in one piece.
        while not (self._is_over and queue.empty()):
            with suppress(TimeoutError):
                async with timeout(_QUIET_S):
                    while True:
                        await queue.get()

    async def _try_to_close(self, close: Message) -> None:
        code = close["code"]
        try:
            await self._send_message(close)
        except OSError:
            pass  # the client has left
        except Exception:
            if code is not None and not 1000 < code < 3000:
                raise
            # hypercorn refuses `None`, and daphne all codes but 1000 and those from 3000 on, which are free to use.
            await self._send_message({**close, "code": 1000 if code is None else code + 3000})

    def _is_own_end(self, error: BaseException) -> bool:
        """Return whether a handler has failed only because this connection has ended.

        A `WebSocketDisconnect` may come from another connection of the handler. So while this connection is open, it is
        an error like any other.

        Args:
            error: the exception of the handler.
        """
        return self._closed and (is_a(error, websockets.WebSocketDisconnect) or error is self._send_failure)

    def _release(self) -> None:
        """Mark the connection as closed, and break the reference cycle, after the handler has returned."""
        self._closed = self._is_over = True
        self._send_failure = None
        queue = self._find_bounded_queue()
        if queue is not None:
            self._start_discarding(queue)
        # These attributes were methods of this object.
        self._receive, self._send = self._server_receive, self._server_send


# The event loop refers to its tasks only weakly.
_discarding: set[Task[None]] = set()
