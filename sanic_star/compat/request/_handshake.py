"""Accept a websocket handshake in the handler of an HTTP route; see `sanic_star.engine.handshakes`."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any, cast

from sanic_star.compat.exceptions import SanicException
from sanic_star.compat.server.websockets.impl import WebsocketImplProtocol
from sanic_star.engine.handshakes import Handshake
from sanic_star.engine.requests import HANDSHAKE


async def accept(request: Any, subprotocols: Iterable[str]) -> WebsocketImplProtocol:
    """Accept a request that is a handshake, and return its websocket.

    Args:
        request: the handler's request.
        subprotocols: the subprotocols that the handler supports.

    Raises:
        SanicException: 426, the request is not a handshake; as in Sanic.
        BadRequest: the client supports none of the handler's subprotocols.
    """
    handshake: Handshake | None = request.scope.get(HANDSHAKE)
    if handshake is None:
        raise SanicException(
            "Failed to open a WebSocket connection: the request is not a handshake.\n",
            426,
            headers={"upgrade": "websocket"},
        )
    websocket = cast(WebsocketImplProtocol, handshake.connection)
    answers: Any = request.app._answers
    await websocket._handshake(subprotocols)
    # The handler belongs to the websocket: it is cancelled when the client disconnects, and at the stop.
    websocket._request = request
    request.responded = True
    request.app._engine.streams.open(request, partial(websocket._end, 1001))
    handshake.on_end = partial(_release, websocket, answers.sweep(websocket))
    return websocket


def _release(websocket: WebsocketImplProtocol, swept: set[Any]) -> None:
    """Release the server after the handler has ended; nothing can be sent or received afterwards."""
    swept.discard(websocket)
    websocket._end_reading()
