"""Messages from frames, on Sanic's own server."""

from __future__ import annotations

from sanic_star.compat._support.stand_ins import stand_ins

(WebsocketFrameAssembler,) = stand_ins(__name__, "WebsocketFrameAssembler")
