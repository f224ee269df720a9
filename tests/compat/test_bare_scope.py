"""ASGI scopes that have only type, method and path, as callers without a server make them.

Starlette answers such a request as long as nothing reads a header.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute

from sanic_star import Sanic, guard, json, text


async def call(app: Sanic, method: str, path: str, scope_type: str = "http", **fields: Any) -> list[dict[str, Any]]:
    """Call an application with a bare scope; return what it sends."""
    messages: list[dict[str, Any]] = []
    first = {"type": "websocket.connect"} if scope_type == "websocket" else {"type": "http.request", "body": b""}
    incoming = [first]

    async def receive() -> dict[str, Any]:
        return incoming.pop(0) if incoming else await asyncio.sleep(3600, {})

    async def send(message: Any) -> None:
        messages.append(message)

    scope = {"type": scope_type, "path": path, **fields}
    if scope_type == "http":
        scope["method"] = method
    await asyncio.wait_for(app(scope, receive, send), 60)
    return messages


def make_app(**options: Any) -> Sanic:
    """Return an application that reads the request in several ways."""
    app = Sanic("Bare", **options)
    app.config.ACCESS_LOG = True

    @app.get("/facts", ignore_body=False)
    async def facts(request: Any) -> Any:
        facts = [request.url, request.host, request.args, request.headers, request.cookies, request.ip, request.accept]
        return json([str(fact) for fact in facts] + [request.raw_headers.decode(), request.forwarded, request.version])

    @app.post("/form")
    async def form(request: Any) -> Any:
        return json([request.form, request.files, request.json])

    @app.get("/hosted", host="example.com")
    async def hosted(request: Any) -> Any:
        return text("hosted")

    @app.websocket("/feed")
    async def feed(request: Any, ws: Any) -> None:
        await ws.send(request.path)

    async def refuse(request: Any) -> Any:
        raise HTTPException(418, "refused")

    async def greet(request: Any) -> Any:
        return PlainTextResponse("hello")

    app.router.routes += [Route("/refuse", refuse), Route("/greet", greet)]
    app.static("/file", __file__)
    return app


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/facts", 200),
        ("POST", "/form", 200),
        ("GET", "/hosted", 404),
        ("GET", "/refuse", 418),
        ("GET", "/greet", 200),
        ("GET", "/file", 200),
        ("GET", "/nowhere", 404),
        ("DELETE", "/facts", 405),
    ],
)
@pytest.mark.parametrize("with_middleware", [False, True])
async def test_a_scope_without_headers_is_answered(method: str, path: str, status: int, with_middleware: bool) -> None:
    """Neither routing, error pages, limits nor the access log need the key `headers`."""

    async def pass_on(request: Any, call_next: Any) -> Any:
        return await call_next(request)

    middleware = [Middleware(BaseHTTPMiddleware, dispatch=pass_on)] if with_middleware else None
    messages = await call(make_app(middleware=middleware), method, path)
    assert messages[0]["status"] == status
    assert b"".join(message.get("body", b"") for message in messages[1:])


async def test_a_websocket_scope_without_headers_is_accepted() -> None:
    """A handshake needs no header either, because the server has read them."""
    messages = await call(make_app(), "GET", "/feed", "websocket")
    assert [message["type"] for message in messages][:2] == ["websocket.accept", "websocket.send"]
    assert messages[1]["text"] == "/feed"


@pytest.mark.parametrize("path", ["/missing", "/forbidden", "/guarded", "/answered", "/layered", "/starlette"])
async def test_a_handshake_is_refused_if_the_scope_has_no_extensions(path: str, caplog: Any) -> None:
    async def fail(*arguments: Any) -> Any:
        raise HTTPException(403)

    async def talk(request: Any, ws: Any) -> None:
        raise AssertionError

    app = Sanic("Refusing")
    app.add_websocket_route(talk, "/forbidden", name="forbidden", middleware=[guard(lambda request: False)])
    app.add_websocket_route(talk, "/guarded", name="guarded", middleware=[guard(lambda request: text("no", 401))])
    app.add_websocket_route(talk, "/layered", name="layered", middleware=[Middleware(lambda app: fail)])
    app.add_websocket_route(talk, "/answered", name="answered")
    app.on_request(lambda request: text("no", 403) if request.path == "/answered" else None)
    app.router.routes.append(WebSocketRoute("/starlette", fail))
    messages = await call(app, "GET", path, "websocket", extensions=None)
    assert [message["type"] for message in messages] == ["websocket.close"]
    assert [record for record in caplog.records if record.levelname in ("WARNING", "ERROR")] == []
