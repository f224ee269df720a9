"""The response that sends itself: Starlette's, with the work left out that its content does not need."""

from __future__ import annotations

from starlette import responses
from starlette.types import Message, Receive, Scope, Send


class Response(responses.Response):
    """A response whose body is at hand.

    Subclasses say what stands on the wire in `_head()`; everything else is Starlette's.
    """

    _body = b""

    def _start_message(self) -> Message | None:
        """Return the message that starts this response over HTTP, where the dispatch may send that and `_body`.

        `None` where the response has to send itself, and that is by `__call__`.

        PERF: a coroutine less for each request, 0.5 µs of 3 over a socket; `benchmarks/` shows it there. Safe because
        the response says here whether it may be sent so.
        """
        return None

    def _head(self) -> list[tuple[bytes, bytes]]:
        """Return the header fields as they go over the wire, names in lower case."""
        return self.raw_headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the response; as the refusal of a handshake where the connection is a websocket's."""
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
