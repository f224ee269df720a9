"""The default configuration of the log; it is in `sanic_star.compat.log`."""

from sanic_star.compat.log import LOGGING_CONFIG_DEFAULTS

__all__ = ("LOGGING_CONFIG_DEFAULTS",)
