"""A websocket handshake whose path has HTTP routes only: they answer it, as an HTTP server would let them.

A handshake is a GET request (RFC 6455, section 4.1), and Sanic's server gives it to whatever route answers GET there.
Its handler may accept the handshake (python-socketio's does) or return a response, which refuses it. ASGI has a scope
of its own for handshakes, so the dispatch gets a copy of that scope as HTTP, and its messages are translated back:

| the handler | the server gets |
|---|---|
| sends a response | `websocket.http.response.…` if it has that extension, else `websocket.close`, which is a 403 |
| accepts the handshake | `websocket.accept`, then the messages of the websocket; a response is dropped |

Loaded with the first such handshake: most applications get none.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.types import Message, Scope

from sanic_star.engine.failures import REPORTED
from sanic_star.engine.requests import HANDSHAKE
from sanic_star.engine.routing import LEAF, WEBSOCKET, Router
from sanic_star.engine.websockets import WebSocket

# What holds for a websocket only: where the search for its route ended, and what the server can do with it.
_OF_WEBSOCKETS = (LEAF, "extensions", "subprotocols")


class Handshake:
    """The handshake of one websocket while an HTTP route answers it.

    Args:
        connection: the websocket, which nobody has accepted yet.

    Attributes:
        on_end: called when the handler that has accepted it is over.
    """

    on_end: Callable[[], None] | None = None

    def __init__(self, connection: WebSocket) -> None:
        self.connection = connection
        self._receive, self._send = connection._receive_message, connection._send_message
        self._body_is_sent = False

    async def receive(self) -> Message:
        """Return the ASGI messages of an HTTP request without a body."""
        if not self._body_is_sent:
            self._body_is_sent = True
            return {"type": "http.request", "body": b"", "more_body": False}
        while (await self._receive())["type"] != "websocket.disconnect":
            pass  # `websocket.connect`: the offer, which has been read from the scope
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        """Pass a message of the response on to the server, as a refusal of the handshake."""
        connection = self.connection
        if connection._opened:
            return
        # Where the server sends no responses to handshakes, the connection makes a refusal of it.
        await self._send({**message, "type": f"websocket.{message['type']}"})


def is_answered_by_http(router: Router, scope: Scope) -> bool:
    """Tell whether a path that no websocket route answers has HTTP routes, of whichever method.

    Args:
        router: that of the application.
        scope: the ASGI scope of the handshake.
    """
    http = _as_http(scope)
    route, _ = router._find(http)
    if route is router.fallback:
        return bool({*router._refused(http)} - {WEBSOCKET})
    return route is not router.forward


async def answer_by_http(dispatch: Any, connection: WebSocket) -> None:
    """Let the dispatch for HTTP requests answer a handshake.

    Args:
        dispatch: the ASGI application that answers HTTP requests.
        connection: the websocket.

    Raises:
        BaseException: what the handler has raised and nobody handled; it is answered and marked as reported.
    """
    handshake = Handshake(connection)
    scope = _as_http(connection.scope)
    scope[HANDSHAKE] = handshake
    code = 1011
    try:
        await dispatch(scope, handshake.receive, handshake.send)
        code = 1000
    finally:
        if REPORTED in scope:
            connection.scope[REPORTED] = scope[REPORTED]
        if handshake.on_end is not None:
            handshake.on_end()
        if connection._opened:
            await connection._end(code)


def _as_http(scope: Scope) -> Scope:
    """Return the scope of a handshake as that of a GET request."""
    return {key: value for key, value in scope.items() if key not in _OF_WEBSOCKETS} | {"type": "http", "method": "GET"}
