"""Routes and the router: Starlette's classes on top of the index.

A route holds one callable, `call`, which is compiled when the application is finalised. The dispatch calls it with the
connection and sends the response that it returns. Three rules keep the way of a request short:

- `Router._direct` has the paths without parameters and hosts, by their undecoded bytes, and the last thousand paths
  with a parameter that were requested more than once;
- every other request calls `Router._look_up`, which always returns a route: `fallback` (404, 405, 426) if nothing
  matches, `forward` if a mounted application or one of Starlette's routes does;
- `Router.routes` is a list that may change at any time: a change empties the index, and the next look-up rebuilds it.

`docs/architecture.md` says which route wins. In short: a literal path, then the tree of typed parameters. Of these, the
first whose path matches decides; if it refuses the method, only a mount or one of Starlette's routes may answer. Then
mounts and paths with a parameter that holds slashes, the longest literal prefix first; Starlette's own routes in order;
regular expressions; and last the routes without a literal prefix, which hide nothing.
"""

from __future__ import annotations

import re
import sys
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from functools import cached_property
from threading import RLock
from typing import Any, Self, SupportsIndex, TypeAlias
from urllib.parse import quote, unquote

from starlette import routing
from starlette.convertors import Convertor
from starlette.datastructures import URL, URLPath
from starlette.middleware import Middleware
from starlette.responses import RedirectResponse
from starlette.routing import BaseRoute, Match, NoMatchFound, get_name
from starlette.types import ASGIApp, Lifespan, Receive, Scope, Send

from sanic_star.engine.failures import EXCHANGE
from sanic_star.engine.index import (
    PATH_SAFE,
    Index,
    Leaf,
    Parameter,
    Segments,
    Shape,
    Tail,
    match_any_spelling,
    normalize_escapes,
    normalize_literal,
    prefixes_of,
)

WEBSOCKET = "(websocket)"  # no HTTP method has brackets
# The key in a scope of the entries that change when the request enters a mounted application; until then its paths are
# those of the outer application. It is missing for a mount that was found in `_Table.mount_entries`.
_CHILD = "sanic_star.child"
# The key in a scope of the leaf of its path, if the leaf has no route for its method or host.
LEAF = "sanic_star.leaf"

Call: TypeAlias = Callable[[Any], Awaitable[Any]]
# The number of paths with a parameter that are cached with their routes (as in Sanic 25.12), and the length of such a
# path in bytes.
_MAX_CACHED, _MAX_CACHED_BYTES = 1024, 256
_NOTHING: dict[str, Any] = {}


async def not_finalised(connection: Any) -> Any:
    """Raise an exception; the `call` of each route until its application is finalised."""
    raise RuntimeError("this route belongs to no running application: start the app, or mount it in one")


def wire_path(scope: Scope) -> str:
    """Return the path as the client spelled it, percent-encoded; `root_path` is part of it.

    `raw_path` has that spelling, but only `path` is rewritten by ASGI middleware and by frameworks that call this
    application, and only `path` is required by the ASGI specification (HTTP connection scope). So `raw_path` counts
    while it says the same as `path`; otherwise `path` is encoded anew.

    Args:
        scope: the connection's ASGI scope.

    Examples:
        >>> wire_path({"path": "/a/b", "raw_path": b"/a%2Fb"}), wire_path({"path": "/new", "raw_path": b"/old"})
        ('/a%2Fb', '/new')
    """
    path: str = scope["path"]
    raw: bytes | None = scope.get("raw_path")
    if raw is not None:
        text = raw.decode("latin-1")
        if not raw.isascii():
            text = quote(raw, PATH_SAFE + "%")
        elif text == path:
            return text
        decoded, root = unquote(raw), scope.get("root_path", "")
        # Some frameworks take the root path off `path` and leave `raw_path` as it is.
        if decoded == path or (decoded == root + path and not path.startswith(root + "/")):
            return text
        # uvicorn puts a root path with escapes before both paths as it is.
        if "%" in root and text.startswith(root) and root + unquote(text[len(root) :]) == path:
            return text
    return quote(path, PATH_SAFE)


def leading_root_path(scope: Scope, path: str) -> str:
    """Return the root path as `path` begins with it: without the slashes at its end, unless `path` has these too.

    uvicorn puts `--root-path` before the path as it is: `/api/` and `/users` become `/api//users`.

    Args:
        scope: the connection's ASGI scope.
        path: the path, decoded or not.

    Examples:
        >>> scope = {"root_path": "/api/"}
        >>> leading_root_path(scope, "/api//users"), leading_root_path(scope, "/api/users")
        ('/api/', '/api')
    """
    root: str = scope.get("root_path", "")
    if root.endswith("/") and not path.startswith((root + "/", quote(root, PATH_SAFE) + "/")):
        return root.rstrip("/")
    return root


def route_path(scope: Scope) -> str:
    """Return the path that routes are matched against: `wire_path` below the root path.

    An encoded slash separates no segments.

    Args:
        scope: the connection's ASGI scope.

    Examples:
        >>> route_path({"path": "/api/a/b", "raw_path": b"/api/a%2Fb", "root_path": "/api"})
        '/a%2Fb'
    """
    path = wire_path(scope)
    root = leading_root_path(scope, path)
    if not root:
        return path
    encoded = quote(root, PATH_SAFE)
    if path.startswith(encoded):
        path_below = path[len(encoded) :]
    elif path.startswith(root) and scope["path"].startswith(root):
        # uvicorn again; see `wire_path`.
        path_below = path[len(root) :]
    else:
        # Each match stands for one byte, so the root path's end is found in any spelling.
        size = len(root.encode(errors="replace"))
        root_match = re.match(f"(?:%[0-9a-fA-F]{{2}}|.){{{size}}}", path)
        if root_match is None or unquote(root_match[0]) != root:
            return path
        path_below = path[root_match.end() :]
    if not path_below or path_below[0] == "/":
        return path_below or "/"
    # For the application around, which has matched the decoded path, this was a separator.
    return "/" + path_below[3:] if path_below[:3].upper() == "%2F" else path


def _below_plain_root(scope: Scope, path: str) -> str | None:
    """Return the result of `route_path` if neither the root path nor the path has escapes, else `None`."""
    root: str = scope.get("root_path", "")
    path_below = path[len(root) :]
    if (
        root
        and path_below[:1] == "/"
        and path.startswith(root)
        and "%" not in root
        and path.isascii()
        and path.encode() == scope.get("raw_path")
    ):
        return path_below
    return None


def _with_plain_root(scope: Scope) -> dict[str, Any]:
    """Return the entries of a scope that change so that its path begins with a root path without a slash at its end.

    hypercorn, granian and daphne leave the root path out of the path. The ASGI specification says that the path
    contains it, and mounted applications rely on that. uvicorn makes `/api//users` of `/api/` and `/users`, and a
    mounted application would build URLs with both slashes.

    Args:
        scope: the connection's ASGI scope; it has a root path.
    """
    root, path = scope["root_path"], scope["path"]
    plain_root: str = root.rstrip("/")
    path_below: str = path
    for prefix in (root, plain_root):
        if path == prefix or path.startswith(prefix + "/"):
            path_below = path[len(prefix) :]
            break
    entries: dict[str, Any] = {"root_path": plain_root}
    if path != plain_root + path_below:
        entries["path"] = plain_root + path_below
        if scope.get("raw_path") is not None:
            raw_path_below = route_path(scope) if path_below else ""
            entries["raw_path"] = (quote(plain_root, PATH_SAFE) + raw_path_below).encode()
    return entries


def _format(segments: Segments, write: Callable[[Parameter], str]) -> str:
    return "/" + "/".join(part if isinstance(part, str) else write(part) for part in segments)


def literal_regex(literal: str) -> str:
    """Return a regular expression for a literal; it matches both spellings if there are two.

    Args:
        literal: the segment of a route's path.
    """
    normalized = re.escape(normalize_literal(literal))
    return normalized if normalize_literal(literal) == literal else f"(?:{re.escape(literal)}|{normalized})"


class _IndexedRoute:
    """The attributes of HTTP and websocket routes that Starlette's routes do not have."""

    path_segments: Segments
    parameters: tuple[Parameter, ...] = ()
    # The parameters' names; `None` if one of them expands into others.
    names: tuple[str, ...] | None = ()
    hosts: tuple[str, ...]
    call: Call
    # The router that has the route in its index.
    router: Router | None = None
    strict = False

    def _set_segments(self, segments: Segments) -> None:
        self.path_segments = segments
        self.call = not_finalised
        parameters = tuple(part for part in segments if isinstance(part, Parameter))
        if parameters:
            self.parameters = parameters
            self.names = None if any(part.expand for part in parameters) else tuple(part.name for part in parameters)

    @cached_property
    def path_regex(self) -> re.Pattern[str]:
        """The path as a regular expression with named groups; it is matched against the path below the root path."""
        return re.compile(self._source() + ("$" if self.strict else "/?$"))

    def expression(self) -> re.Pattern[str]:
        """Return the path as a regular expression without an optional slash at its end, which the router removes."""
        return re.compile(self._source() + "$")

    def _source(self) -> str:
        parts = [
            literal_regex(part) if isinstance(part, str) else f"(?P<{part.name}>{part.convertor.regex})"
            for part in self.path_segments
        ]
        return "^/" + "/".join(parts)

    @cached_property
    def path_format(self) -> str:
        """The path with `{name}` for each parameter."""
        return _format(self.path_segments, lambda part: f"{{{part.name}}}")

    def bind(self, values: Sequence[Any]) -> dict[str, Any]:
        """Return the parameters by their names.

        Args:
            values: the converted segments, in order.

        Raises:
            ValueError: a parameter cannot be expanded from its value.
        """
        names = self.names
        if names is not None:
            # PERF: without the loop below, a third of its time. Safe because no parameter of `names` expands into
            # others; a literal dictionary is the fastest way for two.
            if len(names) == 2:
                return {names[0]: values[0], names[1]: values[1]}
            return dict(zip(names, values, strict=False))
        params: dict[str, Any] = {}
        for part, value in zip(self.parameters, values, strict=True):
            if part.expand is None:
                params[part.name] = value
            else:
                params.update(part.expand(value))
        return params

    @cached_property
    def param_convertors(self) -> dict[str, Convertor[Any]]:
        """Convertors by the name of their parameter."""
        return {part.name: part.convertor for part in self.parameters}

    def admits(self, scope: Scope) -> bool:
        """Return whether the route is for the request's host.

        Args:
            scope: the connection's ASGI scope.
        """
        if not self.hosts:
            return True
        for name, value in scope.get("headers", ()):
            if name == b"host":
                return value.decode("latin-1") in self.hosts
        return False

    def narrow(self, match: Match, scope: Scope, child: Scope) -> tuple[Match, Scope]:
        """Return a match as Starlette has it, unless the router chooses another route for the request.

        Tools that name a request after its route go through the routes and take the first one that matches. The router
        does not: it prefers `/names/first` to `/names/{name}`, whichever was registered first.

        Args:
            match: whether the path and the method match this route.
            scope: the connection's ASGI scope.
            child: the entries that the route adds to it.
        """
        if match is not Match.FULL or self.router is None:
            return match, child
        chosen = self.router.choose(scope)
        if chosen.get("route") is not self:
            return Match.NONE, {}
        return match, {**child, "path_params": chosen["path_params"]}


class Route(_IndexedRoute, routing.Route):  # type: ignore[override]  # computed on first use
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
        self._set_segments(segments)
        self.endpoint = endpoint
        # As in Sanic, a frozen set: a mutable one for each route would take 216 bytes more.
        self.methods = frozenset(methods)  # type: ignore[assignment]
        self.name = get_name(endpoint) if name is None else name
        self.hosts = tuple(hosts)
        self.strict = strict
        self.reads_body = reads_body
        self.include_in_schema = include_in_schema
        self.path = _format(segments, lambda part: f"{{{part.name}:{part.label}}}")
        # If the route has no limit, the finalisation sets the application's.
        self.max_body_size: int | None = None

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Match a request, for Starlette's router and tools for metrics; this package's router uses its index.

        A request that another route answers does not match.
        """
        if scope["type"] != "http" or not self.admits(scope):
            return Match.NONE, {}
        values = match_any_spelling(self.path_regex, route_path(scope), self.parameters)
        if values is None:
            return Match.NONE, {}
        try:
            pairs = zip(self.parameters, values, strict=True)
            params = self.bind([part.convertor.convert(value or "") for part, value in pairs])
        except ValueError:
            return Match.NONE, {}
        child = {"endpoint": self.endpoint, "path_params": {**scope.get("path_params", {}), **params}}
        return self.narrow(Match.FULL if scope["method"] in (self.methods or ()) else Match.PARTIAL, scope, child)


class WebSocketRoute(_IndexedRoute, routing.WebSocketRoute):  # type: ignore[override]
    """A websocket route of the application's own; arguments as in `Route`."""

    reads_body = False

    def __init__(
        self,
        segments: Segments,
        endpoint: Callable[..., Any],
        *,
        name: str | None = None,
        hosts: Sequence[str] = (),
        strict: bool = False,
    ) -> None:
        self._set_segments(segments)
        self.endpoint = endpoint
        self.name = get_name(endpoint) if name is None else name
        self.hosts = tuple(hosts)
        self.strict = strict
        self.path = _format(segments, lambda part: f"{{{part.name}:{part.label}}}")

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Match as Starlette does, unless another route answers the connection."""
        match, child = super().matches(scope)
        return self.narrow(match, scope, child)


_handle_mount = routing.Mount.handle


class Mount(routing.Mount):
    """Another ASGI application below a path.

    Unlike Starlette's, it serves its own path without a redirect to the path with a slash, because a redirect loses the
    body of a POST. Static files keep the redirect, because relative links depend on it.

    Attributes:
        runs_lifespan: whether the lifespan of the mounted application runs inside that of the one around it.
    """

    runs_lifespan = True
    # The router that has it in its table; `None` for a path with parameters, which the mount itself matches.
    router: Router | None = None
    # The format of the path below which it is found, if that has parameters and `_Table.arrange` has made an entry.
    _root_format: str | None = None

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

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Match as Starlette does, but only paths for which the router chooses this mount.

        The path without a slash matches; a path that a route of the application answers does not.
        """
        is_connection = scope["type"] in ("http", "websocket")
        if is_connection and scope.get("root_path") and not self.literal:
            entries = _with_plain_root(scope)
            match, child = super().matches({**scope, **entries})
            return match, {**entries, **child} if match is Match.FULL else child
        match, child = super().matches(scope)
        if self.router is None or not is_connection:
            return match, child
        if self.router.choose(scope).get("route") is not self:
            return Match.NONE, {}
        return Match.FULL, child or {"path_params": scope.get("path_params", {}), **self.enter(scope)}

    def enter(self, scope: Scope) -> dict[str, Any]:
        """Return the entries in which the mounted application's scope differs from the outer scope."""
        entries = _with_plain_root(scope) if scope.get("root_path") else {"root_path": ""}
        root, path = entries["root_path"], entries.get("path", scope["path"])
        child = {
            **entries,
            "endpoint": self.app,
            "app_root_path": scope.get("app_root_path", root),
            "root_path": root + self.path,
        }
        if path == child["root_path"] and not getattr(self._base_app, "html", False):
            child["path"] = path + "/"
            raw_path = child.get("raw_path", scope.get("raw_path"))
            if raw_path is not None:
                child["raw_path"] = raw_path + b"/"
        return child


class Host(routing.Host):
    """An ASGI application for all requests to one host (`Sanic.host`).

    It comes before all routes. Starlette's `Host`, in `routes=[…]`, is one of Starlette's routes: Sanic's routes come
    before it.

    Attributes:
        runs_lifespan: as in `Mount`.
    """

    runs_lifespan = True


def _fill_path(find: Callable[..., URLPath], name: str, path_params: dict[str, Any]) -> URLPath:
    """Build a path with `find`; the current request's parameters replace those that are left in braces."""
    path = find(name, **path_params)
    if "{" in path or "{" in path.host:
        # Imported late: only mounts and hosts with parameters need it.
        from sanic_star.engine.urls import fill_in

        path = fill_in(find, name, path_params)
    return path


class RouteList(list[BaseRoute]):
    """The router's routes, in order of registration; it notifies the router of each change.

    Args:
        changed: called without arguments after each change.
    """

    # Held while routes are removed: `remove` compares routes in Python, so that another thread may run in between.
    _remove_lock = RLock()
    # For an unpickled list, which gets its routes before its attributes, and has no router yet.
    _changed: Callable[[], object] = staticmethod(bool)

    def __init__(self, routes: Iterable[BaseRoute], changed: Callable[[], object]) -> None:
        super().__init__(routes)
        self._changed = changed

    def append(self, route: BaseRoute, /) -> None:
        """Add a route at the end."""
        super().append(route)
        self._changed()

    def extend(self, routes: Iterable[BaseRoute], /) -> None:
        """Add routes at the end."""
        super().extend(routes)
        self._changed()

    def insert(self, position: SupportsIndex, route: BaseRoute, /) -> None:
        """Add a route before the one at a position."""
        super().insert(position, route)
        self._changed()

    def remove(self, route: BaseRoute, /) -> None:
        """Remove a route.

        Raises:
            ValueError: the route is not in the list.
        """
        with self._remove_lock:
            super().remove(route)
        self._changed()

    def pop(self, position: SupportsIndex = -1, /) -> BaseRoute:
        """Remove and return the route at a position, by default the last one.

        Raises:
            IndexError: there is no route at the position.
        """
        with self._remove_lock:
            route = super().pop(position)
        self._changed()
        return route

    def clear(self) -> None:
        """Remove all routes."""
        super().clear()
        self._changed()

    def sort(self, *, key: Any = None, reverse: bool = False) -> None:
        """Sort the routes by a key."""
        super().sort(key=key, reverse=reverse)
        self._changed()

    def reverse(self) -> None:
        """Reverse the order of the routes."""
        super().reverse()
        self._changed()

    def __setitem__(self, position: Any, value: Any) -> None:
        super().__setitem__(position, value)
        self._changed()

    def __delitem__(self, position: SupportsIndex | slice) -> None:
        with self._remove_lock:
            super().__delitem__(position)
        self._changed()

    def __iadd__(self, routes: Iterable[BaseRoute]) -> Self:  # type: ignore[override, misc]
        result = super().__iadd__(routes)
        self._changed()
        return result

    def __imul__(self, times: SupportsIndex) -> Self:
        result = super().__imul__(times)
        self._changed()
        return result


def _choose(leaf: Leaf[Any], method: str, scope: Scope) -> Any:
    """Return the route of a leaf for a request: one for its host, else one for all hosts."""
    if leaf.hosted:
        for name, value in scope.get("headers", ()):
            if name == b"host":
                route = leaf.hosted.get((method, value))
                if route is not None:
                    return route
                break
    return leaf.without_host.get(method)


def _methods_for(leaf: Leaf[Any], scope: Scope) -> Collection[str]:
    """Return the methods of a leaf's routes for all hosts. A route for certain hosts is not shown to other hosts.

    A GET for the host of a websocket route gets `WEBSOCKET`, too, because a handshake is a GET.
    """
    if leaf.hosted and scope.get("method") == "GET" and _choose(leaf, WEBSOCKET, scope) is not None:
        return {*leaf.without_host, WEBSOCKET}
    return leaf.without_host


# The weights of candidates for a path: a leaf of the tree; a mount or a catch-all route weighs the number of segments
# of its literal prefix; a regular expression; a candidate without a literal prefix. Of equal weights, a mount wins.
_TREE, _PATTERN, _ROOT, _NONE = sys.maxsize, 0, -1, -2


class _Refusal:
    """The result of a search that found a leaf, but no route of it for this request.

    Args:
        leaf: the leaf; `None` if the path does not match its route exactly.
        ends_search: whether the search ends here; see `Leaf.ends_search`.
    """

    def __init__(self, leaf: Leaf[Any] | None, ends_search: bool) -> None:
        self.leaf = leaf
        self.ends_search = ends_search


def _may_continue(match: RouteMatch | None) -> bool:
    return match is None or (isinstance(match[0], _Refusal) and not match[0].ends_search)


RouteMatch: TypeAlias = tuple[Any, dict[str, Any]]
_Direct: TypeAlias = dict[bytes | None, dict[str, tuple[Any, dict[str, Any], str]]]


# Held while a table is built. One for all routers, because an application, which may be pickled, can hold no lock.
_build_lock = RLock()


def _matches_below(path_segments: Segments, mount: Sequence[str | None], is_literal: bool) -> bool:
    """Return whether a route may match a path below a mount, and outrank the mount.

    Args:
        path_segments: the segments of the route.
        mount: the segments of the mount; `None` for a parameter.
        is_literal: whether the mount ranks by its literal path.
    """
    for position, (piece, segment) in enumerate(zip(path_segments, mount, strict=False)):
        if isinstance(piece, Parameter):
            if piece.spans:
                # A literal mount has a longer literal prefix.
                return not is_literal and position > 0
        elif segment is not None and unquote(piece) != segment:
            return False
    return len(path_segments) > len(mount)


class _MountEntry:
    """An entry of the table that finds mounts by the first segment of a path.

    Args:
        start: the beginning of its paths, up to the slash before its first parameter.
        mount: the mount; `None` if `Router._walk` has to decide.
        segments: the segments of a Starlette mount, `None` for a parameter; empty for a mount of this package.
        names: the names of its parameters.
    """

    __slots__ = ("last", "literals", "mount", "names", "segments", "size", "start")

    def __init__(
        self,
        start: bytes,
        mount: routing.Mount | None,
        segments: Sequence[str | None] = (),
        names: Sequence[str] = (),
    ) -> None:
        self.start, self.mount, self.segments, self.size = start, mount, segments, len(segments) + 1
        positions = [position for position, segment in enumerate(segments, 1) if segment is None]
        self.names = list(zip(positions, names, strict=True))
        # The literal segments after a parameter; those before are part of `start`.
        self.literals = [
            (position, segment)
            for position, segment in enumerate(segments, 1)
            if segment is not None and positions and position > positions[0]
        ]
        # The only parameter, where it is the last segment.
        self.last = names[0] if positions == [len(segments)] else None

    def read(self, scope: Scope, path: str) -> bool:
        """Put the parameters of a path that begins with `start` into the scope; return whether the mount matches."""
        if self.last is not None:
            # PERF: without a list of the segments («overhead»). Safe because the only parameter is the last segment of
            # the mount, so that it ends at the next slash.
            value, slash, _ = path[len(self.start) :].partition("/")
            if not value or not slash:
                return False
            params = {self.last: value}
        else:
            parts = path.split("/", self.size)
            if len(parts) <= self.size:
                return False
            for position, literal in self.literals:
                if parts[position] != literal:
                    return False
            params = {name: parts[position] for position, name in self.names}
            if not all(params.values()):
                return False
        scope["path_params"] = {**scope["path_params"], **params} if "path_params" in scope else params
        return True


def _mount_entry(mount: routing.Mount) -> tuple[str, _MountEntry] | None:
    """Return the first segment and the entry of a mount of Starlette's; `None` without a literal first segment."""
    segments: list[str | None] = []
    names: list[str] = []
    for part in mount.path.split("/")[1:]:
        if part[:1] == "{" and part[-1:] == "}" and "{" not in part[1:]:
            name, _, kind = part[1:-1].partition(":")
            if kind not in ("", "str"):
                return None
            names.append(name)
            segments.append(None)
        elif "{" in part or not part.isascii() or quote(part, PATH_SAFE) != part:
            return None
        else:
            segments.append(part)
    if not segments or not segments[0]:
        return None
    literal = segments[: segments.index(None)] if None in segments else segments
    start = "/".join(("", *(part or "" for part in literal), ""))
    return segments[0], _MountEntry(start.encode(), mount, segments, names)


class _Table:
    """All routes at one moment, arranged for look-up. A table is filled, then only read.

    Attributes:
        index: Sanic's routes.
        mounts: mounts with a literal path, by the decoded path.
        deepest_mount: the number of slashes of the longest of these paths.
        foreign: Starlette's own routes, and other mounts.
        hosts: applications for all requests to a host.
        by_name: the first route of each name.
    """

    def __init__(self) -> None:
        self.index: Index[Any] = Index()
        self.mounts: dict[str, Mount] = {}
        self.deepest_mount = 0
        self.foreign: list[BaseRoute] = []
        self.hosts: list[BaseRoute] = []
        self.by_name: dict[str, BaseRoute] = {}
        # By their first segment: mounts below which no route of Sanic's matches, the longest first. By `None` the mount
        # at the root, if the first segments of all other routes and mounts are in here.
        self.mount_entries: dict[bytes | None, list[_MountEntry]] = {}
        # The routes for the index, with their methods.
        self._indexed: list[tuple[Any, Iterable[str]]] = []

    def arrange(self) -> None:
        """Arrange the index, after the last route was added."""
        self.index.fill(self._indexed)
        for mount in sorted(self.mounts.values(), key=lambda mount: -mount.path.count("/")):
            if mount.path and mount.path.isascii():
                segments = mount.path.split("/")[1:]
                # `_walk` compares paths with escapes.
                is_plain = quote(mount.path, PATH_SAFE) == mount.path
                entry_mount = mount if is_plain and not self._is_outranked(segments, True) else None
                mount_entries = self.mount_entries.setdefault(segments[0].encode(), [])
                mount_entries.append(_MountEntry(mount.path.encode() + b"/", entry_mount))
                if len(segments) > 1:
                    # The mount's path without a slash belongs to it, and not to a mount above.
                    mount_entries.append(_MountEntry(mount.path.encode(), None))
        is_complete = True
        for foreign in self.foreign:
            segment_and_entry = _mount_entry(foreign) if isinstance(foreign, routing.Mount) else None
            if segment_and_entry is None:
                # It may match any path, and comes before the routes after it.
                is_complete = False
                break
            first, entry = segment_and_entry
            if self._is_outranked(entry.segments, False):
                entry = _MountEntry(entry.start, None)
            else:
                root_format = foreign.path_format[: -len("/{path}")] if "{" in foreign.path else None  # type: ignore[attr-defined]
                foreign._root_format = root_format  # type: ignore[attr-defined]
            self.mount_entries.setdefault(first.encode(), []).append(entry)
        if is_complete and "" in self.mounts:
            self._add_entry_at_root(self.mounts[""])
        self._indexed = []

    def _add_entry_at_root(self, mount: Mount) -> None:
        """Add an entry for paths whose first segment no other route or mount has: they go to the mount at the root."""
        first_segments = {route.path_segments[0] if route.path_segments else "" for route, _ in self._indexed}
        if any(isinstance(first, Parameter) for first in first_segments):
            return
        for first in {"", *map(unquote, first_segments)}:
            self.mount_entries.setdefault(first.encode(), [])
        self.mount_entries[None] = [_MountEntry(b"/", mount)]

    def _is_outranked(self, segments: Sequence[str | None], is_literal: bool) -> bool:
        """Return whether a route of Sanic's comes before a mount for some paths; see `_matches_below`."""
        return any(_matches_below(route.path_segments, segments, is_literal) for route, _ in self._indexed)

    def add(self, route: BaseRoute) -> None:
        """Add a route."""
        name = getattr(route, "name", None)
        if name:
            self.by_name.setdefault(name, route)
        if isinstance(route, (Route, WebSocketRoute)):
            methods = (WEBSOCKET,) if isinstance(route, WebSocketRoute) else route.methods or ()
            self._indexed.append((route, methods))
        elif isinstance(route, Host):
            self.hosts.append(route)
        elif isinstance(route, Mount) and route.literal:
            self.mounts.setdefault(route.path, route)
            self.deepest_mount = max(self.deepest_mount, route.path.count("/"))
        else:
            self.foreign.append(route)

    def direct(self) -> _Direct:
        """Return the routes of paths without parameters and hosts."""
        return {
            path.encode("ascii"): {method: (route, {}, unquote(path)) for method, route in leaf.for_any_host.items()}
            for path, leaf in self.index.literal_paths.items()
        }


class Router(routing.Router):
    """Starlette's router with an index instead of the search through all routes."""

    routes: RouteList

    def __init__(
        self,
        routes: Sequence[BaseRoute] | None = None,
        redirect_slashes: bool = True,
        lifespan: Lifespan[Any] | None = None,
    ) -> None:
        super().__init__(redirect_slashes=redirect_slashes, lifespan=lifespan)
        # Starlette's, which does nothing, unless the user has passed one.
        self._default_lifespan = self.lifespan_context if lifespan is None else None
        # By `raw_path` and method: the result of `_find`, and the decoded path, because a middleware may have rewritten
        # the path of the scope. The parameters are copied for each request.
        self._direct: _Direct = {}
        # The paths with a parameter in `_direct`, the oldest first; and the paths that were requested once.
        self._recent: deque[bytes] = deque()
        self._requested_once: set[bytes] = set()
        self._publish(_Table())
        # The state of mounted applications' lifespans, by the application's id; filled by `lifespan`.
        self._states: dict[int, dict[str, Any]] = {}
        self.fallback = Route((), not_finalised, methods=(), name="fallback")
        self.forward = Route((), not_finalised, methods=(), name="forward")
        # Compiles a route that is added while the application runs; set by the application.
        self.compile: Callable[[Any], None] | None = None
        # Whether routes have changed since the table was built; a new object for each change.
        self._stale = True
        self._version = object()
        self.routes = RouteList(routes or (), self._changed)

    def _changed(self) -> None:
        # In this order, because `_build` clears the mark and then compares the version.
        self._version = object()
        self._stale = True
        # These tables are read without a check of `_stale`.
        self._shapes: dict[int, Sequence[Shape[Any]]] = {}
        self._tails: dict[bytes, Tail[Any]] = {}
        self._unreserved_tails: dict[bytes, Tail[Any]] = {}
        self._mount_entries: dict[bytes | None, list[_MountEntry]] = {}
        # Emptied, not replaced, because the dispatch has a reference to this dictionary.
        self._direct.clear()

    def _build(self) -> None:
        """Arrange all routes in a new table, if they have changed since.

        A look-up in another thread meanwhile uses the former table, which has each route that was there and still is.
        """
        with _build_lock:
            while self._stale:
                version = self._version
                table = _Table()
                for route in self.routes[:]:
                    if isinstance(route, (Route, WebSocketRoute)):
                        route.router = self
                        if self.compile and route.call is not_finalised:
                            self.compile(route)
                    elif isinstance(route, Mount) and route.literal:
                        route.router = self
                    table.add(route)
                table.arrange()
                self._publish(table)
                self._stale = False
                if self._version is not version:
                    self._changed()

    def _publish(self, table: _Table) -> None:
        """Let requests use a table."""
        self._index: Index[Any] = table.index
        # A look-up in another thread between these lines finds the mounts that both tables have.
        self._deepest_mount = max(getattr(self, "_deepest_mount", 0), table.deepest_mount)
        self._mounts = table.mounts
        self._deepest_mount = table.deepest_mount
        self._foreign = table.foreign
        self._mount_entries = table.mount_entries
        self._by_name = table.by_name
        self._hosts = table.hosts
        if table.hosts:
            # The host decides before the path: `_walk` looks up each request.
            self._shapes, self._tails, self._unreserved_tails, self._mount_entries = {}, {}, {}, {}
            self._recent = deque()
            self._direct.clear()
            return
        self._shapes = table.index.shapes
        self._tails = table.index.tails
        # For a last segment with escapes, which could be another spelling of a literal.
        self._unreserved_tails = {head: tail for head, tail in self._tails.items() if not tail.reserved}
        self._recent = deque()
        self._direct.clear()
        self._direct.update(table.direct())

    def _find(self, scope: Scope) -> RouteMatch:
        """Return the route that answers a request, with its own path parameters.

        The scope gets `route`, `endpoint` and `path_params` (with those of mounts around), as from Starlette's router.
        The route is `fallback` if nothing matches, and `forward` if a mount or one of Starlette's routes matches: then
        that one is `scope["route"]`, and `enter` leads into it.

        Args:
            scope: the connection's ASGI scope.
        """
        raw = None if scope.get("root_path") else scope.get("raw_path")
        return self._look_up(scope, raw, scope.get("method", WEBSOCKET))

    def choose(self, scope: Scope) -> Scope:
        """Return a copy of a scope with the `route` that answers the request, if there is one, and its `path_params`.

        Args:
            scope: the connection's ASGI scope.
        """
        chosen = {key: value for key, value in scope.items() if key not in ("route", LEAF, _CHILD)}
        self._find(chosen)
        return chosen

    def _find_again(self, scope: Scope, former: Any, params: Iterable[str]) -> RouteMatch:
        """Do the same as `_find`, for a scope whose method, host or path has changed since a route was found.

        Args:
            scope: the connection's ASGI scope.
            former: the former route; `None` if there was none.
            params: the names of its parameters, if it is one of the application's own.
        """
        names = {*params, *getattr(former, "param_convertors", ())}
        outer = {name: value for name, value in scope.get("path_params", {}).items() if name not in names}
        for key in ("route", "endpoint", "path_params", _CHILD, LEAF):
            scope.pop(key, None)
        if outer:
            scope["path_params"] = outer
        return self._find(scope)

    def _look_up(self, scope: Scope, raw: bytes | None, method: str) -> RouteMatch:
        """Do the same as `_find`, for a caller that has read two entries of the scope.

        Args:
            scope: the connection's ASGI scope.
            raw: its `raw_path`; `None` if it has none, or has a root path.
            method: its method, `WEBSOCKET` for a websocket.
        """
        path: str = scope["path"]
        if raw is not None:
            is_unescaped = path.isascii() and path.encode() == raw
        elif is_unescaped := (path_below := _below_plain_root(scope, path)) is not None:
            # PERF: with its bytes, a path of a mounted application is found in the tables, too («overhead»). Safe
            # because `_below_plain_root` returns only paths without escapes.
            path = path_below
            raw = path.encode()
            entry = self._direct.get(raw, _NOTHING).get(method)
            if entry is not None and entry[2] == path:
                route, params, _ = entry
                scope["route"] = route
                scope["endpoint"] = route.endpoint
                params = params.copy()
                scope["path_params"] = {**scope["path_params"], **params} if "path_params" in scope else params
                return route, params
        if is_unescaped and self._mount_entries:
            # PERF: finds most paths of mounts in a tenth of the time of the search («overhead»). Safe because
            # `_Table.arrange` leaves out mounts with which another route competes.
            mount_entries = self._mount_entries.get(raw[1:].partition(b"/")[0])  # type: ignore[index]
            for entry in self._mount_entries.get(None, ()) if mount_entries is None else mount_entries:
                if raw.startswith(entry.start):  # type: ignore[union-attr]
                    mount = entry.mount
                    if mount is None:
                        break
                    if entry.segments:
                        if not entry.read(scope, path):
                            break
                    elif "path_params" not in scope:
                        scope["path_params"] = {}
                    scope["route"] = mount
                    scope["endpoint"] = mount.app
                    return self.forward, {}
        if raw is not None and (is_unescaped or unquote(raw) == path):
            # PERF: for a path whose only parameter is at its end, a walk takes twice as long («in process»,
            # `/user/<id:int>`). Safe because a walk finds the same leaf.
            head, _, last = raw.rpartition(b"/")
            tails = self._tails if is_unescaped else self._unreserved_tails
            tail = tails.get(head)
            if tail is not None and last not in tail.reserved:
                for convert, routes, leaf in tail.entries:
                    try:
                        value = convert(last)
                    except ValueError:
                        continue
                    if method in routes:
                        route, name = routes[method]
                        cacheable = tail.cacheable
                    else:
                        route = _choose(leaf, method, scope) if leaf.shared else None
                        if route is None or route.names is None:
                            break
                        name = route.names[0]
                        cacheable = False
                    scope["route"] = route
                    scope["endpoint"] = route.endpoint
                    params = {name: value}
                    if cacheable and len(raw) <= _MAX_CACHED_BYTES:
                        # PERF: a path is cached at its second request, because caching it at the first one takes 0.2
                        # µs. Safe because both tables are bounded, and a change of the routes empties the cache.
                        requested_once = self._requested_once
                        if raw in requested_once:
                            self._cache(raw, method, (route, params.copy(), path), tails)
                        elif len(requested_once) < _MAX_CACHED:
                            requested_once.add(raw)
                        else:
                            requested_once.clear()
                    scope["path_params"] = {**scope["path_params"], **params} if "path_params" in scope else params
                    return route, params
            if self._shapes and (is_unescaped or raw.isascii()):
                match = self._find_by_shape(scope, path if is_unescaped else raw.decode("ascii"), method, is_unescaped)
                if match is not None:
                    return match
            if is_unescaped:
                return self._walk(scope, path, method)
        return self._walk(scope, route_path(scope), method)

    def _find_by_shape(self, scope: Scope, path: str, method: str, is_unescaped: bool) -> RouteMatch | None:
        """Find the route of a path with segments after its first parameter, by the shapes of the index.

        Args:
            scope: the connection's ASGI scope; it gets the same entries as from `_find`.
            path: the undecoded path.
            method: the request's method.
            is_unescaped: whether the path has no escapes.

        Returns:
            The route and its parameters; `None` if only a walk can decide.
        """
        for shape in self._shapes.get(path.count("/"), ()):
            parts = path.rsplit("/", shape.count)
            entry = shape.entries.get(shape.literals(parts))
            if entry is None:
                continue
            reserved, routes, steps = entry
            route = routes.get(method)
            # A segment with escapes could be another spelling of a literal.
            if route is None or (reserved and not is_unescaped):
                return None
            params: dict[str, Any] = {}
            for position, name, convert in steps:
                segment = parts[position]
                # PERF: the truth test saves the hash of the segment. Safe because an empty set has no segment.
                if reserved and segment in reserved:
                    return None
                if convert is None:
                    if not segment:
                        return None
                    params[name] = segment
                    continue
                try:
                    params[name] = convert(segment)
                except ValueError:
                    return None
            scope["route"] = route
            scope["endpoint"] = route.endpoint
            scope["path_params"] = {**scope["path_params"], **params} if "path_params" in scope else params
            return route, params
        return None

    def _cache(
        self, raw: bytes, method: str, entry: tuple[Any, dict[str, Any], str], tails: dict[bytes, Tail[Any]]
    ) -> None:
        """Add the route of a path to `_direct`; above the limit, the oldest path is removed.

        Args:
            raw: the path.
            method: the request's method.
            entry: the route, its parameters and the decoded path.
            tails: the table in which the route was found.
        """
        if method == WEBSOCKET:
            return
        recent = self._recent
        if raw not in self._direct:
            if len(recent) >= _MAX_CACHED:
                self._direct.pop(recent.popleft(), None)
            recent.append(raw)
        self._direct.setdefault(raw, {})[method] = entry
        if self._tails is not tails and self._unreserved_tails is not tails:
            # Another thread has changed the routes in the meantime.
            self._direct.pop(raw, None)

    def _walk(self, scope: Scope, path: str, method: str) -> RouteMatch:
        """Find a route by a search of all structures; see `_find`."""
        if self._stale:
            self._build()
        match: RouteMatch | None = self._match_foreign(scope, self._hosts) if self._hosts else None
        if match is not None:
            return self._forward_to(match[0], match[1], scope)
        # PERF: finds most paths with several parameters in fewer steps than `_search_slashes`. Safe because
        # that would find the same route.
        normalized = normalize_escapes(path) if "%" in path else path
        literal_leaf = self._index.literal_paths.get(normalized)
        if literal_leaf is not None:
            # Nothing else competes for a literal path, unless it ends with a slash.
            if not self._mounts and not self._foreign and (path == "/" or not path.endswith("/")):
                match = self._decide(literal_leaf, (), method, scope, slashless=False)
        else:
            leaf_and_values: tuple[Any, ...] | None = self._index.walk(path, normalized)
            if leaf_and_values is None and not self._mounts and not self._foreign:
                leaf_and_values = self._index.find_spanning(path)
                if leaf_and_values is None and not path.endswith("/"):
                    return self.fallback, {}
            if (
                leaf_and_values is None
                and not self._index.has_spanning
                and not ("" in self._mounts and path.endswith("/"))
            ):
                # PERF: without a comparison of ranks («overhead»). Safe because no route of Sanic's matches.
                match = self._match_outside_index(path, scope)
            if leaf_and_values is not None:
                leaf: Leaf[Any] = leaf_and_values[0]
                route = leaf.for_any_host.get(method) or (_choose(leaf, method, scope) if leaf.shared else None)
                if route is not None and route.names is not None:
                    match = route, route.bind(leaf_and_values[1])
        if match is None:
            match = self._search_slashes(path, method, scope)
        if match is None or isinstance(match[0], _Refusal):
            redirect = self._redirect(path, scope) if self._foreign else None
            if redirect is None and match is not None:
                scope[LEAF] = match[0].leaf
            return redirect or (self.fallback, {})
        route, params = match
        scope["route"] = route
        if isinstance(route, (Route, WebSocketRoute)):
            scope["endpoint"] = route.endpoint
            outer = scope.get("path_params")
            scope["path_params"] = {**outer, **params} if outer else params
            return match
        return self._forward_to(route, params, scope)

    def _forward_to(self, route: BaseRoute, child: dict[str, Any], scope: Scope) -> RouteMatch:
        """Return `forward`, and put the mount or route of Starlette's into the scope.

        Args:
            route: the mount or route.
            child: the scope that its `matches` has returned; empty for a mount with a literal path.
            scope: the connection's ASGI scope.
        """
        scope["route"] = route
        if isinstance(route, Mount) and route.literal:
            child = route.enter(scope)
        if "endpoint" in child:
            scope["endpoint"] = child.pop("endpoint")
        if "path_params" in child:
            scope["path_params"] = child.pop("path_params")
        elif "path_params" not in scope:
            scope["path_params"] = {}
        scope[_CHILD] = child
        return self.forward, {}

    def _search_slashes(self, path: str, method: str, scope: Scope) -> RouteMatch | None:
        """Search for a path, then for the path without its last slash, and so on.

        The number of searches is limited, because a path may end with ten thousand slashes. No route has more segments
        than the deepest one.
        """
        match = self._search(path, method, scope)
        if not path.endswith("/"):
            return match
        root_match: RouteMatch | None = None
        if match is not None and "" in self._mounts and match[0] is self._mounts[""] and path != "/":
            # The path without its last slash may be that of a route, which the mount at the root does not hide.
            root_match, match = match, None
        if not _may_continue(match):
            return match
        stripped_path = path.rstrip("/")
        max_slashes = max(self._index.depth - (0 if self._index.patterns else stripped_path.count("/")), 1)
        for slashes in range(min(len(path) - len(stripped_path) - 1, max_slashes), -1, -1):
            # Mounts and Starlette's routes match the whole path only.
            match, weight = self._search_index(stripped_path + "/" * slashes or "/", method, scope, slashless=True)
            is_refused = match is not None and isinstance(match[0], _Refusal)
            if root_match is not None and (weight <= _ROOT or (is_refused and weight < _TREE)):
                # A catch-all route ranks below the mount, as for a path without a slash at the end.
                match = None
            if not _may_continue(match):
                break
        if root_match is not None and (match is None or (isinstance(match[0], _Refusal) and method == WEBSOCKET)):
            return root_match
        return match

    def _search(self, path: str, method: str, scope: Scope) -> RouteMatch | None:
        """Search the index, mounts and Starlette's own routes in the order of the module's docstring."""
        match, weight = self._search_index(path, method, scope, slashless=False)
        is_answered = match is not None and not isinstance(match[0], _Refusal)
        if is_answered and weight == _TREE:
            return match
        mount, mount_weight = self._find_mount(path) if self._mounts else (None, _NONE)
        if is_answered and weight > max(mount_weight, _PATTERN):
            return match
        if mount is not None and mount_weight > _PATTERN:
            return mount, {}
        foreign_match = self._match_foreign(scope, self._foreign) if self._foreign else None
        if foreign_match is not None:
            return foreign_match
        if mount is not None and not (is_answered and weight > mount_weight):
            # A mount at the root hides nothing: a route of Sanic's for the path answers with 405, but not a websocket.
            is_refused = match is not None and weight == _TREE and match[0].leaf is not None
            if not (is_refused and mount_weight == _ROOT and method != WEBSOCKET):
                return mount, {}
        return match

    def _match_outside_index(self, path: str, scope: Scope) -> RouteMatch | None:
        """Search mounts and Starlette's own routes for a path that the index does not have."""
        mount, weight = self._find_mount(path) if self._mounts else (None, _NONE)
        if mount is not None and (weight > _PATTERN or not self._foreign):
            return mount, {}
        foreign_match = self._match_foreign(scope, self._foreign) if self._foreign else None
        return foreign_match or (None if mount is None else (mount, {}))

    def _search_index(self, path: str, method: str, scope: Scope, slashless: bool) -> tuple[RouteMatch | None, int]:
        """Search the index; the first leaf that matches decides. Return its route and its weight."""
        leaf = self._index.literal_paths.get(normalize_escapes(path))
        if leaf is not None:
            return self._decide(leaf, (), method, scope, slashless), _TREE
        leaf_and_values = self._index.walk(path)
        if leaf_and_values is not None:
            return self._decide(*leaf_and_values, method, scope, slashless), _TREE
        # The root without its slash is an empty path, which no expression matches.
        spanning = None if slashless and path == "/" else self._index.find_spanning(path)
        if spanning is None:
            return None, _NONE
        leaf, values, prefix = spanning
        weight = _PATTERN if prefix is None else prefix.count("/") or _ROOT
        return self._decide(leaf, values, method, scope, slashless), weight

    @staticmethod
    def _decide(leaf: Leaf[Any], values: Sequence[Any], method: str, scope: Scope, slashless: bool) -> RouteMatch:
        """Choose a route of a leaf.

        Args:
            leaf: the leaf.
            values: the values of its parameters.
            method: the request's method.
            scope: the connection's ASGI scope.
            slashless: whether a slash was removed from the end of the path.
        """
        route = leaf.for_any_host.get(method) or _choose(leaf, method, scope)
        # The only route of a leaf checks its path before its method.
        only_route = None if leaf.shared or leaf.literal else next(iter(leaf.without_host.values()))
        route = route or only_route
        if route is None:
            return _Refusal(leaf, leaf.ends_search), {}
        if slashless and route.strict and route.path_segments[-1] != "":
            return _Refusal(None, True), {}
        try:
            params = route.bind(values)
        except ValueError:
            return _Refusal(None, True), {}
        if route is only_route and method not in leaf.without_host:
            return _Refusal(leaf, leaf.ends_search), {}
        return route, params

    def _find_mount(self, path: str) -> tuple[Mount | None, int]:
        if not self._deepest_mount:
            return self._mounts.get(""), _ROOT
        for prefix in prefixes_of(path, self._deepest_mount):
            # Escapes of a segment are decoded, but an encoded slash separates no segments.
            mount = self._mounts.get(unquote(prefix) if "%" in prefix else prefix)
            if mount is not None and mount.path.count("/") == prefix.count("/"):
                return mount, prefix.count("/") or _ROOT
        return None, _NONE

    @staticmethod
    def _match_foreign(scope: Scope, routes: Iterable[BaseRoute]) -> RouteMatch | None:
        """Match Starlette's own routes, as Starlette does."""
        partial = None
        for foreign in routes:
            match, child = foreign.matches(scope)
            if match is Match.FULL:
                return foreign, dict(child)
            if match is Match.PARTIAL and partial is None:
                partial = (foreign, dict(child))
        return partial

    def _redirect(self, path: str, scope: Scope) -> tuple[Any, dict[str, Any]] | None:
        """Return a redirect if, as in Starlette, one of its routes matches the path with one slash more or less."""
        scope_path = scope["path"]
        # For Starlette, the path below the root path is empty then, and lacks a slash.
        is_root_path = bool(scope_path) and scope_path == scope.get("root_path")
        if not (self.redirect_slashes and scope["type"] == "http" and (path != "/" or is_root_path)):
            return None
        # Escaped, because Starlette decodes the query as UTF-8, but a client may send other bytes.
        query = quote(scope.get("query_string", b""), "!$&'()*+,;=:@/?%")
        redirect_scope = {**scope, "query_string": query.encode()}
        has_slash = path.endswith("/") and not is_root_path
        redirect_scope["path"] = scope_path.rstrip("/") if has_slash else scope_path + "/"
        if all(foreign.matches(redirect_scope)[0] is Match.NONE for foreign in self._foreign):
            return None
        scope["route"], scope[_CHILD] = _Redirect(str(URL(scope=redirect_scope))), {}
        return self.forward, {}

    def _allowed_methods(self, path: str, scope: Scope) -> set[str]:
        """Return the methods of the routes of a path; `WEBSOCKET` for a websocket."""
        match = self._search_slashes(path, scope.get("method", WEBSOCKET), scope)
        if match is None or not isinstance(match[0], _Refusal) or match[0].leaf is None:
            return set()
        return set(_methods_for(match[0].leaf, scope))

    @staticmethod
    def _allowed_after_find(scope: Scope) -> Collection[str]:
        """Return the same as `_allowed_methods`, for a scope for which `_find` has just returned `fallback`."""
        leaf: Leaf[Any] | None = scope.pop(LEAF, None)
        return () if leaf is None else _methods_for(leaf, scope)

    def url_path_for(self, name: str, /, **path_params: Any) -> URLPath:
        """Build a path from a route's name and its parameters, as Starlette does.

        Parameters of mounts and hosts that are left out are those of the request that is being answered.

        Raises:
            NoMatchFound: no route has that name and just these parameters.
        """
        if self._stale:
            self._build()
        route = self._by_name.get(name)
        if route is not None:
            try:
                return _fill_path(route.url_path_for, name, path_params)
            except NoMatchFound:
                pass
        return _fill_path(super().url_path_for, name, path_params)

    def mount(self, path: str, app: ASGIApp, name: str | None = None) -> None:
        """Serve another ASGI application below `path`."""
        self.routes.append(Mount(path, app=app, name=name))


def enter(connection: Any, scope: Scope, route: Any, router: Router) -> ASGIApp:
    """Return the ASGI application that the router forwards to, and change the scope into that application's scope.

    Args:
        connection: the request or websocket; its `_outer` keeps the former entries of the scope.
        scope: its scope.
        route: the mount or route, `scope["route"]`.
        router: the router that has found it.
    """
    if _CHILD not in scope:
        # PERF: the same as `Mount.enter` or a mount's `matches`, without a dictionary for the changes. The scope gets
        # as few entries as possible, because with one more uvicorn's dictionary would grow: 0.4 µs. Safe
        # because the path of the scope does not change.
        root_path = scope.get("root_path", "")
        outer = {"root_path": root_path}
        if "app_root_path" in scope:
            outer["app_root_path"] = scope["app_root_path"]
        else:
            scope["app_root_path"] = root_path
        root_format = route._root_format
        mount_path = route.path if root_format is None else root_format.format_map(scope["path_params"])
        scope["root_path"] = root_path + mount_path
    else:
        child = scope.pop(_CHILD)
        outer = {}
        for key in child:
            if key in scope:
                outer[key] = scope[key]
        scope.update(child)
    connection._outer = outer
    if EXCHANGE not in scope:
        scope[EXCHANGE] = object()
    if router._states:
        state = router._states.get(id(getattr(route, "_base_app", None) or getattr(route, "app", None)))
        if state:
            scope["state"] = {**scope.get("state", {}), **state}
    # PERF: without the frame of `Mount.handle`. Safe because an overridden or patched method is called.
    app: ASGIApp = route.app if type(route).handle is _handle_mount else route.handle
    return app


def child_scope(scope: Scope) -> Scope:
    """Return the scope that the application of `scope["route"]` gets from `Router.forward`; as `enter`, in a copy."""
    child = scope.get(_CHILD)
    if child is None:
        route, root_path = scope["route"], scope.get("root_path", "")
        root_format = route._root_format
        mount_path = route.path if root_format is None else root_format.format_map(scope["path_params"])
        child = {
            "app_root_path": scope.get("app_root_path", root_path),
            "root_path": root_path + mount_path,
        }
    return {**scope, **child}


class _Redirect(BaseRoute):
    """A redirect to the same path with one slash more or less, as `scope["route"]`."""

    def __init__(self, url: str) -> None:
        self.url = url

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        await RedirectResponse(self.url)(scope, receive, send)
