"""The loggers of an application.

`logger` is for the application itself. This package writes to the others: errors of handlers, accesses, the server's
start and stop, websockets.
"""

from __future__ import annotations

import logging

from sanic_star.compat.logging.color import Colors
from sanic_star.compat.logging.default import LOGGING_CONFIG_DEFAULTS
from sanic_star.compat.logging.deprecation import deprecation
from sanic_star.compat.logging.filter import VerbosityFilter

__all__ = (
    "LOGGING_CONFIG_DEFAULTS",
    "Colors",
    "VerbosityFilter",
    "access_logger",
    "deprecation",
    "error_logger",
    "logger",
    "server_logger",
    "websockets_logger",
)

_verbosity = VerbosityFilter()


def _named(name: str) -> logging.Logger:
    found = logging.getLogger(f"sanic.{name}")
    found.addFilter(_verbosity)
    return found


logger = _named("root")
error_logger = _named("error")
access_logger = _named("access")
server_logger = _named("server")
websockets_logger = _named("websockets")
# It tells of every frame at the level of information.
websockets_logger.setLevel(logging.WARNING)
