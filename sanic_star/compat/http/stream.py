"""The base of Sanic's own HTTP classes."""

from __future__ import annotations

from sanic_star.compat._support.stand_ins import stand_ins

(Stream,) = stand_ins(__name__, "Stream")
