"""The class that restarts Sanic's workers."""

from __future__ import annotations

from sanic_star.compat._support.stand_ins import stand_ins

(Restarter,) = stand_ins(__name__, "Restarter")
