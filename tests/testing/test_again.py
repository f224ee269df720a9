"""One app in many tests: started again, changed between runs, pickled, beside another of its name, read afterwards."""

import logging
import pickle
from typing import Any

import pytest
import starlette.testclient

from sanic_star import Blueprint, Request, Sanic, Websocket, text
from sanic_star.compat.response import HTTPResponse
from sanic_star.testing import SanicASGITestClient, SanicTestClient, TestClient, TestManager


async def hello(request: Request, **parts: str) -> HTTPResponse:
    request.ctx.seen = True
    return text(f"Hello, {request.app.name}")


async def listen(app: Sanic[Any, Any]) -> None:
    app.ctx.starts = getattr(app.ctx, "starts", 0) + 1


async def first(request: Request) -> None:
    request.ctx.first = True


async def handled(request: Request, error: Exception) -> HTTPResponse:
    return text("handled", status=418)


async def fail(request: Request) -> HTTPResponse:
    raise LookupError("nothing there")


async def talk(request: Request, ws: Websocket) -> None:
    await ws.send("one")


def make(name: str = "again") -> Sanic[Any, Any]:
    app: Sanic[Any, Any] = Sanic(name)
    app.add_route(hello, "/")
    app.add_route(fail, "/fail")
    app.add_websocket_route(talk, "/ws")
    app.register_listener(listen, "before_server_start")
    app.register_middleware(first)
    app.static("/file", __file__)
    group = Blueprint("group", url_prefix="/group")
    group.add_route(hello, "/")
    app.blueprint(group)
    return app


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("reset", [False, True])
def test_pickled_before_its_start(protocol: int, reset: bool) -> None:
    app = make()
    app.error_handler.add(LookupError, handled)
    app.ctx.number = 5
    app.config.SETTING = "set"
    if reset:
        app.router.reset()
        app.signal_router.reset()
    copy = pickle.loads(pickle.dumps(app, protocol))
    assert copy is not app
    assert (copy.name, copy.ctx.number, copy.config.SETTING, copy.state.is_running) == ("again", 5, "set", False)
    for _ in range(2):
        request, response = copy.test_client.get("/")
        assert (response.text, request.app, request.ctx.first) == ("Hello, again", copy, True)
    assert copy.ctx.starts == 2
    assert copy.test_client.get("/fail")[1].status == 418
    assert copy.test_client.get("/group/")[1].status == 200
    assert "One app in many tests" in copy.test_client.get("/file")[1].text
    copy.add_route(hello, "/late", name="late")
    assert copy.test_client.get("/late")[1].status == 200
    assert not hasattr(app.ctx, "starts")


def test_changed_between_runs() -> None:
    app = make()
    assert app.test_client.get("/late")[1].status == 404
    app.router.reset()
    app.signal_router.reset()
    app.add_route(hello, "/late", name="late")
    events: list[str] = []

    @app.signal("my.own.event")
    async def note(**context: Any) -> None:
        events.append("signal")

    @app.get("/send")
    async def send(request: Request) -> HTTPResponse:
        await request.app.dispatch("my.own.event")
        return text("sent")

    assert app.test_client.get("/late")[1].text == "Hello, again"
    assert app.test_client.get("/send")[1].text == "sent"
    assert events == ["signal"]
    assert app.ctx.starts == 3


def test_two_of_one_name() -> None:
    first, second = make(), make()
    second.add_route(hello, "/two", name="two")
    assert first.test_client.get("/two")[1].status == 404
    assert second.test_client.get("/two")[1].status == 200
    assert first.test_client.get("/")[0].app is first


def test_the_request_is_readable_when_the_app_has_stopped() -> None:
    app = make()
    app.add_route(hello, "/<name>", methods=["POST"], name="named")
    request, _ = app.test_client.post("/x?q=1", data={"a": "b"}, cookies={"c": "d"}, headers={"X-A": "e"})
    assert isinstance(request, Request)
    assert not app.state.is_running
    assert (request.ip, request.path, request.match_info) == ("127.0.0.1", "/x", {"name": "x"})
    assert request.args.get("q") == "1"
    assert isinstance(request.port, int)
    assert request.route.name == "again.named"
    assert request.id == request.id
    assert (request.headers["x-a"], request.body, request.form.get("a")) == ("e", b"a=b", "b")
    assert (request.cookies.get("c"), request.ctx.seen, request.method) == ("d", True, "POST")


def test_an_exception_is_shown_with_its_traceback(caplog: pytest.LogCaptureFixture) -> None:
    app = make()
    with caplog.at_level(logging.INFO):
        request, response = app.test_client.get("/fail")
    assert (request.path, response.status) == ("/fail", 500)
    (record,) = [record for record in caplog.records if record.name == "sanic.error"]
    assert record.exc_info is not None
    assert record.exc_info[2] is not None
    assert "nothing there" in caplog.text
    assert "in fail" in caplog.text


def test_loggers_of_the_app_reach_caplog(caplog: pytest.LogCaptureFixture) -> None:
    from sanic_star.compat.log import access_logger, logger

    app = make()

    @app.get("/log")
    async def log(request: Request) -> HTTPResponse:
        logger.info("from the handler")
        return text("")

    app.config.ACCESS_LOG = True
    with caplog.at_level(logging.INFO):
        app.test_client.get("/log")
    assert ("sanic.root", logging.INFO, "from the handler") in caplog.record_tuples
    assert any(record.name == access_logger.name for record in caplog.records)


def test_starlettes_own_client() -> None:
    app = make()
    with starlette.testclient.TestClient(app) as client:
        assert client.get("/").text == "Hello, again"
        with client.websocket_connect("/ws") as session:
            assert session.receive_text() == "one"
    with pytest.raises(LookupError, match="nothing there"):
        starlette.testclient.TestClient(app).get("/fail")


def test_the_arguments_of_starlettes_client() -> None:
    app = make()
    # In Starlette's order.
    client = TestClient(
        app,
        "http://example.com",
        False,
        "",
        "asyncio",
        {"use_uvloop": True},
        {"c": "d"},
        {"X-A": "b"},
        False,
        ("me", 5),
    )
    for in_block in (False, True):
        if in_block:
            client.__enter__()
        response = client.request("POST", "/", content=b"abc")
        assert (response.status_code, response.request.body, response.request.headers["x-a"]) == (405, b"abc", "b")
        assert client.get("/fail").status_code == 500
        client.close()
    with TestClient(app, backend_options={"debug": True}) as debugged:
        assert debugged.get("/").status_code == 200
    with pytest.raises(ValueError, match="runs applications on asyncio, not on 'trio'"):
        TestClient(app, backend="trio")


def test_a_manager_holds_the_clients() -> None:
    app = make()
    manager = TestManager(app)
    assert manager.test_client is app.test_client
    assert manager.asgi_client is app.asgi_client
    assert isinstance(manager.test_client, SanicTestClient)
    assert isinstance(manager.asgi_client, SanicASGITestClient)


def test_the_side_of_the_client_in_process() -> None:
    app = make()

    async def mimic(ws: Any) -> None:
        assert (ws.open, ws.closed, ws.path, ws.close_code, ws.close_reason) == (True, False, "/ws", None, None)
        assert ws.ws is ws
        assert ws.request_headers["x-a"] == "b"
        assert ws.request_headers["origin"] == "http://example.com"
        assert ws.response_headers.get("x-none") is None
        assert await (await ws.ping()) == 0
        await ws.pong()
        assert await ws.recv() == "one"
        await ws.wait_closed()
        assert (ws.open, ws.closed, ws.close_code) == (False, True, 1000)
        with pytest.raises(Exception, match="no close frame"):
            await ws.ping()

    keywords: dict[str, Any] = {"extra_headers": [("X-A", "b")], "origin": "http://example.com"}
    request, proxy = app.test_client.websocket("/ws", True, mimic=mimic, **keywords)
    assert request.headers["user-agent"]
    assert proxy.client_received == ["one"]


async def test_a_keyword_of_the_wire_in_the_asgi_client() -> None:
    with pytest.raises(TypeError, match="there is no socket here: leave out max_size"):
        await make().asgi_client.websocket("/ws", max_size=5)


def test_options_of_a_session_are_used() -> None:
    app = make()
    request, _ = app.test_client.get(
        "/",
        session_kwargs={"headers": {"X-A": "b"}, "cookies": {"c": "d"}, "params": {"q": [1, 2]}, "auth": ("a", "b")},
    )
    assert (request.headers["x-a"], request.cookies.get("c"), request.args["q"]) == ("b", "d", ["1", "2"])
    assert request.headers["authorization"].startswith("Basic ")
    # Of the next call nothing is left of it.
    assert "x-a" not in app.test_client.get("/")[0].headers
    _, response = app.test_client.get("x", session_kwargs={"base_url": "http://example.com/"})
    assert response.url == "http://example.com/x"
    with pytest.raises(ValueError, match="a session has no 'http2' here"):
        app.test_client.get("/", session_kwargs={"http2": True})


def test_headers_that_come_several_times() -> None:
    request, _ = make().test_client.get("/", headers=[("X-A", "1"), ("X-A", "2")])
    assert request.headers.getall("x-a") == ["1", "2"]


def test_a_manager_is_the_application_s_test_manager() -> None:
    # Tortoise asks for it, and makes its tables then.
    app: Sanic[Any, Any] = Sanic("managed")
    assert app._test_manager is None
    manager = TestManager(app)
    assert app._test_manager is manager
    assert pickle.loads(pickle.dumps(app))._test_manager is not None
