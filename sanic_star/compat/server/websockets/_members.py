"""What Sanic's websocket shows of its server: its protocols, its lock, and its ways to end a connection at once.

Sanic serves websockets itself, with the package `websockets`. Under ASGI the server does that, and the application sees
messages. What can be known or done from there works here; for all else, the error says what takes its place.

Loaded with the first use of one of these names.
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
_FLOW = "the ASGI server pauses a client that sends too much; a handler that does not read is enough"
_PINGS = "the ASGI server sends pings by itself (`WEBSOCKET_PING_INTERVAL`, or its own setting); use `ping`"
_LOCKS = "the ASGI server sends each message whole; `recv_lock` is there for reading"

_REASONS: Mapping[str, str] = {
    "assembler": _MESSAGES,
    "async_data_received": _MESSAGES,
    "async_eof_received": _MESSAGES,
    "auto_close_connection": _END,
    "auto_closer_task": _END,
    "conn_mutex": _LOCKS,
    "connection_lost": _END,
    "connection_lost_waiter": _END,
    "connection_made": "the ASGI server makes the connection, before the handler is called",
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
    "recv_cancel": "cancel the task that waits in `recv`",
    "resume_frames": _FLOW,
    "send_data": _MESSAGES,
}
_CONFIGURED = {"ping_interval": "WEBSOCKET_PING_INTERVAL", "ping_timeout": "WEBSOCKET_PING_TIMEOUT"}
# Codes with which a connection ends as it should (RFC 6455, section 7.4.1).
_REGULAR = (1000, 1001)
_NO_CODE, _NO_FRAME = 1005, 1006


class InvalidClose(ProtocolError, ValueError):
    """A close frame with this code or this reason may not be sent."""


def explain(name: str) -> str:
    """Return the text of the `AttributeError` for a member that is the server's."""
    return f"'Websocket' object has no attribute {name!r} here: {_REASONS[name]}"


def configured(websocket: Any, name: Literal["ping_interval", "ping_timeout"]) -> float | None:
    """Return the setting that has Sanic's attribute `ping_interval` or `ping_timeout`, in seconds."""
    config: Mapping[str, Any] = getattr(websocket.scope.get("app"), "config", {})
    return config.get(_CONFIGURED[name])


class RecvLock(asyncio.Lock):
    """Held while a task waits for a message; who takes it keeps others from reading."""

    def __init__(self, websocket: Any) -> None:
        super().__init__()
        self._inbox = websocket._inbox

    def locked(self) -> bool:
        """Tell whether a task reads, or holds the lock."""
        return super().locked() or self._inbox.waiting > 0

    @property
    def is_held(self) -> bool:
        """Whether a task holds the lock itself."""
        return super().locked()

    async def acquire(self) -> Literal[True]:
        """Wait until no task reads, and take the lock."""
        await super().acquire()
        try:
            await self._inbox.wait_for_readers()
        except BaseException:
            self.release()
            raise
        return True


class Members:
    """The objects behind Sanic's `ws_proto`, `io_proto` and `recv_lock`, for one websocket."""

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
    """What there is of the `ServerProtocol` of the package `websockets`, which Sanic has as `ws_proto`.

    Args:
        websocket: whose connection it describes.
    """

    side: Side = SERVER
    handshake_exc: Exception | None = None
    origins: None = None
    # A server reports the end of one side only, which leaves no order of the two.
    close_rcvd_then_sent: bool | None = None
    logger = websockets_logger

    def __init__(self, websocket: Any) -> None:
        self._websocket = websocket
        self.id: UUID = uuid4()
        # The server negotiates extensions with the client, and reports none.
        self.extensions: list[Any] = []

    @property
    def state(self) -> State:
        """Whether the connection is being opened, open, closing, or closed."""
        websocket = self._websocket
        if not websocket._opened:
            return CLOSED if websocket._closed else CONNECTING
        if not websocket._closed:
            return OPEN
        # Sanic learns of the client's answer to a close frame; an ASGI application is not.
        return CLOSING if websocket._close_sent is not None and not websocket._is_released else CLOSED

    @property
    def subprotocol(self) -> str | None:
        """The subprotocol that was chosen."""
        return self._websocket.subprotocol  # type: ignore[no-any-return]

    @property
    def max_message_size(self) -> int | None:
        """The greatest size of a message, in bytes."""
        return self._websocket._max_size  # type: ignore[no-any-return]

    @property
    def close_sent(self) -> Close | None:
        """The close frame of the handler."""
        sent = self._websocket._close_sent
        return None if sent is None else Close(_NO_CODE if sent[0] is None else sent[0], sent[1])

    @property
    def close_rcvd(self) -> Close | None:
        """The close frame of the client, as far as the server has reported it."""
        websocket = self._websocket
        end = websocket._inbox.end if websocket._opened else None
        if end is None or websocket._close_sent is not None or end.get("code") == _NO_FRAME:
            return None
        return Close(end.get("code") or _NO_CODE, end.get("reason") or "")

    @property
    def close_code(self) -> int | None:
        """The code of the end, 1006 without a close frame, `None` while the connection is open."""
        if self.state is not CLOSED:
            return None
        close = self.close_rcvd or self.close_sent
        return _NO_FRAME if close is None else close.code

    @property
    def close_reason(self) -> str | None:
        """The reason of the end, in words; `None` while the connection is open."""
        if self.state is not CLOSED:
            return None
        close = self.close_rcvd or self.close_sent
        return "" if close is None else close.reason

    @property
    def close_exc(self) -> ConnectionClosed | None:
        """The exception that stands for the end, `None` while the connection is open."""
        if self.state is not CLOSED:
            return None
        kind = ConnectionClosedOK if self.close_code in _REGULAR else ConnectionClosedError
        return kind(self.close_rcvd, self.close_sent)

    def close_expected(self) -> bool:
        """Tell whether the connection is about to end."""
        return self.state is CLOSING

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"'ws_proto' has no attribute {name!r} here: {_MESSAGES}")
