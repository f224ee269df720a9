"""Worker processes: `loader` loads the application in a worker, `multiplexer` is `app.m`."""

from typing import TYPE_CHECKING

from sanic_star.compat._support.lazy import old_names

if not TYPE_CHECKING:
    __getattr__ = old_names(__name__)
