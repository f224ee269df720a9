"""What was registered, before it is applied to an application: one record for each kind.

The fields and their order are those of Sanic 25.12's `sanic.models.futures`, which plugins import: that module here
exports these records under Sanic's names. A record has no other field than those written here: a wrong keyword raises
`TypeError` where it is given. Two records are equal if they are the same object, since a blueprint may define the same
route twice.

`route_options` tells type checkers and editors which options of a route the decorators take as keywords.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import Enum
from os import PathLike
from typing import Any, Self

# Neither dataclasses nor named tuples: making the class of one takes 1.9 or 0.2 ms, of a Struct 0.02 ms.
from msgspec import Struct
from msgspec.structs import asdict, astuple, replace
from starlette.middleware import Middleware


class Record(Struct, eq=False):
    """The base class of the records: Sanic's are named tuples, so plugins unpack them and use `_asdict` and `_replace`.

    Examples:
        >>> name, func = CommandDefinition("restock", print)
        >>> CommandDefinition(name, func)._replace(name="order")._asdict()["name"]
        'order'
    """

    def __iter__(self) -> Iterator[Any]:
        return iter(astuple(self))

    def _asdict(self) -> dict[str, Any]:
        return asdict(self)

    def _replace(self, **changes: Any) -> Self:
        return replace(self, **changes)


class RouteDefinition(Record):
    """A route, as its decorator described it."""

    handler: Callable[..., Any]
    uri: str
    methods: frozenset[str] | None
    host: tuple[str, ...]
    strict_slashes: bool | None
    stream: bool
    version: int | str | float | None
    name: str
    ignore_body: bool
    websocket: bool
    subprotocols: tuple[str, ...]
    unquote: bool
    static: bool
    version_prefix: str
    error_format: str | None
    route_context: Mapping[str, Any]
    max_body_size: int | None = None
    middleware: Sequence[Middleware] = ()


class StaticDefinition(Record):
    """A file or directory that is served."""

    uri: str
    file_or_directory: PathLike[str]
    pattern: str
    use_modified_since: bool
    use_content_range: bool
    stream_large_files: bool | int
    name: str
    host: tuple[str, ...]
    strict_slashes: bool | None
    content_type: str | None
    resource_type: str | None
    directory_handler: Any
    follow_external_symlink_files: bool
    follow_external_symlink_dirs: bool
    middleware: Sequence[Middleware] = ()


class MiddlewareDefinition(Record):
    """A middleware, and `request` or `response`."""

    middleware: Any
    attach_to: str


class ExceptionDefinition(Record):
    """An exception handler."""

    handler: Callable[..., Any]
    exceptions: Iterable[Any]


class ListenerDefinition(Record):
    """A listener."""

    listener: Callable[..., Any]
    event: str
    priority: int = 0


class CommandDefinition(Record):
    """A command: `sanic-star server:app exec name`."""

    name: str
    func: Callable[..., Any]


class SignalDefinition(Record):
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
