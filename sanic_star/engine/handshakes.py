"""The answer to a websocket handshake whose path has HTTP routes only.

A handshake is a GET request (RFC 6455, section 4.1), and Sanic's server dispatches it to the route for GET. The handler
may accept the handshake (python-socketio's does), or return a response, which refuses it. In ASGI a handshake has a
scope of its own. So the dispatch gets a copy of it as an HTTP scope, and its messages are translated back:

| the handler | the server gets |
|---|---|
| sends a response | `websocket.http.response.…` if it has that extension, else `websocket.close`, which is a 403 |
| accepts the handshake | `websocket.accept`, then the messages of the websocket; a response is dropped |

Imported late: most applications get no such handshake.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.types import Message, Scope

from sanic_star.engine.failures import REPORTED
from sanic_star.engine.requests import HANDSHAKE
from sanic_star.engine.routing import LEAF, WEBSOCKET, Router
from sanic_star.engine.websockets import WebSocket

# The entries of the scope that are only for a websocket.
_WEBSOCKET_ENTRIES = (LEAF, "extensions", "subprotocols")


class Handshake:
    """A websocket's handshake that an HTTP route answers.

    Args:
        connection: the websocket, which is not accepted yet.

    Attributes:
        on_end: called after the handler has returned.
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
            pass  # `websocket.connect`
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        """Send a message of the response to the server as a refusal of the handshake.

        Args:
            message: the ASGI message.
        """
        connection = self.connection
        if connection._opened:
            return
        # `WebSocket._send_message` translates it for a server that cannot send responses to handshakes.
        await self._send({**message, "type": f"websocket.{message['type']}"})


def is_answered_by_http(router: Router, scope: Scope) -> bool:
    """Return whether a path without a websocket route has HTTP routes, for any method.

    Args:
        router: the application's router.
        scope: the ASGI scope of the handshake.
    """
    http = _as_http(scope)
    route, _ = router._find(http)
    if route is router.fallback:
        return bool({*router._allowed_after_find(http)} - {WEBSOCKET})
    return route is not router.forward


async def answer_by_http(dispatch: Any, connection: WebSocket) -> None:
    """Dispatch a handshake as an HTTP request.

    Args:
        dispatch: the ASGI application that answers HTTP requests.
        connection: the websocket.

    Raises:
        BaseException: an unhandled exception of the handler; it was answered, logged and marked.
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
    """Return a handshake's scope as the scope of a GET request."""
    entries = {key: value for key, value in scope.items() if key not in _WEBSOCKET_ENTRIES}
    return entries | {"type": "http", "method": "GET"}
