"""The protocols of HTTP on Sanic's own server."""

from __future__ import annotations

from sanic_star.compat._support.stand_ins import stand_ins
from sanic_star.compat.request._protocol import Protocol

# `request.protocol` is an instance of both classes. It has the facts of the ASGI scope about the connection.
HttpProtocol, HttpProtocolMixin = stand_ins(__name__, "HttpProtocol", "HttpProtocolMixin", instances=(Protocol,))
(Http3Protocol,) = stand_ins(__name__, "Http3Protocol")
