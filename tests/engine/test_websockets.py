"""Websockets: the handshake, its refusal, every end."""

import asyncio
from typing import Any

import pytest
from starlette import routing as starlette_routing
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.types import Message
from starlette.websockets import WebSocket as StarletteWebSocket
from starlette.websockets import WebSocketDisconnect

from sanic_star import HTTPResponse, Request, Sanic, text
from sanic_star.compat.server.websockets.impl import WebsocketImplProtocol
from sanic_star.engine.application import Application
from sanic_star.engine.requests import live
from sanic_star.engine.routing import WebSocketRoute
from sanic_star.engine.websockets import WebSocket, can_deny
from sanic_star.testing import TestClient, WebSocketDenialResponse
from tests.engine.raw import Life, Peer, websocket_scope

DENIAL: dict[str, Any] = {"extensions": {"websocket.http.response": {}}}


def messages(*given: Message) -> Peer:
    peer = Peer()
    peer.messages = [{"type": "websocket.connect"}, *given]
    return peer


async def talk(app: Any, scope: Any, *given: Message) -> Peer:
    peer = messages(*given)
    await app(scope, peer.receive, peer.send)
    return peer


def kinds(peer: Peer) -> list[Any]:
    return [
        (message["type"].removeprefix("websocket."), *([message["code"]] if "code" in message else []))
        for message in peer.sent
    ]


async def test_a_conversation() -> None:
    app: Sanic[Any, Any] = Sanic("Talking")

    @app.websocket("/<room>")
    async def echo(request: Request, ws: Any, room: str) -> None:
        assert Request.get_current() is request
        assert request.route.path == "/{room:str}"
        async for message in ws:
            await ws.send(f"{room} {message}")

    with TestClient(app) as client, client.websocket_connect("/a") as ws:
        ws.send_text("hello")
        assert ws.receive_text() == "a hello"
    assert not live
    assert not app._engine.streams.endless


@pytest.mark.parametrize("opened", [False, True])
@pytest.mark.parametrize("denial", [False, True])
async def test_an_unhandled_error(opened: bool, denial: bool) -> None:
    app: Sanic[Any, Any] = Sanic("Failing")

    @app.on_request
    async def early(request: Request) -> None:
        if not opened:
            raise KeyError("boom")

    @app.websocket("/")
    async def fail(request: Request, ws: Any) -> None:
        raise KeyError("boom")

    peer = messages()
    with pytest.raises(KeyError):
        await app(websocket_scope(**(DENIAL if denial else {})), peer.receive, peer.send)
    if opened:
        assert kinds(peer) == [("accept",), ("close", 1011)]
    elif denial:
        assert (peer.sent[0]["type"], peer.status) == ("websocket.http.response.start", 500)
    else:
        assert kinds(peer) == [("close", 1011)]


@pytest.mark.parametrize("error", [HTTPException(403), KeyError()])
async def test_an_error_that_is_answered_is_not_raised(error: Exception) -> None:
    app: Sanic[Any, Any] = Sanic("Answered")

    @app.exception(KeyError, 403)
    async def handle(request: Request, error: Exception) -> HTTPResponse:
        return text("refused", 403)

    @app.on_request
    async def refuse(request: Request) -> None:
        raise error

    @app.websocket("/")
    async def never(request: Request, ws: Any) -> None: ...

    peer = await talk(app, websocket_scope(**DENIAL))
    assert (peer.status, peer.body) == (403, b"refused")


async def test_a_path_without_a_route_is_refused_with_404() -> None:
    app: Sanic[Any, Any] = Sanic("NoRoute")
    assert (await talk(app, websocket_scope("/none", **DENIAL))).status == 404
    assert kinds(await talk(app, websocket_scope("/none")))[0][0] == "close"
    with TestClient(app) as client, pytest.raises(WebSocketDenialResponse), client.websocket_connect("/none"):
        pass


async def test_middleware_may_answer_the_handshake() -> None:
    app: Sanic[Any, Any] = Sanic("Guarded")

    @app.on_request
    async def guard(request: Request) -> HTTPResponse:
        return text("who?", 401)

    @app.websocket("/")
    async def never(request: Request, ws: Any) -> None: ...

    assert (await talk(app, websocket_scope(**DENIAL))).status == 401


async def test_a_disconnect_is_not_an_error() -> None:
    app: Sanic[Any, Any] = Sanic("Leaving")
    ended: list[str] = []

    @app.websocket("/")
    async def wait(request: Request, ws: Any) -> None:
        try:
            await ws.recv()
        finally:
            ended.append("cleaned up")

    peer = await talk(app, websocket_scope(), {"type": "websocket.disconnect", "code": 1001})
    assert kinds(peer) == [("accept",)]
    assert ended == ["cleaned up"]


@pytest.mark.parametrize("where", ["sanic", "starlette", "mounted"])
@pytest.mark.parametrize("left", [False, True])
async def test_a_disconnect_is_ignored_only_by_the_connection_that_is_over(where: str, left: bool) -> None:
    app: Sanic[Any, Any] = Sanic("Raising")

    @app.websocket("/sanic")
    async def sanics(request: Request, ws: Any) -> None:
        if left:
            await ws.starlette.receive()
        raise WebSocketDisconnect(1000)

    async def starlettes(ws: StarletteWebSocket) -> None:
        await ws.accept()
        if left:
            await ws.receive()
        raise WebSocketDisconnect(1000)

    route = starlette_routing.WebSocketRoute("/", starlettes)
    app.router.routes.append(starlette_routing.WebSocketRoute("/starlette", starlettes))
    app.mount("/mounted", Starlette(routes=[route]))
    peer = messages({"type": "websocket.disconnect", "code": 1001})
    if left:
        await app(websocket_scope(f"/{where}"), peer.receive, peer.send)
        assert kinds(peer) == [("accept",)]
    else:
        with pytest.raises(WebSocketDisconnect):
            await app(websocket_scope(f"/{where}"), peer.receive, peer.send)
        assert kinds(peer) == [("accept",), ("close", 1011)]


@pytest.mark.parametrize("own", [False, True])
async def test_an_os_error_is_ignored_only_where_the_server_has_raised_it(own: bool) -> None:
    app: Sanic[Any, Any] = Sanic("Sending")

    async def raw(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        try:
            await send({"type": "websocket.send", "text": "x"})
        except OSError:
            if own:
                raise
        raise ConnectionResetError("a database")

    async def send(message: Message) -> None:
        if message["type"] != "websocket.accept":
            raise OSError("the client has left")

    app.mount("/", raw)
    peer = messages()
    if own:
        await app(websocket_scope(), peer.receive, send)
    else:
        with pytest.raises(ConnectionResetError):
            await app(websocket_scope(), peer.receive, send)


@pytest.mark.parametrize("where", ["sanic", "starlette", "mounted"])
async def test_the_stop_closes_it_with_1001(where: str) -> None:
    app: Sanic[Any, Any] = Sanic("Stopping")
    ended: list[str] = []

    @app.websocket("/sanic")
    async def sanics(request: Request, ws: Any) -> None:
        try:
            await ws.recv()
        finally:
            ended.append("cleaned up")

    async def starlettes(ws: StarletteWebSocket) -> None:
        await ws.accept()
        try:
            await ws.receive_text()
        finally:
            ended.append("cleaned up")

    route = starlette_routing.WebSocketRoute("/", starlettes)
    app.router.routes.append(starlette_routing.WebSocketRoute("/starlette", starlettes))
    app.mount("/mounted", Starlette(routes=[route]))
    peer = messages()
    async with Life(app):
        task = asyncio.ensure_future(app(websocket_scope(f"/{where}"), peer.receive, peer.send))
        await peer.until(1)
        await asyncio.sleep(0.01)
        await app._engine.lifecycle.before_stop()
        await task
    assert kinds(peer) == [("accept",), ("close", 1001)]
    assert ended == ["cleaned up"]


async def test_a_close_by_the_handler_is_final() -> None:
    app: Sanic[Any, Any] = Sanic("Farewell")

    @app.websocket("/")
    async def wait(request: Request, ws: Any) -> None:
        try:
            await ws.recv()
        finally:
            await ws.send("bye")
            await ws.close(4000)

    peer = messages()
    async with Life(app):
        task = asyncio.ensure_future(app(websocket_scope(), peer.receive, peer.send))
        await peer.until(1)
        await asyncio.sleep(0)
        await app._engine.lifecycle.before_stop()
        await task
    assert kinds(peer) == [("accept",), ("send",), ("close", 4000)]


async def test_a_cancellation_from_outside_passes_through() -> None:
    app: Sanic[Any, Any] = Sanic("Cancelled")

    @app.websocket("/")
    async def wait(request: Request, ws: Any) -> None:
        await ws.recv()

    peer = messages()
    task = asyncio.ensure_future(app(websocket_scope(), peer.receive, peer.send))
    await peer.until(1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not live
    assert not app._engine.streams.endless


async def test_an_error_that_a_mounted_application_reported_is_passed_on() -> None:
    inner: Sanic[Any, Any] = Sanic("Inner")
    outer: Sanic[Any, Any] = Sanic("Outer")
    outer.mount("/in", inner)

    @inner.websocket("/")
    async def fail(request: Request, ws: Any) -> None:
        raise KeyError

    peer = messages()
    with pytest.raises(KeyError):
        await outer(websocket_scope("/in"), peer.receive, peer.send)
    assert kinds(peer) == [("accept",), ("close", 1011)]


async def test_the_engines_own_route_and_websocket() -> None:
    async def echo(ws: WebSocket) -> None:
        await ws.accept()
        await ws.send_text(await ws.receive_text())
        await ws.close()

    app = Application(routes=[WebSocketRoute(("",), echo)])
    peer = await talk(app, websocket_scope(), {"type": "websocket.receive", "text": "hi"})
    assert kinds(peer) == [("accept",), ("send",), ("close", 1000)]


async def test_it_is_open_between_accept_and_disconnect() -> None:
    peer = messages({"type": "websocket.disconnect", "code": 1000})
    ws = WebSocket(websocket_scope(), peer.receive, peer.send)
    assert (ws._opened, ws._closed) == (False, False)
    await ws.accept()
    assert (ws._opened, ws._closed) == (True, False)
    await ws.receive()
    assert ws._closed
    await ws._end(1000)
    assert kinds(peer) == [("accept",)]
    refused = WebSocket(websocket_scope(), messages().receive, peer.send)
    await refused._end(1008, "no")
    await refused._end(1008)
    assert peer.sent[1:] == [{"type": "websocket.close", "code": 1008, "reason": "no"}]


def test_a_task_that_was_cancelled_elsewhere_closes_the_websocket() -> None:
    app: Sanic[Any, Any] = Sanic("CancelledElsewhere")

    @app.websocket("/ws")
    async def ws(request: Any, ws: Any) -> None:
        await ws.send("one")
        task = asyncio.ensure_future(asyncio.sleep(10))
        task.cancel()
        await task

    with TestClient(app) as client, client.websocket_connect("/ws") as session:
        assert session.receive_text() == "one"
        with pytest.raises(WebSocketDisconnect) as closed:
            session.receive_text()
    assert closed.value.code == 1011


@pytest.mark.parametrize("scope", [{}, {"extensions": None}, {"extensions": {}}])
async def test_a_denial_response_needs_the_extension(scope: Any) -> None:
    websocket = WebsocketImplProtocol(websocket_scope(**scope), messages().receive, Peer().send)
    with pytest.raises(RuntimeError, match="only with 403"):
        await websocket.send_denial_response(text("no", 403))
    assert not can_deny(websocket.scope)
    assert can_deny(DENIAL)
