"""Pings, pongs, and a connection that is broken off, where the server lets them through.

ASGI knows messages, no frames: a server sends its own pings, and does not report them to the application. uvicorn,
though, hands an application a `send` that belongs to its object for the connection, and that object can write frames.
It has three such classes (its setting `ws`), which differ in how:

| `ws` | a ping is written by | a pong is reported to |
|---|---|---|
| `websockets-sansio` (`auto`) | `conn.send_ping`, the bytes by the transport | `handle_pong(frame)`, which has `data` |
| `wsproto` | `conn.send(Ping(…))`, the bytes by the transport | `handle_pong(event)`, which has `payload` |
| `websockets` | its own `ping`, which returns a future | that future |

Other servers have no way to it.
"""

from __future__ import annotations

import asyncio
import secrets
from abc import ABC, abstractmethod
from asyncio import Future
from collections.abc import Mapping
from typing import Any

from sanic_star.engine.websockets import SERVER_SEND


class Frames(ABC):
    """Writes control frames on a connection of uvicorn's.

    Args:
        protocol: uvicorn's object for the connection.

    Attributes:
        waiting: the future of each ping that has no pong yet, by the ping's data, in the order of sending.
    """

    # Whether a close frame needs a code.
    needs_code = False

    def __init__(self, protocol: Any) -> None:
        self.protocol = protocol
        self.waiting: dict[bytes, Future[float]] = {}

    async def ping(self, data: bytes | None) -> Future[float]:
        """Send a ping; the future has the time until its pong, in seconds."""
        payload = secrets.token_bytes(4) if data is None else data
        if payload in self.waiting:
            raise ValueError("already waiting for a pong with the same data")
        return await self._ping(payload)

    @abstractmethod
    async def _ping(self, payload: bytes) -> Future[float]: ...

    @abstractmethod
    async def pong(self, data: bytes) -> None:
        """Send a pong that nobody asked for."""

    async def break_off(self) -> None:
        """Close the connection without a close frame."""
        self.protocol.transport.close()

    def close(self) -> None:
        """Wait for no pong any more."""
        for future in self.waiting.values():
            future.cancel()
        self.waiting.clear()


class _WrittenFrames(Frames):
    """Frames whose pongs are reported to the method `handle_pong` of uvicorn's object."""

    # Which attribute of what is reported has the data.
    data_name: str

    def __init__(self, protocol: Any) -> None:
        super().__init__(protocol)
        self._sent_at: dict[bytes, float] = {}
        self._before = protocol.handle_pong
        protocol.handle_pong = self._handle_pong

    async def _ping(self, payload: bytes) -> Future[float]:
        loop = asyncio.get_running_loop()
        self.protocol.transport.write(self._frame("Ping", payload))
        future: Future[float] = loop.create_future()
        self.waiting[payload], self._sent_at[payload] = future, loop.time()
        return future

    async def pong(self, data: bytes) -> None:
        self.protocol.transport.write(self._frame("Pong", data))

    @abstractmethod
    def _frame(self, kind: str, data: bytes) -> bytes:
        """Return the bytes of a frame; `kind` is `Ping` or `Pong`."""

    def _handle_pong(self, event: Any) -> None:
        self._before(event)
        answered = bytes(getattr(event, self.data_name))
        if answered not in self.waiting:
            return
        # A pong answers the pings before it, too (RFC 6455, section 5.5.3).
        for payload, future in list(self.waiting.items()):
            del self.waiting[payload]
            if not future.done():
                future.set_result(future.get_loop().time() - self._sent_at.pop(payload))
            if payload == answered:
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
    """Frames of the protocol of `websockets.legacy`, which keeps account of the pongs itself.

    It answers the handshake in a task of its own, after the application's `accept`.
    """

    needs_code = True

    async def _ping(self, payload: bytes) -> Future[float]:
        await self.protocol.handshake_completed_event.wait()
        future: Future[float] = await self.protocol.ping(payload)
        self.waiting[payload] = future
        future.add_done_callback(lambda _: self.waiting.pop(payload, None))
        return future

    async def pong(self, data: bytes) -> None:
        await self.protocol.handshake_completed_event.wait()
        await self.protocol.pong(data)

    async def break_off(self) -> None:
        await self.protocol.handshake_completed_event.wait()
        await super().break_off()


_IMPLEMENTATIONS: Mapping[str, type[Frames]] = {
    "uvicorn.protocols.websockets.websockets_sansio_impl": _SansioFrames,
    "uvicorn.protocols.websockets.wsproto_impl": _WsprotoFrames,
    "uvicorn.protocols.websockets.websockets_impl": _LegacyFrames,
}


def frames_of(scope: Mapping[str, Any], send: Any) -> Frames | None:
    """Return the way to the frames of a connection, `None` where there is none.

    Args:
        scope: the connection's ASGI scope; with the application's own ASGI middleware, it has the server's `send`.
        send: the ASGI callable that the dispatch got.
    """
    protocol = getattr(scope.get(SERVER_SEND, send), "__self__", None)
    for base in type(protocol).__mro__:
        implementation = _IMPLEMENTATIONS.get(base.__module__)
        if implementation is not None:
            return implementation(protocol)
    return None
