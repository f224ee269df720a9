"""Deprecation warnings; they are in `sanic_star.compat.log`."""

from sanic_star.compat.log import deprecation

__all__ = ("deprecation",)
