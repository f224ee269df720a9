"""What is made with its first use: regular expressions, values kept by a key, the names of older releases of Sanic.

PERF: compiling the patterns of this package took a tenth of its import, and a process uses some of them, if any; after
the first use of a method there is nothing between. `benchmarks/` shows it as the import's time.

What an old name does is in `_old`. `_old.table` lists them, and has where each is implemented. The places are names in
strings, because the implementations import the modules that have the names.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

K = TypeVar("K")
V = TypeVar("V")

# In characters or bytes: no header name that anybody uses is longer.
_LONGEST_KEY = 64


class BoundedTable(dict[K, V]):
    """Keeps what a function has made of a key: `table[key]` calls it for a key that is not there.

    PERF: a subscript takes 0.03 µs, a call of a function that looks the key up three times as much. Safe although
    clients choose keys: long keys are not kept, and a full table is emptied. So it never grows beyond `size`. A client
    that sends a new key each time pays for its own keys; usual keys are in the seed, which stays, and any other is
    made again once.

    Args:
        make: makes the value; what it raises is passed on, and nothing is kept then.
        size: how many keys there may be beside those of the seed.
        seed: keys that are always there, with their values.

    >>> squares = BoundedTable(lambda number: number * number, size=2, seed={0: 0})
    >>> [squares[number] for number in range(4)], list(squares)
    ([0, 1, 4, 9], [0, 3])
    """

    __slots__ = ("_make", "_seed", "_size")

    def __init__(self, make: Callable[[K], V], size: int, seed: Mapping[K, V] | None = None) -> None:
        super().__init__(seed or {})
        self._make = make
        self._seed = seed or {}
        self._size = size + len(self._seed)

    def __missing__(self, key: K) -> V:
        value = self._make(key)
        if not isinstance(key, (str, bytes)) or len(key) <= _LONGEST_KEY:
            if len(self) >= self._size:
                # Threads that look a key up in between make its value by themselves.
                self.clear()
                self.update(self._seed)
            self[key] = value
        return value


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
