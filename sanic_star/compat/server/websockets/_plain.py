"""`PlainWebSocket`: a Starlette websocket on the connection of a Sanic websocket; see `Websocket.starlette`.

This module is imported when the first one is created.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from starlette.websockets import WebSocket

from sanic_star.engine.urls import OwnNames


class PlainWebSocket(OwnNames, WebSocket):
    """Starlette's websocket, whose `url_for` also finds the routes of a mounted application by name."""

    _websocket: Any  # a `WebsocketImplProtocol`

    async def accept(
        self, subprotocol: str | None = None, headers: Iterable[tuple[bytes, bytes]] | None = None
    ) -> None:
        """Accept the connection, unless the route has accepted it.

        Args:
            subprotocol: the selected subprotocol.
            headers: further header fields of the response.

        Raises:
            RuntimeError: the route has accepted it with other arguments, or it was accepted otherwise.
        """
        if not self._websocket._is_accepted_like(subprotocol, headers):
            await super().accept(subprotocol, headers)
