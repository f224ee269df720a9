"""How the handler of an HTTP route accepts a websocket handshake: `sanic_star.engine.handshakes` brings it there."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any, cast

from sanic_star.compat.exceptions import SanicException
from sanic_star.compat.server.websockets.impl import WebsocketImplProtocol
from sanic_star.engine.handshakes import Handshake
from sanic_star.engine.requests import HANDSHAKE


async def accept(request: Any, subprotocols: Iterable[str]) -> WebsocketImplProtocol:
    """Accept the handshake that a request is, and return its websocket.

    Args:
        request: the request that the handler got.
        subprotocols: those that the handler speaks.

    Raises:
        SanicException: 426, the request is no handshake; as in Sanic.
        BadRequest: the handler speaks subprotocols, and the client none of them.
    """
    handshake: Handshake | None = request.scope.get(HANDSHAKE)
    if handshake is None:
        raise SanicException(
            "Failed to open a WebSocket connection: the request is no handshake.\n",
            426,
            headers={"upgrade": "websocket"},
        )
    websocket = cast(WebsocketImplProtocol, handshake.connection)
    answers: Any = request.app._answers
    await websocket._handshake(subprotocols)
    # The handler is the websocket's own: it learns of the client's leaving, and of the stop.
    websocket._request = request
    request.responded = True
    request.app._engine.streams.open(request, partial(websocket._end, 1001))
    handshake.on_end = partial(_release, websocket, answers.sweep(websocket))
    return websocket


def _release(websocket: WebsocketImplProtocol, swept: set[Any]) -> None:
    """Let go of the server: the handler is over, and nothing can be sent or received any more."""
    swept.discard(websocket)
    websocket._end_reading()
