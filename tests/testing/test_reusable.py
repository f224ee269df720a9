"""`ReusableClient`: one start for many requests."""

import asyncio
from typing import Any

import pytest
from starlette.applications import Starlette

from sanic_star import Request, Sanic, Websocket, json, redirect, text
from sanic_star.compat.response import HTTPResponse
from sanic_star.testing import ReusableClient
from tests.testing.apps import app_of, describe


@pytest.fixture
def app() -> Sanic[Any, Any]:
    app: Sanic[Any, Any] = Sanic("reusable")
    app.ctx.events = []

    for phase in ("before_server_start", "after_server_start", "before_server_stop", "after_server_stop"):

        def note(app: Sanic[Any, Any], phase: str = phase) -> None:
            app.ctx.events.append(phase)

        app.register_listener(note, phase)

    @app.get("/set")
    async def set_cookie(request: Request) -> HTTPResponse:
        response = text("set")
        response.add_cookie("k", "v", secure=False)
        return response

    @app.get("/show")
    async def show(request: Request) -> HTTPResponse:
        return json({"cookies": dict(request.cookies), "x-a": request.headers.get("x-a"), "host": request.host})

    @app.get("/away")
    async def away(request: Request) -> HTTPResponse:
        return redirect("/show")

    @app.get("/hang")
    async def hang(request: Request) -> None:
        await asyncio.Event().wait()

    @app.websocket("/ws")
    async def echo(request: Request, ws: Websocket) -> None:
        async for message in ws:
            await ws.send(f"echo {message!s}")

    return app


@pytest.fixture(params=[{}, {"port": 0}], ids=["in process", "over a socket"])
def client(request: pytest.FixtureRequest, app: Sanic[Any, Any]) -> ReusableClient:
    return ReusableClient(app, **request.param)


def test_one_start_and_one_stop(app: Sanic[Any, Any], client: ReusableClient) -> None:
    with client:
        assert app.ctx.events == ["before_server_start", "after_server_start"]
        assert client.port
        for _ in range(2):
            request, response = client.get("/show")
            assert (request.path, response.status, response.json["host"]) == (
                "/show",
                200,
                f"127.0.0.1:{client.port}",
            )
        assert len(app.ctx.events) == 2
    assert app.ctx.events[2:] == ["before_server_stop", "after_server_stop"]
    assert request.headers["host"] == f"127.0.0.1:{client.port}"


def test_run_and_stop_any_number_of_times(app: Sanic[Any, Any], client: ReusableClient) -> None:
    for _ in range(2):
        client.run()
        with pytest.raises(RuntimeError, match="is already running"):
            client.run()
        assert client.get("/show")[1].status == 200
        client.stop()
        client.stop()
        with pytest.raises(RuntimeError, match=r"was stopped: call run\(\)"):
            client.get("/show")
    assert len(app.ctx.events) == 8


def test_before_it_runs(client: ReusableClient) -> None:
    with pytest.raises(RuntimeError, match=r"is not running: call run\(\)"):
        client.websocket("/ws")


def test_cookies_are_kept_and_redirects_are_not_followed(client: ReusableClient) -> None:
    with client:
        assert client.get("/set")[1].cookies == {"k": "v"}
        assert client.get("/show")[1].json["cookies"] == {"k": ["v"]}
        assert client.get("/away")[1].status == 302
        request, response = client.get("/away", follow_redirects=True)
        assert (request.path, response.status) == ("/away", 200)


def test_attributes_of_all_requests(app: Sanic[Any, Any]) -> None:
    settings: dict[str, Any] = {
        "headers": {"X-A": "b"},
        "cookies": {"c": "d"},
        "params": {"q": 1},
        "timeout": 60,
        "follow_redirects": True,
        "base_url": "http://example.com/",
    }
    with ReusableClient(app, client_kwargs=settings) as client:
        request, response = client.get("/away")
        assert response.json == {"cookies": {"c": ["d"]}, "x-a": "b", "host": "example.com"}
        assert request.args == {"q": ["1"]}


def test_a_setting_without_an_effect(app: Sanic[Any, Any]) -> None:
    with pytest.raises(TypeError, match="a session has no 'http2' here: it takes auth, base_url"):
        ReusableClient(app, client_kwargs={"http2": True}).run()
    assert app.ctx.events == []


def test_websockets(client: ReusableClient) -> None:
    async def mimic(ws: Any) -> None:
        await ws.send("a")
        assert await ws.recv() == "echo a"

    with client:
        request, proxy = client.websocket("/ws", mimic=mimic)
        assert request.path == "/ws"
        assert (proxy.opened, proxy.client_sent, proxy.client_received) == (True, ["a", ""], ["echo a"])
        assert client.websocket("/ws", gather_request=False)[0] is None
        assert client.get("/show")[1].status == 200


def test_a_keyword_of_the_wire_needs_a_socket(app: Sanic[Any, Any]) -> None:
    with ReusableClient(app) as client, pytest.raises(TypeError, match="max_size needs a socket"):
        client.websocket("/ws", max_size=5)
    with ReusableClient(app, port=0) as client:
        assert client.websocket("/ws", max_size=5)[1].opened


def test_host_port_debug_and_what_the_client_does_not_get(app: Sanic[Any, Any], client: ReusableClient) -> None:
    with client:
        assert client.get("/show", host="localhost")[1].json["host"] == f"localhost:{client.port}"
        url = f"http://127.0.0.1:{client.port}/show"
        assert client.get(url, port=client.port, server_kwargs={"access_log": False})[1].status == 200
        assert not app.debug
        client.get("/show", debug=True)
        assert app.debug
        with pytest.raises(Exception, match="no answer to GET /hang within"):
            client.get("/hang", timeout=0.5)
        request, response = client.get("/hang", timeout=0.5, allow_none=True)
        assert (request.path, response) == ("/hang", None)


def test_a_given_event_loop(app: Sanic[Any, Any]) -> None:
    loop = asyncio.new_event_loop()
    with ReusableClient(app, loop=loop) as client:
        assert client.get("/show")[1].status == 200
    assert not loop.is_closed()
    loop.close()


async def test_inside_a_running_loop(client: ReusableClient) -> None:
    with pytest.raises(RuntimeError, match=r"await app\.asgi_client there"):
        client.run()


def test_an_app_of_another_kind_in_process_only() -> None:
    app: Starlette = app_of(describe)
    with ReusableClient(app) as client:
        assert client.get("/a")[1].json["path"] == "/a"
    with pytest.raises(TypeError, match="only an application of this package can be served on a socket"):
        ReusableClient(app, port=0)


@pytest.mark.parametrize("where", [{}, {"port": 0}], ids=["in process", "over a socket"])
@pytest.mark.parametrize("phase", ["before_server_start", "after_server_start"])
def test_a_start_that_fails(app: Sanic[Any, Any], phase: str, where: dict[str, Any]) -> None:
    def fail(app: Sanic[Any, Any]) -> None:
        raise LookupError("no database")

    app.register_listener(fail, phase)
    client = ReusableClient(app, **where)
    with pytest.raises(LookupError, match="no database") as caught:
        client.run()
    assert any("start-up failed" in note for note in caught.value.__notes__)
    with pytest.raises(RuntimeError, match="is not running"):
        client.get("/show")


def test_a_coroutine_on_the_loop_of_the_app() -> None:
    async def ask() -> bytes:
        reader, writer = await asyncio.open_connection(reusable.host, reusable.port)
        writer.write(b"GET / HTTP/1.1\r\nhost: here\r\nconnection: close\r\n\r\n")
        answer = await reader.read()
        writer.close()
        return answer

    app = Sanic("Asked")

    @app.get("/")
    async def hello(request: Request) -> HTTPResponse:
        return text("hello")

    reusable = ReusableClient(app, port=0)
    with pytest.raises(RuntimeError, match="is not running"):
        reusable._run(ask())
    with reusable:
        assert reusable._run(ask()).endswith(b"\r\n\r\nhello")
    with pytest.raises(RuntimeError, match="was stopped"):
        reusable._run(ask())
