"""The handler of exceptions; it is in `sanic_star.compat._app.error_handler`."""

from sanic_star.compat._app.error_handler import ErrorHandler

__all__ = ("ErrorHandler",)
