"""Sanic's page of an error."""

from __future__ import annotations

from sanic_star.compat._support.stand_ins import stand_ins

(ErrorPage,) = stand_ins(__name__, "ErrorPage")
