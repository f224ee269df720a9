"""The style of Sanic's HTML pages."""

from __future__ import annotations

from sanic_star.compat._support.stand_ins import stand_ins

(CSS,) = stand_ins(__name__, "CSS")
