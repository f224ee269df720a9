"""Sanic's routing words on the engine's router: `<name:type>` paths, registration rules, lookup by name."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import cached_property, partial
from inspect import signature
from types import MappingProxyType, SimpleNamespace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote
from uuid import UUID

from starlette.datastructures import URLPath
from starlette.routing import BaseRoute, NoMatchFound
from starlette.types import ASGIApp, Scope

from sanic_star.compat._routing.exceptions import (
    BadMethod,
    FinalizationError,
    InvalidUsage,
    NoMethod,
    ParameterNameConflicts,
    RouteExists,
)
from sanic_star.compat._routing.exceptions import NotFound as NoRoute
from sanic_star.compat._routing.path_types import PATH_TYPES, FileType, ParamInfo, PathType
from sanic_star.compat._routing.routes import _SEPARATOR, Route, RouteExtra, WebSocketRoute, method_set
from sanic_star.compat._support.deprecation import deprecation
from sanic_star.compat._support.lazy import OldName, names_without_old, old_names, pattern
from sanic_star.compat.constants import HTTP_METHODS
from sanic_star.compat.exceptions import MethodNotAllowed, NotFound, SanicException
from sanic_star.engine import routing
from sanic_star.engine.index import Parameter, Segments
from sanic_star.engine.routing import WEBSOCKET

if TYPE_CHECKING:
    from sanic_star.compat._routing.groups import RouteGroup

_PARAMETER = pattern(r"^<([a-zA-Z_][a-zA-Z0-9_]*):(.*)>$")
_UNTYPED = pattern(r"^<([a-zA-Z_][a-zA-Z0-9_]*):?>$")
_FILE = pattern(r"^<([a-zA-Z_][a-zA-Z0-9_]*)(?:=([a-z]+))?:ext(?:=([a-z0-9|.]+))?>$")
_FILE_URI = "__file_uri__"
# What may be the name of a type, as a whole.
_WORD = pattern(r"^[a-zA-Z_][a-zA-Z0-9_]*$")
# The names of types in older releases of Sanic, in other frameworks and in Python.
_OTHER_NAMES = {
    "string": "str", "text": "str", "default": "str", "any": "str", "integer": "int", "number": "float", "num": "int",
    "digits": "int", "decimal": "float", "double": "float", "real": "float", "date": "ymd", "guid": "uuid",
    "filename": "ext", "file": "ext", "rest": "path", "letters": "alpha", "word": "str",
}  # fmt: skip


# The names of types that Sanic had until 21.12.
_OLD_TYPES = {"string": "str", "number": "float"}


def _decode(uri: str) -> str:
    """Return a route's path without escapes, before it is read, as Sanic does: `%2F` separates segments."""
    return unquote(uri.lstrip("/"))


def _request_scope(path: str, method: str, host: str | None) -> dict[str, Any]:
    """Return what the router reads of a request's scope."""
    headers = [(b"host", host.encode())] if host else []
    raw = path.encode()
    return {"type": "http", "method": method, "path": unquote(path), "raw_path": raw, "headers": headers}


def typed(part: str, hints: Mapping[str, str] | None = None) -> str:
    """Return a parameter with its type, which is `str` in `<name>` and `<name:>`.

    Args:
        part: the parameter in its brackets.
        hints: types by name, for parameters without a colon.
    """
    match = _UNTYPED.match(part)
    if match is None:
        return part
    label = hints.get(match[1], "str") if hints and ":" not in part else "str"
    return f"<{match[1]}:{label}>"


def _near_type(word: str, known: Collection[str]) -> str | None:
    """Return the type that somebody probably means by a word that names none, `None` if no type is near."""
    # Loaded only for a mistake.
    from difflib import get_close_matches

    word = word.lower()
    near = _OTHER_NAMES.get(word) or next(iter(get_close_matches(word, known, 1)), None)
    return near if near is not None and near in known else None


def _hints(handler: Callable[..., Any]) -> dict[str, str]:
    """Return the types of a handler's parameters where they have a name in paths."""
    return {
        each.name: each.annotation.__name__.lower()
        for each in signature(handler).parameters.values()
        if each.annotation in (str, int, float, UUID)
    }


def _decoding(part: Parameter) -> Parameter:
    """Return a parameter that is percent-decoded after it was found; regular expressions are not, as in Sanic."""
    if part.needs_regex and part.label != "ext":
        return part
    expand = partial(_decoded, part.name, part.expand)
    return ParamInfo(
        part.name,
        part.convertor,
        part.label,
        part.priority,
        spans=part.spans,
        expand=expand,
        needs_regex=part.needs_regex,
    )


def _decoded(name: str, expand: Callable[[Any], dict[str, Any]] | None, value: Any) -> dict[str, Any]:
    given = expand(value) if expand else {name: value}
    return {key: unquote(each) if isinstance(each, str) else each for key, each in given.items()}


class Router(routing.Router):
    """The engine's router with Sanic's way of adding and finding routes."""

    __dir__ = names_without_old
    get_supported_methods = OldName()
    is_stream_handler = OldName()
    remove = OldName()
    routes_names = OldName()

    DEFAULT_METHOD = "GET"
    ALLOWED_METHODS = HTTP_METHODS
    delimiter = "/"

    def __init__(self, routes: Sequence[BaseRoute] | None = None, **options: Any) -> None:
        super().__init__(routes, **options)
        self.ctx = SimpleNamespace()
        self.name_index: dict[str, Route | WebSocketRoute] = {}
        self.path_types: dict[str, PathType] = {each.label: each for each in PATH_TYPES}
        self.finalized = False
        # The groups, and the version of the routes that they were made of.
        self._groups: tuple[object, dict[tuple[str, ...], RouteGroup]] | None = None
        # What a route must not share with another: path shape, hosts, method.
        self._taken: dict[tuple[Any, ...], Route | WebSocketRoute] = {}

    def register_pattern(
        self, label: str, cast: Callable[[str], Any], pattern: str | re.Pattern[str], param_info_class: Any = None
    ) -> None:
        """Make a type of path parameter known; it is tried before all that were known.

        Args:
            label: its name in `<name:label>`.
            cast: turns a segment into the value; raises `ValueError` for one that is not of this type.
            pattern: a regular expression of the segment, used when URLs are built.
            param_info_class: accepted for Sanic's sake; a subclass of `PathType` to make instead.

        Raises:
            InvalidUsage: an argument is of the wrong type.
            re.error: the pattern is no regular expression.
        """
        if not isinstance(label, str):
            raise InvalidUsage(f"When registering a pattern, label must be a string, not label={label}")
        if not callable(cast):
            raise InvalidUsage(f"When registering a pattern, cast must be a callable, not cast={cast}")
        if not isinstance(pattern, (str, re.Pattern)):
            raise InvalidUsage(
                "When registering a pattern, pattern must be a string or a Pattern, "
                f"not pattern={pattern}, type={type(pattern)}"
            )
        source = pattern if isinstance(pattern, str) else pattern.pattern
        kind = param_info_class if isinstance(param_info_class, type) else PathType
        self.path_types[label] = kind(label, cast, re.compile(source).pattern.removeprefix("^").removesuffix("$"))

    # Adding ---------------------------------------------------------------------------------------------------------

    def add(
        self,
        uri: str,
        methods: Iterable[str] | None,
        handler: Callable[..., Any],
        host: str | Iterable[str] | None = None,
        strict_slashes: bool = False,
        stream: bool = False,
        ignore_body: bool = False,
        version: str | float | int | None = None,
        name: str | None = None,
        unquote: bool = False,
        static: bool = False,
        version_prefix: str = "/v",
        overwrite: bool = False,
        error_format: str | None = None,
        *,
        websocket: bool = False,
        ctx: Mapping[str, Any] | None = None,
        max_body_size: int | None = None,
        subprotocols: Sequence[str] = (),
    ) -> Any:
        """Add a route.

        Args:
            uri: the path, with parameters as `<name:type>`.
            methods: HTTP methods; none for a websocket.
            handler: the user's handler.
            host: the host or hosts that the route is for.
            strict_slashes: whether a trailing slash matters.
            stream: whether the handler reads the body itself.
            ignore_body: whether the body is left unread.
            version: goes before the path, as `/v1`.
            name: the name for building URLs.
            unquote: whether parameters are percent-decoded, those of type `path` too; regular expressions are not.
            static: whether the route serves files.
            version_prefix: stands before the version.
            overwrite: whether a route with the same path is replaced.
            error_format: the format of error pages, `html`, `json` or `text`.
            websocket: whether it is a websocket's route.
            ctx: what `route.ctx` holds.
            max_body_size: the greatest size of a body, in bytes, instead of the application's.
            subprotocols: those that a websocket offers, the preferred one first.

        Returns:
            The route, or a list of them where there are several hosts.

        Raises:
            RouteExists: another route answers the same path, host and method.
            BadMethod: a method is not one of HTTP's.
            FinalizationError: the application has started.
        """
        if self.finalized:
            raise FinalizationError("Cannot finalize router more than once.")
        verbs = method_set(*map(str, methods or (self.DEFAULT_METHOD,)))
        bad = [method for method in verbs if method not in self.ALLOWED_METHODS]
        if bad:
            raise BadMethod(f"Bad method: {bad}. Must be one of: {self.ALLOWED_METHODS}")
        if error_format:
            from sanic_star.compat.errorpages import check_error_format

            check_error_format(error_format)
        if version is not None:
            number = str(version).strip("/").lstrip("v")
            uri = f"{version_prefix}{number}/{uri.lstrip('/')}"
        hosts = [host] if isinstance(host, str) else sorted(host or ())
        written = uri.lstrip("/") if strict_slashes else uri.strip("/")
        uri = _decode(uri)
        path = "/" + (uri.lstrip("/") if strict_slashes else uri.strip("/"))
        shown, segments = self._parse(path, handler)
        if unquote:
            segments = tuple(_decoding(part) if isinstance(part, Parameter) else part for part in segments)
        added = []
        every: list[str | None] = [None]
        for one in hosts or every:
            ident = f"{name}_{one.replace('.', '_')}" if one and len(hosts) > 1 and name else name
            notes = RouteExtra(
                ident=ident, ignore_body=ignore_body, stream=stream, hosts=hosts or [None], static=static,
                websocket=websocket, max_body_size=max_body_size, subprotocols=subprotocols,
            )  # fmt: skip
            if error_format:
                notes.error_format = error_format
            common: dict[str, Any] = {"name": name or "", "hosts": (one,) if one else (), "strict": strict_slashes}
            route: Route | WebSocketRoute
            if websocket:
                route = WebSocketRoute(segments, handler, **common)
            else:
                reads = not ignore_body and not stream
                route = Route(segments, handler, methods=verbs, reads_body=reads, **common)
            route.describe(shown, written, unquote, ctx or {}, notes)
            self._insert(route, path, overwrite)
            added.append(route)
        return added[0] if len(added) == 1 else added

    def _insert(self, route: Route | WebSocketRoute, uri: str, overwrite: bool) -> None:
        """Add a route, unless another one stands in its way.

        Routes of one path are for certain hosts, all of them, or none of them is, as in Sanic.
        """
        shape = (route.regex, *route.segments)
        methods = set(route.methods or ())
        keys = [(shape, route.hosts, method) for method in methods]
        rivals = {id(self._taken[key]): self._taken[key] for key in keys if key in self._taken}
        neighbour = self._taken.get(shape)
        if neighbour is not None and bool(neighbour.hosts) != bool(route.hosts):
            rivals[id(neighbour)] = neighbour
        if rivals:
            # Whoever took a route out of `routes` has made its place free.
            present = {id(known) for known in self.routes}
            rivals = {key: rival for key, rival in rivals.items() if key in present}
        if rivals and not overwrite:
            written = "/".join(part if part[:1] == "<" else quote(part) for part in _SEPARATOR.split(uri.lstrip("/")))
            raise RouteExists(f"Route already registered: {written} [{','.join(sorted(methods))}]")
        for rival in rivals.values():
            self.routes.remove(rival)
        for key in (shape, *keys):
            self._taken[key] = route
        self.routes.append(route)
        # After that: `_build`, in another thread, forgets the names of routes that are not in the list.
        if route.name:
            self.name_index[route.name] = route

    def _parse(self, uri: str, handler: Callable[..., Any]) -> tuple[str, Segments]:
        """Read a path.

        Args:
            uri: the path, with its leading slash and without escapes.
            handler: its annotations give parameters without a type one (`str`, `int`, `float`, `UUID`).

        Returns:
            The path with every parameter's type, and its segments.

        Raises:
            InvalidUsage, ParameterNameConflicts, SanicException, re.error: a parameter is not what Sanic allows.
        """
        if "<" not in uri:
            literal = "/".join(map(quote, uri.lstrip("/").split("/")))
            return "/" + literal, tuple(literal.split("/"))
        hints: dict[str, str] | None = None
        shown: list[str] = []
        segments: list[str | Parameter] = []
        for part in _SEPARATOR.split(uri.lstrip("/")):
            if not part.startswith("<"):
                literal = quote(part)
                shown.append(literal)
                segments.append(literal)
                continue
            if ":" not in part:
                hints = _hints(handler) if hints is None else hints
            part = self._with_current_type(typed(part, hints))
            shown.append(part)
            segments.append(self._parameter(part, uri))
        parameters = [part for part in segments if isinstance(part, Parameter)]
        names = [part.name for part in parameters if part.name]
        if len(names) != len(set(names)):
            raise ParameterNameConflicts(f"Duplicate named parameters in: {uri.lstrip('/')}")
        # As in Sanic, the two checks below are for paths without regular expressions only.
        if all(self._has_known_type(part) for part in parameters):
            if any(":" in part.label for part in parameters):
                raise InvalidUsage(f"A parameter has one type only, and no options: {uri}")
            if any(name.startswith("__") and name != _FILE_URI for name in names):
                raise SanicException(f"Invalid route: {uri}. Parameter names cannot use '__'.")
        return "/" + "/".join(shown), tuple(segments)

    def _parameter(self, part: str, uri: str) -> ParamInfo:
        """Read one segment that is a parameter.

        Args:
            part: the segment, as `<name:type>`.
            uri: the path, for the message of an exception.

        Raises:
            InvalidUsage: it is no parameter.
        """
        file = _FILE.match(part)
        if file:
            name, stem, allowed = file.groups()
            if stem == "path":
                raise InvalidUsage("Extension parameter matching does not support the `path` type.")
            if stem and stem not in self.path_types:
                raise InvalidUsage(
                    "Extension parameter matching only supports filename matching on known parameter types, "
                    "and not regular expressions."
                )
            kind = FileType(name, self.path_types.get(stem or ""), allowed.split("|") if allowed else ())
            return ParamInfo(name, kind, "ext", self._priority("ext"), expand=kind.expand, needs_regex=bool(allowed))
        match = _PARAMETER.match(part)
        if match is None:
            raise InvalidUsage(f"Invalid declaration: {part}")
        name, label = match.groups()
        if label.startswith("ext="):
            raise InvalidUsage(f"Invalid extension parameter definition: {uri.lstrip('/')}")
        known = self.path_types.get(label)
        if known is not None:
            cacheable = known in PATH_TYPES
            return ParamInfo(name, known, label, self._priority(label), spans=label == "path", cacheable=cacheable)
        self._check_is_expression(name, label, uri)
        return self._expression(name, label, uri)

    def _with_current_type(self, part: str) -> str:
        """Return a parameter with the name that its type has now, if it has one of Sanic's older names."""
        name, _, label = part[1:-1].partition(":")
        if label not in _OLD_TYPES or label in self.path_types:
            return part
        current = f"<{name}:{_OLD_TYPES[label]}>"
        deprecation(f"The path type of {part} is gone: write {current}.", 22.3)
        return current

    def _check_is_expression(self, name: str, label: str, uri: str) -> None:
        """Refuse a type that does not exist: as an expression, a single word would match nothing but itself."""
        word = label.strip()
        if not _WORD.match(word):
            return
        near = _near_type(word, self.path_types)
        hint = f" Did you mean <{name}:{near}>?" if near else ""
        raise InvalidUsage(
            f"Unknown path type {label!r} in {uri}.{hint} The types are {', '.join(self.path_types)}; others are added "
            f"by app.router.register_pattern. An expression that matches this word alone is <{name}:({word})>."
        )

    def _has_known_type(self, part: Parameter) -> bool:
        """Tell whether what stands before a second colon names a type: `<id:int:3>` is no regular expression."""
        first, colon, rest = part.label.partition(":")
        if colon:
            return first in self.path_types and not rest.endswith("path")
        return not (part.needs_regex or part.spans)

    def _priority(self, label: str) -> int:
        return list(self.path_types).index(label)

    @staticmethod
    def _expression(name: str, label: str, uri: str) -> ParamInfo:
        """Read a parameter whose type is a regular expression; its only group, if there is one, is the value."""
        try:
            pattern = re.compile(label)
        except re.error as error:
            raise re.error(f"Invalid parameter declaration: {uri}: {error}") from None
        if pattern.groups > 1:
            raise InvalidUsage(f"Invalid matching pattern {label}")
        if pattern.groupindex and name not in pattern.groupindex:
            group = next(iter(pattern.groupindex))
            raise InvalidUsage(f"Named group ({group}) must match your named parameter ({name})")

        def expand(value: str) -> dict[str, Any]:
            match = pattern.match(value)
            return {name: match[1] if match else None}

        source = re.sub(r"\((?:\?P<\w+>|(?!\?))", "(?:", label.removeprefix("^").removesuffix("$"))
        value = PathType(label, str, source)
        expands = expand if pattern.groups else None
        return ParamInfo(name, value, label, 0, spans="/" in label, expand=expands, needs_regex=True)

    # Finding --------------------------------------------------------------------------------------------------------

    def get(self, path: str, method: str, host: str | None = None) -> tuple[Any, Callable[..., Any], dict[str, Any]]:
        """Find the route for a request.

        Args:
            path: the path, percent-encoded.
            method: the HTTP method.
            host: the value of the `Host` header.

        Returns:
            The route, its handler, and the path parameters.

        Raises:
            NotFound: nothing answers the path.
            MethodNotAllowed: something does, with other methods.
        """
        scope = _request_scope(path, method, host)
        route, params = self._find(scope)
        if route is self.fallback:
            raise self._miss(path, method, self._allowed(path, scope), scope)
        return route, route.endpoint, params

    def resolve(
        self,
        path: str,
        *,
        method: str | None = None,
        orig: str | None = None,
        extra: Mapping[str, str] | None = None,
    ) -> tuple[Any, Callable[..., Any], dict[str, Any]]:
        """Find the route for a request as `get` does, with the exceptions of `sanic_routing`.

        Args:
            path: the path, percent-encoded.
            method: the HTTP method.
            orig: has no effect: in Sanic the path before a slash at its end was taken off.
            extra: requirements; `host` is the value of the `Host` header.

        Returns:
            The route, its handler, and the path parameters.

        Raises:
            NoRoute: nothing answers the path (`sanic_routing.exceptions.NotFound`).
            NoMethod: something does, with other methods.
        """
        scope = _request_scope(path, method or "", (extra or {}).get("host"))
        route, params = self._find(scope)
        if route is not self.fallback:
            return route, route.endpoint, params
        allowed = self._allowed(path, scope)
        if not allowed:
            raise NoRoute(path=path)
        raise NoMethod(f"Method '{method}' not found on {path}", method=method, allowed_methods=allowed, path=path)

    @staticmethod
    def _miss(path: str, method: str, allowed: Collection[str], scope: Scope) -> SanicException:
        """Return the exception for a path that no route answers, or none with this method."""
        if not allowed:
            return NotFound(f"Requested URL {path.rstrip('/')} not found")
        if WEBSOCKET in allowed and method == "GET":
            return SanicException(
                "This path is a websocket: it answers a client that asks for an upgrade",
                426,
                quiet=True,
                headers={"upgrade": "websocket"},
            )
        # The handshake of a websocket is a GET.
        methods = {"GET" if each == WEBSOCKET else each for each in allowed} if WEBSOCKET in allowed else allowed
        if scope["type"] == "http":
            return MethodNotAllowed(
                f"Method {method} not allowed for URL {path}", method=method, allowed_methods=tuple(sorted(methods))
            )
        return NotFound(f"Requested URL {path.rstrip('/')} not found")

    def find_route_by_view_name(self, view_name: str, name: str | None = None) -> Route | WebSocketRoute | None:
        """Return the route of that name, with or without the application's name before it."""
        if not view_name:
            return None
        self._build()
        return self.name_index.get(view_name) or self.name_index.get(self.ctx.app.generate_name(view_name))

    def url_path_for(self, name: str, /, **path_params: Any) -> URLPath:
        """Build a path in Starlette's way; Sanic's short names will do, also those of a mounted application.

        Args:
            name: `view`, `app.view`, or `mount:view`.
            path_params: the path parameters, all of them and no other.

        Raises:
            NoMatchFound: no route has that name and just these parameters.
        """
        try:
            return super().url_path_for(name, **path_params)
        except NoMatchFound:
            route = None if ":" in name or not hasattr(self.ctx, "app") else self.find_route_by_view_name(name)
            if route is not None:
                return route.url_path_for(route.name, **path_params)
            raise

    @property
    def routes_all(self) -> dict[tuple[str, ...], Route | WebSocketRoute]:
        """One route for each path, by its segments: the one that was added first."""
        # In a group the newest comes first, so that the oldest is what stays.
        return {route.parts: route for group in self.groups.values() for route in group}

    @property
    def routes_static(self) -> dict[tuple[str, ...], RouteGroup]:
        """The groups whose path has no parameters, and whose routes are for all hosts."""
        return {key: group for key, group in self.groups.items() if group.kind == "static"}

    @property
    def routes_dynamic(self) -> dict[tuple[str, ...], RouteGroup]:
        """The groups whose path has parameters of known types, or whose routes are for certain hosts."""
        return {key: group for key, group in self.groups.items() if group.kind == "dynamic"}

    @property
    def routes_regex(self) -> dict[tuple[str, ...], RouteGroup]:
        """The groups whose path needs a regular expression."""
        return {key: group for key, group in self.groups.items() if group.kind == "regex"}

    # The names that `sanic_routing` has for the same tables.
    static_routes = routes_static
    dynamic_routes = routes_dynamic
    regex_routes = routes_regex

    @property
    def groups(self) -> Mapping[tuple[str, ...], RouteGroup]:
        """Sanic's routes by their segments, those of one path together; made anew only when a route comes or goes."""
        version, kept = self._version, self._groups
        if kept is None or kept[0] is not version:
            # Loaded for plugins that read the groups; no request needs them.
            from sanic_star.compat._routing.groups import group_routes

            routes = [route for route in self.routes[:] if isinstance(route, (Route, WebSocketRoute))]
            kept = self._groups = version, group_routes(routes)
        return MappingProxyType(kept[1])

    def finalize(self, *args: Any, **kwargs: Any) -> None:
        """Close the router: from here on `add` refuses.

        Raises:
            FinalizationError: it is closed.
        """
        if self.finalized:
            raise FinalizationError("Cannot finalize router more than once.")
        self.finalized = True
        self._build()

    def _describe_foreign(self, *routes: BaseRoute) -> None:
        """Give mounts and Starlette's routes the attributes of Sanic's: all that there are, or certain ones."""
        foreign = [route for route in routes or self.routes[:] if not isinstance(route, (Route, WebSocketRoute))]
        if foreign:
            # Many applications have none.
            from sanic_star.compat._routing.foreign import describe

            for route in foreign:
                describe(route)

    def _redirect(self, path: str, scope: Scope) -> tuple[Any, dict[str, Any]] | None:
        found = super()._redirect(path, scope)
        if found is not None:
            # Signals and middleware read the route of each request.
            self._describe_foreign(scope["route"])
        return found

    def mount(self, path: str, app: ASGIApp, name: str | None = None) -> None:
        """Serve another ASGI application below `path`."""
        super().mount(path, app, name)
        self._describe_foreign(self.routes[-1])

    def _changed(self) -> None:
        super()._changed()
        # How the paths of routes are written, by the whole names of views; kept by `_app.urls`.
        self._path_templates: dict[str, Any] = {}

    def _build(self) -> None:
        """Arrange all routes in the index, describe those of others, and forget the names of routes that are gone."""
        if self._stale:
            named = list(self.name_index.items())
            present = {id(route) for route in self.routes[:]}
            for name, route in named:
                if id(route) not in present:
                    self.name_index.pop(name, None)
            self._describe_foreign()
        super()._build()

    def reset(self) -> None:
        """Open the router again."""
        self.finalized = False

    @cached_property
    def regex_types(self) -> dict[str, tuple[Callable[[str], Any], re.Pattern[str], type]]:
        """The types of path parameters: how to convert, and what they look like."""
        return {label: (each.convert, each.pattern, type(each)) for label, each in self.path_types.items()}


if not TYPE_CHECKING:
    __getattr__ = old_names(__name__)
