"""The websocket, watched: who has said what, so that every end is a proper one."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

from starlette import websockets
from starlette.types import Message, Receive, Scope, Send

from sanic_star.requests import Request

# Whether this task has answered a handshake with a response; uvicorn 0.54 reports that as none at all.
refused: ContextVar[bool] = ContextVar("sanic_star.refused", default=False)


class WebSocket(websockets.WebSocket):
    """A websocket connection that knows whether it is open, whoever opened it.

    Mounted applications and Starlette's own routes speak through `receive_message` and `send_message`, so that the
    application can close at its stop what they have opened.
    """

    request: Request
    route_params: dict[str, Any] = {}
    outer: dict[str, Any] = {}

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        super().__init__(scope, self.receive_message, self.send_message)
        self._server_receive = receive
        self._server_send = send
        self.opened = False
        self.closed = False

    async def receive_message(self) -> Message:
        """Pass on the server's next message."""
        message = await self._server_receive()
        if message["type"] == "websocket.disconnect":
            self.closed = True
        return message

    async def send_message(self, message: Message) -> None:
        """Pass a message on to the server."""
        kind = message["type"]
        if kind == "websocket.accept":
            self.opened = True
        elif kind == "websocket.close" or kind == "websocket.http.response.start":
            self.closed = True
        elif kind == "websocket.http.response.body":
            refused.set(not message.get("more_body"))
        await self._server_send(message)

    async def end(self, code: int, reason: str = "") -> None:
        """Close the connection with `code` (RFC 6455, section 7.4.1), unless it is closed already."""
        if not self.closed:
            await self.send_message({"type": "websocket.close", "code": code, "reason": reason})
