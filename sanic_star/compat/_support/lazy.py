"""What is made with its first use: regular expressions, and the names of older releases of Sanic.

PERF: compiling the patterns of this package took a tenth of its import, and a process uses some of them, if any; after
the first use of a method there is nothing between. `benchmarks/` shows it as the import's time.

What an old name does is in `_old`. `_old.table` lists them, and has where each is implemented. The places are names in
strings, because the implementations import the modules that have the names.
"""

from __future__ import annotations

import re
from collections.abc import Callable
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


class OldName:
    """An attribute that a class had in older releases: `raw_args = OldName()`.

    No data descriptor: an attribute of that name that a user sets on an object goes first, as does a subclass's.
    """

    __slots__ = ("name",)

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = f"{owner.__name__}.{name}"

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        if instance is None:
            # Tools that list a class's attributes use none.
            return self
        from sanic_star.compat._old import find  # only for a program that uses an old name

        return find.attribute(self.name, instance)


def names_without_old(self: Any) -> list[str]:
    """List an object's attributes without the old ones: the `__dir__` of classes that have some.

    Editors do not propose them, and what reads all attributes of an object gets no warnings.
    """
    kind = type(self)
    return [name for name in object.__dir__(self) if not isinstance(getattr(kind, name, None), OldName)]


def old_names(module: str) -> Callable[[str], Any]:
    """Return the `__getattr__` of a module that had more names in older releases.

    Args:
        module: its name, `__name__`.
    """

    def __getattr__(name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        from sanic_star.compat._old import find

        return find.member(module, name)

    return __getattr__
