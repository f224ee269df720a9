"""The cookies of a response as dictionaries, as in Sanic up to 23.12."""

from __future__ import annotations

from collections.abc import ItemsView, Iterator, KeysView, MutableMapping, ValuesView
from typing import Any

DEFAULT_MAX_AGE = 0


class Attributes(MutableMapping[str, Any]):
    """The attributes that are set in a cookie, by their names in lower case, with the values as they were set.

    Args:
        cookie: the cookie.
    """

    def __init__(self, cookie: Any) -> None:
        self._cookie = cookie

    def __getitem__(self, name: str) -> Any:
        value = self._cookie._item(name)
        if value is None or value is False:
            raise KeyError(name)
        return value

    def __setitem__(self, name: str, value: Any) -> None:
        self._cookie._set_item(name, value)

    def __delitem__(self, name: str) -> None:
        self[name]
        self._cookie._set_item(name, False)

    def __iter__(self) -> Iterator[str]:
        return (name for name in self._cookie._names() if name in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)


class Jar(MutableMapping[str, Any]):
    """The cookies of a response, by their names.

    Args:
        jar: the response's `cookies`.
    """

    def __init__(self, jar: Any) -> None:
        self._jar = jar

    def __getitem__(self, key: str) -> Any:
        cookie = self._jar.get(key)
        if cookie is None:
            raise KeyError(key)
        return cookie

    def __setitem__(self, key: str, value: Any) -> None:
        self._jar._set_item(key, value)

    def __delitem__(self, key: str) -> None:
        cookie = self[key]
        values = self._jar.headers.popall(self._jar.HEADER_KEY)
        for value in values:
            if value is not cookie:
                self._jar.headers.add(self._jar.HEADER_KEY, value)

    def __iter__(self) -> Iterator[str]:
        return iter(self._jar)

    def __len__(self) -> int:
        return len(list(self._jar))


def _mapping(owner: Any) -> MutableMapping[str, Any]:
    return Jar(owner) if hasattr(owner, "add_cookie") else Attributes(owner)


def contains_(cookie: Any, name: object) -> bool:
    """Return whether an attribute is set."""
    return name in Attributes(cookie)


def iter_(cookie: Any) -> Iterator[str]:
    """Iterate over the names of the attributes that are set."""
    return iter(Attributes(cookie))


def len_(cookie: Any) -> int:
    """Return how many attributes are set."""
    return len(Attributes(cookie))


def delitem_(cookie: Any, name: str) -> None:
    """Unset an attribute; raise `KeyError` if it is not set."""
    del Attributes(cookie)[name]


def items(owner: Any) -> ItemsView[str, Any]:
    """Return names and values."""
    return _mapping(owner).items()


def keys(owner: Any) -> KeysView[str]:
    """Return the names."""
    return _mapping(owner).keys()


def values(owner: Any) -> ValuesView[Any]:
    """Return the values."""
    return _mapping(owner).values()


def get(cookie: Any, name: str, default: Any = None) -> Any:
    """Return an attribute, or the default if it is not set."""
    return Attributes(cookie).get(name, default)


def pop(owner: Any, name: str, *default: Any) -> Any:
    """Remove an item, and return it or the default; raise `KeyError` without a default."""
    return _mapping(owner).pop(name, *default)


def popitem(owner: Any) -> tuple[str, Any]:
    """Remove an item, and return its name and value; raise `KeyError` if there is none."""
    return _mapping(owner).popitem()


def setdefault(owner: Any, name: str, default: Any = None) -> Any:
    """Set a missing item; return the item."""
    return _mapping(owner).setdefault(name, default)


def update(owner: Any, *args: Any, **kwargs: Any) -> None:
    """Set several items; arguments as in `dict.update`."""
    _mapping(owner).update(*args, **kwargs)


def clear(owner: Any) -> None:
    """Remove all items."""
    _mapping(owner).clear()


def copy(owner: Any) -> dict[str, Any]:
    """Return the items as a dictionary."""
    return dict(_mapping(owner))
