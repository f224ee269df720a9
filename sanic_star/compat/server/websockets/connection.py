"""A websocket in Sanic's ASGI mode; `Websocket` is the class here."""

from __future__ import annotations

from sanic_star.compat._support.stand_ins import stand_ins

(WebSocketConnection,) = stand_ins(__name__, "WebSocketConnection")
