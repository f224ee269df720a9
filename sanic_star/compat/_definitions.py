"""What was registered, before it is applied to an application: one record for each kind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sanic_star.compat.middleware import Middleware


@dataclass(eq=False)
class RouteDefinition:
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
    ctx: dict[str, Any] = field(default_factory=dict)


@dataclass(eq=False)
class StaticDefinition:
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


@dataclass(eq=False)
class MiddlewareDefinition:
    """A middleware."""

    middleware: Middleware


@dataclass(eq=False)
class ExceptionDefinition:
    """An exception handler."""

    handler: Callable[..., Any]
    exceptions: tuple[Any, ...]


@dataclass(eq=False)
class ListenerDefinition:
    """A listener."""

    listener: Callable[..., Any]
    event: str
    priority: int = 0


Definition = RouteDefinition | StaticDefinition | MiddlewareDefinition | ExceptionDefinition | ListenerDefinition
