"""What `app.run` and the command set up for logging where the application brings nothing of its own."""

from __future__ import annotations

from typing import Any

_FORMATTERS = "sanic_star.compat.logging.formatter"


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
