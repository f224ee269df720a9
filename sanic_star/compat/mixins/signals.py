"""Registers signals; one class of this package registers everything."""

from sanic_star.compat._app.decorators import Registrar as SignalMixin

__all__ = ["SignalMixin"]
