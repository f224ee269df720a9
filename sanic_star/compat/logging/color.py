"""Colours for terminals; they are in `sanic_star.compat.log`."""

from sanic_star.compat.log import COLORIZE, Colors

__all__ = (
    "COLORIZE",
    "Colors",
)
