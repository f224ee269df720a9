"""Registers routes; one class of this package registers everything."""

from sanic_star.compat._app.decorators import Registrar as RouteMixin

__all__ = ["RouteMixin"]
