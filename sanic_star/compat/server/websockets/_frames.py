"""Send pings and pongs, and close a connection without a close frame, under uvicorn.

ASGI has messages, but no frames: a server sends its own pings, and does not report pongs to the application. But the
`send` of uvicorn is a method of its object for the connection, which can write frames. uvicorn has three classes of
such objects, by its setting `ws`:

| `ws` | writes a ping by | reports a pong to |
|---|---|---|
| `websockets-sansio` (`auto`) | `conn.send_ping`, and the transport | `handle_pong(frame)`, with the attribute `data` |
| `wsproto` | `conn.send(Ping(…))`, and the transport | `handle_pong(event)`, with the attribute `payload` |
| `websockets` | `ping`, which returns a future | that future |

Under other servers none of this is possible.
"""

from __future__ import annotations

import asyncio
import secrets
from abc import ABC, abstractmethod
from asyncio import Future
from collections.abc import Mapping
from functools import partial
from typing import Any

from sanic_star.engine.websockets import SERVER_SEND


class Frames(ABC):
    """Writes control frames on a connection of uvicorn.

    Args:
        protocol: uvicorn's object for the connection.

    Attributes:
        unanswered_pings: the future of each ping without a pong, by the ping's data, in the order of sending.
    """

    # Whether a close frame without a code is impossible.
    needs_code = False

    def __init__(self, protocol: Any) -> None:
        self.protocol = protocol
        self.unanswered_pings: dict[bytes, Future[float]] = {}

    async def ping(self, data: bytes | None) -> Future[float]:
        """Send a ping, and return a future with the time until its pong, in seconds.

        Args:
            data: the data of the ping, up to 125 bytes; by default four random bytes.

        Raises:
            ValueError: another ping with the same data is waiting for its pong.
        """
        payload = secrets.token_bytes(4) if data is None else data
        if payload in self.unanswered_pings:
            raise ValueError("already waiting for a pong with the same data")
        return await self._ping(payload)

    @abstractmethod
    async def _ping(self, payload: bytes) -> Future[float]: ...

    @abstractmethod
    async def pong(self, data: bytes) -> None:
        """Send a pong without a ping.

        Args:
            data: the data of the pong, up to 125 bytes.
        """

    async def close_without_frame(self) -> None:
        """Close the connection without a close frame."""
        self.protocol.transport.close()

    def close(self) -> None:
        """Cancel the futures of all pings."""
        for future in self.unanswered_pings.values():
            future.cancel()
        self.unanswered_pings.clear()


class _WrittenFrames(Frames):
    """Writes frames to the transport; pongs are reported to the method `handle_pong` of uvicorn's object."""

    # The attribute of the argument of `handle_pong` that has the data.
    data_name: str

    def __init__(self, protocol: Any) -> None:
        super().__init__(protocol)
        self._sent_at: dict[bytes, float] = {}
        self._original_handle_pong = protocol.handle_pong
        protocol.handle_pong = self._handle_pong

    async def _ping(self, payload: bytes) -> Future[float]:
        loop = asyncio.get_running_loop()
        self.protocol.transport.write(self._frame("Ping", payload))
        future: Future[float] = loop.create_future()
        self.unanswered_pings[payload], self._sent_at[payload] = future, loop.time()
        future.add_done_callback(partial(self._forget, payload))
        return future

    def _forget(self, payload: bytes, future: Future[float]) -> None:
        # A handler may cancel the future, and later send a ping with the same data.
        if self.unanswered_pings.get(payload) is future:
            del self.unanswered_pings[payload], self._sent_at[payload]

    def close(self) -> None:
        super().close()
        self._sent_at.clear()
        attributes = vars(self.protocol)
        if attributes.get("handle_pong") == self._handle_pong:
            # The attribute hides the method of the class.
            del attributes["handle_pong"]

    async def pong(self, data: bytes) -> None:
        self.protocol.transport.write(self._frame("Pong", data))

    @abstractmethod
    def _frame(self, kind: str, data: bytes) -> bytes:
        """Return the bytes of a frame; `kind` is `Ping` or `Pong`."""

    def _handle_pong(self, event: Any) -> None:
        self._original_handle_pong(event)
        pong_payload = bytes(getattr(event, self.data_name))
        if pong_payload not in self.unanswered_pings:
            return
        # A pong also answers earlier pings (RFC 6455, section 5.5.3).
        for payload, future in list(self.unanswered_pings.items()):
            del self.unanswered_pings[payload]
            sent_at = self._sent_at.pop(payload)
            if not future.done():
                future.set_result(future.get_loop().time() - sent_at)
            if payload == pong_payload:
                return


class _SansioFrames(_WrittenFrames):
    data_name = "data"

    def _frame(self, kind: str, data: bytes) -> bytes:
        connection = self.protocol.conn
        (connection.send_ping if kind == "Ping" else connection.send_pong)(data)
        return b"".join(connection.data_to_send())


class _WsprotoFrames(_WrittenFrames):
    data_name = "payload"

    def _frame(self, kind: str, data: bytes) -> bytes:
        from wsproto import events

        event = events.Ping(payload=data) if kind == "Ping" else events.Pong(payload=data)
        frame: bytes = self.protocol.conn.send(event)
        return frame


class _LegacyFrames(Frames):
    """Writes frames by the protocol of `websockets.legacy`, which matches pongs with pings itself.

    That protocol completes the handshake in a separate task, after the application's `accept`.
    """

    needs_code = True

    async def _ping(self, payload: bytes) -> Future[float]:
        await self.protocol.handshake_completed_event.wait()
        future: Future[float] = await self.protocol.ping(payload)
        self.unanswered_pings[payload] = future
        future.add_done_callback(lambda _: self.unanswered_pings.pop(payload, None))
        return future

    async def pong(self, data: bytes) -> None:
        await self.protocol.handshake_completed_event.wait()
        await self.protocol.pong(data)

    async def close_without_frame(self) -> None:
        await self.protocol.handshake_completed_event.wait()
        await super().close_without_frame()


_IMPLEMENTATIONS: Mapping[str, type[Frames]] = {
    "uvicorn.protocols.websockets.websockets_sansio_impl": _SansioFrames,
    "uvicorn.protocols.websockets.wsproto_impl": _WsprotoFrames,
    "uvicorn.protocols.websockets.websockets_impl": _LegacyFrames,
}


def frames_of(scope: Mapping[str, Any], send: Any) -> Frames | None:
    """Return the object that writes frames on a connection; `None` if the connection is not uvicorn's.

    Args:
        scope: the connection's ASGI scope; if the application has ASGI middleware, it has the server's `send`.
        send: the ASGI callable that the dispatch was called with.
    """
    protocol = getattr(scope.get(SERVER_SEND, send), "__self__", None)
    for base in type(protocol).__mro__:
        implementation = _IMPLEMENTATIONS.get(base.__module__)
        if implementation is not None:
            return implementation(protocol)
    return None
