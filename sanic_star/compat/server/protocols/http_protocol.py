"""The protocols of HTTP on Sanic's own server."""

from __future__ import annotations

from sanic_star.compat._support.stand_ins import stand_ins
from sanic_star.compat.request._protocol import Protocol

# A request's protocol is of the first: it tells what an ASGI scope knows of the connection.
HttpProtocol, HttpProtocolMixin = stand_ins(__name__, "HttpProtocol", "HttpProtocolMixin", instances=(Protocol,))
(Http3Protocol,) = stand_ins(__name__, "Http3Protocol")
