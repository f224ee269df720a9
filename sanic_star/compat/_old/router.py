"""What routers, and their module, had in older releases."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sanic_star.compat._routing.exceptions import InvalidUsage, NotFound
from sanic_star.compat._routing.path_types import PATH_TYPES
from sanic_star.compat.exceptions import SanicException

# Type, and the regular expression of a segment, by the names that path types had.
REGEX_TYPES: dict[str, tuple[Callable[[str], Any], str]] = {
    old: (kind.convert, kind.regex)
    for kind in PATH_TYPES
    for old in ({"str": "string", "float": "number"}.get(kind.label, kind.label),)
    if old in ("string", "int", "number", "alpha", "path", "uuid")
}


class RouteDoesNotExist(Exception):
    """There is no route of that path."""


def path_of(router: Any, uri: str, route: Any) -> bool:
    """Tell whether a path is a route's, as it was written when that was registered.

    Args:
        router: reads the path.
        uri: the path.
        route: one of the router's.
    """
    handler, route_path = getattr(route, "handler", None), getattr(route, "uri", None)
    if handler is None or route_path is None:
        return False
    try:
        shown, _ = router._parse("/" + uri.lstrip("/"), handler)
    except (InvalidUsage, SanicException):
        return False
    return bool(shown == route_path) or (
        not getattr(route, "strict", False) and shown.strip("/") == route_path.strip("/")
    )


def get_supported_methods(router: Any, url: str) -> list[str] | None:
    """Return the HTTP methods that routes of a path answer; `None` if there is no route.

    Args:
        router: the application's.
        url: the path, with values of parameters.
    """
    names: set[str] = set()
    for method in router.ALLOWED_METHODS:
        try:
            route = router.get(url, str(method), None)[0]
        except (NotFound, SanicException):
            continue
        names.update(route.methods or ())
    return sorted(names) if names else None


def is_stream_handler(router: Any, request: Any) -> bool:
    """Tell whether the handler of a request reads the body itself.

    Args:
        router: the application's.
        request: the request.
    """
    route = request.route
    return bool(route is not None and getattr(route.extra, "stream", False))


def remove(router: Any, uri: str, clean_cache: bool = True, host: str | None = None) -> None:
    """Take the routes of a path out of a router, whatever their methods.

    Args:
        router: the application's.
        uri: the path, as it was registered, with the prefix of its blueprint.
        clean_cache: without effect: the router notices.
        host: the host that the routes are for, if they are for one.

    Raises:
        RouteDoesNotExist: there is none.
    """
    routes = [
        route
        for route in router.routes
        if path_of(router, uri, route) and (host is None or host in getattr(route, "hosts", ()))
    ]
    if not routes:
        raise RouteDoesNotExist(f"Route was not registered: {uri}")
    with router.ctx.app.amend():
        for route in routes:
            router.routes.remove(route)
            if router.name_index.get(route.name) is route:
                del router.name_index[route.name]


def routes_names(router: Any) -> dict[str, tuple[str, Any]]:
    """Return path and route by the route's name."""
    return {name: (route.uri, route) for name, route in router.name_index.items()}
