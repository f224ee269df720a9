"""The applications of the part `overhead`: the same construction around one endpoint, in this package and in Starlette.

Each endpoint answers `Hello, world!` at `/`, or below its mounts. In the names of kinds, *theirs* is a Starlette
application, *ours* one of this package.
"""

from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.requests import Request as StarletteRequest
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from sanic_star import Blueprint, HTTPResponse, Request, Sanic, text

# Each kind, with the requested path and the kind's title in the table.
KINDS = {
    "plain": ("/", "nothing more"),
    "asgi_1": ("/", "1 ASGI middleware"),
    "asgi_5": ("/", "5 ASGI middleware"),
    "base_1": ("/", "1 `BaseHTTPMiddleware`"),
    "base_5": ("/", "5 `BaseHTTPMiddleware`"),
    "level": ("/in/hello", "1 ASGI middleware on a blueprint (in Starlette: on a `Mount` of routes)"),
    "theirs": ("/in/hello", "a Starlette application, mounted"),
    "ours": ("/in/hello", "an application of the same framework, mounted"),
    "theirs_deeper": ("/in/in/hello", "a Starlette application, two mounts deep"),
    "ours_deeper": ("/in/in/hello", "an application of the same framework, two mounts deep"),
    "parameter": ("/t/acme/hello", "a Starlette application at `/t/<tenant>`"),
    "root": ("/hello", "a Starlette application at `/`"),
    "thread": ("/", "a synchronous function in a thread"),
}


class Passing:
    """ASGI middleware that passes everything on."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)


async def _pass_on(request: StarletteRequest, call_next: RequestResponseEndpoint) -> Response:
    return await call_next(request)


def _middleware(kind: str) -> list[Middleware]:
    name, _, count = kind.partition("_")
    middleware = {"asgi": Middleware(Passing), "base": Middleware(BaseHTTPMiddleware, dispatch=_pass_on)}.get(name)
    return [middleware] * int(count) if middleware else []


async def _their_hello(request: StarletteRequest) -> Response:
    return PlainTextResponse("Hello, world!")


def _their_synchronous_hello(request: StarletteRequest) -> Response:
    return PlainTextResponse("Hello, world!")


def _their_leaf() -> Starlette:
    return Starlette(routes=[Route("/hello", _their_hello)])


def theirs(kind: str) -> Any:
    """Return the application of a kind in Starlette."""
    own = Route("/", _their_synchronous_hello if kind == "thread" else _their_hello)
    if kind == "level":
        below = Mount("/in", routes=[Route("/hello", _their_hello)], middleware=[Middleware(Passing)])
    elif kind in ("theirs", "ours"):
        below = Mount("/in", _their_leaf())
    elif kind in ("theirs_deeper", "ours_deeper"):
        below = Mount("/in", Starlette(routes=[Mount("/in", _their_leaf())]))
    elif kind == "parameter":
        below = Mount("/t/{tenant}", _their_leaf())
    elif kind == "root":
        below = Mount("/", _their_leaf())
    else:
        return Starlette(routes=[own], middleware=_middleware(kind))
    return Starlette(routes=[own, below])


async def _our_hello(request: Request) -> HTTPResponse:
    return text("Hello, world!")


def _our_synchronous_hello(request: Request) -> HTTPResponse:
    return text("Hello, world!")


def _with_hello(name: str, path: str, **options: Any) -> Sanic:
    app = Sanic(name, **options)
    app.add_route(_our_hello, path)
    return app


def ours(kind: str) -> Any:
    """Return the application of a kind in this package."""
    if kind == "thread":
        app = Sanic("outer", sync_handlers="thread")
        app.add_route(_our_synchronous_hello, "/")
        return app
    app = _with_hello("outer", "/", middleware=_middleware(kind))
    if kind == "level":
        blueprint = Blueprint("level", url_prefix="/in", middleware=[Middleware(Passing)])
        blueprint.add_route(_our_hello, "/hello")
        app.blueprint(blueprint)
    elif kind in ("theirs", "ours"):
        app.mount("/in", _their_leaf() if kind == "theirs" else _with_hello("inner", "/hello"))
    elif kind in ("theirs_deeper", "ours_deeper"):
        middle = Sanic("middle")
        middle.mount("/in", _their_leaf() if kind == "theirs_deeper" else _with_hello("inner", "/hello"))
        app.mount("/in", middle)
    elif kind == "parameter":
        app.mount("/t/<tenant>", _their_leaf())
    elif kind == "root":
        app.mount("/", _their_leaf())
    return app
