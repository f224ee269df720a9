"""Sanic's attributes for other routes in `app.router.routes`: mounts, hosts and Starlette's routes.

Plugins that iterate over the routes of an application read `name`, `handler`, `ctx` and `segments` of each. A route
gets the missing ones, once; attributes that Starlette reads are not changed.
"""

from __future__ import annotations

import re
from copy import copy
from functools import partial
from inspect import isclass, isroutine
from types import SimpleNamespace
from typing import Any, get_type_hints

from starlette.routing import BaseRoute

_PARAMETER = re.compile(r"{[^:}]*:?([^}]*)}")
_BELOW = "<__dynamic__:path>"


class RouteContext(SimpleNamespace):
    """`route.ctx`: the user's attributes of a route."""

    # Sanic Extensions set the CORS settings of each route at the start, and read them after each response. This is the
    # default for routes that are added later.
    _cors = SimpleNamespace()


def describe(route: BaseRoute) -> None:
    """Give a route the attributes `name`, `handler`, `ctx` and `segments`, if they are missing.

    Args:
        route: any route; unchanged if its class allows no new attributes.

    Examples:
        >>> from starlette.routing import Mount
        >>> from starlette.staticfiles import StaticFiles
        >>> mount = Mount("/files", StaticFiles(directory="."))
        >>> describe(mount)
        >>> mount.name, mount.segments
        ('', ('files', '<__dynamic__:path>'))
    """
    words: Any = route
    try:
        if not hasattr(route, "ctx"):
            words.ctx = RouteContext()
        if not hasattr(route, "handler"):
            words.handler = _handler(route)
        if not hasattr(route, "segments"):
            words.segments = _segments(route)
        if getattr(route, "name", None) is None:
            if hasattr(route, "name"):
                # In Starlette `None` is not an empty name: routes of such a mount need no prefix in `url_path_for`.
                words.url_path_for = copy(route).url_path_for
            words.name = ""
    except AttributeError:
        pass


def _handler(route: Any) -> Any:
    """Return the endpoint if its type hints can be read, like those of a Sanic handler, else the route's `handle`."""
    endpoint = getattr(route, "endpoint", None)
    function = endpoint.func if isinstance(endpoint, partial) else endpoint
    if isroutine(function) or isclass(function):
        try:
            get_type_hints(function)
        except Exception:
            # An annotation may be any expression, and use names that are only imported for type checkers.
            return route.handle
        return endpoint
    return route.handle


def _segments(route: Any) -> tuple[str, ...]:
    path = getattr(route, "path", None)
    if not isinstance(path, str):
        return (_BELOW,)
    segments = tuple(_PARAMETER.sub(_dynamic, part) for part in path.lstrip("/").split("/"))
    if hasattr(route, "endpoint"):
        return segments
    # A mount, which serves everything below its path.
    return (*(part for part in segments if part), _BELOW)


def _dynamic(match: re.Match[str]) -> str:
    return f"<__dynamic__:{match[1] or 'str'}>"
