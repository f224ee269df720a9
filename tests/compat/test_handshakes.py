"""HTTP routes that answer a websocket handshake, or accept it: the ASGI messages that the server gets."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send

from sanic_star import Request, Sanic, json, text
from sanic_star.engine import requests
from tests.compat.test_websocket_ends import Connection
from tests.engine.matrix import SERVERS, Server, running
from tests.engine.processes import TIMEOUT_S, process


def serving() -> Sanic[Any, Any]:
    app: Sanic[Any, Any] = Sanic("Handshakes")
    app.ctx.events = []

    @app.get("/up/<n:int>")
    async def up(request: Request[Any, Any], n: int) -> Any:
        websocket = await request.transport.get_protocol().websocket_handshake(request)
        assert Request.get_current() is request
        try:
            async for message in websocket:
                await websocket.send(f"{n} {message!r}")
            app.ctx.events.append("iterated")
        except asyncio.CancelledError:
            app.ctx.events.append("cancelled")
            raise
        return text("dropped")

    @app.get("/receive")
    async def receive(request: Request[Any, Any]) -> None:
        websocket = await request.transport.get_protocol().websocket_handshake(request)
        try:
            await websocket.recv()
        except asyncio.CancelledError:
            app.ctx.events.append("cancelled")
            raise

    @app.get("/idle")
    async def idle(request: Request[Any, Any]) -> None:
        await request.transport.get_protocol().websocket_handshake(request)
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            app.ctx.events.append("cancelled")
            raise

    @app.get("/raise")
    async def fails(request: Request[Any, Any]) -> None:
        await request.transport.get_protocol().websocket_handshake(request)
        raise ValueError("after the handshake")

    @app.get("/plain")
    async def plain(request: Request[Any, Any]) -> Any:
        await request.receive_body()
        return json({"method": request.method, "body": len(request.body)}, 201)

    @app.post("/post")
    async def post(request: Request[Any, Any]) -> Any:
        return text("not reached")

    return app


async def test_a_handler_speaks_and_its_response_is_dropped() -> None:
    app = serving()
    connection = await Connection(app, "/up/7").opened()
    connection.put("receive", text="a")
    assert await connection.hear() == {"type": "websocket.send", "text": "7 'a'"}
    connection.put("receive", bytes=b"b")
    assert await connection.hear() == {"type": "websocket.send", "text": "7 b'b'"}
    connection.put("disconnect", code=1001)
    await connection.over()
    assert app.ctx.events == ["iterated"]
    assert connection.sent.empty()
    assert not requests.live


@pytest.mark.parametrize("path", ["/receive", "/idle"])
async def test_a_client_that_leaves_cancels_the_handler(path: str) -> None:
    app = serving()
    connection = await Connection(app, path).opened()
    connection.put("disconnect", code=1001)
    await connection.over()
    assert app.ctx.events == ["cancelled"]
    assert connection.sent.empty()


async def test_an_exception_after_the_handshake_closes_with_1011() -> None:
    connection = await Connection(serving(), "/raise").opened()
    assert await connection.hear() == {"type": "websocket.close", "code": 1011, "reason": ""}
    with pytest.raises(ValueError, match="after the handshake"):
        await connection.over()


@pytest.mark.parametrize("path", ["/plain", "/post", "/none"])
async def test_a_server_that_sends_no_response_refuses_with_a_close(path: str) -> None:
    connection = Connection(serving(), path)
    assert (await connection.hear())["type"] == "websocket.close"
    await connection.over()
    assert connection.sent.empty()


async def test_a_mounted_application_answers_handshakes_by_its_http_routes() -> None:
    site = Starlette()
    site.mount("/inner", serving())
    outer: Sanic[Any, Any] = Sanic("Outer")
    outer.mount("/outer", site)
    connection = await Connection(outer, "/outer/inner/up/1").opened()
    connection.put("receive", text="a")
    assert await connection.hear() == {"type": "websocket.send", "text": "1 'a'"}
    connection.put("disconnect", code=1000)
    await connection.over()


async def test_asgi_middleware_sees_a_websocket() -> None:
    kinds = []

    class Watching:
        def __init__(self, app: ASGIApp) -> None:
            self.app = app

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            kinds.append(scope["type"])
            await self.app(scope, receive, send)

    app = serving()
    app.add_middleware(Watching)
    connection = await Connection(app, "/up/1").opened()
    connection.put("disconnect", code=1000)
    await connection.over()
    assert kinds == ["websocket"]


async def test_an_overridden_handle_request_is_called_once() -> None:
    calls = []

    class Counting(Sanic[Any, Any]):
        async def handle_request(self, request: Any) -> None:
            calls.append(request.path)
            await super().handle_request(request)

    app = Counting("Counting")

    @app.get("/up")
    async def up(request: Request[Any, Any]) -> None:
        websocket = await request.transport.get_protocol().websocket_handshake(request)
        await websocket.send("up")

    connection = await Connection(app, "/up").opened()
    assert await connection.hear() == {"type": "websocket.send", "text": "up"}
    await connection.over()
    assert calls == ["/up"]


def test_the_stop_closes_what_an_http_route_has_accepted(tmp_path: Any) -> None:
    from websockets.exceptions import ConnectionClosed
    from websockets.sync.client import connect

    script = """
    @app.get("/up")
    async def up(request):
        websocket = await request.transport.get_protocol().websocket_handshake(request)
        try:
            async for message in websocket:
                await websocket.send(message)
        finally:
            say("cleaned up")

    if __name__ == "__main__":
        app.run("127.0.0.1", 0, single_process=True)
    """
    with process(tmp_path, script) as served, connect(f"ws://127.0.0.1:{served.port}/up") as client:
        client.send("x")
        assert client.recv() == "x"
        assert served.terminate() == 0
        with pytest.raises(ConnectionClosed) as closed:
            client.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1001
        assert "cleaned up" in served.log


UNDER_SERVERS = """
@app.get("/plain")
async def plain(request):
    return text("plain", headers={"x-a": "b"})

@app.post("/post")
async def post(request):
    return text("not reached")

@app.get("/fails")
async def fails(request):
    raise ValueError("fails")

@app.get("/streams")
async def streams(request):
    response = await request.respond(content_type="text/plain")
    for part in ("a", "b"):
        await response.send(part)
    await response.eof()

@app.get("/accepts")
async def accepts(request):
    websocket = await request.transport.get_protocol().websocket_handshake(request, ["chat"])
    async for message in websocket:
        await websocket.send(message)

@app.get("/accepts-and-fails")
async def accepts_and_fails(request):
    await request.transport.get_protocol().websocket_handshake(request)
    raise ValueError("fails")
"""
WEBSOCKETS = [
    Server(f"uvicorn, {ws}", f"-m uvicorn served:app --port {{port}} --ws {ws}", status=-15)
    for ws in ("websockets", "websockets-sansio", "wsproto")
]


@pytest.mark.parametrize("server", [*SERVERS, *WEBSOCKETS], ids=lambda server: server.name)
def test_handshakes_that_http_routes_answer_under_servers(server: Server, tmp_path: Path) -> None:
    from websockets.exceptions import ConnectionClosed, InvalidStatus
    from websockets.sync.client import connect

    with running(server, tmp_path, script=UNDER_SERVERS) as started:
        started.get("/word")
        base = f"ws://127.0.0.1:{started.port}"

        def refused(path: str) -> tuple[int, str | None, bytes]:
            with pytest.raises(InvalidStatus) as error, connect(base + path, open_timeout=TIMEOUT_S):
                pass
            response = error.value.response
            return response.status_code, response.headers.get("x-a"), bytes(response.body or b"")

        if server.name == "daphne":
            # It has no messages for a response to a handshake.
            assert {refused(path)[0] for path in ("/plain", "/post", "/fails", "/none")} == {403}
        else:
            assert refused("/plain") == (200, "b", b"plain")
            assert [refused(path)[0] for path in ("/post", "/fails", "/none")] == [405, 500, 404]
            if "granian" not in server.name:
                # It takes a response in one piece.
                assert refused("/streams")[::2] == (200, b"ab")
        with connect(base + "/accepts", subprotocols=["chat"], open_timeout=TIMEOUT_S) as client:  # type: ignore[list-item]
            client.send("x")
            assert (client.recv(TIMEOUT_S), client.subprotocol) == ("x", "chat")
        with connect(base + "/accepts-and-fails", open_timeout=TIMEOUT_S) as client:
            with pytest.raises(ConnectionClosed) as closed:
                client.recv(TIMEOUT_S)
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == (4011 if server.name == "daphne" else 1011)
