"""Adapt the log when an application starts: its formatters, its colours, and whether lines show `extra`."""

from __future__ import annotations

from sanic_star.compat.helpers import Default, _default, is_atty
from sanic_star.compat.log import COLORIZE, access_logger, error_logger, logger, server_logger, websockets_logger
from sanic_star.compat.logging.formatter import (
    AutoAccessFormatter,
    AutoFormatter,
    DebugAccessFormatter,
    DebugFormatter,
    ProdAccessFormatter,
    ProdFormatter,
    identity,
)

# What this has put in place of an `Auto…` one, so that another start may put another one there.
_MADE = "_sanic_star_made"


def setup_logging(debug: bool, no_color: bool = False, log_extra: bool | Default = _default) -> None:
    """Let the log of this process look as it should; called when an application starts.

    Args:
        debug: whether the lines are for a developer.
        no_color: whether a terminal gets no colours either: the setting `NO_COLOR`.
        log_extra: whether lines tell what was given as `extra`: the setting `LOG_EXTRA`. By default in debug mode.
    """
    AutoFormatter.SETUP = True
    AutoFormatter.ATTY = is_atty()
    AutoFormatter.NO_COLOR = no_color or not COLORIZE
    AutoFormatter.LOG_EXTRA = debug if isinstance(log_extra, Default) else bool(log_extra)
    AutoFormatter.IDENT = identity()
    line, access = (DebugFormatter, DebugAccessFormatter) if debug else (ProdFormatter, ProdAccessFormatter)
    for log in (logger, error_logger, access_logger, server_logger, websockets_logger):
        for handler in log.handlers:
            kind = getattr(handler.formatter, _MADE, type(handler.formatter))
            if kind in (AutoFormatter, AutoAccessFormatter):
                made = access() if kind is AutoAccessFormatter else line()
                setattr(made, _MADE, kind)
                handler.setFormatter(made)
