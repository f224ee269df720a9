"""The ASGI scope of a request or a websocket handshake, made from a request that `requests` has prepared."""

from typing import Any
from urllib.parse import unquote, urlsplit

from requests import PreparedRequest

__all__ = ["HOOK", "connection_scope"]

# A fresh dictionary under this key of ``scope["extensions"]`` is where an app may leave its own request object, for
# the clients that hand it to the test.
HOOK = "sanic_star.testing"

_ASGI = {"version": "3.0", "spec_version": "2.4"}
_PORTS = {"http": 80, "https": 443}


def connection_scope(
    request: PreparedRequest, *, root_path: str, client: tuple[str, int] | None, state: dict[str, Any]
) -> dict[str, Any]:
    """Make what the scopes of both kinds have in common; the scheme is still that of HTTP.

    Args:
        request: the prepared request; its URL is absolute.
        root_path: where the app is mounted.
        client: address of the client.
        state: the lifespan's state; the scope gets a copy.
    """
    assert request.url is not None
    url = urlsplit(request.url)
    host, port = url.hostname or "", url.port or _PORTS[url.scheme]
    headers = [(_encode(name).lower(), _encode(value)) for name, value in request.headers.items()]
    if "host" not in request.headers:
        shown = f"[{host}]" if ":" in host else host
        headers.insert(0, (b"host", (shown if port == _PORTS[url.scheme] else f"{shown}:{port}").encode("latin-1")))
    return {
        "asgi": _ASGI.copy(),
        "http_version": "1.1",
        "scheme": url.scheme,
        "path": unquote(url.path),
        "raw_path": url.path.encode("ascii"),
        "query_string": url.query.encode("ascii"),
        "root_path": root_path,
        "headers": headers,
        "client": client,
        "server": (host, port),
        "state": state.copy(),
        "extensions": {HOOK: {}},
    }


def _encode(text: str | bytes) -> bytes:
    return text.encode("latin-1") if isinstance(text, str) else text
