"""Routes with Sanic's and Starlette's attributes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from types import SimpleNamespace
from typing import Any, TypeAlias

from starlette.datastructures import URLPath
from starlette.middleware import Middleware

from sanic_star.compat import _routing
from sanic_star.compat._routing.path_types import _PATH, PATH_TYPES, FileType, ParamInfo
from sanic_star.compat._support.lazy import pattern
from sanic_star.engine import routing
from sanic_star.engine.index import Parameter, Segments
from sanic_star.engine.routing import literal_regex

# For each level (group, blueprint, route): its ASGI middleware, and the functions of its Sanic middleware, if they
# could be confused with another level's.
Levels: TypeAlias = Sequence[tuple[Sequence[Middleware], Sequence[Callable[..., Any]]]]

# A slash inside a parameter's brackets is not a separator: it is part of a regular expression.
_SEPARATOR = pattern(r"/(?=[^>]*(?:<(?<!\?<)|$))")


def _source(part: str | Parameter, shown: bool = False) -> str:
    """Return a segment as a regular expression; with `shown`, in Sanic's form."""
    if isinstance(part, str):
        return re.escape(part) if shown else literal_regex(part)
    kind: Any = part.convertor
    return f"(?P<{part.name}>{kind.pattern.pattern[1:-1] if shown else kind.regex})"


def _spans(part: str | Parameter) -> bool:
    return isinstance(part, Parameter) and part.convertor is _PATH


def _is_expression(param: ParamInfo) -> bool:
    return param.needs_regex and param.label != "ext"


# After the type that was registered last.
_AFTER_ALL_TYPES = float("inf")


def _is_plain(part: str | Parameter) -> bool:
    """Return whether a segment matches only one text from a given position; unknown for a regular expression."""
    return isinstance(part, str) or isinstance(part.convertor, FileType) or part.convertor in PATH_TYPES


@lru_cache
def method_set(*methods: str) -> frozenset[str]:
    """Return HTTP methods as a set, which is shared by all routes with the same methods."""
    return frozenset(methods)


def check_methods(methods: Iterable[str] | None) -> None:
    """Check the HTTP methods of a route; the router checks that they exist.

    Raises:
        BadMethod: they are text, whose letters would be the methods.
        TypeError: they are not a list of texts.
    """
    if not methods:
        return  # the default, as in Sanic
    if isinstance(methods, str):
        names = methods.upper().replace(",", " ").split() or ["GET"]
        raise _routing.exceptions.BadMethod(
            f"methods= takes a list of HTTP methods, got {str(methods)!r}: write methods={names}"
        )
    if isinstance(methods, (frozenset, list, tuple, set)):
        invalid = [method for method in methods if not isinstance(method, str)]
    else:
        invalid = [] if isinstance(methods, Iterable) and not isinstance(methods, bytes) else [methods]
    if invalid:
        raise TypeError(f"methods= takes a list of HTTP methods as text, got {invalid[0]!r}: write methods=['GET']")


class RouteExtra(SimpleNamespace):
    """Sanic's further options of a route: `ident`, `hosts`, `static`, `stream`, `error_format`, …

    A route without `error_format` gets the format of its handler's responses on first access, usually by an error page.
    Sanic reads the source of every handler at its registration, which would slow down the start.
    """

    # A slot, so that `vars()` contains only Sanic's attributes.
    __slots__ = ("_handler",)

    def __getattr__(self, name: str) -> Any:
        if name != "error_format":
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        from sanic_star.compat.errorpages import format_of_handler

        self.error_format = guess = format_of_handler(getattr(self, "_handler", None))
        return guess


class _SanicRoute:
    """Sanic's attributes of HTTP and websocket routes."""

    path_segments: Segments
    endpoint: Callable[..., Any]
    methods: Any
    name: str
    hosts: tuple[str, ...]
    strict: bool
    uri: str
    # The path as it was registered, without the leading slash: `<name>` if `uri` has `<name:str>`.
    raw_path: str
    unquote: bool
    requirements: dict[str, str]
    # The ASGI middleware around the route, the outermost level first; see `_app.layers`.
    _levels: Levels = ()
    # Whether a synchronous handler runs in a thread; `None` leaves it to the application.
    _threaded: bool | None = None
    ctx: SimpleNamespace
    extra: RouteExtra

    def describe(self, uri: str, raw_path: str, unquote: bool, ctx: Mapping[str, Any], extra: RouteExtra) -> None:
        """Set the attributes that the engine does not use."""
        self.uri = uri
        self.raw_path = raw_path
        self.unquote = unquote
        self.ctx = SimpleNamespace(**ctx)
        self.extra = extra
        extra._handler = self.endpoint
        self.requirements = {"host": self.hosts[0]} if self.hosts else {}

    @property
    def handler(self) -> Callable[..., Any]:
        """The user's handler."""
        return self.endpoint

    @property
    def parts(self) -> tuple[str, ...]:
        """The segments of the path, with parameters as they were registered."""
        return tuple(_SEPARATOR.split(self.uri.lstrip("/")))

    @property
    def segments(self) -> tuple[str, ...]:
        """The segments of the path, with only the types of parameters; two routes must not have the same."""
        return tuple(part if isinstance(part, str) else f"<__dynamic__:{part.label}>" for part in self.path_segments)

    @property
    def params(self) -> dict[int, ParamInfo]:
        """The parameters by the index of their segment; as in Sanic ordered by type, regular expressions last.

        OpenAPI documents list parameters in this order.
        """
        params = [(index, part) for index, part in enumerate(self.path_segments) if isinstance(part, ParamInfo)]
        if len(params) > 1:
            params.sort(key=lambda param: _AFTER_ALL_TYPES if _is_expression(param[1]) else param[1].priority)
        return dict(params)

    @property
    def labels(self) -> list[str]:
        """The parameters' names, in the order of the path."""
        return [part.name for part in self.path_segments if isinstance(part, ParamInfo)]

    @property
    def regex(self) -> bool:
        """Whether the path has a regular expression or a `path` parameter."""
        return any(isinstance(part, ParamInfo) and (part.needs_regex or part.spans) for part in self.path_segments)

    @property
    def static(self) -> bool:
        """Whether the path has no parameters."""
        return not any(isinstance(part, ParamInfo) for part in self.path_segments)

    @property
    def pattern(self) -> str | None:
        """The path's regular expression, if the route needs one."""
        if not self.regex:
            return None
        return "/" + "/".join(_source(part, shown=True) for part in self.path_segments)

    def expression(self) -> re.Pattern[str]:
        """Return the path as a regular expression that matches in linear time.

        A parameter that may contain slashes ends at the first position where the following segments match, up to the
        next such parameter. That one matches anything, so a later position would not help. Atomic groups prevent
        backtracking; without them a path of some thousand slashes, which a client may send, takes seconds.
        """
        expression, remaining = "", [*self.path_segments]
        while remaining:
            end = next((position for position, part in enumerate(remaining[1:], 1) if _spans(part)), len(remaining))
            chunk, remaining = remaining[:end], remaining[end:]
            source = "/".join(map(_source, chunk)) + ("/" if remaining else "")
            expression += f"(?>{source})" if remaining and all(map(_is_plain, chunk)) else source
        return re.compile(f"^/{expression}$")

    def url_path_for(self, name: str, /, **path_params: Any) -> URLPath:
        """Build the path, as in Starlette; the application's name may be left out.

        Starlette's `Mount` calls this for the routes of its application one by one.

        Raises:
            NoMatchFound: the route has another name, or other parameters.
        """
        if name == self.name.partition(".")[2]:
            name = self.name
        return super().url_path_for(name, **path_params)  # type: ignore[misc,no-any-return]

    def __str__(self) -> str:
        return f"<Route: name={self.name} path={self.uri.lstrip('/') or '/'}>"

    __repr__ = __str__


class Route(_SanicRoute, routing.Route):  # type: ignore[override]
    """An HTTP route with Sanic's and Starlette's attributes."""


class WebSocketRoute(_SanicRoute, routing.WebSocketRoute):  # type: ignore[override]
    """A websocket route with Sanic's and Starlette's attributes."""

    # The handshake is a GET request.
    methods = frozenset({"GET"})
