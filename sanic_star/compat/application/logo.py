"""The logo of this package; coloured on a terminal with colours.

Sanic's own logo belongs to Sanic and is not used.
"""

from __future__ import annotations

import os
import re
import sys

BASE_LOGO = "Sanic's API on Starlette"
CUP = "\N{HOT BEVERAGE}"

_STAR = ("    .     ", "  __/\\__  ", "  \\    /  ", "  /_/\\_\\  ")
_CUP = ("   ) )    ", "  .---.   ", "  |   |_) ", "  `---'   ")
_GOLD, _NIGHT, _RESET = "\033[1;38;5;220;48;5;17m", "\033[38;5;153m", "\033[0m"


def _drawn(lines: tuple[str, ...], name: bool = False) -> str:
    coloured_lines = [f"{_GOLD}{line}{_RESET}" for line in lines]
    return "\n".join([*coloured_lines, f"{_NIGHT}sanic_star{_RESET}"] if name else coloured_lines)


COLOR_LOGO = _drawn(_STAR)
COFFEE_LOGO = _drawn(_CUP)
FULL_COLOR_LOGO = _drawn(_STAR, name=True)

COLOURS = re.compile(r"\033\[[0-9;]*m")
"""The control sequences that colour text in a terminal."""


def get_logo(full: bool = False, coffee: bool = False) -> str:
    """Return the logo: a line of text, or a coloured drawing if standard output is a terminal.

    Args:
        full: whether to add the name below the drawing.
        coffee: whether to draw a cup of coffee.
    """
    # `NO_COLOR`: https://no-color.org
    if not sys.stdout.isatty() or os.environ.get("NO_COLOR"):
        return f"{BASE_LOGO} {CUP}" if coffee else BASE_LOGO
    if full:
        return FULL_COLOR_LOGO
    return COFFEE_LOGO if coffee else COLOR_LOGO


__all__ = ["BASE_LOGO", "COFFEE_LOGO", "COLOR_LOGO", "FULL_COLOR_LOGO", "get_logo"]
