"""Sanic's own way of being an ASGI application; `sanic_star` applications are one themselves."""

from __future__ import annotations

from sanic_star.compat._support.stand_ins import stand_ins

ASGIApp, Lifespan = stand_ins(__name__, "ASGIApp", "Lifespan")
