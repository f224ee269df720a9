"""The process that restarts Sanic's workers when files change."""

from __future__ import annotations

from sanic_star.compat._support.stand_ins import stand_ins

(Reloader,) = stand_ins(__name__, "Reloader")
