"""Regular expressions that are compiled when they are first used.

PERF: compiling those of this package took a tenth of its import, and a process uses some of them, if any; after the
first use of a method there is nothing between. `benchmarks/` shows it as the import's time.
"""

from __future__ import annotations

import re
from typing import Any


class _Pattern:
    """Stands for a pattern, and becomes it method by method."""

    def __init__(self, source: str, flags: int) -> None:
        self._source = source
        self._flags = flags

    def __getattr__(self, name: str) -> Any:
        # `re` keeps what it has compiled.
        found = getattr(re.compile(self._source, self._flags), name)
        setattr(self, name, found)
        return found


def pattern(source: str, flags: int = 0) -> re.Pattern[str]:
    """Return a regular expression, compiled when it is first used.

    Args:
        source: as for `re.compile`.
        flags: likewise.

    >>> pattern("a+").fullmatch("aaa").group()
    'aaa'
    """
    lazy: Any = _Pattern(source, flags)
    return lazy  # type: ignore[no-any-return]
