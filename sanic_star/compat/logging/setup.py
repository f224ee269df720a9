"""Adapt the log when an application starts: its formatters, its colours, and whether lines show `extra`."""

from __future__ import annotations

from sanic_star.compat.helpers import Default, _default, is_atty
from sanic_star.compat.log import access_logger, error_logger, logger, server_logger, websockets_logger
from sanic_star.compat.logging.color import COLORIZE
from sanic_star.compat.logging.formatter import (
    AutoAccessFormatter,
    AutoFormatter,
    DebugAccessFormatter,
    DebugFormatter,
    ProdAccessFormatter,
    ProdFormatter,
    identity,
)

# Marks a formatter that has replaced an `Auto…` one with that class, so that another start can replace it again.
_REPLACED_CLASS = "_sanic_star_made"


def setup_logging(debug: bool, no_color: bool = False, log_extra: bool | Default = _default) -> None:
    """Configure the log formatters of this process; called when an application starts.

    Args:
        debug: whether to use the formatters for debug mode.
        no_color: whether to omit colours on a terminal: the setting `NO_COLOR`.
        log_extra: whether lines include the values of `extra`: the setting `LOG_EXTRA`. By default in debug mode.
    """
    AutoFormatter.SETUP = True
    AutoFormatter.ATTY = is_atty()
    AutoFormatter.NO_COLOR = no_color or not COLORIZE
    AutoFormatter.LOG_EXTRA = debug if isinstance(log_extra, Default) else bool(log_extra)
    AutoFormatter.IDENT = identity()
    line, access = (DebugFormatter, DebugAccessFormatter) if debug else (ProdFormatter, ProdAccessFormatter)
    for log in (logger, error_logger, access_logger, server_logger, websockets_logger):
        for handler in log.handlers:
            kind = getattr(handler.formatter, _REPLACED_CLASS, type(handler.formatter))
            if kind in (AutoFormatter, AutoAccessFormatter):
                formatter = access() if kind is AutoAccessFormatter else line()
                setattr(formatter, _REPLACED_CLASS, kind)
                handler.setFormatter(formatter)
