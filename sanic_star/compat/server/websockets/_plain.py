"""A plain Starlette websocket on the connection of one of Sanic's.

Loaded with the first.
"""

from __future__ import annotations

from starlette.websockets import WebSocket

from sanic_star.engine.urls import OwnNames


class PlainWebSocket(OwnNames, WebSocket):
    """Starlette's websocket, which builds URLs by the names of a mounted application, too."""
