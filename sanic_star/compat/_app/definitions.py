"""Records of registrations (routes, listeners, …) before they are applied to an application.

The fields and their order are those of Sanic 25.12's `sanic.models.futures`, which plugins import: that module here
exports these records under Sanic's names. A wrong keyword raises `TypeError` at once. Two records are equal only if
they are the same object, because a blueprint may define the same route twice.

`route_options` tells type checkers and editors which options of a route the decorators take as keywords.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import Enum
from os import PathLike
from typing import Any, ClassVar, Self, dataclass_transform

from starlette.middleware import Middleware
from starlette.types import ASGIApp


# PERF: `import sanic_star` creates eight of these classes. One takes 0.5 ms as a dataclass, 0.1 ms as a named tuple,
# and 0.01 ms here. A `msgspec.Struct` is as fast, but `import msgspec` takes 3 ms. Safe because records are only
# created at registration, and because `__init__` checks their fields as a dataclass would.
@dataclass_transform(eq_default=False)
class Record:
    """The base class of the records: Sanic's are named tuples, so plugins unpack them and use `_asdict` and `_replace`.

    The annotations of a subclass are its fields, in order; a class attribute is the field's default.

    Args:
        values: the fields' values, in order.
        keywords: the values of further fields, by name.

    Raises:
        TypeError: a value is missing, given twice, or has no field.

    Examples:
        >>> name, func = CommandDefinition("restock", print)
        >>> CommandDefinition(name, func)._replace(name="order")._asdict()["name"]
        'order'
    """

    _fields: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls) -> None:
        cls._fields = tuple(cls.__annotations__)

    def __init__(self, *values: Any, **keywords: Any) -> None:
        fields = self._fields
        if len(values) > len(fields):
            raise TypeError(f"{type(self).__name__} has {len(fields)} fields, not {len(values)}")
        for name in keywords.keys() - set(fields):
            raise TypeError(f"{type(self).__name__} has no field {name!r}")
        for name, value in zip(fields, values, strict=False):
            if name in keywords:
                raise TypeError(f"{type(self).__name__}: two values for {name!r}")
            setattr(self, name, value)
        for name in fields[len(values) :]:
            if name in keywords:
                setattr(self, name, keywords[name])
            elif not hasattr(type(self), name):
                raise TypeError(f"{type(self).__name__}: a value for {name!r} is missing")

    def __iter__(self) -> Iterator[Any]:
        return (getattr(self, name) for name in self._fields)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self._asdict().items())})"

    def _asdict(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self._fields}

    def _replace(self, **changes: Any) -> Self:
        return type(self)(**{**self._asdict(), **changes})


class RouteDefinition(Record):
    """A route."""

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
    threaded: bool | None = None


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


class MountDefinition(Record):
    """An ASGI application that is mounted on a blueprint; Sanic has no such record."""

    uri: str
    app: ASGIApp
    name: str | None
    middleware: Sequence[Middleware]
    lifespan: bool
    handle_errors: bool


class MiddlewareDefinition(Record):
    """A middleware, and its location: `request` or `response`."""

    middleware: Any
    attach_to: str


class ExceptionDefinition(Record):
    """An exception handler."""

    handler: Callable[..., Any]
    exceptions: Iterable[Any]
    threaded: bool | None = None

    def __iter__(self) -> Iterator[Any]:
        # Plugins unpack Sanic's two fields.
        return iter((self.handler, self.exceptions))


class ListenerDefinition(Record):
    """A listener."""

    listener: Callable[..., Any]
    event: str
    priority: int = 0
    threaded: bool | None = None

    def __iter__(self) -> Iterator[Any]:
        # Plugins unpack Sanic's three fields.
        return iter((self.listener, self.event, self.priority))


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
    | MountDefinition
    | MiddlewareDefinition
    | ExceptionDefinition
    | ListenerDefinition
    | CommandDefinition
    | SignalDefinition
)
