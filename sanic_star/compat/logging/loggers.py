"""The loggers; see `sanic_star.compat.log`."""

from sanic_star.compat.log import access_logger, error_logger, logger, server_logger, websockets_logger

__all__ = ["access_logger", "error_logger", "logger", "server_logger", "websockets_logger"]
