"""The same application twice: written with Starlette, and with this package.

| path | answer |
|---|---|
| `/` | the text `home` |
| `/items/{n:int}` | the number as JSON |
| `/names/{name}` and `/names/first` | a parameter, and a literal path beside it |
| `/echo` | POST: the request's JSON |
| `/fails` | raises `ValueError` |
| `/gone` | raises Starlette's, or Sanic's, exception for 404 |
| `/large`, `/stream` | 10,000 letters, in one piece and in ten |
| `/probe` | what `app.state.probe(request)` returns, as JSON |
| `/api/items/{n:int}`, `/api/fails` | the same, by a blueprint |
| `/ours/…` | the same routes in a mounted application of this package |
| `/theirs/…` | the same routes in a mounted Starlette application |
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx2
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request as StarletteRequest
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message

from sanic_star import Blueprint, HTTPResponse, Request, Sanic, json, text
from sanic_star.compat.exceptions import NotFound

HOWS = ("starlette", "here")


def site(how: str, middleware: Sequence[Middleware] = (), *, by: str = "constructor", mounts: bool = True) -> Any:
    """Return the application.

    Args:
        how: `starlette` or `here`.
        middleware: the outermost first.
        by: `constructor` or `add_middleware`.
        mounts: whether to mount one application of each kind.
    """
    make = {"starlette": _starlette, "here": _here}[how]
    app = make(list(middleware) if by == "constructor" else [])
    if by == "add_middleware":
        for entry in reversed(middleware):
            app.add_middleware(entry.cls, *entry.args, **entry.kwargs)
    if mounts:
        app.mount("/ours", _here([], name="inner"))
        app.mount("/theirs", _starlette([]))
    return app


def _starlette(middleware: list[Middleware]) -> Starlette:
    async def home(request: StarletteRequest) -> Response:
        return PlainTextResponse("home")

    async def item(request: StarletteRequest) -> Response:
        return JSONResponse(request.path_params["n"])

    async def name(request: StarletteRequest) -> Response:
        return PlainTextResponse(request.path_params.get("name", "the first"))

    async def echo(request: StarletteRequest) -> Response:
        return JSONResponse(await request.json())

    async def fails(request: StarletteRequest) -> Response:
        raise ValueError("it fails")

    async def gone(request: StarletteRequest) -> Response:
        raise HTTPException(404, "it is gone")

    async def large(request: StarletteRequest) -> Response:
        return PlainTextResponse("x" * 10_000)

    async def stream(request: StarletteRequest) -> Response:
        return StreamingResponse(("x" * 1000 for _ in range(10)), media_type="text/plain")

    async def probe(request: StarletteRequest) -> Response:
        return JSONResponse(request.app.state.probe(request))

    routes = [
        Route("/", home),
        Route("/items/{n:int}", item),
        Route("/names/first", name),
        Route("/names/{name}", name),
        Route("/echo", echo, methods=["POST"]),
        Route("/fails", fails),
        Route("/gone", gone),
        Route("/large", large),
        Route("/stream", stream),
        Route("/probe", probe),
        Route("/api/items/{n:int}", item),
        Route("/api/fails", fails),
    ]
    return Starlette(routes=routes, middleware=middleware)


def _here(middleware: list[Middleware], name: str = "site") -> Sanic[Any, Any]:
    app = Sanic(name, middleware=middleware)
    api = Blueprint("api", url_prefix="/api")

    @app.get("/")
    async def home(request: Request) -> HTTPResponse:
        return text("home")

    @api.get("/items/<n:int>", name="api_item")
    @app.get("/items/<n:int>")
    async def item(request: Request, n: int) -> HTTPResponse:
        return json(n)

    # Of the two, the path with the parameter comes first: the order of registration does not matter here.
    @app.get("/names/<name>")
    async def names(request: Request, name: str) -> HTTPResponse:
        return text(name)

    @app.get("/names/first")
    async def first(request: Request) -> HTTPResponse:
        return text("the first")

    @app.post("/echo")
    async def echo(request: Request) -> HTTPResponse:
        return json(request.json)

    @api.get("/fails", name="api_fails")
    @app.get("/fails")
    async def fails(request: Request) -> HTTPResponse:
        raise ValueError("it fails")

    @app.get("/gone")
    async def gone(request: Request) -> HTTPResponse:
        raise NotFound("it is gone")

    @app.get("/large")
    async def large(request: Request) -> HTTPResponse:
        return text("x" * 10_000)

    @app.get("/stream")
    async def stream(request: Request) -> None:
        response = await request.respond(content_type="text/plain")
        for _ in range(10):
            await response.send("x" * 1000)

    @app.get("/probe")
    async def probe(request: Request) -> HTTPResponse:
        return json(request.app.state.probe(request))

    app.blueprint(api)
    return app


@asynccontextmanager
async def client(app: ASGIApp, lifespan: bool = True) -> AsyncIterator[httpx2.AsyncClient]:
    """Return a client of an application that has started; an exception becomes a 500, as from a server.

    Args:
        app: the application.
        lifespan: whether it gets a lifespan.
    """
    transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as asking:
        if not lifespan:
            yield asking
            return
        async with started(app):
            yield asking


@asynccontextmanager
async def started(app: ASGIApp) -> AsyncIterator[None]:
    """Run the lifespan of an application, as a server does."""
    to_app: asyncio.Queue[Message] = asyncio.Queue()
    from_app: asyncio.Queue[Message] = asyncio.Queue()
    scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": {}}
    task = asyncio.create_task(_ending(app(scope, to_app.get, from_app.put), from_app))
    await to_app.put({"type": "lifespan.startup"})
    begun = await from_app.get()
    assert begun["type"] == "lifespan.startup.complete", begun
    try:
        yield
    finally:
        await to_app.put({"type": "lifespan.shutdown"})
        ended = await from_app.get()
        await task
        assert ended["type"] == "lifespan.shutdown.complete", ended


async def _ending(running: Any, from_app: asyncio.Queue[Message]) -> None:
    try:
        await running
    except Exception as error:
        await from_app.put({"type": "raised", "error": error})
