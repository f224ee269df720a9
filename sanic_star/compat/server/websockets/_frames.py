"""Pings and pongs, where the server lets them through.

ASGI knows messages, no frames: a server sends its own pings, and tells the application nothing of them. uvicorn,
though, hands an application a `send` that belongs to its connection, whose `conn` (the protocol of the `websockets`
package) can write a frame. Where it is not that server, or an ASGI middleware stands between, there is no way.
"""

from __future__ import annotations

import asyncio
import secrets
from asyncio import Future
from typing import Any


class Frames:
    """Writes control frames on a connection of uvicorn's.

    Args:
        protocol: uvicorn's object for the connection.
    """

    def __init__(self, protocol: Any) -> None:
        self.protocol = protocol
        # Payload to future and moment of the ping, in the order in which they were sent.
        self._waiting: dict[bytes, tuple[Future[float], float]] = {}
        self._before = protocol.handle_pong
        protocol.handle_pong = self._handle_pong

    @classmethod
    def behind(cls, send: Any) -> Frames | None:
        """Return the way to the connection behind an ASGI `send`, `None` where there is none."""
        protocol = getattr(send, "__self__", None)
        conn = getattr(protocol, "conn", None)
        if not all(hasattr(conn, name) for name in ("send_ping", "send_pong", "data_to_send")):
            return None
        return cls(protocol) if hasattr(protocol, "handle_pong") and hasattr(protocol, "transport") else None

    def ping(self, data: bytes | None) -> Future[float]:
        """Send a ping; the future has the time until its pong, in seconds."""
        payload = secrets.token_bytes(4) if data is None else data
        if payload in self._waiting:
            raise ValueError("already waiting for a pong with the same data")
        loop = asyncio.get_running_loop()
        future: Future[float] = loop.create_future()
        self.protocol.conn.send_ping(payload)
        self._flush()
        self._waiting[payload] = (future, loop.time())
        return future

    def pong(self, data: bytes) -> None:
        """Send a pong that nobody asked for."""
        self.protocol.conn.send_pong(data)
        self._flush()

    def _flush(self) -> None:
        self.protocol.transport.write(b"".join(self.protocol.conn.data_to_send()))

    def _handle_pong(self, event: Any) -> None:
        self._before(event)
        if bytes(event.data) not in self._waiting:
            return
        # A pong answers the pings before it, too (RFC 6455, section 5.5.3).
        for payload, (future, sent) in list(self._waiting.items()):
            del self._waiting[payload]
            if not future.done():
                future.set_result(future.get_loop().time() - sent)
            if payload == bytes(event.data):
                return

    def close(self) -> None:
        """Wait for no pong any more."""
        for future, _ in self._waiting.values():
            future.cancel()
        self._waiting.clear()
