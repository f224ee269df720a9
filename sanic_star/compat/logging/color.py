"""Colours for terminals."""

import os
from enum import StrEnum

from sanic_star.compat.helpers import is_atty

__all__ = (
    "COLORIZE",
    "Colors",
)

# https://no-color.org: any value that is not empty. The other variable is that of the setting, because formatters do
# not know the settings of an application.
COLORIZE = is_atty() and not any(os.environ.get(name) for name in ("NO_COLOR", "SANIC_NO_COLOR"))


class Colors(StrEnum):
    """Control sequences of colours; empty if the output is not a terminal, so that they can be used in any text."""

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
