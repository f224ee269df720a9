"""The base of Sanic's HTML pages."""

from __future__ import annotations

from sanic_star.compat._support.stand_ins import stand_ins

(BasePage,) = stand_ins(__name__, "BasePage")
