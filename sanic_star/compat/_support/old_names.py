"""Names of older releases of Sanic: how modules and classes find them. What they do is in `_old`.

`_old.table` lists them, and has where each is implemented. It is loaded with the first one that a program uses. The
places are names in strings, because the implementations import the modules that have the names.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


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
