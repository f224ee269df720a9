"""The loggers of an application, their default configuration, and deprecation warnings.

`logger` is for the application itself. This package logs to the others: errors of handlers, accesses, the server's
start and stop, websockets. `logging.formatter` formats their lines. `logging.setup` adapts the configuration when an
application starts.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from sanic_star.compat._support.deprecation import deprecation
from sanic_star.compat._support.lazy import old_names

if TYPE_CHECKING:
    from sanic_star.compat.logging.color import Colors

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


class VerbosityFilter(logging.Filter):
    """Drop verbose records: `logger.info(…, extra={"verbosity": 1})` is logged only with a `verbosity` of 1 or more.

    `verbosity` is a class attribute, so it applies to the whole process.
    """

    verbosity: int = 0

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether to log a record."""
        return bool(getattr(record, "verbosity", 0) <= self.verbosity)


_verbosity = VerbosityFilter()


def _named(name: str) -> logging.Logger:
    named_logger = logging.getLogger(f"sanic.{name}")
    named_logger.addFilter(_verbosity)
    return named_logger


logger = _named("root")
error_logger = _named("error")
access_logger = _named("access")
server_logger = _named("server")
websockets_logger = _named("websockets")
# It logs every frame at level INFO.
websockets_logger.setLevel(logging.WARNING)


# The configuration ----------------------------------------------------------------------------------------------------


def _handler(stream: str, formatter: str) -> dict[str, Any]:
    # The stream is looked up when this is applied, because it may be replaced until then.
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
# The last applied configuration, and a copy of its values at that time, because applications change the defaults in
# place.
_configured: tuple[dict[str, Any], dict[str, Any]] | None = None


def configure(log_config: dict[str, Any] | None = None) -> None:
    """Configure logging.

    Args:
        log_config: a configuration for `logging.config.dictConfig`; by default Sanic's. It is applied again only if it
            has changed, because tests may create thousands of applications.
    """
    global _configured
    config = log_config or LOGGING_CONFIG_DEFAULTS
    if _configured is not None and _configured[0] is config and _configured[1] == config:
        return
    # Imported late: it imports sockets, queues and pickle, which `import sanic_star` does not need.
    from copy import deepcopy
    from logging.config import dictConfig

    dictConfig(config)
    try:
        _configured = config, deepcopy(config)
    except Exception:
        # A configuration with a stream or a handler cannot be copied, so the next application applies it again.
        _configured = None


if not TYPE_CHECKING:

    def __getattr__(name):
        if name != "Colors":
            return old_names(__name__)(name)
        # Imported late, with the formatters: an `Enum` class takes 0.2 ms.
        from sanic_star.compat.logging.color import Colors

        return Colors

    def __dir__():
        return sorted({*globals(), "Colors"})
