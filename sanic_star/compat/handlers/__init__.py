"""What answers exceptions."""

from sanic_star.compat.handlers.error import ErrorHandler

__all__ = ["ErrorHandler"]
