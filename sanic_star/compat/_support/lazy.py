"""What is created on first use: regular expressions, cached values, modules, and names of older releases of Sanic.

PERF: compiling all patterns of this package took a tenth of its import, and a process uses only some of them. Safe
because the first use compiles the pattern, and afterwards its methods are called directly. `benchmarks/` measures the
time of the import.

Old names are implemented in `_old`; `_old.table` lists them with their implementations. These are strings, because the
implementations import the modules that have the names.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

K = TypeVar("K")
V = TypeVar("V")

# In characters or bytes. No header name in use is longer.
_MAX_KEY_LENGTH = 64


class BoundedTable(dict[K, V]):
    """A bounded cache: `table[key]` calls a function for a missing key, and stores the result.

    PERF: a subscript takes 0.03 µs, a call of a function that looks the key up three times as much. Safe with keys from
    clients: long keys are not stored, and a full table is emptied, so it never grows beyond `size`. A client that sends
    new keys each time cannot remove common keys, which are in the seed. Other keys of other clients, such as their own
    `x-…` fields, are computed again after the table was emptied.

    Args:
        make_value: makes the value; its exceptions are passed on, and nothing is stored then.
        size: the maximum number of keys besides the seed.
        seed: permanent keys with their values.

    Attributes:
        entries: an exact `dict` with the same items, for a subscript that handles the `KeyError` itself. PERF: the
            interpreter has a special instruction for those, so that it takes half the time. Safe because both change
            together.

    >>> squares = BoundedTable(lambda number: number * number, size=2, seed={0: 0})
    >>> [squares[number] for number in range(4)], list(squares)
    ([0, 1, 4, 9], [0, 3])
    """

    __slots__ = ("_make_value", "_seed", "_size", "entries")

    def __init__(self, make_value: Callable[[K], V], size: int, seed: Mapping[K, V] | None = None) -> None:
        super().__init__(seed or {})
        self.entries: dict[K, V] = dict(seed or {})
        self._make_value = make_value
        self._seed = seed or {}
        self._size = size + len(self._seed)

    def __missing__(self, key: K) -> V:
        value = self._make_value(key)
        if not isinstance(key, (str, bytes)) or len(key) <= _MAX_KEY_LENGTH:
            if len(self) >= self._size:
                # Another thread that looks a key up meanwhile computes the value itself.
                for items in (self, self.entries):
                    items.clear()
                    items.update(self._seed)
            self[key] = self.entries[key] = value
        return value


class _Pattern:
    """A stand-in for a pattern that gets the pattern's methods on first use."""

    def __init__(self, source: str, flags: int) -> None:
        self._source = source
        self._flags = flags

    def __getattr__(self, name: str) -> Any:
        # `re` caches compiled patterns.
        method = getattr(re.compile(self._source, self._flags), name)
        setattr(self, name, method)
        return method


def pattern(source: str, flags: int = 0) -> re.Pattern[str]:
    """Return a regular expression that is compiled on first use.

    Args:
        source: see `re.compile`.
        flags: see `re.compile`.

    >>> pattern("a+").fullmatch("aaa").group()
    'aaa'
    """
    lazy: Any = _Pattern(source, flags)
    return lazy  # type: ignore[no-any-return]


class OldName:
    """An attribute that a class had in older releases: `raw_args = OldName()`.

    A non-data descriptor: an attribute that a user sets on the object or a subclass takes precedence.
    """

    __slots__ = ("name",)

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = f"{owner.__name__}.{name}"

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        if instance is None:
            # Access on the class is not a use: tools list the attributes of classes.
            return self
        from sanic_star.compat._old import find  # only for a program that uses an old name

        return find.attribute(self.name, instance)


def names_without_old(self: Any) -> list[str]:
    """List an object's attributes without old names; the `__dir__` of classes with old names.

    So editors don't suggest old names, and tools that read all attributes get no warnings.
    """
    kind = type(self)
    return [name for name in object.__dir__(self) if not isinstance(getattr(kind, name, None), OldName)]


def old_names(module: str) -> Callable[[str], Any]:
    """Return the `__getattr__` of a module with old names.

    Args:
        module: its name, `__name__`.
    """

    def __getattr__(name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        from sanic_star.compat._old import find

        return find.member(module, name)

    return __getattr__


def late_modules(package: str, home: str = "") -> Callable[[str], Any]:
    """Return the `__getattr__` of a package that imports its public modules on first use, and has old names.

    Programs write `sanic.handlers.ErrorHandler` after nothing but `import sanic`, because that imports most of Sanic's
    modules. Here it imports only those that every application needs.

    Args:
        package: its name, `__name__`.
        home: the name of the package that has the modules, if it is another one.
    """
    find_old_name = old_names(package)

    def __getattr__(name: str) -> Any:
        from importlib import import_module
        from importlib.util import find_spec

        full_name = f"{home or package}.{name}"
        if name.isidentifier() and not name.startswith("_"):
            try:
                # `find_spec` raises for a loaded module without a spec, which a test may have put there.
                if full_name in sys.modules or find_spec(full_name) is not None:
                    return import_module(full_name)
            except ImportError as error:
                # The module, or a package that it needs, is not there; `hasattr` expects this exception.
                raise AttributeError(str(error), name=name) from error
        return find_old_name(name)

    return __getattr__
