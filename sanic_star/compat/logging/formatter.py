"""How log lines look: for people, for machines, and as Sanic wrote them up to 23.

The names are those that logging configurations of Sanic applications have. `AutoFormatter` and `AutoAccessFormatter`
in the default configuration mean "as fits"; a configuration that names another one is left as it is.

An access record has the attributes `host`, `request`, `status`, `byte` and `duration`.
"""

from __future__ import annotations

import json
import logging
from typing import Any

from sanic_star.compat.logging.color import Colors

# What every record has; the rest is what a caller gave as `extra`.
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "verbosity", "ident"}
_ACCESS = ("host", "request", "status", "byte", "duration")
_BY_LEVEL = {
    logging.DEBUG: Colors.GREEN,
    logging.WARNING: Colors.YELLOW,
    logging.ERROR: Colors.RED,
    logging.CRITICAL: Colors.RED,
}


class AutoFormatter(logging.Formatter):
    """Time, level, message, and what was given as `extra`.

    >>> record = logging.makeLogRecord({"msg": "Hello", "levelname": "INFO", "shop": 7, "created": 0})
    >>> AutoFormatter().format(record).partition(" INFO: ")[2]
    'Hello shop=7'
    """

    LINE = f"{Colors.GREY}%(asctime)s{Colors.END} %(levelname)s: %(message)s"
    DATE_FORMAT = "%Y-%m-%d %H:%M:%S %z"
    LOG_EXTRA = True

    def __init__(self, fmt: str | None = None, datefmt: str | None = None, *args: Any, **kwargs: Any) -> None:
        super().__init__(fmt or self.LINE, datefmt or self.DATE_FORMAT, *args, **kwargs)

    def formatMessage(self, record: logging.LogRecord) -> str:
        """Put a record into one line."""
        color = _BY_LEVEL.get(record.levelno, "")
        level = f"{color}{record.levelname}{Colors.END if color else ''}"
        values = dict.fromkeys(_ACCESS, "") | vars(record) | {"levelname": level}
        line = (self._fmt or "%(message)s") % values
        told = _extra(record) if self.LOG_EXTRA else {}
        return " ".join([line, *(f"{Colors.YELLOW}{name}{Colors.END}={value}" for name, value in told.items())])


def _extra(record: logging.LogRecord) -> dict[str, Any]:
    return {name: value for name, value in vars(record).items() if name not in _STANDARD}


class DebugFormatter(AutoFormatter):
    """As `AutoFormatter`, with the time of day alone."""

    DATE_FORMAT = "%H:%M:%S"


class ProdFormatter(AutoFormatter):
    """As `AutoFormatter`."""


class LegacyFormatter(AutoFormatter):
    """As Sanic up to 23 wrote it: time, process and level in brackets, then the message."""

    LINE = "%(asctime)s [%(process)s] [%(levelname)s] %(message)s"
    DATE_FORMAT = "[%Y-%m-%d %H:%M:%S %z]"


class AutoAccessFormatter(AutoFormatter):
    """One line for a request: who, what, status, bytes and time taken."""

    LINE = f"{AutoFormatter.LINE.removesuffix('%(message)s')}%(host)s %(request)s %(status)s %(byte)s %(duration)s"
    LOG_EXTRA = False


class DebugAccessFormatter(AutoAccessFormatter):
    """As `AutoAccessFormatter`, with the time of day alone."""

    DATE_FORMAT = "%H:%M:%S"


class ProdAccessFormatter(AutoAccessFormatter):
    """As `AutoAccessFormatter`."""


class LegacyAccessFormatter(AutoAccessFormatter):
    """As Sanic up to 23 wrote it."""

    LINE = "%(asctime)s - (%(name)s)[%(levelname)s][%(host)s]: %(request)s %(message)s %(status)s %(byte)s"


class JSONFormatter(AutoFormatter):
    """One JSON object a line, with what was given as `extra`.

    >>> print(JSONFormatter(datefmt="now").format(logging.makeLogRecord({"msg": "Hi", "levelname": "INFO"})))
    ... # doctest: +ELLIPSIS
    {"timestamp":"now","level":"INFO","message":"Hi","name":null,...
    """

    ATTRIBUTES: tuple[str, ...] = ("name", "levelno", "pathname", "module", "filename", "lineno")

    def format(self, record: logging.LogRecord) -> str:
        """Write a record."""
        told: dict[str, Any] = {
            "timestamp": self.formatTime(record, self.datefmt),
            "level": record.levelname,
            "message": record.getMessage(),
        }
        told |= {name: getattr(record, name, None) for name in self.ATTRIBUTES}
        if self.LOG_EXTRA:
            told |= _extra(record)
        if record.exc_info:
            told["exc_info"] = self.formatException(record.exc_info)
        # A log line must not fail for what it tells.
        return json.dumps(told, separators=(",", ":"), default=str)


class JSONAccessFormatter(JSONFormatter):
    """One JSON object for a request."""

    ATTRIBUTES = _ACCESS
    LOG_EXTRA = False
