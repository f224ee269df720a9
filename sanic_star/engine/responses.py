"""Starlette's response, with a hook for the header and a faster way to send it; the header of a last response."""

from __future__ import annotations

from starlette import responses
from starlette.types import Message, Receive, Scope, Send


class Response(responses.Response):
    """A response with a complete body. Subclasses may override `_head`, which returns the header fields."""

    _body = b""

    def _start_message(self) -> Message | None:
        """Return the first ASGI message of the response, if the dispatch may send that and `_body`.

        Returns:
            The message; `None` if the dispatch must call the response.

        PERF: without `__call__`, a request takes one coroutine less: 0.5 µs of 3 over a socket («beside»). Safe
        because a subclass that needs its `__call__` returns `None`.
        """
        return None

    def _head(self) -> list[tuple[bytes, bytes]]:
        """Return the header fields that are sent; names are in lower case."""
        return self.raw_headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the response; over a websocket, as the refusal of its handshake."""
        prefix = "websocket." if scope["type"] == "websocket" else ""
        start: Message = {
            "type": prefix + "http.response.start",
            "status": self.status_code,
            "headers": self._head(),
        }
        await send(start)
        await send({"type": prefix + "http.response.body", "body": self.body})
        if self.background is not None:
            await self.background()


def announce_close(scope: Scope, start: Message) -> Message:
    """Add `connection: close` to the start of a response (RFC 9112, section 9.6), except in HTTP/2 and HTTP/3.

    Without this field a client may send its next request on a connection that is about to be closed.

    Args:
        scope: the connection's ASGI scope.
        start: the ASGI message with the status and the header fields.
    """
    if not scope.get("http_version", "1.1").startswith("1"):
        return start
    fields = [field for field in start.get("headers", ()) if field[0].lower() != b"connection"]
    return {**start, "headers": [*fields, (b"connection", b"close")]}
