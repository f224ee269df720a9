"""The warning that a name or a form of call is old; it is in `sanic_star.compat.log`."""

from sanic_star.compat.log import deprecation

__all__ = ("deprecation",)
