"""The animation that Sanic shows while it starts."""

from __future__ import annotations

from sanic_star.compat._support.stand_ins import stand_ins

Spinner, loading = stand_ins(__name__, "Spinner", "loading")
