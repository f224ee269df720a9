"""Colours for terminals."""

from enum import StrEnum

from sanic_star.compat.log import COLORIZE

__all__ = (
    "COLORIZE",
    "Colors",
)


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
