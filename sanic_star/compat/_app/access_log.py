"""The access log: a line for each request on the logger `sanic.access`, under every server.

It is put around the application when that starts, where `ACCESS_LOG` is on then; elsewhere it costs nothing.
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
    """An ASGI application that tells of the requests that another one has answered.

    The records have the attributes that Sanic's have: `host` (the client's, with its port), `request` (method and URL),
    `status`, `byte` (the length of the body, or `chunked`) and `duration`; their message is empty.

    Args:
        app: the application.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request and tell of it, also where it ended in an exception."""
        if scope["type"] != "http" or not access_logger.isEnabledFor(INFO):
            await self.app(scope, receive, send)
            return
        begun = perf_counter()
        # As the server said it: a mounted application's share of the path comes off on the way.
        request = f"{scope['method']} {_url(scope)}"
        start: Message | None = None

        async def watched(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                start = message
            await send(message)

        try:
            await self.app(scope, receive, watched)
        except BaseException as error:
            # The application has seen only `watched`.
            if not ends_here(error, send):
                raise
        finally:
            if start is not None and REFUSED not in scope:
                try:
                    _tell(scope, request, start, perf_counter() - begun)
                except Exception:
                    complain()


def _tell(scope: Scope, request: str, start: Message, seconds: float) -> None:
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
    # `OPTIONS *`, and what stands for a request whose head did not arrive.
    slash = "" if path.startswith("/") else "/"
    url = f"{scope.get('scheme', 'http')}://{host.decode('latin-1')}{slash}{path}"
    url += f"?{query.decode('latin-1')}" if query else ""
    # A client must not write lines of the log, nor command who looks at it; over HTTP/2 not every server refuses that.
    if url.isprintable():
        return url
    return "".join(letter if letter.isprintable() else f"%{ord(letter):02X}" for letter in url)
