"""The ASGI scope of a request or a websocket handshake that a client library has prepared."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote, urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send

from sanic_star.engine.application import Engine

__all__ = ["HOOK", "RepeatedHeader", "StandIn", "connection_scope", "fields_of", "observe_requests", "values_of"]

# The key of `scope["extensions"]` for a new dictionary, in which the application may store its request object. The
# clients return it to the test.
HOOK = "sanic_star.testing"

_ASGI = {"version": "3.0", "spec_version": "2.4"}
_PORTS = {"http": 80, "https": 443}

# Its arguments are an error handler, an exception and the exception's handler; it returns the handler to call.
StandIn = Callable[[Any, BaseException, Any], Any]


class RepeatedHeader(str):
    """The values of a header that is sent several times, joined by commas as a string."""

    values: list[str]

    def __new__(cls, values: list[str]) -> "RepeatedHeader":
        self = super().__new__(cls, ", ".join(values))
        self.values = values
        return self


def fields_of(headers: Mapping[str, Any]) -> list[tuple[bytes, bytes]]:
    """Return header fields as in an ASGI scope, one for each value."""
    return [(_encode(name), _encode(item)) for name, value in headers.items() for item in values_of(value)]


def values_of(value: str | bytes) -> list[Any]:
    return value.values if isinstance(value, RepeatedHeader) else [value]


def _encode(text: str | bytes) -> bytes:
    return text.encode("latin-1") if isinstance(text, str) else text


def connection_scope(
    url: str,
    headers: Iterable[tuple[bytes, bytes]],
    *,
    root_path: str = "",
    client: tuple[str, int] | None = None,
    state: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the part of the scope that requests and websockets have in common; the scheme is that of HTTP.

    Args:
        url: an absolute URL, percent-encoded.
        headers: the header fields; a missing `Host` is added.
        root_path: the path under which the application is mounted.
        client: the address of the client.
        state: the state of the lifespan; the scope gets a copy.
    """
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
    path = parts.path or "/"
    pairs = [(name.lower(), value) for name, value in headers]
    if all(name != b"host" for name, _ in pairs):
        url_host = f"[{host}]" if ":" in host else host
        authority = url_host if port == _PORTS[parts.scheme] else f"{url_host}:{port}"
        pairs.insert(0, (b"host", authority.encode("latin-1")))
    return {
        "asgi": _ASGI.copy(),
        "http_version": "1.1",
        "scheme": parts.scheme,
        "path": unquote(path),
        "raw_path": path.encode("ascii"),
        "query_string": parts.query.encode("ascii"),
        "root_path": root_path,
        "headers": pairs,
        "client": client,
        "server": (host, port),
        "state": dict(state or {}),
        "extensions": {HOOK: {}},
    }


@contextmanager
def observe_requests(app: ASGIApp, stand_in: StandIn | None = None) -> Iterator[list[Any]]:
    """Make an application of this package store its request objects in the scopes, if it starts within the block.

    The application's request factory is wrapped within the block and restored afterwards. Several clients may observe
    one application at a time.

    Args:
        app: the application; other ASGI applications are left unchanged.
        stand_in: chooses another exception handler for these requests.

    Yields:
        The list of request objects whose scope was made by a server, not by a client of this package.
    """
    engine = getattr(app, "_engine", None)
    if not isinstance(engine, Engine):
        yield []
        return
    factory = engine.make_request
    observer = factory if isinstance(factory, _Observer) else _Observer(factory)
    engine.make_request = observer
    previous, observer.stand_in = observer.stand_in, stand_in
    observer.clients += 1
    observer.requests.clear()
    try:
        yield observer.requests
    finally:
        observer.stand_in = previous
        observer.clients -= 1
        # The test may have set another request class.
        if not observer.clients and engine.make_request is observer:
            engine.make_request = observer.make


class _Observer:
    """A request factory that stores its requests for a test client. It can be pickled with the application.

    Args:
        make: the application's own request factory.
    """

    def __init__(self, make: Callable[[Scope, Receive, Send], Any]) -> None:
        self.make = make
        self.requests: list[Any] = []
        self.stand_in: StandIn | None = None
        self.clients = 0

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Any:
        request = self.make(scope, receive, send)
        if self.stand_in is not None:
            request._stand_in = self.stand_in
        extension = (scope.get("extensions") or {}).get(HOOK)
        if extension is None:
            self.requests.append(request)
        else:
            extension.setdefault("request", request)
        return request

    def __reduce__(self) -> Any:
        return type(self), (self.make,)
