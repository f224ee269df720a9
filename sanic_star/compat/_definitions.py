"""What was registered, before it is applied to an application: one record for each kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from typing import TYPE_CHECKING, Any, Self

from sanic_star.compat.middleware import Middleware

if TYPE_CHECKING:
    from pathlib import Path


class _Record:
    """Fields by keyword; one that is not given has the class's default.

    Not a dataclass: making two of those takes longer than all else in this package's modules of that size.
    """

    def __init__(self, **fields: Any) -> None:
        vars(self).update(fields)

    def but(self, **changes: Any) -> Self:
        """Return a copy with other values."""
        return type(self)(**{**vars(self), **changes})


class RouteDefinition(_Record):
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


class StaticDefinition(_Record):
    """A file or directory that is served."""

    uri: str
    location: Path
    name: str
    use_modified_since: bool = True
    use_content_range: bool = False
    stream_large_files: bool | int = False
    host: Any = None
    strict_slashes: bool | None = None
    content_type: str | None = None
    resource_type: str | None = None
    directory_handler: Any = None
    follow_external_symlink_files: bool = False
    follow_external_symlink_dirs: bool = False


class MiddlewareDefinition:
    """A middleware."""

    def __init__(self, middleware: Middleware) -> None:
        self.middleware = middleware


class ExceptionDefinition:
    """An exception handler."""

    def __init__(self, handler: Callable[..., Any], exceptions: tuple[Any, ...]) -> None:
        self.handler = handler
        self.exceptions = exceptions


class ListenerDefinition:
    """A listener."""

    def __init__(self, listener: Callable[..., Any], event: str, priority: int = 0) -> None:
        self.listener = listener
        self.event = event
        self.priority = priority


class CommandDefinition:
    """A command: `sanic-star server:app exec name`."""

    def __init__(self, function: Callable[..., Any], name: str) -> None:
        self.function = function
        self.name = name


class SignalDefinition:
    """A signal."""

    def __init__(
        self,
        handler: Callable[..., Any],
        event: str | Enum,
        condition: Mapping[str, Any] | None = None,
        exclusive: bool = True,
        priority: int = 0,
    ) -> None:
        self.handler = handler
        self.event = event
        self.condition = condition
        self.exclusive = exclusive
        self.priority = priority


Definition = (
    RouteDefinition
    | StaticDefinition
    | MiddlewareDefinition
    | ExceptionDefinition
    | ListenerDefinition
    | CommandDefinition
    | SignalDefinition
)
