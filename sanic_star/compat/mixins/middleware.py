"""Registers middleware; one class of this package registers everything."""

from sanic_star.compat._app.decorators import Registrar as MiddlewareMixin

__all__ = ["MiddlewareMixin"]
