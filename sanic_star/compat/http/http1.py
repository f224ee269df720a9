"""HTTP/1.1 of Sanic's own server."""

from __future__ import annotations

from sanic_star.compat._support.stand_ins import stand_ins

(Http,) = stand_ins(__name__, "Http")

HTTP_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
