"""Starlette's registration methods, and the additions to its routes: response middleware, the body limit."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.endpoints import HTTPEndpoint
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request as StarletteRequest
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from sanic_star import Request, Sanic, text
from tests.engine.raw import Life, Peer, ask, http_scope, websocket_scope


async def show(request: StarletteRequest) -> PlainTextResponse:
    return PlainTextResponse("shown")


async def speak(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.close(4000)


# By keyword ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("args", "options"),
    [
        (("/x", show), {}),
        (("/x",), {"route": show}),
        ((), {"path": "/x", "route": show}),
        ((), {"route": show, "path": "/x", "methods": ["GET"], "name": "x", "include_in_schema": False}),
        ((show, "/x"), {}),
        ((show,), {"uri": "/x"}),
        ((), {"handler": show, "uri": "/x", "name": "x"}),
    ],
)
async def test_a_route_by_keyword(args: Any, options: Any) -> None:
    app: Any = Sanic("Keywords")
    app.add_route(*args, **options)
    assert (await ask(app, http_scope("/x"))).body == b"shown"


@pytest.mark.parametrize(
    ("args", "options"),
    [(("/x", speak), {}), (("/x",), {"route": speak, "name": "x"}), ((), {"path": "/x", "route": speak})],
)
async def test_a_websocket_route_by_keyword(args: Any, options: Any) -> None:
    app: Any = Sanic("Keywords")
    app.add_websocket_route(*args, **options)
    peer = Peer()
    peer.messages = [{"type": "websocket.connect"}]
    await app(websocket_scope("/x"), peer.receive, peer.send)
    assert peer.sent[-1]["code"] == 4000


@pytest.mark.parametrize(
    "options",
    [
        {"path": "/x"},
        {"route": show},
        {"path": "/x", "route": show, "uri": "/y"},
        {"path": "/x", "route": show, "version": 1},
        {"handler": show, "path": "/x"},
        {},
    ],
)
@pytest.mark.parametrize("name", ["add_route", "add_websocket_route"])
def test_keywords_that_do_not_fit(name: str, options: Any) -> None:
    app: Any = Sanic("Keywords")
    with pytest.raises(TypeError):
        getattr(app, name)(**options)
    assert not app.router.routes


# Middleware is built once ----------------------------------------------------------------------------------------


class Counted:
    """Middleware that counts how often it is made."""

    def __init__(self, app: ASGIApp, made: list[str], name: str) -> None:
        self.app = app
        made.append(name)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)


@pytest.mark.parametrize("lifespan", [True, False])
@pytest.mark.parametrize("make", [Starlette, lambda **options: Sanic("Built", **options)])
async def test_middleware_is_built_once_per_start(make: Callable[..., Any], lifespan: bool) -> None:
    made: list[str] = []

    def counted(name: str) -> list[Middleware]:
        return [Middleware(Counted, made=made, name=name)]

    inner = [Route("/x", show)]
    routes = [Route("/", show, middleware=counted("route")), Mount("/m", routes=inner, middleware=counted("mount"))]
    app = make(routes=routes, middleware=counted("app"))
    app.add_middleware(Counted, made=made, name="added")
    if lifespan:
        async with Life(app):
            for path in ("/", "/m/x", "/none"):
                await ask(app, http_scope(path))
    else:
        for path in ("/", "/m/x", "/none"):
            await ask(app, http_scope(path))
        with pytest.raises(RuntimeError):
            app.add_middleware(Counted, made=made, name="late")
    assert made == ["route", "mount", "app", "added"]


# The limit on bodies ----------------------------------------------------------------------------------------


async def count(request: StarletteRequest) -> PlainTextResponse:
    return PlainTextResponse(str(len(await request.body())))


async def refuse(request: StarletteRequest) -> PlainTextResponse:
    raise HTTPException(403)


def limited_routes() -> list[BaseRoute]:
    def leaves(prefix: str = "", **options: Any) -> list[BaseRoute]:
        endpoints = {"unread": show, "read": count, "refused": refuse}
        methods = ["GET", "POST"]
        return [Route(f"{prefix}/{name}", f, methods=methods, **options) for name, f in endpoints.items()]

    return [
        *leaves(),
        *leaves("/more", max_body_size=100),
        *leaves("/less", max_body_size=5),
        Mount("/mount", routes=leaves()),
        Mount("/mount_more", routes=leaves(), max_body_size=100),
        Mount("/starlette", Starlette(routes=leaves())),
        Mount("/starlette_more", Starlette(routes=leaves(), max_body_size=100)),
    ]


@pytest.mark.parametrize("announced", [True, False])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_the_limit_applies_to_an_unread_body(method: str, announced: bool) -> None:
    apps = [make(routes=limited_routes(), max_body_size=10) for make in (Starlette, lambda **o: Sanic("Limits", **o))]
    prefixes = ("", "/more", "/less", "/mount", "/mount_more", "/starlette", "/starlette_more")
    for path in (f"{prefix}/{name}" for prefix in prefixes for name in ("unread", "read", "refused")):
        for size in (0, 4, 8, 15, 150):
            length = [(b"content-length", str(size).encode())] if announced else [(b"transfer-encoding", b"chunked")]
            scope = http_scope(path, method, headers=[(b"host", b"testserver"), *length])
            statuses = []
            for app in apps:
                chunks = [b"x" * (size // 2), b"x" * (size - size // 2)]
                statuses.append((await ask(app, dict(scope), chunks)).status)
            assert statuses[0] == statuses[1], (path, size)


@pytest.mark.parametrize("length", [b"", b"-5", b"x", b"15, 15", b"9" * 5000])
async def test_a_content_length_that_is_not_a_number(length: bytes) -> None:
    app: Any = Sanic("Limits", routes=limited_routes(), max_body_size=10)
    scope = http_scope("/unread", "POST", headers=[(b"host", b"testserver"), (b"content-length", length)])
    assert (await ask(app, scope)).status == (413 if len(length) > 1000 else 200)


# Response middleware ----------------------------------------------------------------------------------------


class Endpoint(HTTPEndpoint):
    async def get(self, request: StarletteRequest) -> PlainTextResponse:
        return PlainTextResponse("class")


async def stream(request: StarletteRequest) -> StreamingResponse:
    async def parts() -> AsyncIterator[str]:
        yield "one "
        yield "two"

    return StreamingResponse(parts())


async def own_cookie(request: StarletteRequest) -> Response:
    response = JSONResponse({"a": 1}, 201)
    response.set_cookie("theirs", "1")
    return response


async def fail(request: StarletteRequest) -> Response:
    raise ValueError("no such value")


def responding(file: Path) -> Sanic[Any, Any]:
    async def send_file(request: StarletteRequest) -> FileResponse:
        return FileResponse(file)

    endpoints: dict[str, Any] = {
        "plain": show,
        "class": Endpoint,
        "stream": stream,
        "file": send_file,
        "cookie": own_cookie,
        "refused": refuse,
        "fail": fail,
    }
    app: Sanic[Any, Any] = Sanic("Responses")
    for name, endpoint in endpoints.items():
        app.add_route(f"/{name}", endpoint)
    app.mount("/m", Starlette(routes=[Route("/plain", show)]))
    return app


BODIES = {
    "plain": (200, b"shown"),
    "class": (200, b"class"),
    "stream": (200, b"one two"),
    "file": (200, b"a file"),
    "cookie": (201, b'{"a":1}'),
    "refused": (403, b"Forbidden"),
}


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("name", BODIES)
async def test_response_middleware_changes_the_header(name: str, method: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("a file")
    app = responding(tmp_path / "file")
    seen: list[Any] = []

    @app.on_response
    async def change(request: Request, response: Any) -> None:
        seen.append((request.path, response.status))
        response.headers["x-changed"] = 1
        response.add_cookie("ours", "2", secure=False)

    peer = await ask(app, http_scope(f"/{name}", method))
    status, body = BODIES[name]
    assert seen == [(f"/{name}", status)]
    assert (peer.status, peer.headers[b"x-changed"]) == (status, b"1")
    cookies = [value.partition(b"=")[0] for field, value in peer.sent[0]["headers"] if field == b"set-cookie"]
    assert cookies == [b"theirs"] * (name == "cookie") + [b"ours"]
    assert method == "HEAD" or bytes(peer.body) == body
    assert peer.complete


@pytest.mark.parametrize("name", BODIES)
async def test_response_middleware_replaces_the_response(name: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("a file")
    app = responding(tmp_path / "file")
    app.on_response(lambda request, response: text("replaced", 202))
    app.on_response(lambda request, response: None, priority=1)
    peer = await ask(app, http_scope(f"/{name}"))
    assert (peer.status, bytes(peer.body)) == (202, b"replaced")
    assert [message["type"] for message in peer.sent].count("http.response.start") == 1


async def test_response_middleware_reads_and_changes_the_body(tmp_path: Path) -> None:
    app = responding(tmp_path / "none")
    seen: list[Any] = []

    @app.on_response
    async def change(request: Request, response: Any) -> None:
        seen.append(getattr(response, "body", "in parts"))
        if request.path == "/plain":
            response.body = "longer than before"

    peer = await ask(app, http_scope("/plain"))
    assert (bytes(peer.body), peer.headers[b"content-length"]) == (b"longer than before", b"18")
    await ask(app, http_scope("/stream"))
    assert seen == [b"shown", "in parts"]


@pytest.mark.parametrize("name", ["plain", "stream"])
async def test_response_middleware_that_fails_loses_no_response(name: str, tmp_path: Path) -> None:
    app = responding(tmp_path / "none")

    @app.on_response
    async def change(request: Request, response: Any) -> None:
        raise ValueError("in the middleware")

    peer = await ask(app, http_scope(f"/{name}"))
    assert (peer.status, bytes(peer.body)) == BODIES[name]


async def test_response_middleware_does_not_run_for_mounts_and_errors(tmp_path: Path) -> None:
    app = responding(tmp_path / "none")
    seen: list[Any] = []
    app.on_response(lambda request, response: seen.append((request.path, response.status)))
    assert (await ask(app, http_scope("/m/plain"))).status == 200
    assert seen == []
    with pytest.raises(ValueError, match="no such value"):
        await ask(app, http_scope("/fail"))
    assert seen == [("/fail", 500)]


async def test_a_background_task_still_runs() -> None:
    seen: list[str] = []

    async def respond(request: StarletteRequest) -> Response:
        return PlainTextResponse("fine", background=BackgroundTask(seen.append, "task"))

    app: Sanic[Any, Any] = Sanic("Background", routes=[Route("/", respond)])
    app.on_response(lambda request, response: seen.append("middleware"))
    assert (await ask(app, http_scope("/"))).body == b"fine"
    assert seen == ["middleware", "task"]


# Event loops ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("scope", [http_scope("/"), websocket_scope("/"), {"type": "lifespan", "asgi": {}}])
def test_another_event_loop_is_reported_in_one_sentence(scope: Scope) -> None:
    """As under trio: nothing of asyncio runs there."""
    app: Any = Sanic("Trio")
    peer: Any = object()
    with pytest.raises(RuntimeError, match="runs on asyncio, not on trio"):
        app(scope, peer, peer).send(None)
