"""The access log: a line for each request on the logger `sanic.access`, under every server.

The application is wrapped at its start if `ACCESS_LOG` is on; otherwise the log costs nothing.
"""

from __future__ import annotations

from logging import INFO
from time import perf_counter

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sanic_star.compat.log import access_logger
from sanic_star.engine.failures import complain, ends_here
from sanic_star.engine.requests import REFUSED
from sanic_star.engine.routing import wire_path


class AccessLog:
    """An ASGI application that logs the requests of another one.

    The log records have the attributes of Sanic's: `host` (the client's, with its port), `request` (method and URL),
    `status`, `byte` (the length of the body, or `chunked`) and `duration`; their message is empty.

    Args:
        app: the application.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request and log it, also if it ends in an exception."""
        if scope["type"] != "http" or not access_logger.isEnabledFor(INFO):
            await self.app(scope, receive, send)
            return
        started_at = perf_counter()
        # Formatted before the call: a mounted application strips its prefix from the path.
        request = f"{scope['method']} {_url(scope)}"
        start: Message | None = None

        async def note_start_and_send(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                start = message
            await send(message)

        try:
            await self.app(scope, receive, note_start_and_send)
        except BaseException as error:
            # `ends_here` looks at the server's own `send`; the application only got a wrapper.
            if not ends_here(error, send):
                raise
        finally:
            if start is not None and REFUSED not in scope:
                try:
                    _log_request(scope, request, start, perf_counter() - started_at)
                except Exception:
                    complain()


def _log_request(scope: Scope, request: str, start: Message, seconds: float) -> None:
    length = next((value for name, value in start.get("headers", ()) if name.lower() == b"content-length"), None)
    client = scope.get("client")
    access_logger.info(
        "",
        extra={
            "host": f"{client[0]}:{client[1]}" if client else "UNIX",
            "request": request,
            "status": start["status"],
            "byte": int(length) if length and length.isdigit() else 0 if _is_bodiless(start["status"]) else "chunked",
            "duration": f"{seconds * 1000:4.1f}ms",
        },
    )


def _is_bodiless(status: int) -> bool:
    return status in (204, 304) or status < 200


def _url(scope: Scope) -> str:
    query: bytes = scope.get("query_string", b"")
    host = next((value for name, value in scope.get("headers", ()) if name == b"host"), b"")
    if not host and scope.get("server"):
        # A unix socket has no port.
        host = b":".join(str(part).encode() for part in scope["server"] if part is not None)
    path = wire_path(scope)
    # The path of `OPTIONS *`, and of a request whose head did not arrive, has no slash.
    slash = "" if path.startswith("/") else "/"
    url = f"{scope.get('scheme', 'http')}://{host.decode('latin-1')}{slash}{path}"
    url += f"?{query.decode('latin-1')}" if query else ""
    # A client must not inject log lines or terminal escapes. Over HTTP/2 not every server refuses such characters.
    if url.isprintable():
        return url
    return "".join(letter if letter.isprintable() else f"%{ord(letter):02X}" for letter in url)
