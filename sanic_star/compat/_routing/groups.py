"""Routes of one path, together: what `app.router.groups` holds, for plugins that look at all methods of a path.

A path's shape is the key: `("users", "<__dynamic__:int>")`. The router keeps the groups until a route comes or goes,
and a group never changes; Sanic makes the mapping anew for each access.
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

    What does not depend on the method is taken from the first route, as in Sanic the one that was added last.

    Args:
        routes: the routes, the newest first.

    Raises:
        InvalidUsage: there is none, or they differ in their paths.

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
        self._first = first = routes[0]
        self.uri: str = first.uri
        self.path: str = first.uri.lstrip("/")
        self.strict: bool = first.strict
        self.unquote: bool = first.unquote
        self.segments: tuple[str, ...] = first.segments

    def __iter__(self) -> Iterator[AnyRoute]:
        return iter(self.routes)

    def __getitem__(self, place: int) -> AnyRoute:
        return self.routes[place]

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
        """The routes by method; of two with one method, as for different hosts, the older."""
        return {method: route for route in self.routes for method in route.methods or ()}

    @property
    def requirements(self) -> list[dict[str, str]]:
        """The requirements of the routes that have any: `{"host": "example.com"}`."""
        return [route.requirements for route in self.routes if route.requirements]

    @property
    def raw_path(self) -> str:
        """The path as it was written, without the slash at its start."""
        return self._first.raw_path

    @property
    def parts(self) -> tuple[str, ...]:
        """The segments of the path, parameters as they were written."""
        return self._first.parts

    @property
    def params(self) -> dict[int, ParamInfo]:
        """The parameters, by the place of their segment."""
        return self._first.params

    @property
    def labels(self) -> list[str]:
        """The parameters' names."""
        return self._first.labels

    @property
    def regex(self) -> bool:
        """Whether the path holds a regular expression or a `path` parameter."""
        return self._first.regex

    @property
    def pattern(self) -> str | None:
        """The path's regular expression, where it needs one."""
        return self._first.pattern

    @cached_property
    def kind(self) -> Literal["static", "dynamic", "regex"]:
        """The table of Sanic's router that holds the group; routes for certain hosts are dynamic there."""
        if self.regex:
            return "regex"
        return "static" if self._first.static and not self.requirements else "dynamic"

    @property
    def depth(self) -> int:
        """How many segments the path has."""
        return len(self.parts)

    @property
    def dynamic_path(self) -> bool:
        """Whether a parameter may hold slashes."""
        return any(param.spans for param in self.params.values())


def group_routes(routes: Iterable[Any]) -> dict[tuple[str, ...], RouteGroup]:
    """Return the groups of routes, in Sanic's order: literal paths, parameters of known types, regular expressions.

    Args:
        routes: routes of an application, in the order in which they were added.
    """
    literal: dict[tuple[str, ...], list[AnyRoute]] = {}
    typed: dict[tuple[str, ...], list[AnyRoute]] = {}
    regular: dict[tuple[str, ...], list[AnyRoute]] = {}
    for route in routes:
        segments = route.segments
        if route.regex:
            pool = regular
        elif route.static and not route.requirements and segments not in typed:
            pool = literal
        else:
            pool = typed
            if segments in literal:
                pool[segments] = literal.pop(segments)
        pool.setdefault(segments, []).insert(0, route)
    return {key: RouteGroup(*group) for key, group in (literal | typed | regular).items()}
