"""Registers static files; one class of this package registers everything."""

from sanic_star.compat._app.decorators import Registrar as StaticMixin
from sanic_star.compat._support.stand_ins import stand_ins

(StaticHandleMixin,) = stand_ins(__name__, "StaticHandleMixin")

__all__ = ["StaticHandleMixin", "StaticMixin"]
