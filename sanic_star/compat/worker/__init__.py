"""Worker processes: `loader` finds the application in one, `multiplexer` is what the application sees of it."""

from typing import TYPE_CHECKING

from sanic_star.compat._support.lazy import old_names

if not TYPE_CHECKING:
    __getattr__ = old_names(__name__)
