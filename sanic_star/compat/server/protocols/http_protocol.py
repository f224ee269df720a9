"""The protocols of HTTP on Sanic's own server."""

from __future__ import annotations

from sanic_star.compat._support.stand_ins import stand_ins

Http3Protocol, HttpProtocol, HttpProtocolMixin = stand_ins(
    __name__, "Http3Protocol", "HttpProtocol", "HttpProtocolMixin"
)
