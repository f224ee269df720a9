"""The function that Sanic's workers run."""

from __future__ import annotations

from sanic_star.compat._support.stand_ins import stand_ins

(worker_serve,) = stand_ins(__name__, "worker_serve")
