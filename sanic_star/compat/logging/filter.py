"""A filter of log records by verbosity; it is in `sanic_star.compat.log`."""

from sanic_star.compat.log import VerbosityFilter

__all__ = ("VerbosityFilter",)
