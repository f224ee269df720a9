"""Registers commands; one class of this package registers everything."""

from sanic_star.compat._app.decorators import Registrar as CommandMixin

__all__ = ["CommandMixin"]
