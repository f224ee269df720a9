"""The protocol of websockets on Sanic's own server; the states are those of the package `websockets`."""

from __future__ import annotations

from websockets.protocol import CLOSED, CLOSING, OPEN, State

from sanic_star.compat._support.stand_ins import stand_ins

(WebSocketProtocol,) = stand_ins(__name__, "WebSocketProtocol")

__all__ = ["CLOSED", "CLOSING", "OPEN", "State", "WebSocketProtocol"]
