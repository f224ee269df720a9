"""Registers exception handlers; one class of this package registers everything."""

from sanic_star.compat._app.decorators import Registrar as ExceptionMixin

__all__ = ["ExceptionMixin"]
