"""Warnings of what is deprecated: `deprecation`, which `log` passes on.

A leaf, which imports nothing of this package, so that any module may warn.
"""

from __future__ import annotations

from inspect import currentframe
from typing import Any, cast
from warnings import filterwarnings, warn

_ACTIONS = ("default", "error", "ignore", "always", "module", "once")
_PACKAGE = __name__.partition(".")[0]
# Methods of mappings, which call those of this package's classes.
_BETWEEN = ("collections.abc", "_collections_abc")


def deprecation(message: str, version: float) -> None:
    """Warn that something is on its way out.

    The warning points at the nearest caller outside this package, so that the line to change is the one shown.

    Args:
        message: what is old, and what to write instead.
        version: the release that drops it or, for names that Sanic has already dropped, dropped it.

    >>> import warnings
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     deprecation("old() is now new().", 26.6)
    >>> str(caught[0].message)
    '[DEPRECATION v26.6] old() is now new().'
    """
    warn(f"[DEPRECATION v{version}] {message}", DeprecationWarning, stacklevel=_outside()[0])


def filter_deprecations(action: str) -> None:
    """Say what becomes of these warnings from now on, in the whole process.

    Args:
        action: a word of Python's warning filters: default, error, ignore, always, module or once.

    Raises:
        ValueError: it is none of these.
    """
    if action not in _ACTIONS:
        raise ValueError(f"DEPRECATION_FILTER is {action!r}; it has to be one of {', '.join(_ACTIONS)}")
    # By message: the warnings point at the application's modules, whose names nobody knows.
    filterwarnings(cast(Any, action), message=r"\[DEPRECATION v", category=DeprecationWarning)


def caller_module() -> str:
    """Return the name of the module that called this package, empty in an interpreter without frames."""
    return _outside()[1]


def _outside() -> tuple[int, str]:
    """Return how many frames of this package are above its caller, and the name of the caller's module."""
    # warnings.warn has `skip_file_prefixes` for this from Python 3.12 on only.
    level = 0
    frame = currentframe()  # this function's; `None` in an interpreter without frames
    while frame is not None:
        name = frame.f_globals.get("__name__", "")
        if name.partition(".")[0] != _PACKAGE and name not in _BETWEEN:
            break
        level, frame = level + 1, frame.f_back
    # `warn` counts from the caller of this function.
    return max(level, 1), "" if frame is None else frame.f_globals.get("__name__", "")
