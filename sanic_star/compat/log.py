"""The loggers of an application."""

from __future__ import annotations

import logging

from sanic_star.compat.logging.deprecation import deprecation

__all__ = ("access_logger", "deprecation", "error_logger", "logger", "server_logger", "websockets_logger")

logger = logging.getLogger("sanic.root")
error_logger = logging.getLogger("sanic.error")
access_logger = logging.getLogger("sanic.access")
server_logger = logging.getLogger("sanic.server")
websockets_logger = logging.getLogger("sanic.websockets")
