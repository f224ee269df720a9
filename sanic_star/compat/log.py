"""The loggers of an application, their default configuration, colours, and warnings of what is deprecated.

`logger` is for the application itself. This package writes to the others: errors of handlers, accesses, the server's
start and stop, websockets. `logging.formatter` formats their lines. `logging.setup` adapts the configuration when an
application starts.
"""

from __future__ import annotations

import logging
import os
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sanic_star.compat._support.deprecation import deprecation
from sanic_star.compat._support.lazy import old_names
from sanic_star.compat.helpers import is_atty

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

_FORMATTERS = "sanic_star.compat.logging.formatter"
# https://no-color.org: any value but an empty one. The other is the setting's variable, read before there are settings.
COLORIZE = is_atty() and not any(os.environ.get(name) for name in ("NO_COLOR", "SANIC_NO_COLOR"))


class Colors(StrEnum):
    """What turns a colour on; empty where the output is no terminal, so that it can stand in any text."""

    END = "\033[0m" if COLORIZE else ""
    BOLD = "\033[1m" if COLORIZE else ""
    BLUE = "\033[34m" if COLORIZE else ""
    GREEN = "\033[32m" if COLORIZE else ""
    PURPLE = "\033[35m" if COLORIZE else ""
    CYAN = "\033[36m" if COLORIZE else ""
    RED = "\033[31m" if COLORIZE else ""
    YELLOW = "\033[33m" if COLORIZE else ""
    GREY = "\033[38;5;240m" if COLORIZE else ""
    SANIC = "\033[38;2;255;13;104m" if COLORIZE else ""


class VerbosityFilter(logging.Filter):
    """Keep back records that are for the curious: `logger.info(…, extra={"verbosity": 1})` needs a `verbosity` of 1.

    The number is the class's, one for the process.
    """

    verbosity: int = 0

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether a record passes."""
        return bool(getattr(record, "verbosity", 0) <= self.verbosity)


_verbosity = VerbosityFilter()


def _named(name: str) -> logging.Logger:
    named = logging.getLogger(f"sanic.{name}")
    named.addFilter(_verbosity)
    return named


logger = _named("root")
error_logger = _named("error")
access_logger = _named("access")
server_logger = _named("server")
websockets_logger = _named("websockets")
# It tells of every frame at the level of information.
websockets_logger.setLevel(logging.WARNING)


# The configuration ----------------------------------------------------------------------------------------------------


def _handler(stream: str, formatter: str) -> dict[str, Any]:
    # The stream is looked up when this is applied, not now: it may have been replaced by then.
    return {"class": "logging.StreamHandler", "formatter": formatter, "stream": f"ext://sys.{stream}"}


def _logger(name: str, handler: str) -> dict[str, Any]:
    return {"level": "INFO", "handlers": [handler], "propagate": True, "qualname": name}


LOGGING_CONFIG_DEFAULTS: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "loggers": {
        "sanic.root": {"level": "INFO", "handlers": ["console"]},
        "sanic.error": _logger("sanic.error", "error_console"),
        "sanic.access": _logger("sanic.access", "access_console"),
        "sanic.server": _logger("sanic.server", "console"),
        "sanic.websockets": _logger("sanic.websockets", "console"),
    },
    "handlers": {
        "console": _handler("stdout", "generic"),
        "error_console": _handler("stderr", "generic"),
        "access_console": _handler("stdout", "access"),
    },
    "formatters": {
        "generic": {"class": f"{_FORMATTERS}.AutoFormatter"},
        "access": {"class": f"{_FORMATTERS}.AutoAccessFormatter"},
    },
}
# The configuration that was applied last, and a copy of what it was then: applications change the defaults in place.
_configured: tuple[dict[str, Any], dict[str, Any]] | None = None


def configure(log_config: dict[str, Any] | None = None) -> None:
    """Configure logging.

    Args:
        log_config: as `logging.config.dictConfig` takes it; Sanic's default without it. The same configuration is
            applied once only, until something in it changes: a process may make thousands of applications in its tests.
    """
    global _configured
    config = log_config or LOGGING_CONFIG_DEFAULTS
    if _configured is not None and _configured[0] is config and _configured[1] == config:
        return
    # It loads sockets, queues and pickle, which a process that only imports this package does not need.
    from copy import deepcopy
    from logging.config import dictConfig

    dictConfig(config)
    try:
        _configured = config, deepcopy(config)
    except Exception:
        # A stream or a handler in it has no copy: the next application applies it again.
        _configured = None


if not TYPE_CHECKING:
    __getattr__ = old_names(__name__)
