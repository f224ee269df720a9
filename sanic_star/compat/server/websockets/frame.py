"""A name of Sanic's own server, where the class assembles messages from frames."""

from __future__ import annotations

from sanic_star.compat._support.stand_ins import stand_ins

(WebsocketFrameAssembler,) = stand_ins(__name__, "WebsocketFrameAssembler")
