"""Log formatters: for people, as JSON, and in the format of Sanic up to 23.

The names are the ones that logging configurations of Sanic applications use. When an application starts, `setup`
replaces `AutoFormatter` and `AutoAccessFormatter`, which the default configuration uses, with the formatters for debug
mode or production. Other formatters are not replaced.

An access record has the attributes `host`, `request`, `status`, `byte` and `duration`. On a terminal, lines have
colours and columns, by control sequences; elsewhere they are plain text.
"""

from __future__ import annotations

import json
import logging
import os
import re
from collections.abc import Callable
from functools import partial
from typing import Any

from sanic_star.compat.helpers import is_atty
from sanic_star.compat.logging.color import COLORIZE, Colors

# The attributes of every record; all others come from `extra`.
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {
    "message",
    "asctime",
    "taskName",
    "verbosity",
    "ident",
    "right",
}
_ACCESS = ("host", "request", "status", "byte", "duration")
_BY_LEVEL = {
    logging.DEBUG: Colors.BLUE,
    logging.WARNING: Colors.YELLOW,
    logging.ERROR: Colors.RED,
    logging.CRITICAL: f"{Colors.RED}{Colors.BOLD}",
}
_COLOR = re.compile(r"\x1b\[[0-9;]*m")
# ECMA-48: move to a column from the left end; move to the right end and back; clear the rest of the line.
_COLUMN = "\x1b[1000D\x1b[%dC"
_FROM_RIGHT = "\x1b[1000C\x1b[%dD"
_CLEAR = "\x1b[K"


def identity() -> str:
    """Return the prefix of this process's log lines: `Main`, or `Srv 0` in a worker."""
    return os.environ.get("SANIC_WORKER_IDENTIFIER", "Main").ljust(5)


class AutoFormatter(logging.Formatter):
    """Process, time, level and message; below it the values of `extra`.

    A subclass may override the upper-case attributes. `LOG_EXTRA`, `NO_COLOR`, `ATTY` and `IDENT` of this class are set
    when an application starts.

    Args:
        fmt: the format of a line; by default `PREFIX_FORMAT` and `MESSAGE_FORMAT`.
        datefmt: the format of the time; by default `DATE_FORMAT`.
        args: further arguments of `logging.Formatter`.

    Examples:
        >>> record = logging.makeLogRecord({"msg": "Hello", "levelname": "INFO", "shop": 7, "created": 0})
        >>> class Telling(AutoFormatter):
        ...     LOG_EXTRA = True
        >>> Telling().format(record).partition(" INFO: ")[2]
        'Hello\\nshop=7'
    """

    SETUP = False
    ATTY = is_atty()
    NO_COLOR = ATTY and not COLORIZE
    LOG_EXTRA = True
    IDENT = identity()
    DATE_FORMAT = "%Y-%m-%d %H:%M:%S %z"
    IDENT_LIMIT = 5
    MESSAGE_START = 42
    PREFIX_FORMAT = "%(ident)s{limit} %(asctime)s %(levelname)s: {start}"
    MESSAGE_FORMAT = "%(message)s"
    _GREY_UNTIL = f"%(asctime)s {Colors.END}"

    def __init__(self, fmt: str | None = None, datefmt: str | None = None, *args: Any, **kwargs: Any) -> None:
        super().__init__(fmt or self._line(), datefmt or self.DATE_FORMAT, *args, **kwargs)

    def _line(self) -> str:
        prefix, limit, start = self.PREFIX_FORMAT, "", ""
        if self._colored:
            limit, start = _COLUMN % self.IDENT_LIMIT, _COLUMN % self.MESSAGE_START + _CLEAR
            prefix = prefix.replace("%(ident)s", f"{Colors.GREY}%(ident)s")
            if "%(ident)s" in prefix:
                prefix = prefix.replace("%(asctime)s ", self._GREY_UNTIL)
        line = prefix.replace("{limit}", limit).replace("{start}", start) + self.MESSAGE_FORMAT
        return line if self._colored else _COLOR.sub("", line)

    @property
    def _colored(self) -> bool:
        return self.ATTY and not self.NO_COLOR

    def format(self, record: logging.LogRecord) -> str:
        """Return a record as text: a line, the exception, and a line per value of `extra`."""
        line = super().format(record)
        fields = _extra(record) if self.LOG_EXTRA else {}
        before, after = (f"\n  {Colors.YELLOW}", Colors.END) if self._colored else ("\n", "")
        return line + "".join(f"{before}{name}{after}={value}" for name, value in fields.items())

    def formatMessage(self, record: logging.LogRecord) -> str:
        """Return a record as one line."""
        values = dict.fromkeys(_ACCESS, "") | vars(record)
        values |= {"ident": self.IDENT, "levelname": self._level(record), "right": ""}
        if self._colored and "%(right)s" in (self._fmt or ""):
            right_part = f"{values['status']} {values['byte']} {values['duration']}"
            values["right"] = _FROM_RIGHT % (len(right_part) - 1) + _CLEAR
        return (self._fmt or "%(message)s") % values

    def _level(self, record: logging.LogRecord) -> str:
        color = _BY_LEVEL.get(record.levelno, "") if self._colored else ""
        return f"{color}{self._level_name(record)}{Colors.END if color else ''}"

    def _level_name(self, record: logging.LogRecord) -> str:
        return record.levelname


def _extra(record: logging.LogRecord) -> dict[str, Any]:
    return {name: value for name, value in vars(record).items() if name not in _STANDARD}


class DebugFormatter(AutoFormatter):
    """Like `AutoFormatter`, with only the time of day, and short names of levels."""

    MESSAGE_START = 23
    DATE_FORMAT = "%H:%M:%S"

    def _level_name(self, record: logging.LogRecord) -> str:
        # WARN and CRIT, so that messages begin in the same column.
        return record.levelname if len(record.levelname) <= len("ERROR") else record.levelname[:4]


class ProdFormatter(AutoFormatter):
    """Like `AutoFormatter`."""


class LegacyFormatter(AutoFormatter):
    """The format of Sanic up to 23: time, process and level in brackets, then the message."""

    PREFIX_FORMAT = "%(asctime)s [%(process)s] [%(levelname)s] "
    DATE_FORMAT = "[%Y-%m-%d %H:%M:%S %z]"


class AutoAccessFormatter(AutoFormatter):
    """One line per request: client, request, status, bytes and duration."""

    MESSAGE_FORMAT = (
        f"{Colors.PURPLE}%(host)s {Colors.BLUE}{Colors.BOLD}%(request)s{Colors.END} "
        f"%(right)s%(status)s %(byte)s {Colors.GREY}%(duration)s{Colors.END}"
    )

    def _level(self, record: logging.LogRecord) -> str:
        # On a terminal the colour distinguishes accesses from other lines.
        is_colored = self._colored and record.levelno == logging.INFO
        return f"{Colors.SANIC}ACCESS{Colors.END}" if is_colored else record.levelname


class DebugAccessFormatter(AutoAccessFormatter):
    """Like `AutoAccessFormatter`, with only the time of day."""

    MESSAGE_START = DebugFormatter.MESSAGE_START
    DATE_FORMAT = DebugFormatter.DATE_FORMAT
    LOG_EXTRA = False


class ProdAccessFormatter(AutoAccessFormatter):
    """Like `AutoAccessFormatter`, with a bar after the process."""

    PREFIX_FORMAT = AutoFormatter.PREFIX_FORMAT.replace("{limit} ", "{limit}|")
    LOG_EXTRA = False
    _GREY_UNTIL = f"%(asctime)s{Colors.END} "


class LegacyAccessFormatter(AutoAccessFormatter):
    """The format of Sanic up to 23."""

    PREFIX_FORMAT = "%(asctime)s - (%(name)s)[%(levelname)s][%(host)s]: "
    MESSAGE_FORMAT = "%(request)s %(message)s %(status)s %(byte)s"


class JSONFormatter(AutoFormatter):
    """One JSON object per line, including the values of `extra`.

    Examples:
        >>> print(JSONFormatter(datefmt="now").format(logging.makeLogRecord({"msg": "Hi", "levelname": "INFO"})))
        ... # doctest: +ELLIPSIS
        {"timestamp":"now","level":"INFO","message":"Hi","name":null,...
    """

    FIELDS = ["name", "levelno", "pathname", "module", "filename", "lineno"]
    # A log line must not fail because of its values.
    dumps: Callable[..., str] = staticmethod(partial(json.dumps, separators=(",", ":"), default=str))

    def format(self, record: logging.LogRecord) -> str:
        """Return a record as JSON; `to_dict` selects the values, `format_dict` writes them."""
        return self.format_dict(self.to_dict(record))

    def format_dict(self, record: dict[str, Any]) -> str:
        """Return a mapping as JSON.

        Args:
            record: the logged values by name.
        """
        return self.dumps(record)

    def to_dict(self, record: logging.LogRecord) -> dict[str, Any]:
        """Return the values of a record."""
        fields: dict[str, Any] = {
            "timestamp": self.formatTime(record, self.datefmt),
            "level": record.levelname,
            "message": record.getMessage(),
        }
        fields |= {name: getattr(record, name, None) for name in self.FIELDS}
        if self.LOG_EXTRA:
            fields |= _extra(record)
        if record.exc_info:
            fields["exc_info"] = self.formatException(record.exc_info)
        return fields


class JSONAccessFormatter(JSONFormatter):
    """One JSON object per request."""

    FIELDS = list(_ACCESS)
    LOG_EXTRA = False
