"""The ASGI scope of a request or a websocket handshake, made from what a client library has prepared."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote, urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send

from sanic_star.engine.application import Engine

__all__ = ["HOOK", "Several", "StandIn", "connection_scope", "fields_of", "observe_requests", "values_of"]

# A fresh dictionary under this key of ``scope["extensions"]`` is where an app may leave its own request object, for
# the clients that hand it to the test.
HOOK = "sanic_star.testing"

_ASGI = {"version": "3.0", "spec_version": "2.4"}
_PORTS = {"http": 80, "https": 443}

# Gets an error handler, an exception and the handler that was found for it; returns the one to call.
StandIn = Callable[[Any, BaseException, Any], Any]


class Several(str):
    """The values of a header that is sent several times, joined for those who look no closer."""

    values: list[str]

    def __new__(cls, values: list[str]) -> "Several":
        self = super().__new__(cls, ", ".join(values))
        self.values = values
        return self


def fields_of(headers: Mapping[str, Any]) -> list[tuple[bytes, bytes]]:
    """Return header fields as an ASGI scope has them; a header may have several values."""
    return [(_encode(name), _encode(item)) for name, value in headers.items() for item in values_of(value)]


def values_of(value: str | bytes) -> list[Any]:
    return value.values if isinstance(value, Several) else [value]


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
    """Make what the scopes of both kinds have in common; the scheme is still that of HTTP.

    Args:
        url: absolute and percent-encoded.
        headers: as the client sends them; a missing Host is added.
        root_path: where the app is mounted.
        client: address of the client.
        state: the lifespan's state; the scope gets a copy.
    """
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
    path = parts.path or "/"
    pairs = [(name.lower(), value) for name, value in headers]
    if all(name != b"host" for name, _ in pairs):
        shown = f"[{host}]" if ":" in host else host
        pairs.insert(0, (b"host", (shown if port == _PORTS[parts.scheme] else f"{shown}:{port}").encode("latin-1")))
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
    """Let an app of this package leave its request objects in the scopes, if it is started within the block.

    The app's request factory is wrapped for that time, and is the app's own again afterwards. Several clients may
    use one app at a time.

    Args:
        app: the app; another ASGI app is left alone.
        stand_in: chooses another exception handler for these requests.

    Yields:
        The request objects whose scope a server has made.
    """
    engine = getattr(app, "_engine", None)
    if not isinstance(engine, Engine):
        yield []
        return
    factory = engine.make_request
    observer = factory if isinstance(factory, _Observer) else _Observer(factory)
    engine.make_request = observer
    before, observer.stand_in = observer.stand_in, stand_in
    observer.clients += 1
    observer.seen.clear()
    try:
        yield observer.seen
    finally:
        observer.stand_in = before
        observer.clients -= 1
        # A test may have set another request class meanwhile.
        if not observer.clients and engine.make_request is observer:
            engine.make_request = observer.make


class _Observer:
    """Make requests, and leave them where a client finds them; picklable with the app.

    Args:
        make: the app's own factory.
    """

    def __init__(self, make: Callable[[Scope, Receive, Send], Any]) -> None:
        self.make = make
        self.seen: list[Any] = []
        self.stand_in: StandIn | None = None
        self.clients = 0

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Any:
        request = self.make(scope, receive, send)
        if self.stand_in is not None:
            request._stand_in = self.stand_in
        kept = scope.get("extensions", {}).get(HOOK)
        if kept is None:
            self.seen.append(request)
        else:
            kept.setdefault("request", request)
        return request

    def __reduce__(self) -> Any:
        return type(self), (self.make,)
