"""Old members of requests, and old names of the module `sanic.request`."""

from __future__ import annotations

from typing import Any

from sanic_star.compat._support.deprecation import deprecation
from sanic_star.compat._support.json import loads as json_loads
from sanic_star.compat.request._body import BodyStream as StreamBuffer

__all__ = ["StreamBuffer", "json_loads"]


def raw_args(request: Any) -> dict[str, Any]:
    """Return the first value of each name in the query."""
    return {name: values[0] for name, values in request.args.items()}


def setitem_(request: Any, key: str, value: Any) -> None:
    """Set an item of a request, which is also an attribute of `request.ctx`, as in Sanic 19.12."""
    if request._items is None:
        request._items = {}
    request._items[key] = None
    setattr(request.ctx, key, value)


def getitem_(request: Any, key: str) -> Any:
    """Return an item of a request.

    Raises:
        KeyError: neither the item nor an attribute of `request.ctx` exists.
    """
    try:
        return getattr(request.ctx, key)
    except (AttributeError, TypeError):
        raise KeyError(key) from None


def read_item(request: Any, key: str) -> Any:
    """Return an item of a request, with a warning; raises the exceptions of `getitem_`."""
    value = getitem_(request, key)
    deprecation("request[name] was removed in Sanic 20.3: use request.ctx instead.", 20.3)
    return value


def delitem_(request: Any, key: str) -> None:
    """Delete an item of a request.

    Raises:
        KeyError: see `getitem_`.
    """
    try:
        delattr(request.ctx, key)
    except (AttributeError, TypeError):
        raise KeyError(key) from None
    (request._items or {}).pop(key, None)


_MISSING: Any = object()


def pop(request: Any, key: str, default: Any = _MISSING) -> Any:
    """Delete an item of a request, and return it.

    Args:
        request: the request.
        key: the name of the item.
        default: returned if the item is not set.

    Raises:
        KeyError: the item is not set, and there is no default.
    """
    try:
        value = getitem_(request, key)
    except KeyError:
        if default is _MISSING:
            raise
        return default
    delitem_(request, key)
    return value


def setdefault(request: Any, key: str, default: Any = None) -> Any:
    """Set a missing item of a request; return the item."""
    try:
        return getitem_(request, key)
    except KeyError:
        setitem_(request, key, default)
        return default


def update(request: Any, *args: Any, **kwargs: Any) -> None:
    """Set items of a request; arguments as in `dict.update`."""
    for key, value in dict(*args, **kwargs).items():
        setitem_(request, key, value)


def copy(request: Any) -> dict[str, Any]:
    """Return the items of a request."""
    return {key: getitem_(request, key) for key in request._items or ()}


def clear(request: Any) -> None:
    """Delete the items of a request."""
    for key in list(request._items or ()):
        delitem_(request, key)


def popitem(request: Any) -> tuple[str, Any]:
    """Delete the item that was set last, and return its name and value.

    Raises:
        KeyError: the request has no items.
    """
    if not request._items:
        raise KeyError("the request has no items")
    key = list(request._items)[-1]
    return key, pop(request, key)


def body_init(request: Any) -> None:
    """Set the body to `b""`."""
    request.body = b""


def body_push(request: Any, data: bytes) -> None:
    """Append bytes to the body."""
    request.body += data


def body_finish(request: Any) -> None:
    """Do nothing: `body_push` leaves a complete body."""


async def get(stream: Any) -> bytes | None:
    """Return the next part of a request's body; `None` after the last part."""
    part: bytes | None = await stream.read()
    return part
