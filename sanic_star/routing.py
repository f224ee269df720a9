"""Routes and the router: Starlette's classes on top of the index.

This is one module because a router is nothing without the kinds of route that it tells apart.

A route holds one callable, `call`, put in when the application is finalised. The application gives it the connection
and sends what comes back; what happens inside is the caller's affair. Three rules keep the way of a request short:

- a path that leads to just one route whatever the request says (no parameter, no host) is in `Router.direct`, by the
  bytes that stand on the wire;
- every other request asks `Router.find`, which answers with a route in any case: where nothing matches with
  `fallback` (404, 405, 426), where a mounted application or one of Starlette's own routes does with `forward`;
- `Router.routes` is a list that may be changed by anyone at any time: a change empties the index, and the next look-up
  builds it anew.

Which route wins: a literal path, then paths with typed parameters, then mounts and catch-all routes by the longest
literal prefix, then Starlette's own routes in order, then regular expressions, then what has no literal prefix (a mount
at the root, `/<p:path>`): it hides nothing.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from functools import cached_property
from typing import Any, SupportsIndex, TypeAlias
from urllib.parse import quote

from starlette import routing
from starlette.convertors import CONVERTOR_TYPES, Convertor
from starlette.datastructures import URL, URLPath
from starlette.middleware import Middleware
from starlette.responses import RedirectResponse
from starlette.routing import BaseRoute, Match, NoMatchFound, get_name
from starlette.types import ASGIApp, Lifespan, Receive, Scope, Send

from sanic_star.index import Index, Leaf, Parameter, Segments

# What may stand unescaped in a path (RFC 3986, section 3.3: pchar and the slash).
PATH_SAFE = "/:@!$&'()*+,;=~-._"
ANY = "*"
WEBSOCKET = "WEBSOCKET"
REST = "path"
# Where a scope keeps what changes in it at the door of a mounted application: paths are the outer one's until then.
_CHILD = "sanic_star.child"

Call: TypeAlias = Callable[[Any], Awaitable[Any]]


async def not_finalised(connection: Any) -> Any:
    """Refuse to answer: the route was reached before its application was finalised."""
    raise RuntimeError("this route belongs to no running application: start the app, or mount it in one")


def route_path(scope: Scope) -> str:
    """Return the path that routes are matched against: as it came over the wire, below the root path.

    Args:
        scope: the connection's ASGI scope. `raw_path` is used where the server gives it (it is optional in ASGI), so
            that an encoded slash is no separator.

    Examples:
        >>> route_path({"path": "/api/a/b", "raw_path": b"/api/a%2Fb", "root_path": "/api"})
        '/a%2Fb'
    """
    raw: bytes | None = scope.get("raw_path")
    path = quote(scope["path"], PATH_SAFE) if raw is None else quote(raw, PATH_SAFE + "%")
    root: str = scope.get("root_path", "")
    if root:
        encoded = quote(root, PATH_SAFE)
        if path == encoded or path.startswith(encoded.rstrip("/") + "/"):
            path = path[len(encoded.rstrip("/")) :] or "/"
    return path


def _format(segments: Segments, write: Callable[[Parameter], str]) -> str:
    return "/" + "/".join(part if isinstance(part, str) else write(part) for part in segments)


class _Indexed:
    """What HTTP and websocket routes have in common beside Starlette's attributes."""

    segments: Segments
    hosts: tuple[str, ...]
    call: Call = staticmethod(not_finalised)
    # A literal path needs no regular expression, and most are never asked for one: made on first use.
    strict = False

    @cached_property
    def path_regex(self) -> re.Pattern[str]:
        """The path as one regular expression with named groups, matched against the path below the root."""
        return re.compile(self._regex_source())

    def _regex_source(self) -> str:
        parts = [
            re.escape(part) if isinstance(part, str) else f"(?P<{part.name or f'_{place}'}>{part.convertor.regex})"
            for place, part in enumerate(self.segments)
        ]
        return "^/" + "/".join(parts) + ("$" if self.strict else "/?$")

    @cached_property
    def path_format(self) -> str:
        """The path with `{name}` for each parameter."""
        return _format(self.segments, lambda part: f"{{{part.name}}}")

    @cached_property
    def param_convertors(self) -> dict[str, Convertor[Any]]:
        """Convertors by the name of their parameter."""
        return {part.name: part.convertor for part in self.segments if isinstance(part, Parameter)}

    def admits(self, scope: Scope) -> bool:
        """Tell whether the request's host is one that the route is for (always, where it names none)."""
        if not self.hosts:
            return True
        host = next((value for name, value in scope["headers"] if name == b"host"), b"")
        return host.decode("latin-1") in self.hosts


class Route(_Indexed, routing.Route):  # type: ignore[override]  # computed on first use
    """An HTTP route of the application's own.

    Args:
        segments: the path between its slashes; a parameter fills a whole segment.
        endpoint: the handler, as the user wrote it.
        methods: HTTP methods, upper case.
        name: the name for building URLs.
        hosts: the `Host` values that the route is for; empty for all.
        strict: whether a trailing slash matters.
        reads_body: whether the body is read before `call` is awaited.
    """

    def __init__(
        self,
        segments: Segments,
        endpoint: Callable[..., Any],
        *,
        methods: Collection[str],
        name: str | None = None,
        hosts: Sequence[str] = (),
        strict: bool = False,
        reads_body: bool = False,
        include_in_schema: bool = True,
    ) -> None:
        self.segments = segments
        self.endpoint = endpoint
        self.methods = set(methods)
        self.name = get_name(endpoint) if name is None else name
        self.hosts = tuple(hosts)
        self.strict = strict
        self.reads_body = reads_body
        self.include_in_schema = include_in_schema
        self.path = _format(segments, lambda part: f"{{{part.name}:{part.label}}}")
        # Without a limit of its own a route has the application's; put in when that is finalised.
        self.max_body_size: int | None = None

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Match as Starlette's router asks for it (this package's uses its index)."""
        if scope["type"] != "http" or not self.admits(scope):
            return Match.NONE, {}
        match = self.path_regex.match(route_path(scope))
        if match is None:
            return Match.NONE, {}
        try:
            params = {name: self.param_convertors[name].convert(value) for name, value in match.groupdict().items()}
        except ValueError:
            return Match.NONE, {}
        child = {"endpoint": self.endpoint, "path_params": {**scope.get("path_params", {}), **params}}
        return (Match.FULL if scope["method"] in (self.methods or ()) else Match.PARTIAL), child


class WebSocketRoute(_Indexed, routing.WebSocketRoute):  # type: ignore[override]
    """A websocket route of the application's own; arguments as in `Route`."""

    reads_body = False
    methods = {WEBSOCKET}

    def __init__(
        self,
        segments: Segments,
        endpoint: Callable[..., Any],
        *,
        name: str | None = None,
        hosts: Sequence[str] = (),
        strict: bool = False,
    ) -> None:
        self.segments = segments
        self.endpoint = endpoint
        self.name = get_name(endpoint) if name is None else name
        self.hosts = tuple(hosts)
        self.strict = strict
        self.path = _format(segments, lambda part: f"{{{part.name}:{part.label}}}")


class Mount(routing.Mount):
    """Another ASGI application below a path.

    Unlike Starlette's it serves its own path without a redirect to the one with a slash (POST to an API mounted at
    `/graphql`); static files keep the redirect, because relative links depend on it.
    """

    methods = {ANY}
    hosts: tuple[str, ...] = ()

    def __init__(
        self,
        path: str,
        app: ASGIApp | None = None,
        routes: Sequence[BaseRoute] | None = None,
        name: str | None = None,
        *,
        middleware: Sequence[Middleware] | None = None,
        max_body_size: int | None = None,
    ) -> None:
        if path and not path.startswith("/"):
            raise ValueError(f"A mount's path starts with a slash: mount('/{path}', …) instead of mount({path!r}, …)")
        super().__init__(path, app, routes, name, middleware=middleware, max_body_size=max_body_size)

    @cached_property
    def literal(self) -> bool:
        """Whether the path has no parameters, so that the index can hold it."""
        return "{" not in self.path

    @cached_property
    def segments(self) -> Segments:
        """The path as the index keeps it."""
        rest = Parameter(REST, CONVERTOR_TYPES[REST], REST, spans=True, bare=True)
        return (*quote(self.path, PATH_SAFE).split("/")[1:], rest)

    def admits(self, scope: Scope) -> bool:
        """Tell that a mount takes every host."""
        return True

    def enter(self, scope: Scope) -> Scope:
        """Return what the mounted application's scope has other than the one around it."""
        root = scope.get("root_path", "")
        child = {
            "endpoint": self.app,
            "app_root_path": scope.get("app_root_path", root),
            "root_path": root + self.path,
        }
        if scope["path"] == child["root_path"] and not getattr(self._base_app, "html", False):
            child["path"] = scope["path"] + "/"
            if scope.get("raw_path") is not None:
                child["raw_path"] = scope["raw_path"] + b"/"
        return child


class RouteList(list[BaseRoute]):
    """The router's routes, in order of registration; tells the router of every change.

    Args:
        changed: called without arguments after each change.
    """

    def __init__(self, routes: Iterable[BaseRoute], changed: Callable[[], None]) -> None:
        super().__init__(routes)
        self._changed = changed

    def append(self, item: BaseRoute, /) -> None:
        super().append(item)
        self._changed()

    def extend(self, items: Iterable[BaseRoute], /) -> None:
        super().extend(items)
        self._changed()

    def insert(self, index: SupportsIndex, item: BaseRoute, /) -> None:
        super().insert(index, item)
        self._changed()

    def remove(self, item: BaseRoute, /) -> None:
        super().remove(item)
        self._changed()

    def pop(self, index: SupportsIndex = -1, /) -> BaseRoute:
        item = super().pop(index)
        self._changed()
        return item

    def clear(self) -> None:
        super().clear()
        self._changed()

    def sort(self, **options: Any) -> None:
        super().sort(**options)
        self._changed()

    def reverse(self) -> None:
        super().reverse()
        self._changed()

    def __setitem__(self, index: Any, item: Any, /) -> None:
        super().__setitem__(index, item)
        self._changed()

    def __delitem__(self, index: Any, /) -> None:
        super().__delitem__(index)
        self._changed()

    def __iadd__(self, items: Iterable[BaseRoute], /) -> RouteList:  # type: ignore[override,misc]
        self.extend(items)
        return self

    def __imul__(self, times: SupportsIndex, /) -> RouteList:
        super().__imul__(times)
        self._changed()
        return self


def _choose(leaf: Leaf[Any], scope: Scope) -> Any:
    """Return the route of a leaf that fits a request: a mount, a route for its host, a route for all hosts."""
    routes = leaf.get(ANY) or leaf.get(scope.get("method", WEBSOCKET)) or []
    for route in routes:
        if route.hosts and route.admits(scope):
            return route
    return next((route for route in routes if not route.hosts), None)


def _sure(leaf: Leaf[Any]) -> dict[str, Any]:
    """Return the routes of a leaf that no other one competes with, whatever the request says."""
    return {method: routes[0] for method, routes in leaf.items() if len(routes) == 1 and not routes[0].hosts}


class Router(routing.Router):
    """Starlette's router with an index in place of the search through all routes."""

    routes: RouteList

    def __init__(
        self,
        routes: Sequence[BaseRoute] | None = None,
        redirect_slashes: bool = True,
        lifespan: Lifespan[Any] | None = None,
    ) -> None:
        super().__init__(redirect_slashes=redirect_slashes, lifespan=lifespan)
        self.index: Index[Any] = Index()
        self.direct: dict[bytes | None, dict[str, Any]] = {}
        self.foreign: list[BaseRoute] = []
        self.by_name: dict[str, BaseRoute] = {}
        self.methods: set[str] = set()
        # What mounted applications' requests find in their state, by the application's id; kept by `lifespan`.
        self.states: dict[int, dict[str, Any]] = {}
        self.fallback = Route((), not_finalised, methods=(), name="fallback")
        self.forward = Route((), not_finalised, methods=(), name="forward")
        # Gives a callable to a route that comes while the application runs; the application puts it in.
        self.compile: Callable[[Any], Call] | None = None
        self._stale = True
        self.routes = RouteList(routes or (), self._changed)

    def _changed(self) -> None:
        self._stale = True
        # Emptied, not replaced: the application's dispatch holds on to this dictionary.
        self.direct.clear()

    def build(self) -> None:
        """Arrange all routes in the index, if they have changed since."""
        if not self._stale:
            return
        self._stale = False
        self.index.clear()
        self.foreign = []
        self.by_name = {}
        self.methods = set()
        for route in self.routes:
            self._arrange(route)
        self.index.settle(_sure)
        for path, leaf in self.index.exact.items():
            self.direct[path.encode("ascii")] = _sure(leaf)

    def _arrange(self, route: BaseRoute) -> None:
        name = getattr(route, "name", None)
        if name:
            self.by_name.setdefault(name, route)
        if isinstance(route, (Route, WebSocketRoute)) and self.compile and route.call is not_finalised:
            route.call = self.compile(route)
        if isinstance(route, (Route, WebSocketRoute)) or (isinstance(route, Mount) and route.literal):
            self.index.add(route, lambda: route.path_regex, route.methods or ())
            self.methods.update(route.methods or ())
        else:
            self.foreign.append(route)

    def find(self, scope: Scope) -> tuple[Any, dict[str, Any]]:
        """Return the route that answers a request, with its own path parameters.

        The scope gets `route`, `endpoint` and `path_params` (those of mounts around included), as Starlette's router
        sets them. The route is `fallback` where nothing matches, and `forward` where what matches is an ASGI
        application by itself: `scope["route"]` is that one then, and `enter` goes into it.

        Args:
            scope: the connection's ASGI scope.
        """
        if self._stale:
            self.build()
        raw = scope.get("raw_path")
        # PERF: the usual path needs no quoting and has nothing before it to take off.
        path = route_path(scope) if raw is None or scope.get("root_path") else raw.decode("latin-1")
        # PERF: the tree first. Only a path that leads to several routes stands in `exact` beside `direct`, and the
        # search below finds it before it asks the tree once more.
        method = scope.get("method", WEBSOCKET)
        if path not in self.index.exact:
            found = self.index.walk(path, method, _choose, scope)
            if found is not None:
                route, params = found
                scope["route"] = route
                scope["endpoint"] = route.endpoint
                outer = scope.get("path_params")
                scope["path_params"] = {**outer, **params} if outer else params
                return found
        found = self._search_slashes(path if path.isascii() else route_path(scope), method, scope)
        if found is None:
            return self._redirect(path, scope) or (self.fallback, {})
        route, params = found
        scope["route"] = route
        if isinstance(route, (Route, WebSocketRoute)):
            scope["endpoint"] = route.endpoint
            outer = scope.get("path_params")
            scope["path_params"] = {**outer, **params} if outer else params
            return route, params
        child = route.enter(scope) if isinstance(route, Mount) and route.literal else params
        scope.update((key, child.pop(key)) for key in ("endpoint", "path_params") if key in child)
        scope[_CHILD] = child
        return self.forward, {}

    def _search_slashes(self, path: str, method: str, scope: Scope) -> tuple[Any, dict[str, Any]] | None:
        """Search for a path, then without its last slash, then without any slash at its end.

        Not one slash after the other: a path of nothing but slashes would be searched as often as it has some.
        """
        found = self._search(path, method, scope)
        if found is None and path.endswith("/"):
            for shorter in dict.fromkeys((path[:-1] or "/", path.rstrip("/") or "/")):
                found = found or self._search(shorter, method, scope, slashless=True)
        return found

    def _search(
        self, path: str, method: str, scope: Scope, slashless: bool = False
    ) -> tuple[Any, dict[str, Any]] | None:
        """Search the index and Starlette's own routes in the order that the module's head tells.

        Args:
            slashless: whether `path` lost a trailing slash: strict routes and mounts are out then.
        """
        leaf = self.index.exact.get(path)
        route = _choose(leaf, scope) if leaf else None
        found = (route, {}) if route is not None else self.index.walk(path, method, _choose, scope)
        if found is None:
            found = self._by_prefix(path, scope, slashless)
        return None if slashless and found is not None and getattr(found[0], "strict", True) else found

    def _by_prefix(self, path: str, scope: Scope, slashless: bool) -> tuple[Any, dict[str, Any]] | None:
        rootwide = None
        for prefix, route, params in self.index.by_prefix(path, _choose, scope):
            if prefix:
                return route, params
            rootwide = (route, params)
        if self.foreign and not slashless:
            partial = None
            for foreign in self.foreign:
                match, child = foreign.matches(scope)
                if match is Match.FULL:
                    return foreign, dict(child)
                if match is Match.PARTIAL and partial is None:
                    partial = (foreign, dict(child))
            if partial is not None:
                return partial
        return self.index.by_pattern(path, _choose, scope) or rootwide

    def _redirect(self, path: str, scope: Scope) -> tuple[Any, dict[str, Any]] | None:
        """Find out whether one of Starlette's own routes would match with a slash more or less, as Starlette does."""
        if not (self.foreign and self.redirect_slashes and scope["type"] == "http" and path != "/"):
            return None
        other = dict(scope)
        other["path"] = other["path"].rstrip("/") if path.endswith("/") else other["path"] + "/"
        if all(foreign.matches(other)[0] is Match.NONE for foreign in self.foreign):
            return None
        scope["route"] = _Redirect(str(URL(scope=other)))
        return self.forward, {}

    def allowed(self, path: str, scope: Scope) -> set[str]:
        """Return the methods for which the path has a route; `WEBSOCKET` stands for a websocket."""
        found: set[str] = set()
        for method in self.methods - {ANY}:
            match = self._search_slashes(path, method, {**scope, "method": method})
            if match is not None and isinstance(match[0], (Route, WebSocketRoute)):
                found.add(method)
        return found

    def url_path_for(self, name: str, /, **path_params: Any) -> URLPath:
        """Build a path from a route's name and its parameters, as Starlette does.

        Raises:
            NoMatchFound: no route has that name and just these parameters.
        """
        if self._stale:
            self.build()
        known = self.by_name.get(name)
        if known is not None:
            try:
                return known.url_path_for(name, **path_params)
            except NoMatchFound:
                pass
        return super().url_path_for(name, **path_params)

    def mount(self, path: str, app: ASGIApp, name: str | None = None) -> None:
        """Serve another ASGI application below `path`."""
        self.routes.append(Mount(path, app=app, name=name))


def enter(connection: Any) -> ASGIApp:
    """Return the ASGI application that the router forwards to, and make the scope that application's.

    Args:
        connection: the request or websocket; its `outer` keeps what the scope said before.
    """
    scope = connection.scope
    child = scope.pop(_CHILD, {})
    connection.outer = {key: scope[key] for key in child if key in scope}
    scope.update(child)
    route = scope["route"]
    state = scope["router"].states.get(id(getattr(route, "_base_app", None) or getattr(route, "app", None)))
    if state:
        scope["state"] = {**scope.get("state", {}), **state}
    app: ASGIApp = route.handle
    return app


class _Redirect(BaseRoute):
    """Stands in `scope["route"]` for a redirect to the same path with a slash more or less."""

    def __init__(self, url: str) -> None:
        self.url = url

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        await RedirectResponse(self.url)(scope, receive, send)
