"""Sanic's collections of registrations: `blueprint._future_middleware`, `app._future_routes` and others.

Packages change these collections: Sanic-Cors inserts its middleware before a blueprint's. Here all registrations are in
one list, in order, and each collection is a view of it. A blueprint applies changes of a view when it is registered. An
application has applied its registrations already, so changes of its views have no effect, as in Sanic.

Imported when one of the collections is used.
"""

from __future__ import annotations

from collections.abc import Iterable, MutableSequence
from typing import Any

from sanic_star.compat._app.definitions import Definition, Record


class Futures(MutableSequence[Any]):
    """A list of the registrations of one kind; it also has a set's methods, because some of Sanic's are sets.

    Args:
        definitions: all registrations, of any kind.
        kind: the type of the list's members.

    Examples:
        >>> from sanic_star import Blueprint
        >>> from sanic_star.compat.models.futures import FutureMiddleware
        >>> blueprint = Blueprint("shop")
        >>> blueprint._future_middleware.insert(0, FutureMiddleware(print, "request"))
        >>> [middleware for middleware, _ in blueprint._future_middleware]
        [<built-in function print>]
    """

    def __init__(self, definitions: list[Definition], kind: type[Record]) -> None:
        self._definitions = definitions
        self._kind = kind

    def _members(self) -> list[Definition]:
        return [definition for definition in self._definitions if isinstance(definition, self._kind)]

    def _replace(self, members: Iterable[Any]) -> None:
        """Replace the members; the new ones begin at the position of the former first member."""
        records = list(members)
        for record in records:
            if not isinstance(record, self._kind):
                raise TypeError(f"{record!r} is no {self._kind.__name__}")
        indexes = [index for index, definition in enumerate(self._definitions) if isinstance(definition, self._kind)]
        start = indexes[0] if indexes else len(self._definitions)
        remaining = [definition for definition in self._definitions if not isinstance(definition, self._kind)]
        self._definitions[:] = [*remaining[:start], *records, *remaining[start:]]

    def __len__(self) -> int:
        return len(self._members())

    def __getitem__(self, index: Any) -> Any:
        return self._members()[index]

    def __setitem__(self, index: Any, record: Any) -> None:
        members = self._members()
        members[index] = record
        self._replace(members)

    def __delitem__(self, index: Any) -> None:
        members = self._members()
        del members[index]
        self._replace(members)

    def insert(self, index: int, value: Any) -> None:
        """Insert a registration before the one at `index`."""
        members = self._members()
        members.insert(index, value)
        self._replace(members)

    def add(self, record: Any) -> None:
        """Append a registration, unless it is a member."""
        if record not in self._members():
            self.append(record)

    def discard(self, record: Any) -> None:
        """Remove a registration, if it is a member."""
        if record in self._members():
            self.remove(record)

    def update(self, *records: Iterable[Any]) -> None:
        """Append the registrations of each iterable that are not members."""
        for several in records:
            for record in several:
                self.add(record)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, (set, frozenset)):
            return set(self._members()) == other
        return isinstance(other, Iterable) and self._members() == list(other)

    __hash__ = None  # type: ignore[assignment]  # as a list

    def __repr__(self) -> str:
        return repr(self._members())
