"""Routes in Sanic's and Starlette's words."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from types import SimpleNamespace
from typing import Any, TypeAlias

from starlette.datastructures import URLPath
from starlette.middleware import Middleware

from sanic_star.compat._routing.path_types import _PATH, PATH_TYPES, FileType, ParamInfo
from sanic_star.compat._support.lazy import pattern
from sanic_star.engine import routing
from sanic_star.engine.index import Parameter, Segments
from sanic_star.engine.routing import either

# For each level (group, blueprint, route): its ASGI middleware, and the functions that are its Sanic middleware, where
# another level's could be taken for them.
Levels: TypeAlias = Sequence[tuple[Sequence[Middleware], Sequence[Callable[..., Any]]]]

# A slash inside a parameter's brackets separates nothing: it is part of a regular expression.
_SEPARATOR = pattern(r"/(?=[^>]*(?:<(?<!\?<)|$))")


def _source(part: str | Parameter, shown: bool = False) -> str:
    """Return a segment as a regular expression; `shown`, in Sanic's words."""
    if isinstance(part, str):
        return re.escape(part) if shown else either(part)
    kind: Any = part.convertor
    return f"(?P<{part.name}>{kind.pattern.pattern[1:-1] if shown else kind.regex})"


def _spans(part: str | Parameter) -> bool:
    return isinstance(part, Parameter) and part.convertor is _PATH


def _is_expression(param: ParamInfo) -> bool:
    return param.needs_regex and param.label != "ext"


# Behind the type that was registered last.
_LAST = float("inf")


def _is_plain(part: str | Parameter) -> bool:
    """Tell whether a segment fits one text only from where it begins; nobody knows that of an expression."""
    return isinstance(part, str) or isinstance(part.convertor, FileType) or part.convertor in PATH_TYPES


@lru_cache
def method_set(*methods: str) -> frozenset[str]:
    """Return HTTP methods as a set, the same one for all routes that have them."""
    return frozenset(methods)


class RouteExtra(SimpleNamespace):
    """What Sanic keeps about a route beside its path: `ident`, `hosts`, `static`, `stream`, `error_format`, …

    A route that has no `error_format` gets that of its handler's responses when something reads it, an error page as a
    rule. Sanic reads the sources of all handlers when they are registered; here no start-up pays for that.
    """

    # Beside the attributes, so that `vars()` has only Sanic's.
    __slots__ = ("_handler",)

    def __getattr__(self, name: str) -> Any:
        if name != "error_format":
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        from sanic_star.compat.errorpages import format_of_handler

        self.error_format = guess = format_of_handler(getattr(self, "_handler", None))
        return guess


class _SanicRoute:
    """Sanic's words for a route of either kind."""

    path_segments: Segments
    endpoint: Callable[..., Any]
    methods: Any
    name: str
    hosts: tuple[str, ...]
    strict: bool
    uri: str
    # The path as it was written, without the first slash: `<name>` where `uri` has `<name:str>`.
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
        """Take what the engine does not know of."""
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
        """The segments of the path, parameters as they were written."""
        return tuple(_SEPARATOR.split(self.uri.lstrip("/")))

    @property
    def segments(self) -> tuple[str, ...]:
        """The segments of the path, parameters by their type alone: what two routes must not have in common."""
        return tuple(part if isinstance(part, str) else f"<__dynamic__:{part.label}>" for part in self.path_segments)

    @property
    def params(self) -> dict[int, ParamInfo]:
        """The parameters, by the place of their segment; in the order of their types, expressions last, as in Sanic.

        OpenAPI documents that are made of them list parameters in this order.
        """
        params = [(place, part) for place, part in enumerate(self.path_segments) if isinstance(part, ParamInfo)]
        if len(params) > 1:
            params.sort(key=lambda param: _LAST if _is_expression(param[1]) else param[1].priority)
        return dict(params)

    @property
    def labels(self) -> list[str]:
        """The parameters' names, in the order of the path."""
        return [part.name for part in self.path_segments if isinstance(part, ParamInfo)]

    @property
    def regex(self) -> bool:
        """Whether the path holds a regular expression or a `path` parameter."""
        return any(isinstance(part, ParamInfo) and (part.needs_regex or part.spans) for part in self.path_segments)

    @property
    def static(self) -> bool:
        """Whether the path has no parameters."""
        return not any(isinstance(part, ParamInfo) for part in self.path_segments)

    @property
    def pattern(self) -> str | None:
        """The path's regular expression, where the route needs one."""
        if not self.regex:
            return None
        return "/" + "/".join(_source(part, shown=True) for part in self.path_segments)

    def expression(self) -> re.Pattern[str]:
        """Return the path as a regular expression that is read in one pass.

        A parameter that may hold slashes ends at the first place where what is behind it fits, up to the next such
        parameter: that one takes anything, so that a later place would do no better. Atomic groups say so; without them
        a path of some thousand slashes, which a client may send, takes seconds.
        """
        whole, rest = "", [*self.path_segments]
        while rest:
            end = next((at for at, part in enumerate(rest[1:], 1) if _spans(part)), len(rest))
            chunk, rest = rest[:end], rest[end:]
            source = "/".join(map(_source, chunk)) + ("/" if rest else "")
            whole += f"(?>{source})" if rest and all(map(_is_plain, chunk)) else source
        return re.compile(f"^/{whole}$")

    def url_path_for(self, name: str, /, **path_params: Any) -> URLPath:
        """Build the path, as Starlette does; the name may leave out the application's.

        A `Mount` of Starlette's asks the routes of what it mounts one by one.

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
    """An HTTP route, in Sanic's and Starlette's words."""


class WebSocketRoute(_SanicRoute, routing.WebSocketRoute):  # type: ignore[override]
    """A websocket route, in Sanic's and Starlette's words."""

    # The handshake is one.
    methods = frozenset({"GET"})
