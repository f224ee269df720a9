"""Members of Sanic's websocket that belong to its server: `ws_proto`, `io_proto`, `recv_lock`, and the missing ones.

Sanic is a websocket server itself, with the package `websockets`. An ASGI application only gets messages. Members that
can be implemented with messages work here. For the others, an `AttributeError` says what to use instead.

This module is imported when a program uses one of these members.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import cached_property
from typing import Any, Literal
from uuid import UUID, uuid4

from websockets.exceptions import ConnectionClosed, ConnectionClosedError, ConnectionClosedOK, ProtocolError
from websockets.frames import Close
from websockets.protocol import CLOSED, CLOSING, CONNECTING, OPEN, SERVER, Side, State

from sanic_star.compat.log import websockets_logger

_MESSAGES = "the ASGI server reads and writes the frames; use `send`, `recv` and iteration"
_END = "the ASGI server closes the connection; use `close`, `end_connection` or `wait_for_connection_lost`"
_FLOW = "the ASGI server pauses a client while the handler does not read"
_PINGS = "the ASGI server sends its own pings (`WEBSOCKET_PING_INTERVAL`, or a setting of the server); use `ping`"
_LOCKS = "the ASGI server sends each message as a whole; use `recv_lock` to lock reading"

_REASONS: Mapping[str, str] = {
    "assembler": _MESSAGES,
    "async_data_received": _MESSAGES,
    "async_eof_received": _MESSAGES,
    "auto_close_connection": _END,
    "auto_closer_task": _END,
    "conn_mutex": _LOCKS,
    "connection_lost": _END,
    "connection_lost_waiter": _END,
    "connection_made": "the ASGI server opens the connection before the handler is called",
    "data_finished_fut": _END,
    "data_received": _MESSAGES,
    "eof_received": _MESSAGES,
    "keepalive_ping": _PINGS,
    "keepalive_ping_task": _PINGS,
    "pause_frame_fut": _FLOW,
    "pause_frames": _FLOW,
    "process_event_mutex": _LOCKS,
    "process_events": _MESSAGES,
    "process_pong": _PINGS,
    "recv_cancel": "cancel the task that waits in `recv` instead",
    "resume_frames": _FLOW,
    "send_data": _MESSAGES,
}
_CONFIGURED = {"ping_interval": "WEBSOCKET_PING_INTERVAL", "ping_timeout": "WEBSOCKET_PING_TIMEOUT"}
# The codes of a normal end (RFC 6455, section 7.4.1).
_NORMAL_CODES = (1000, 1001)
# Codes that stand for a close frame without a code, and for no close frame (RFC 6455, section 7.4.1).
_NO_CODE, _NO_FRAME = 1005, 1006


class InvalidControlFrame(ProtocolError, ValueError):
    """The code or the reason of a close frame is invalid, or the data of a ping or a pong is too long."""


def missing_member_text(name: str) -> str:
    """Return the message of the `AttributeError` for a member that belongs to the server.

    Args:
        name: the member.

    Raises:
        KeyError: there is no text for it.
    """
    return f"'Websocket' object has no attribute {name!r} here: {_REASONS[name]}"


def configured_seconds(websocket: Any, name: Literal["ping_interval", "ping_timeout"]) -> float | None:
    """Return the setting for Sanic's attribute of a name, in seconds; `None` if it is not set.

    Args:
        websocket: the websocket.
        name: the attribute.
    """
    config: Mapping[str, Any] = getattr(websocket.scope.get("app"), "config", {})
    return config.get(_CONFIGURED[name])


class RecvLock(asyncio.Lock):
    """A lock that is held while a task waits for a message. While a task holds it, others cannot read.

    Args:
        websocket: the websocket.
    """

    def __init__(self, websocket: Any) -> None:
        super().__init__()
        self._inbox = websocket._inbox

    def locked(self) -> bool:
        """Return whether a task is reading, or holds the lock."""
        return super().locked() or self._inbox.waiting_readers > 0

    @property
    def is_held(self) -> bool:
        """Whether a task has acquired the lock."""
        return super().locked()

    async def acquire(self) -> Literal[True]:
        """Acquire the lock, and wait until no task is reading."""
        await super().acquire()
        try:
            await self._inbox.wait_for_readers()
        except BaseException:
            self.release()
            raise
        return True


class Members:
    """The objects of Sanic's attributes `ws_proto` and `io_proto`, for one websocket.

    Args:
        websocket: the websocket.
    """

    def __init__(self, websocket: Any) -> None:
        self._websocket = websocket
        self.ws_proto = ServerProtocol(websocket)

    @cached_property
    def io_proto(self) -> Any:
        """Sanic's protocol of the connection, with the attribute `websocket`; `None` if it is closed."""
        websocket: Any = self._websocket
        protocol: Any = websocket._request.protocol
        if protocol is not None:
            protocol.websocket = websocket
        return protocol


class ServerProtocol:
    """Sanic's `ws_proto`: the members of the `ServerProtocol` of `websockets` that an ASGI application can know.

    Args:
        websocket: the websocket.
    """

    side: Side = SERVER
    handshake_exc: Exception | None = None
    origins: None = None
    # Unknown: an ASGI server reports only one of the two close frames.
    close_rcvd_then_sent: bool | None = None
    logger = websockets_logger

    def __init__(self, websocket: Any) -> None:
        self._websocket = websocket
        self.id: UUID = uuid4()
        # An ASGI server does not report the extensions that it has negotiated.
        self.extensions: list[Any] = []

    @property
    def state(self) -> State:
        """Whether the connection is being opened, open, closing, or closed."""
        websocket = self._websocket
        if not websocket._opened:
            return CLOSED if websocket._closed else CONNECTING
        if not websocket._closed:
            return OPEN
        # An ASGI server does not report the client's close frame after the application's.
        return CLOSING if websocket._close_sent is not None and not websocket._is_released else CLOSED

    @property
    def subprotocol(self) -> str | None:
        """The selected subprotocol."""
        return self._websocket.subprotocol  # type: ignore[no-any-return]

    @property
    def max_message_size(self) -> int | None:
        """The maximum size of a message, in bytes; `None` for no limit."""
        return self._websocket._max_size  # type: ignore[no-any-return]

    @property
    def close_sent(self) -> Close | None:
        """The close frame that the handler has sent."""
        frame = self._websocket._close_sent
        return None if frame is None else Close(_NO_CODE if frame[0] is None else frame[0], frame[1])

    @property
    def close_rcvd(self) -> Close | None:
        """The close frame of the client, if the server has reported it."""
        websocket = self._websocket
        end = websocket._inbox.end if websocket._opened else None
        if end is None or websocket._close_sent is not None or end.get("code") == _NO_FRAME:
            return None
        return Close(end.get("code") or _NO_CODE, end.get("reason") or "")

    @property
    def close_code(self) -> int | None:
        """The close code, 1006 without a close frame; `None` while the connection is open."""
        if self.state is not CLOSED:
            return None
        close = self.close_rcvd or self.close_sent
        return _NO_FRAME if close is None else close.code

    @property
    def close_reason(self) -> str | None:
        """The close reason; `None` while the connection is open."""
        if self.state is not CLOSED:
            return None
        close = self.close_rcvd or self.close_sent
        return "" if close is None else close.reason

    @property
    def close_exc(self) -> ConnectionClosed | None:
        """The exception of `websockets` for the end of the connection; `None` while it is open."""
        if self.state is not CLOSED:
            return None
        error_class = ConnectionClosedOK if self.close_code in _NORMAL_CODES else ConnectionClosedError
        return error_class(self.close_rcvd, self.close_sent)

    def close_expected(self) -> bool:
        """Return whether the connection is closing."""
        return self.state is CLOSING

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"'ws_proto' has no attribute {name!r} here: {_MESSAGES}")
