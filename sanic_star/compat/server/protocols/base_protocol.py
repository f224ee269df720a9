"""The base of the protocols of Sanic's own server."""

from __future__ import annotations

from sanic_star.compat._support.stand_ins import stand_ins
from sanic_star.compat.request._protocol import Protocol

(SanicProtocol,) = stand_ins(__name__, "SanicProtocol", instances=(Protocol,))
