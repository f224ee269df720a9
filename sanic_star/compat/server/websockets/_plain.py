"""A plain Starlette websocket on the connection of one of Sanic's.

Loaded with the first.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from starlette.websockets import WebSocket

from sanic_star.engine.urls import OwnNames


class PlainWebSocket(OwnNames, WebSocket):
    """Starlette's websocket, which builds URLs by the names of a mounted application, too."""

    _websocket: Any  # a `WebsocketImplProtocol`

    async def accept(
        self, subprotocol: str | None = None, headers: Iterable[tuple[bytes, bytes]] | None = None
    ) -> None:
        """Accept the connection, unless the route has done so."""
        if not self._websocket._is_accepted_like(subprotocol, headers):
            await super().accept(subprotocol, headers)
