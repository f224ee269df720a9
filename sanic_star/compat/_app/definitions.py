"""What was registered, before it is applied to an application: one record for each kind.

`RouteDefinition` is the record of a route's options; `RouteOptions` tells type checkers and editors which of them the
decorators `get`, `post`, … take as keywords. A record has no other field than those written here: a wrong keyword
raises `TypeError` where it is given. Two records are equal if they are the same one, since a blueprint may define the
same route twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from os import PathLike
from typing import Any, TypedDict

# Not dataclasses: making the class of one takes 1.9 ms, of a Struct 0.02 ms.
from msgspec import Struct

from sanic_star.compat.middleware import Middleware


class AddedRouteOptions(TypedDict, total=False):
    """The options of a route that `add_route` and `add_websocket_route` take as keywords; see `Registrar.route`."""

    ignore_body: bool
    apply: bool
    unquote: bool
    static: bool
    version_prefix: str
    error_format: str | None
    max_body_size: int | None


class WebsocketOptions(AddedRouteOptions, total=False):
    """The options of a route that the `websocket` decorator takes as keywords; see `Registrar.route`."""

    version: int | str | float | None
    name: str | None


class RouteOptions(WebsocketOptions, total=False):
    """The options of a route that `get`, `post` and the other verbs take as keywords; see `Registrar.route`."""

    stream: bool
    websocket: bool
    subprotocols: Iterable[str] | None


class RouteDefinition(Struct, kw_only=True, eq=False):
    """A route, as its decorator described it."""

    handler: Callable[..., Any]
    uri: str
    methods: frozenset[str] | None
    name: str
    host: tuple[str, ...] = ()
    strict_slashes: bool | None = None
    stream: bool = False
    version: int | str | float | None = None
    ignore_body: bool = False
    websocket: bool = False
    subprotocols: tuple[str, ...] = ()
    unquote: bool = False
    static: bool = False
    version_prefix: str = "/v"
    error_format: str | None = None
    max_body_size: int | None = None
    ctx: Mapping[str, Any] = {}


class StaticDefinition(Struct, kw_only=True, eq=False):
    """A file or directory that is served."""

    uri: str
    location: PathLike[str]
    name: str
    use_modified_since: bool = True
    use_content_range: bool = False
    stream_large_files: bool | int = False
    host: tuple[str, ...] = ()
    strict_slashes: bool | None = None
    content_type: str | None = None
    resource_type: str | None = None
    directory_handler: Any = None
    follow_external_symlink_files: bool = False
    follow_external_symlink_dirs: bool = False


class MiddlewareDefinition(Struct, eq=False):
    """A middleware."""

    middleware: Middleware


class ExceptionDefinition(Struct, eq=False):
    """An exception handler."""

    handler: Callable[..., Any]
    exceptions: tuple[Any, ...]


class ListenerDefinition(Struct, eq=False):
    """A listener."""

    listener: Callable[..., Any]
    event: str
    priority: int = 0


class CommandDefinition(Struct, eq=False):
    """A command: `sanic-star server:app exec name`."""

    function: Callable[..., Any]
    name: str


class SignalDefinition(Struct, eq=False):
    """A signal."""

    handler: Callable[..., Any]
    event: str | Enum
    condition: Mapping[str, Any] | None = None
    exclusive: bool = True
    priority: int = 0


Definition = (
    RouteDefinition
    | StaticDefinition
    | MiddlewareDefinition
    | ExceptionDefinition
    | ListenerDefinition
    | CommandDefinition
    | SignalDefinition
)
