"""Sanic's router on the engine's router: `<name:type>` paths, registration rules, look-up by name."""

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

from sanic_star.compat import _routing
from sanic_star.compat._routing.path_types import PATH_TYPES, FileType, ParamInfo, PathType
from sanic_star.compat._routing.routes import _SEPARATOR, Route, RouteExtra, WebSocketRoute, check_methods, method_set
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
# A possible name of a type.
_WORD = pattern(r"^[a-zA-Z_][a-zA-Z0-9_]*$")
# The names of types in older releases of Sanic, in other frameworks and in Python.
_OTHER_NAMES = {
    "string": "str", "text": "str", "default": "str", "any": "str", "integer": "int", "number": "float", "num": "int",
    "digits": "int", "decimal": "float", "double": "float", "real": "float", "date": "ymd", "guid": "uuid",
    "filename": "ext", "file": "ext", "rest": "path", "letters": "alpha", "word": "str",
}  # fmt: skip


# Flask writes the type before the name, `<int:number>`; these are its types, and ours.
_TYPES_OF_FLASK = {"string": "str", "int": "int", "float": "float", "path": "path", "uuid": "uuid"}


# The names of types that Sanic had until 21.12.
_OLD_TYPES = {"string": "str", "number": "float"}


def _decode(uri: str) -> str:
    """Return a route's path decoded before it is parsed, as in Sanic: `%2F` separates segments."""
    return unquote(uri.lstrip("/"))


def _request_scope(path: str, method: str, host: str | None) -> dict[str, Any]:
    """Return a request's scope with the entries that the router reads."""
    headers = [(b"host", host.encode())] if host else []
    raw = path.encode()
    return {"type": "http", "method": method, "path": unquote(path), "raw_path": raw, "headers": headers}


def typed(part: str, hints: Mapping[str, str] | None = None) -> str:
    """Return a parameter with its type, by default `str`: `<name>` and `<name:>` become `<name:str>`.

    Args:
        part: the parameter in its brackets.
        hints: types by name, for parameters without a colon.
    """
    match = _UNTYPED.match(part)
    if match is None:
        return part
    label = hints.get(match[1], "str") if hints and ":" not in part else "str"
    return f"<{match[1]}:{label}>"


def _near_type(word: str, types: Collection[str]) -> str | None:
    """Return the type that an unknown name probably means; `None` if no name is similar."""
    # Imported late: only an error message needs it.
    from difflib import get_close_matches

    word = word.lower()
    similar_type = _OTHER_NAMES.get(word) or next(iter(get_close_matches(word, types, 1)), None)
    return similar_type if similar_type is not None and similar_type in types else None


def _hints(handler: Callable[..., Any]) -> dict[str, str]:
    """Return the annotated types of a handler's parameters that exist as path types."""
    return {
        parameter.name: parameter.annotation.__name__.lower()
        for parameter in signature(handler).parameters.values()
        if parameter.annotation in (str, int, float, UUID)
    }


def _with_decoding(part: Parameter) -> Parameter:
    """Return a parameter whose value is percent-decoded after the match; not for regular expressions, as in Sanic."""
    if part.needs_regex and part.label != "ext":
        return part
    expand = partial(_expand_and_decode, part.name, part.expand)
    return ParamInfo(
        part.name,
        part.convertor,
        part.label,
        part.priority,
        spans=part.spans,
        expand=expand,
        needs_regex=part.needs_regex,
    )


def _expand_and_decode(name: str, expand: Callable[[Any], dict[str, Any]] | None, value: Any) -> dict[str, Any]:
    values = expand(value) if expand else {name: value}
    return {key: unquote(item) if isinstance(item, str) else item for key, item in values.items()}


class Router(routing.Router):
    """The engine's router with Sanic's API to add and find routes."""

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
        self.path_types: dict[str, PathType] = {path_type.label: path_type for path_type in PATH_TYPES}
        self.finalized = False
        # The groups, and the version of the routes that they were built from.
        self._groups: tuple[object, dict[tuple[str, ...], RouteGroup]] | None = None
        # The routes by path shape, hosts and method, which two routes must not share.
        self._routes_by_key: dict[tuple[Any, ...], Route | WebSocketRoute] = {}

    def register_pattern(
        self, label: str, cast: Callable[[str], Any], pattern: str | re.Pattern[str], param_info_class: Any = None
    ) -> None:
        """Register a type of path parameter; it is tried before all existing types.

        Args:
            label: its name in `<name:label>`.
            cast: converts a segment to the value; raises `ValueError` if the segment is not of this type.
            pattern: a regular expression for the segment, used when URLs are built.
            param_info_class: the class to create instead of `PathType`, with the same arguments.

        Raises:
            InvalidUsage: an argument is of the wrong type.
            re.error: the pattern is not a regular expression.
        """
        if not isinstance(label, str):
            raise _routing.exceptions.InvalidUsage(
                f"When registering a pattern, label must be a string, not label={label}"
            )
        if not callable(cast):
            raise _routing.exceptions.InvalidUsage(
                f"When registering a pattern, cast must be a callable, not cast={cast}"
            )
        if not isinstance(pattern, (str, re.Pattern)):
            raise _routing.exceptions.InvalidUsage(
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
            host: the host or hosts of the route.
            strict_slashes: whether a trailing slash matters.
            stream: whether the handler reads the body itself.
            ignore_body: whether the body is left unread.
            version: the version, as a prefix of the path: `/v1`.
            name: the name for building URLs.
            unquote: whether parameters are percent-decoded, those of type `path` too; regular expressions are not.
            static: whether the route serves files.
            version_prefix: the text before the version.
            overwrite: whether to replace a route with the same path.
            error_format: the format of error pages, `html`, `json` or `text`.
            websocket: whether it is a websocket route.
            ctx: the attributes of `route.ctx`.
            max_body_size: the maximum size of a body in bytes, instead of the application's.
            subprotocols: the subprotocols that a websocket offers, the preferred one first.

        Returns:
            The route, or a list of routes if there are several hosts.

        Raises:
            RouteExists: another route has the same path, host and method.
            BadMethod: a method is not an HTTP method.
            FinalizationError: the application has started.
        """
        if self.finalized:
            raise _routing.exceptions.FinalizationError("Cannot finalize router more than once.")
        check_methods(methods)
        verbs = method_set(*map(str, methods or (self.DEFAULT_METHOD,)))
        invalid = [method for method in verbs if method not in self.ALLOWED_METHODS]
        if invalid:
            raise _routing.exceptions.BadMethod(f"Bad method: {invalid}. Must be one of: {self.ALLOWED_METHODS}")
        if error_format:
            from sanic_star.compat.errorpages import check_error_format

            check_error_format(error_format)
        if version is not None:
            number = str(version).strip("/").lstrip("v")
            uri = f"{version_prefix}{number}/{uri.lstrip('/')}"
        hosts = [host] if isinstance(host, str) else sorted(host or ())
        raw_path = uri.lstrip("/") if strict_slashes else uri.strip("/")
        uri = _decode(uri)
        path = "/" + (uri.lstrip("/") if strict_slashes else uri.strip("/"))
        typed_path, segments = self._parse(path, handler)
        if unquote:
            segments = tuple(_with_decoding(part) if isinstance(part, Parameter) else part for part in segments)
        routes = []
        no_host: list[str | None] = [None]
        for route_host in hosts or no_host:
            ident = f"{name}_{route_host.replace('.', '_')}" if route_host and len(hosts) > 1 and name else name
            extra = RouteExtra(
                ident=ident, ignore_body=ignore_body, stream=stream, hosts=hosts or [None], static=static,
                websocket=websocket, max_body_size=max_body_size, subprotocols=subprotocols,
            )  # fmt: skip
            if error_format:
                extra.error_format = error_format
            options: dict[str, Any] = {
                "name": name or "",
                "hosts": (route_host,) if route_host else (),
                "strict": strict_slashes,
            }
            route: Route | WebSocketRoute
            if websocket:
                route = WebSocketRoute(segments, handler, **options)
            else:
                reads_body = not ignore_body and not stream
                route = Route(segments, handler, methods=verbs, reads_body=reads_body, **options)
            route.describe(typed_path, raw_path, unquote, ctx or {}, extra)
            self._insert(route, path, overwrite)
            routes.append(route)
        return routes[0] if len(routes) == 1 else routes

    def _insert(self, route: Route | WebSocketRoute, uri: str, overwrite: bool) -> None:
        """Add a route, unless it conflicts with another one.

        As in Sanic, either all routes of a path have hosts, or none of them.
        """
        shape = (route.regex, *route.segments)
        methods = set(route.methods or ())
        keys = [(shape, route.hosts, method) for method in methods]
        conflicts = {
            id(self._routes_by_key[key]): self._routes_by_key[key] for key in keys if key in self._routes_by_key
        }
        same_path = self._routes_by_key.get(shape)
        if same_path is not None and bool(same_path.hosts) != bool(route.hosts):
            conflicts[id(same_path)] = same_path
        if conflicts:
            # A route that was removed from `routes` is no conflict.
            current_ids = {id(listed) for listed in self.routes}
            conflicts = {key: conflict for key, conflict in conflicts.items() if key in current_ids}
        if conflicts and not overwrite:
            raw_path = "/".join(part if part[:1] == "<" else quote(part) for part in _SEPARATOR.split(uri.lstrip("/")))
            raise _routing.exceptions.RouteExists(f"Route already registered: {raw_path} [{','.join(sorted(methods))}]")
        for conflict in conflicts.values():
            self.routes.remove(conflict)
        for key in (shape, *keys):
            self._routes_by_key[key] = route
        self.routes.append(route)
        # After the append, because `_build`, in another thread, drops the names of routes that are not in the list.
        if route.name:
            self.name_index[route.name] = route

    def _parse(self, uri: str, handler: Callable[..., Any]) -> tuple[str, Segments]:
        """Parse a path.

        Args:
            uri: the decoded path, with its leading slash.
            handler: its annotations are the types of parameters without one (`str`, `int`, `float`, `UUID`).

        Returns:
            The path with the type of every parameter, and its segments.

        Raises:
            InvalidUsage, ParameterNameConflicts, SanicException, re.error: a parameter is invalid, as in Sanic.
        """
        if "<" not in uri:
            literal = "/".join(map(quote, uri.lstrip("/").split("/")))
            return "/" + literal, tuple(literal.split("/"))
        hints: dict[str, str] | None = None
        typed_segments: list[str] = []
        segments: list[str | Parameter] = []
        for part in _SEPARATOR.split(uri.lstrip("/")):
            if not part.startswith("<"):
                literal = quote(part)
                typed_segments.append(literal)
                segments.append(literal)
                continue
            if ":" not in part:
                hints = _hints(handler) if hints is None else hints
            part = self._with_current_type(typed(part, hints))
            typed_segments.append(part)
            segments.append(self._parameter(part, uri))
        parameters = [part for part in segments if isinstance(part, Parameter)]
        names = [part.name for part in parameters if part.name]
        if len(names) != len(set(names)):
            raise _routing.exceptions.ParameterNameConflicts(f"Duplicate named parameters in: {uri.lstrip('/')}")
        # As in Sanic, the two checks below are only for paths without regular expressions.
        if all(self._has_known_type(part) for part in parameters):
            if any(":" in part.label for part in parameters):
                raise _routing.exceptions.InvalidUsage(f"A parameter has one type only, and no options: {uri}")
            if any(name.startswith("__") and name != _FILE_URI for name in names):
                raise SanicException(f"Invalid route: {uri}. Parameter names cannot use '__'.")
        return "/" + "/".join(typed_segments), tuple(segments)

    def _parameter(self, part: str, uri: str) -> ParamInfo:
        """Parse a segment that is a parameter.

        Args:
            part: the segment: `<name:type>`.
            uri: the path, for the message of an exception.

        Raises:
            InvalidUsage: it is not a valid parameter.
        """
        file = _FILE.match(part)
        if file:
            name, stem, allowed = file.groups()
            if stem == "path":
                raise _routing.exceptions.InvalidUsage("Extension parameter matching does not support the `path` type.")
            if stem and stem not in self.path_types:
                raise _routing.exceptions.InvalidUsage(
                    "Extension parameter matching only supports filename matching on known parameter types, "
                    "and not regular expressions."
                )
            file_type = FileType(name, self.path_types.get(stem or ""), allowed.split("|") if allowed else ())
            return ParamInfo(
                name, file_type, "ext", self._priority("ext"), expand=file_type.expand, needs_regex=bool(allowed)
            )
        match = _PARAMETER.match(part)
        if match is None:
            raise _routing.exceptions.InvalidUsage(f"Invalid declaration: {part}")
        name, label = match.groups()
        if label.startswith("ext="):
            raise _routing.exceptions.InvalidUsage(f"Invalid extension parameter definition: {uri.lstrip('/')}")
        path_type = self.path_types.get(label)
        if path_type is not None:
            cacheable = path_type in PATH_TYPES
            return ParamInfo(name, path_type, label, self._priority(label), spans=label == "path", cacheable=cacheable)
        self._check_is_expression(name, label, uri)
        return self._expression(name, label, uri)

    def _with_current_type(self, part: str) -> str:
        """Return a parameter with the current name of its type, if it has an old name."""
        name, _, label = part[1:-1].partition(":")
        if label not in _OLD_TYPES or label in self.path_types:
            return part
        current = f"<{name}:{_OLD_TYPES[label]}>"
        deprecation(f"The path type of {part} was renamed in Sanic 22.3: use {current} instead.", 22.3)
        return current

    def _check_is_expression(self, name: str, label: str, uri: str) -> None:
        """Raise for an unknown type: as a regular expression, a single word would match only itself."""
        word = label.strip()
        if not _WORD.match(word):
            return
        similar_type = _near_type(word, self.path_types)
        hint = f" Did you mean <{name}:{similar_type}>?" if similar_type else ""
        if name in _TYPES_OF_FLASK:
            hint = f" Did you mean <{word}:{_TYPES_OF_FLASK[name]}>? The name comes before the type."
        raise _routing.exceptions.InvalidUsage(
            f"Unknown path type {label!r} in {uri}.{hint} The types are {', '.join(self.path_types)}; others are added "
            f"by app.router.register_pattern. An expression that matches this word alone is <{name}:({word})>."
        )

    def _has_known_type(self, part: Parameter) -> bool:
        """Return whether the text before a second colon is a type: `<id:int:3>` is not a regular expression."""
        type_name, colon, suffix = part.label.partition(":")
        if colon:
            return type_name in self.path_types and not suffix.endswith("path")
        return not (part.needs_regex or part.spans)

    def _priority(self, label: str) -> int:
        return list(self.path_types).index(label)

    @staticmethod
    def _expression(name: str, label: str, uri: str) -> ParamInfo:
        """Parse a parameter whose type is a regular expression; the value is its only group, if it has one."""
        try:
            pattern = re.compile(label)
        except re.error as error:
            raise re.error(f"Invalid parameter declaration: {uri}: {error}") from None
        if pattern.groups > 1:
            raise _routing.exceptions.InvalidUsage(f"Invalid matching pattern {label}")
        if pattern.groupindex and name not in pattern.groupindex:
            group = next(iter(pattern.groupindex))
            raise _routing.exceptions.InvalidUsage(f"Named group ({group}) must match your named parameter ({name})")

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
            NotFound: no route has the path.
            MethodNotAllowed: a route has the path, but with other methods.
        """
        scope = _request_scope(path, method, host)
        route, params = self._find(scope)
        if route is self.fallback:
            raise self._miss(path, method, self._allowed_methods(path, scope), scope)
        return route, route.endpoint, params

    def resolve(
        self,
        path: str,
        *,
        method: str | None = None,
        orig: str | None = None,
        extra: Mapping[str, str] | None = None,
    ) -> tuple[Any, Callable[..., Any], dict[str, Any]]:
        """Find the route for a request like `get`, with the exceptions of `sanic_routing`.

        Args:
            path: the path, percent-encoded.
            method: the HTTP method.
            orig: ignored; in Sanic the path before its trailing slash was removed.
            extra: requirements; `host` is the value of the `Host` header.

        Returns:
            The route, its handler, and the path parameters.

        Raises:
            NotFound: no route has the path (`sanic_routing.exceptions.NotFound`).
            NoMethod: a route has the path, but with other methods.
        """
        scope = _request_scope(path, method or "", (extra or {}).get("host"))
        route, params = self._find(scope)
        if route is not self.fallback:
            return route, route.endpoint, params
        allowed = self._allowed_methods(path, scope)
        if not allowed:
            raise _routing.exceptions.NotFound(path=path)
        raise _routing.exceptions.NoMethod(
            f"Method '{method}' not found on {path}", method=method, allowed_methods=allowed, path=path
        )

    @staticmethod
    def _miss(path: str, method: str, allowed: Collection[str], scope: Scope) -> SanicException:
        """Return the exception for a path without a route, or without a route for this method."""
        if not allowed:
            return _not_found(f"Requested URL {path.rstrip('/')} not found")
        if WEBSOCKET in allowed and method == "GET":
            return SanicException(
                "This path is a websocket: send an upgrade request",
                426,
                quiet=True,
                headers={"upgrade": "websocket"},
            )
        # The handshake of a websocket is a GET.
        methods = {"GET" if name == WEBSOCKET else name for name in allowed} if WEBSOCKET in allowed else allowed
        if scope["type"] == "http":
            return _method_not_allowed(f"Method {method} not allowed for URL {path}", method, tuple(sorted(methods)))
        return _not_found(f"Requested URL {path.rstrip('/')} not found")

    def find_route_by_view_name(self, view_name: str, name: str | None = None) -> Route | WebSocketRoute | None:
        """Return the route of that name, with or without the application's name as prefix.

        Args:
            view_name: the name of the view.
            name: ignored.
        """
        if not view_name:
            return None
        self._build()
        return self.name_index.get(view_name) or self.name_index.get(self.ctx.app.generate_name(view_name))

    def url_path_for(self, name: str, /, **path_params: Any) -> URLPath:
        """Build a path in Starlette's way; also by Sanic's short names, including those of a mounted application.

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
        # In a group the newest route is first, so that the oldest one stays.
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
        """Sanic's routes grouped by the segments of their path; rebuilt only when routes change."""
        version, cached_groups = self._version, self._groups
        if cached_groups is None or cached_groups[0] is not version:
            # Imported late: only plugins read the groups.
            from sanic_star.compat._routing.groups import group_routes

            routes = [route for route in self.routes[:] if isinstance(route, (Route, WebSocketRoute))]
            cached_groups = self._groups = version, group_routes(routes)
        return MappingProxyType(cached_groups[1])

    def finalize(self, *args: Any, **kwargs: Any) -> None:
        """Close the router: from now on `add` raises.

        Raises:
            FinalizationError: it is already closed.
        """
        if self.finalized:
            raise _routing.exceptions.FinalizationError("Cannot finalize router more than once.")
        self.finalized = True
        self._build()

    def _describe_foreign(self, *routes: BaseRoute) -> None:
        """Give mounts and Starlette's routes the attributes of Sanic's routes; by default all of them."""
        foreign_routes = [route for route in routes or self.routes[:] if not isinstance(route, (Route, WebSocketRoute))]
        if foreign_routes:
            # Imported late: many applications have none.
            from sanic_star.compat._routing.foreign import describe

            for route in foreign_routes:
                describe(route)

    def _redirect(self, path: str, scope: Scope) -> tuple[Any, dict[str, Any]] | None:
        redirect = super()._redirect(path, scope)
        if redirect is not None:
            # Signals and middleware read the attributes of each request's route.
            self._describe_foreign(scope["route"])
        return redirect

    def mount(self, path: str, app: ASGIApp, name: str | None = None) -> None:
        """Serve another ASGI application below `path`.

        Args:
            path: the prefix of the application's paths.
            app: the ASGI application.
            name: the name for `url_for`.
        """
        super().mount(path, app, name)
        self._describe_foreign(self.routes[-1])

    def _changed(self) -> None:
        super()._changed()
        # Templates of paths by the full names of views, cached by `_app.urls`.
        self._path_templates: dict[str, Any] = {}

    def _build(self) -> None:
        """Build the index, describe mounts and Starlette's routes, and drop the names of removed routes."""
        if self._stale:
            indexed = list(self.name_index.items())
            current_ids = {id(route) for route in self.routes[:]}
            for name, route in indexed:
                if id(route) not in current_ids:
                    self.name_index.pop(name, None)
            self._describe_foreign()
        super()._build()

    def reset(self) -> None:
        """Reopen the router."""
        self.finalized = False

    @cached_property
    def regex_types(self) -> dict[str, tuple[Callable[[str], Any], re.Pattern[str], type]]:
        """The types of path parameters: converter, pattern and class by label."""
        return {label: (kind.convert, kind.pattern, type(kind)) for label, kind in self.path_types.items()}


if not TYPE_CHECKING:

    def __getattr__(name):
        # Sanic's module has this name of another module, too.
        return _routing.exceptions.NoMethod if name == "NoMethod" else old_names(__name__)(name)


def _not_found(message: str) -> NotFound:
    """Return `NotFound(message)`.

    PERF: without the four initialisers, which take 1 µs («errors»). Safe because a test compares the attributes.

    Args:
        message: the message for the client.
    """
    error = NotFound.__new__(NotFound, message)
    error.context = error.extra = None
    error.status_code, error.quiet = NotFound.status_code, NotFound.quiet
    error.detail = error.message = message
    error.headers = dict(NotFound.headers)
    return error


def _method_not_allowed(message: str, method: str, allowed_methods: tuple[str, ...]) -> MethodNotAllowed:
    """Return `MethodNotAllowed(message, method, allowed_methods)`; see `_not_found`.

    Args:
        message: the message for the client.
        method: the method of the request.
        allowed_methods: the supported methods, at least one.
    """
    error = MethodNotAllowed.__new__(MethodNotAllowed, message)
    error.context = error.extra = None
    error.status_code, error.quiet = MethodNotAllowed.status_code, MethodNotAllowed.quiet
    error.detail = error.message = message
    error.headers = {**MethodNotAllowed.headers, "Allow": ", ".join(allowed_methods)}
    error.method, error.allowed_methods = method, allowed_methods
    return error
