"""The rules that also hold for Starlette's routes and mounted applications: the limit on bodies, and the public host.

Starlette's code reads the body by itself, so the limit is in the `receive` that it gets. A `Route` or `Mount` of
Starlette with `max_body_size=` replaces that limit: Starlette says so in the scope. A mounted application of this
package has its own `REQUEST_MAX_SIZE`; of the outer limits only Starlette's keyword holds for it.

Starlette builds redirects from the `Host` header, which the client writes. Where `SERVER_NAME` or a trusted proxy names
the public host and scheme, the redirect is rewritten to them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from starlette.datastructures import URL
from starlette.middleware.body_limit import MAX_BODY_SIZE_SCOPE_KEY
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sanic_star.compat.exceptions import PayloadTooLarge
from sanic_star.engine.application import engine_of
from sanic_star.engine.requests import TOO_LARGE, announces_more_than

if TYPE_CHECKING:
    from sanic_star.compat.request.types import Request
    from sanic_star.engine.seams import Host


def has_own_limit(route: Any) -> bool:
    """Tell whether a mount leads to an application of this package."""
    return engine_of(getattr(route, "_base_app", None)) is not None


def limited(request: Request, limit: int) -> Receive:
    """Return a `receive` that raises 413 when the body is larger than `limit`, as soon as that is known.

    Args:
        request: the request; it keeps the exception as its `_body_refusal`.
        limit: in bytes.
    """
    scope, receive, size = request.scope, request._receive, 0

    def refuse() -> NoReturn:
        request._holds, request._body_refusal = True, PayloadTooLarge(TOO_LARGE)
        raise request._body_refusal

    async def receive_within() -> Message:
        nonlocal size
        # Asked for now: by now the inner route may have a limit of its own.
        allowed = scope.get(MAX_BODY_SIZE_SCOPE_KEY, limit)
        if not size and announces_more_than(scope, allowed):
            refuse()
        message = await receive()
        size += len(message.get("body", b""))
        if size > allowed:
            refuse()
        return message

    return receive_within


def with_public_redirects(outer: Host, request: Request, app: ASGIApp) -> ASGIApp:
    """Return an ASGI application whose redirects lead to the public host: that of `request.url`.

    Args:
        outer: the application that hands the request on, and whose configuration counts.
        request: the request, or that of a websocket's handshake.
        app: the application that gets it.
    """
    if request.scope["type"] != "http":
        return app

    async def redirect_publicly(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_redirect(message: Message) -> None:
            if message["type"] == "http.response.start" and 300 < message["status"] < 400:
                fields = [(name, _public(outer, request, value) if name == b"location" else value)
                          for name, value in message.get("headers", ())]  # fmt: skip
                message = {**message, "headers": fields}
            await send(message)

        await app(scope, receive, send_redirect)

    return redirect_publicly


def _public(outer: Host, request: Request, location: bytes) -> bytes:
    """Return where a redirect leads, at the public host if it leads to this server."""
    # By now the scope says that the mounted application answers.
    scope = {**request.scope, "app": outer}
    public = type(request)(scope)._public_origin
    if public is None:
        return location
    # Starlette's own way to tell scheme and host, so that exactly what it has built is replaced.
    asked = URL(scope={**scope, "path": "", "query_string": b""})
    origin = f"{asked.scheme}://{asked.netloc}".encode("latin-1")
    end = location[len(origin) : len(origin) + 1]
    if not location.startswith(origin) or end not in (b"", b"/", b"?", b"#"):
        return location
    return public.encode() + location[len(origin) :]
