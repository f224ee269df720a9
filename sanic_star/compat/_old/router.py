"""Old members of routers, and old names of the module `sanic.router`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sanic_star.compat._routing.exceptions import InvalidUsage, NotFound
from sanic_star.compat._routing.path_types import PATH_TYPES
from sanic_star.compat.exceptions import SanicException

# The converter and the regular expression of a segment, by the old names of path types.
REGEX_TYPES: dict[str, tuple[Callable[[str], Any], str]] = {
    old_name: (path_type.convert, path_type.regex)
    for path_type in PATH_TYPES
    for old_name in ({"str": "string", "float": "number"}.get(path_type.label, path_type.label),)
    if old_name in ("string", "int", "number", "alpha", "path", "uuid")
}


class RouteDoesNotExist(Exception):
    """No route has the path."""


def path_of(router: Any, uri: str, route: Any) -> bool:
    """Return whether a route was registered with a path.

    Args:
        router: the application's router, which parses the path.
        uri: the path as registered.
        route: a route of the router.
    """
    handler, route_path = getattr(route, "handler", None), getattr(route, "uri", None)
    if handler is None or route_path is None:
        return False
    try:
        parsed_path, _ = router._parse("/" + uri.lstrip("/"), handler)
    except (InvalidUsage, SanicException):
        return False
    return bool(parsed_path == route_path) or (
        not getattr(route, "strict", False) and parsed_path.strip("/") == route_path.strip("/")
    )


def get_supported_methods(router: Any, url: str) -> list[str] | None:
    """Return the HTTP methods of a path's routes; `None` if there is no route.

    Args:
        router: the application's router.
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
    """Return whether the handler of a request reads the body itself.

    Args:
        router: the application's router.
        request: the request.
    """
    route = request.route
    return bool(route is not None and getattr(route.extra, "stream", False))


def remove(router: Any, uri: str, clean_cache: bool = True, host: str | None = None) -> None:
    """Remove all routes of a path from a router.

    Args:
        router: the application's router.
        uri: the path as registered, including the blueprint's prefix.
        clean_cache: ignored: the router detects changes itself.
        host: the host of the routes, if they have one.

    Raises:
        RouteDoesNotExist: no route has the path.
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
    """Return the path and the route for each route name."""
    return {name: (route.uri, route) for name, route in router.name_index.items()}
