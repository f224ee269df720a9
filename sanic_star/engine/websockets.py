"""The websocket: it follows the messages of both sides, so that every connection is closed properly."""

from __future__ import annotations

from asyncio import Task
from contextvars import ContextVar
from types import BuiltinMethodType
from typing import Any

from starlette import websockets
from starlette.types import Message, Receive, Scope, Send

from sanic_star.engine.failures import is_a
from sanic_star.engine.requests import Request
from sanic_star.engine.streams import ResumableReceive

# Whether this task has answered a handshake with a response; uvicorn 0.54 reports that as none at all.
refused: ContextVar[bool] = ContextVar("sanic_star.refused", default=False)

# The key of the server's `send` in the scope of a websocket, while ASGI middleware of the application's own stands
# between: frames that ASGI has no message for are written on the connection behind it.
SERVER_SEND = "sanic_star.server_send"

# The ASGI extension with which an application refuses a handshake by a response.
DENIAL = "websocket.http.response"


def announce_close(scope: Scope, start: Message) -> Message:
    """Return the start of a response that tells the client that the connection is closed after it.

    Without `connection: close` (RFC 9112, section 9.6) a client may send its next request on this connection, and loses
    it. HTTP/2 and HTTP/3 have no such field.

    Args:
        scope: the connection's ASGI scope.
        start: the ASGI message with the status and the header fields.
    """
    if not scope.get("http_version", "1.1").startswith("1"):
        return start
    fields = [field for field in start.get("headers", ()) if field[0].lower() != b"connection"]
    return {**start, "headers": [*fields, (b"connection", b"close")]}


def as_close(message: Message) -> Message:
    """Return the refusal of a handshake for a server that sends no responses to handshakes: 403, whatever the status.

    Args:
        message: the start of the response, or any other message, which is returned as it is.
    """
    if message["type"] == f"{DENIAL}.start":
        return {"type": "websocket.close", "code": 1000, "reason": ""}
    return message


def closing_refusals(scope: Scope, send: Send) -> Send:
    """Return a `send` for ASGI middleware that refuses a handshake with a response, where the server sends none.

    Args:
        scope: the ASGI scope of the handshake.
        send: the server's.
    """
    if DENIAL in (scope.get("extensions") or ()):
        return send

    async def send_close(message: Message) -> None:
        if message["type"] != f"{DENIAL}.body":
            await send(as_close(message))

    return send_close


def request_of(connection: Any) -> Any:
    """Return the request of a connection: itself, or that of a websocket's handshake."""
    return connection._request if isinstance(connection, WebSocket) else connection


class WebSocket(websockets.WebSocket):
    """A websocket connection that knows whether it is open, whoever opened it.

    Mounted applications and Starlette's own routes speak through `_receive_message` and `_send_message`, so that the
    application can close at its stop what they have opened.
    """

    # That of the handshake, which the engine makes.
    _request: Request | None = None
    _route_params: dict[str, Any] = {}
    _outer: dict[str, Any] = {}
    # What the server raised when the client had left and a message was sent (ASGI 2.4: an `OSError`).
    _send_failure: OSError | None = None
    # Says the end while nobody waits for it.
    _ending: Task[None] | None = None

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        super().__init__(scope, self._receive_message, self._send_message)
        # PERF: the test of `resumable`, without a call («hops»).
        self._server_receive = ResumableReceive(receive) if type(receive) is BuiltinMethodType else receive
        self._server_send = send
        self._opened = False
        self._closed = False

    async def _receive_message(self) -> Message:
        """Pass on the server's next message."""
        message = await self._server_receive()
        if message["type"] == "websocket.disconnect":
            self._closed = True
        return message

    def _note(self, message: Message) -> Message | None:
        """Follow a message to the server; return it as it is to be sent; `None` if it is not sent."""
        if not self._opened and DENIAL not in (self.scope.get("extensions") or ()):
            if message["type"] == f"{DENIAL}.body":
                return None
            message = as_close(message)
        kind = message["type"]
        if kind == "websocket.accept":
            self._opened = True
        elif kind == "websocket.close" or kind == "websocket.http.response.start":
            self._closed = True
            if kind == "websocket.http.response.start":
                # Not every server keeps a connection whose handshake was refused.
                message = announce_close(self.scope, message)
        elif kind == "websocket.http.response.body":
            refused.set(not message.get("more_body"))
        return message

    async def _send_message(self, message: Message) -> None:
        """Pass a message on to the server.

        Raises:
            UnicodeEncodeError: a text has a lone surrogate; granian would send an empty message instead.
        """
        text = message.get("text")
        if text and not text.isascii():
            text.encode()
        noted = self._note(message)
        if noted is None:
            return
        try:
            await self._server_send(noted)
        except OSError as error:
            self._closed = True
            self._send_failure = error
            raise

    async def _end(self, code: int | None, reason: str = "") -> None:
        """Close the connection with `code` (RFC 6455, section 7.4.1), unless it is closed already.

        Args:
            code: as a number; `None` sends a close frame without one, or 1000 where the server sends none without.
            reason: in words.
        """
        if self._closed:
            if self._ending is not None:
                await self._ending
        else:
            await self._send_close(code, reason)

    async def _send_close(self, code: int | None, reason: str) -> None:
        close = {"type": "websocket.close", "code": code, "reason": reason}
        try:
            await self._send_message(close)
        except OSError:
            pass  # The client has left, and cannot be told.
        except Exception:
            if code is not None and not 1000 < code < 3000:
                raise
            # hypercorn takes no `None`, and daphne no other codes than 1000 and those that are free to use.
            await self._send_message({**close, "code": 1000 if code is None else code + 3000})

    def _is_own_end(self, error: BaseException) -> bool:
        """Tell whether a handler failed only because this connection is over.

        Starlette raises `WebSocketDisconnect` for any connection, also for one that the handler opened as a client or
        that another handler serves. As long as this connection is open, it is an error like any other.

        Args:
            error: what the handler raised.
        """
        return self._closed and (is_a(error, websockets.WebSocketDisconnect) or error is self._send_failure)

    def _release(self) -> None:
        """Let go of the server: the handler is over, and nothing can be sent or received any more."""
        self._closed = True
        self._send_failure = None
        # They were methods of this object, by which it held itself.
        self._receive, self._send = self._server_receive, self._server_send
