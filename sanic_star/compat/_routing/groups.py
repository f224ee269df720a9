"""`app.router.groups`: the routes of each path, for plugins that read all methods of a path.

The key is the path's shape: `("users", "<__dynamic__:int>")`. Groups are immutable, and the router caches them until
routes change; Sanic builds the mapping for each access.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from sanic_star.compat._routing.exceptions import InvalidUsage

if TYPE_CHECKING:
    from sanic_star.compat._routing.path_types import ParamInfo
    from sanic_star.compat._routing.routes import Route, WebSocketRoute

    AnyRoute: TypeAlias = Route | WebSocketRoute


class RouteGroup:
    """The routes of one path.

    Attributes that do not depend on the method are those of the first route, which, as in Sanic, was added last.

    Args:
        routes: the routes, the newest first.

    Raises:
        InvalidUsage: there is no route, or their paths differ.

    Examples:
        >>> from sanic_star import Sanic
        >>> app = Sanic("Users")
        >>> @app.get("/users/<id:int>")
        ... async def show(request, id): ...
        >>> @app.delete("/users/<id:int>")
        ... async def remove(request, id): ...
        >>> group = app.router.groups["users", "<__dynamic__:int>"]
        >>> group.path, sorted(group.methods)
        ('users/<id:int>', ['DELETE', 'GET'])
    """

    def __init__(self, *routes: AnyRoute) -> None:
        if len({route.segments for route in routes}) != 1:
            raise InvalidUsage("Cannot group routes with differing paths")
        self.routes: Sequence[AnyRoute] = routes
        self._first_route = first_route = routes[0]
        self.uri: str = first_route.uri
        self.path: str = first_route.uri.lstrip("/")
        self.strict: bool = first_route.strict
        self.unquote: bool = first_route.unquote
        self.segments: tuple[str, ...] = first_route.segments

    def __iter__(self) -> Iterator[AnyRoute]:
        return iter(self.routes)

    def __getitem__(self, index: int) -> AnyRoute:
        return self.routes[index]

    def __len__(self) -> int:
        return len(self.routes)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: path={self.path or '/'} len={len(self.routes)}>"

    @cached_property
    def methods(self) -> frozenset[str]:
        """The HTTP methods of all routes; GET for a websocket."""
        return frozenset(method for route in self.routes for method in route.methods or ())

    @cached_property
    def methods_index(self) -> dict[str, AnyRoute]:
        """The routes by method; of two with the same method, as for different hosts, the older one."""
        return {method: route for route in self.routes for method in route.methods or ()}

    @property
    def requirements(self) -> list[dict[str, str]]:
        """The requirements of the routes that have any: `{"host": "example.com"}`."""
        return [route.requirements for route in self.routes if route.requirements]

    @property
    def raw_path(self) -> str:
        """The path as it was registered, without its leading slash."""
        return self._first_route.raw_path

    @property
    def parts(self) -> tuple[str, ...]:
        """The segments of the path, with parameters as they were registered."""
        return self._first_route.parts

    @property
    def params(self) -> dict[int, ParamInfo]:
        """The parameters by the index of their segment."""
        return self._first_route.params

    @property
    def labels(self) -> list[str]:
        """The parameters' names."""
        return self._first_route.labels

    @property
    def regex(self) -> bool:
        """Whether the path has a regular expression or a `path` parameter."""
        return self._first_route.regex

    @property
    def pattern(self) -> str | None:
        """The path's regular expression, if it needs one."""
        return self._first_route.pattern

    @cached_property
    def kind(self) -> Literal["static", "dynamic", "regex"]:
        """The table of the group in Sanic's router, where routes with hosts are dynamic."""
        if self.regex:
            return "regex"
        return "static" if self._first_route.static and not self.requirements else "dynamic"

    @property
    def depth(self) -> int:
        """The number of segments."""
        return len(self.parts)

    @property
    def dynamic_path(self) -> bool:
        """Whether a parameter may contain slashes."""
        return any(param.spans for param in self.params.values())


def group_routes(routes: Iterable[Any]) -> dict[tuple[str, ...], RouteGroup]:
    """Return the groups of routes, in Sanic's order: literal paths, parameters of known types, regular expressions.

    Args:
        routes: routes of an application, in the order of their addition.
    """
    literal_routes: dict[tuple[str, ...], list[AnyRoute]] = {}
    typed_routes: dict[tuple[str, ...], list[AnyRoute]] = {}
    regex_routes: dict[tuple[str, ...], list[AnyRoute]] = {}
    for route in routes:
        segments = route.segments
        if route.regex:
            table = regex_routes
        elif route.static and not route.requirements and segments not in typed_routes:
            table = literal_routes
        else:
            table = typed_routes
            if segments in literal_routes:
                table[segments] = literal_routes.pop(segments)
        table.setdefault(segments, []).insert(0, route)
    return {key: RouteGroup(*group) for key, group in (literal_routes | typed_routes | regex_routes).items()}
