"""The ASGI scope of a request or a websocket handshake, made from what a client library has prepared."""

from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import unquote, urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ["HOOK", "connection_scope", "gather_requests", "leave_requests"]

# A fresh dictionary under this key of ``scope["extensions"]`` is where an app may leave its own request object, for
# the clients that hand it to the test.
HOOK = "sanic_star.testing"

_ASGI = {"version": "3.0", "spec_version": "2.4"}
_PORTS = {"http": 80, "https": 443}


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


def leave_requests(app: ASGIApp) -> None:
    """Let an app of this package leave its request objects in the scopes, from its next start on.

    The app makes its requests as before; whoever makes them writes them down. An app that nobody tests does not ask.
    """
    make = getattr(app, "request_factory", None)
    if make is not None and not isinstance(make, _Leaving):
        app.request_factory = _Leaving(make)  # type: ignore[attr-defined]


def gather_requests(app: ASGIApp) -> list[Any]:
    """Let an app of this package leave its request objects in a list, for scopes that a server has made."""
    leave_requests(app)
    seen: list[Any] = app.request_factory.seen  # type: ignore[attr-defined]
    seen.clear()
    return seen


class _Leaving:
    """Make requests, and leave them where a client finds them; picklable with the app.

    Args:
        make: the app's own factory.
    """

    def __init__(self, make: Callable[[Scope, Receive, Send], Any]) -> None:
        self.make = make
        self.seen: list[Any] = []

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Any:
        request = self.make(scope, receive, send)
        kept = scope.get("extensions", {}).get(HOOK)
        if kept is None:
            self.seen.append(request)
        else:
            kept.setdefault("request", request)
        return request

    def __getstate__(self) -> dict[str, Any]:
        return {"make": self.make, "seen": []}
