"""``SanicASGITestClient``: the client for tests that are coroutines."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

import sanic_star.testing
from sanic_star.testing import SanicASGITestClient, WebsocketProxy


async def describe(request: Request) -> Response:
    response = JSONResponse(
        {
            "method": request.method,
            "path": request.scope["raw_path"].decode(),
            "query": request.url.query,
            "body": (await request.body()).decode(),
            "cookies": request.cookies,
            "host": request.headers["host"],
            "client": request.scope["client"],
        }
    )
    response.set_cookie("k", "v")
    return response


async def redirect(request: Request) -> Response:
    return RedirectResponse("/there")


async def boom(request: Request) -> Response:
    raise KeyError("boom")


async def echo(websocket: WebSocket) -> None:
    await websocket.accept(subprotocol=next(iter(websocket.scope["subprotocols"]), None))
    async for text in websocket.iter_text():
        await websocket.send_json([text, websocket.url.scheme, websocket.headers["x-a"], websocket.state.a])


def gathering(events: list[str]) -> ASGIApp:
    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[dict[str, str]]:
        events.append("start")
        yield {"a": "b"}
        events.append("stop")

    routes = [
        Route("/redirect", redirect),
        Route("/boom", boom),
        WebSocketRoute("/echo", echo),
        Route("/{path:path}", describe, methods=["GET", "POST"]),
    ]
    app = Starlette(routes=routes, lifespan=lifespan)

    async def gather(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            scope["extensions"]["sanic_star.testing"]["request"] = f"{scope['type']} {scope['path']}"
        await app(scope, receive, send)

    return gather


async def test_a_request_between_start_and_stop() -> None:
    events: list[str] = []
    client = SanicASGITestClient(gathering(events))
    request, response = await client.get("/a%2Fb", params={"c": "d"})
    assert request == "http /a/b"
    assert (response.status, response.status_code, response.reason_phrase) == (200, 200, "OK")
    assert response.json == {
        "method": "GET",
        "path": "/a%2Fb",
        "query": "c=d",
        "body": "",
        "cookies": {},
        "host": "mockserver:1234",
        "client": ["mockserver", 1234],
    }
    assert (response.body, response.content_type) == (response.content, "application/json")
    assert events == ["start", "stop"]
    _, response = await client.get("/")
    assert response.json["cookies"] == {"k": "v"}
    assert events == ["start", "stop"] * 2


async def pieces() -> AsyncIterator[bytes]:
    yield b"a"
    yield b"b"


@pytest.mark.parametrize("keywords", [{"content": b"ab"}, {"content": pieces()}, {"content": "ab"}])
async def test_bodies(keywords: dict[str, Any]) -> None:
    _, response = await SanicASGITestClient(gathering([])).post("/", **keywords)
    assert response.json["body"] == "ab"


async def test_redirects_are_followed_when_asked_for() -> None:
    client = SanicASGITestClient(gathering([]))
    request, response = await client.get("/redirect")
    assert (request, response.status) == ("http /redirect", 307)
    request, response = await client.get("/redirect", follow_redirects=True)
    assert (request, response.status) == ("http /there", 200)
    request, _ = await client.request("GET", "/", gather_request=False)
    assert request is None


async def test_a_stream_without_a_length_has_no_content_length() -> None:
    async def streams(scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"
        length = [(b"Content-Length", b"2")] if scope["path"] == "/known" else []
        await send({"type": "http.response.start", "status": 200, "headers": length})
        await send({"type": "http.response.body", "body": b"a", "more_body": True})
        await send({"type": "http.response.body", "body": b"b"})

    client = SanicASGITestClient(streams)
    for path, length in (("/", None), ("/known", "2")):
        _, response = await client.get(path)
        assert (response.text, response.headers.get("content-length")) == ("ab", length)


async def test_many_at_once() -> None:
    client = SanicASGITestClient(gathering([]))
    answers = await asyncio.gather(*(client.get(f"/{number}") for number in range(20)))
    assert [request for request, _ in answers] == [f"http /{number}" for number in range(20)]


async def test_an_exception_that_was_answered_is_a_500_and_one_that_was_not_comes_out() -> None:
    _, response = await SanicASGITestClient(gathering([])).get("/boom")
    assert response.status == 500

    async def raw(scope: Scope, receive: Receive, send: Send) -> None:
        raise KeyError("boom")

    with pytest.raises(KeyError, match="boom"):
        await SanicASGITestClient(raw).get("/")
    _, response = await SanicASGITestClient(raw, suppress_exceptions=True).get("/")
    assert response.status == 500


async def test_errors_of_httpx_over_a_network() -> None:
    async def breaks_off(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def stalls(scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"
        await asyncio.Event().wait()

    with pytest.raises(httpx2.RemoteProtocolError):
        await SanicASGITestClient(breaks_off).get("/")
    with pytest.raises(httpx2.ReadTimeout):
        await SanicASGITestClient(stalls).get("/", timeout=0.01)


async def test_a_websocket() -> None:
    events: list[str] = []
    client = SanicASGITestClient(gathering(events), base_url="https://example.com")

    async def mimic(socket: WebsocketProxy) -> None:
        await socket.send("a")
        assert await socket.recv() == '["a","wss","b","b"]'

    assert await client.websocket("/echo") == ("websocket /echo", {"opened": True})
    request, socket = await client.websocket("/echo", ["x"], mimic=mimic, headers={"X-A": "b"})
    assert (request, socket.opened, socket.subprotocol) == ("websocket /echo", True, "x")
    assert await client.websocket("/nowhere") == ("websocket /nowhere", {"opened": False})
    assert events == ["start", "stop"] * 3


def run(program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)


def test_httpx2_is_loaded_only_by_the_client_that_needs_it() -> None:
    done = run("import sys, sanic_star.testing; assert 'httpx2' not in sys.modules; print('fine')")
    assert done.stdout == "fine\n", done.stderr


def test_without_httpx2_the_message_names_the_install_command() -> None:
    done = run("import sys; sys.modules['httpx2'] = None\nfrom sanic_star.testing import SanicASGITestClient")
    assert done.stderr.endswith("the ASGI client needs httpx2: pip install httpx2\n")


def test_importing_the_package_loads_no_client() -> None:
    done = run("import sys, sanic_star; print([name for name in ('requests', 'httpx2') if name in sys.modules])")
    assert done.stdout == "[]\n", done.stderr


def test_the_public_names() -> None:
    assert all(getattr(sanic_star.testing, name) for name in sanic_star.testing.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        sanic_star.testing.nonsense  # noqa: B018
