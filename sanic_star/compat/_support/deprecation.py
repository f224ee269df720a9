"""Deprecation warnings: `deprecation`, which `log` exports.

This module imports nothing of this package, so that any module can import it.
"""

from __future__ import annotations

from inspect import currentframe
from typing import Any, cast
from warnings import filterwarnings, warn

_ACTIONS = ("default", "error", "ignore", "always", "module", "once")
_PACKAGE = __name__.partition(".")[0]
# Modules whose mapping methods call methods of this package's classes.
_MAPPING_MODULES = ("collections.abc", "_collections_abc")


def deprecation(message: str, version: float) -> None:
    """Warn that something is deprecated.

    The warning points at the nearest caller outside this package, so that it shows the line to change.

    Args:
        message: the deprecated use, and its replacement.
        version: the release that removes it, or for names that Sanic has already removed, has removed it.

    >>> import warnings
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     deprecation("old() is now new().", 26.6)
    >>> str(caught[0].message)
    '[DEPRECATION v26.6] old() is now new().'
    """
    warn(f"[DEPRECATION v{version}] {message}", DeprecationWarning, stacklevel=_frames_to_caller()[0])


def filter_deprecations(action: str) -> None:
    """Set the warning filter for deprecation warnings of this package, in the whole process.

    Args:
        action: an action of Python's warning filters: default, error, ignore, always, module or once.

    Raises:
        ValueError: the action is invalid.
    """
    if action not in _ACTIONS:
        raise ValueError(f"DEPRECATION_FILTER is {action!r}; it has to be one of {', '.join(_ACTIONS)}")
    # Filtered by message, because the warnings point at the application's modules.
    filterwarnings(cast(Any, action), message=r"\[DEPRECATION v", category=DeprecationWarning)


def caller_module() -> str:
    """Return the name of the module that called this package; empty in an interpreter without frames."""
    return _frames_to_caller()[1]


def _frames_to_caller() -> tuple[int, str]:
    """Return the number of frames of this package up to its caller, and the caller's module name."""
    # `warnings.warn` has `skip_file_prefixes` only from Python 3.12 on.
    level = 0
    frame = currentframe()  # this function's; `None` in an interpreter without frames
    while frame is not None:
        name = frame.f_globals.get("__name__", "")
        if name.partition(".")[0] != _PACKAGE and name not in _MAPPING_MODULES:
            break
        level, frame = level + 1, frame.f_back
    # `warn` counts from the caller of this function.
    return max(level, 1), "" if frame is None else frame.f_globals.get("__name__", "")
