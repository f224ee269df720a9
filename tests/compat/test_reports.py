"""Reports of ported applications; `tests/parity/cases/reports.py` compares with Sanic."""

from __future__ import annotations

import asyncio
import inspect
import logging
import pickle
import typing
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sanic_star import Blueprint, NotFound, Request, Sanic, Websocket, json, text
from sanic_star.compat._routing.exceptions import InvalidUsage
from sanic_star.compat.simple import create_simple_server
from sanic_star.compat.views import HTTPMethodView
from sanic_star.testing import TestClient, WebSocketDenialResponse
from tests.engine.raw import Life, Peer, websocket_scope

# Exceptions of websockets ---------------------------------------------------------------------------------------------


class Mine(Exception):
    pass


def raising(kind: str) -> BaseException:
    """Return an exception of a kind; each call makes a new one."""
    made: dict[str, Callable[[], BaseException]] = {
        "plain": lambda: Mine("x"),
        "sanic": lambda: NotFound("x"),
        "one": lambda: ExceptionGroup("g", [Mine("x")]),
        "several": lambda: ExceptionGroup("g", [Mine("x"), ValueError("y")]),
        "quiet one": lambda: ExceptionGroup("g", [NotFound("x")]),
    }
    return made[kind]()


@pytest.mark.parametrize("listens", [False, True])
@pytest.mark.parametrize(
    ("kind", "raised", "logged"),
    [
        ("plain", Mine, True),
        ("sanic", None, False),
        ("one", ExceptionGroup, True),
        ("several", ExceptionGroup, True),
        ("quiet one", None, False),
    ],
)
async def test_an_exception_of_an_open_websocket_is_logged_and_reported_once(
    kind: str, raised: type[BaseException] | None, logged: bool, listens: bool, caplog: pytest.LogCaptureFixture
) -> None:
    app: Sanic[Any, Any] = Sanic("OpenWebsocket")
    seen: list[Any] = []

    @app.websocket("/ws")
    async def talk(request: Request, ws: Websocket) -> None:
        raise raising(kind)

    @app.exception(Exception)
    async def handle(request: Request, error: Exception) -> Any:
        seen.append("handler")
        return text("handled")

    @app.on_response
    async def after(request: Request, response: Any) -> None:
        seen.append("response middleware")

    if listens:

        @app.report_exception
        async def report(app: Any, exception: Exception) -> None:
            seen.append(type(exception))

    peer = Peer()
    peer.messages = [{"type": "websocket.connect"}]
    async with Life(app):
        caplog.clear()
        if raised is None:
            await app(websocket_scope("/ws"), peer.receive, peer.send)
        else:
            with pytest.raises(raised):
                await app(websocket_scope("/ws"), peer.receive, peer.send)
    assert peer.sent[-1] == {"type": "websocket.close", "code": 1011, "reason": ""}
    assert seen == [type(raising(kind))] * listens
    assert [record.name for record in caplog.records if record.levelno >= logging.ERROR] == ["sanic.error"] * logged


async def test_a_report_that_fails_leaves_the_websocket_closed(caplog: pytest.LogCaptureFixture) -> None:
    app: Sanic[Any, Any] = Sanic("FailingReport")

    @app.websocket("/ws")
    async def talk(request: Request, ws: Websocket) -> None:
        raise Mine("x")

    @app.report_exception
    async def report(app: Any, exception: Exception) -> None:
        raise ValueError("report")

    peer = Peer()
    peer.messages = [{"type": "websocket.connect"}]
    async with Life(app):
        with pytest.raises(Mine):
            await app(websocket_scope("/ws"), peer.receive, peer.send)
    assert peer.sent[-1]["type"] == "websocket.close"
    assert "server.exception.report failed" in caplog.text


async def test_a_handshake_that_was_refused_is_not_answered_again() -> None:
    app: Sanic[Any, Any] = Sanic("Refused")

    async def refuse(websocket: Any) -> None:
        await websocket.close(4000)
        raise Mine("x")

    app.add_websocket_route("/ws", refuse)
    peer = Peer()
    peer.messages = [{"type": "websocket.connect"}]
    scope = {**websocket_scope("/ws"), "extensions": {"websocket.http.response": {}}}
    async with Life(app):
        with pytest.raises(Mine):
            await app(scope, peer.receive, peer.send)
    assert [message["type"] for message in peer.sent] == ["websocket.close"]


# Middleware that fails where there is no route ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "listener", [None, "server.exception.report", "http.lifecycle.exception", "http.lifecycle.request"]
)
@pytest.mark.parametrize("path", ["/none", "/post", "/ws", "/file/none", "/handler", "websocket"])
def test_middleware_runs_once_where_it_fails(path: str, listener: str | None, tmp_path: Path) -> None:
    app: Sanic[Any, Any] = Sanic("FailingMiddleware")
    runs: list[str] = []
    app.static("/file", tmp_path, name="file")

    @app.on_request
    async def first(request: Request) -> None:
        runs.append("first")

    @app.on_request
    async def failing(request: Request) -> None:
        runs.append("failing")
        raise Mine("x")

    @app.on_request
    async def never(request: Request) -> None:
        runs.append("never")

    @app.on_response
    async def after(request: Request, response: Any) -> None:
        runs.append("after")

    @app.post("/post")
    async def post(request: Request) -> Any: ...

    @app.get("/handler")
    async def handler(request: Request) -> Any: ...

    @app.websocket("/ws")
    async def ws(request: Request, ws: Websocket) -> None: ...

    @app.exception(Mine)
    async def mine(request: Request, error: Mine) -> Any:
        return text("mine", 418)

    if listener:

        async def listen(**context: Any) -> None: ...

        app.add_signal(listen, listener)
    client = TestClient(app)
    if path == "websocket":
        with pytest.raises(WebSocketDenialResponse) as refused, client.websocket_connect("/ws"):
            pass
        assert refused.value.response.status_code == 418
    else:
        assert client.get(path).status_code == 418
    assert runs == ["first", "failing", "after"]


# Signals that are dispatched ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("client_kind", ["test_client", "asgi_client", "TestClient"])
async def test_the_stop_waits_for_dispatched_signals(client_kind: str) -> None:
    app: Sanic[Any, Any] = Sanic("Dispatches")
    seen: list[str] = []

    @app.signal("shop.order.<what>")
    async def order(what: str) -> None:
        await asyncio.sleep(0.1)
        seen.append(what)
        if what == "stopped":
            await app.dispatch("shop.order.last")

    @app.get("/")
    async def place(request: Request) -> Any:
        await app.dispatch("shop.order.placed")
        return json([app.running_tasks, len(list(app.tasks))])

    @app.after_server_stop
    async def stopped(app: Any) -> None:
        seen.append("after_server_stop")
        await app.dispatch("shop.order.stopped")

    if client_kind == "asgi_client":
        async with Life(app):
            await app.dispatch("shop.order.placed")
    else:

        def use() -> Any:
            if client_kind == "test_client":
                return app.test_client.get("/")[1].json
            with TestClient(app) as client:
                return client.get("/").json()

        assert await asyncio.to_thread(use) == [1, 0]
    assert seen == ["placed", "after_server_stop", "stopped", "last"]


async def test_a_dispatched_signal_that_does_not_end_is_cancelled(caplog: pytest.LogCaptureFixture) -> None:
    app: Sanic[Any, Any] = Sanic("Endless")
    app.config.GRACEFUL_SHUTDOWN_TIMEOUT = 0.1
    ends: list[str] = []

    @app.signal("shop.order.placed")
    async def endless(**context: Any) -> None:
        try:
            await asyncio.sleep(600)
        finally:
            ends.append("cleaned up")

    async with Life(app):
        task = await app.dispatch("shop.order.placed")
    assert (task.cancelled(), ends) == (True, ["cleaned up"])
    assert "Task signal shop.order.placed did not end in time" in caplog.text


async def test_the_failure_of_a_dispatched_signal_is_its_callers() -> None:
    app: Sanic[Any, Any] = Sanic("FailingSignal")
    app.config.TASK_LIMIT = 0

    @app.signal("shop.order.placed")
    async def fail(**context: Any) -> None:
        raise Mine("x")

    async with Life(app):
        task = await app.dispatch("shop.order.placed")
        with pytest.raises(Mine):
            await task


# Routes with one name -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lifespan", [True, False])
async def test_one_name_twice_runs_no_listener(lifespan: bool) -> None:
    app: Sanic[Any, Any] = Sanic("OneName")
    seen: list[str] = []
    for path in ("/a", "/b"):
        app.add_route(lambda request: text(""), path, name="same")
    for event in ("before_server_start", "after_server_start", "before_server_stop", "after_server_stop"):
        app.register_listener(lambda app, event=event: seen.append(event), event)

    def ask() -> None:
        if lifespan:
            with TestClient(app):
                pass
        else:
            TestClient(app).get("/a")

    with pytest.raises(Exception, match="Duplicate route names detected"):
        await asyncio.to_thread(ask)
    assert seen == []


# Types of the package's own handlers ----------------------------------------------------------------------------------


def test_types_of_the_handlers_that_the_package_registers(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a")
    app = create_simple_server(tmp_path)
    app.static("/file", tmp_path / "a.txt", name="file")
    app.static("/listed", tmp_path, name="listed", directory_view=True)
    blueprint = Blueprint("blueprint", url_prefix="/blueprint")
    blueprint.static("/files", tmp_path, name="files")
    app.blueprint(blueprint)
    assert TestClient(pickle.loads(pickle.dumps(app))).get("/file").text == "a"
    app.add_route(HTTPMethodView.as_view(), "/view", name="view")
    assert len(app.router.routes) == 5
    for route in app.router.routes:
        handler: Any = route.handler  # type: ignore[attr-defined]
        assert typing.get_type_hints(handler)
        assert inspect.signature(handler, eval_str=True).parameters
    assert typing.get_type_hints(HTTPMethodView.dispatch_request)["request"] is Request


# A notebook -----------------------------------------------------------------------------------------------------------


def prepare(app: Sanic[Any, Any]) -> type[Sanic[Any, Any]]:
    app.prepare(port=0, motd=False)
    return type(app)


@pytest.mark.parametrize(
    "run",
    [
        lambda app: app.run(port=0),
        lambda app: app.run(port=0, single_process=True),
        lambda app: app.run(port=0, workers=2),
        lambda app: app.run(port=0, auto_reload=True),
        lambda app: app.run(port=0, server="hypercorn"),
        lambda app: app.go_fast(port=0),
        lambda app: prepare(app).serve(),
        lambda app: prepare(app).serve_single(),
    ],
)
async def test_run_in_a_running_event_loop_names_create_server(run: Callable[[Any], Any]) -> None:
    app: Sanic[Any, Any] = Sanic("Notebook")
    with pytest.raises(RuntimeError, match=r"await app\.create_server"):
        run(app)
    assert not app.state.server_info
    server = await app.create_server(port=0)
    await server.startup()
    await server.close()


# Path types -----------------------------------------------------------------------------------------------------------


async def handle(request: Any, *args: Any, **params: Any) -> Any:
    return text("")


def in_a_blueprint(app: Sanic[Any, Any], path: str) -> None:
    blueprint = Blueprint("blueprint", url_prefix="/x")
    blueprint.add_route(handle, path)
    app.blueprint(blueprint)


def in_a_prefix(app: Sanic[Any, Any], path: str) -> None:
    blueprint = Blueprint("blueprint", url_prefix=path)
    blueprint.add_route(handle, "/x")
    app.blueprint(blueprint)


@pytest.mark.parametrize(
    "register",
    [
        lambda app, path: app.add_route(handle, path),
        lambda app, path: app.get(path)(handle),
        lambda app, path: app.websocket(path)(handle),
        lambda app, path: app.add_websocket_route(handle, path),
        lambda app, path: app.static(path, ".", name="static"),
        lambda app, path: HTTPMethodView.attach(app, path),
        lambda app, path: app.add_signal(handle, "shop.order." + path.lstrip("/")),
        in_a_blueprint,
        in_a_prefix,
    ],
)
@pytest.mark.parametrize(
    ("given", "meant"), [("integer", "int"), ("strng", "str"), ("floot", "float"), ("pth", "path"), ("UUID", "uuid")]
)
def test_an_unknown_path_type_is_refused_at_registration(
    register: Callable[[Any, str], Any], given: str, meant: str
) -> None:
    with pytest.raises(InvalidUsage, match=rf"Unknown path type '{given}' in .*Did you mean <n:{meant}>\?"):
        register(Sanic("PathTypes"), f"/<n:{given}>")


@pytest.mark.parametrize(
    ("given", "meant"),
    [("int:x", "x:int"), ("int:id", "id:int"), ("string:name", "name:str"), ("path:rest", "rest:path")],
)
def test_a_path_type_before_the_name_is_turned_round(given: str, meant: str) -> None:
    with pytest.raises(
        InvalidUsage, match=rf"in /<{given}>\. Did you mean <{meant}>\? The name comes before the type\."
    ):
        Sanic("PathTypes").get(f"/<{given}>")(handle)


def test_a_path_type_that_was_registered_is_known_and_suggested() -> None:
    app: Sanic[Any, Any] = Sanic("OwnPathTypes")
    app.router.register_pattern("country", str.upper, r"[a-z]{2}")
    app.get("/<n:country>")(handle)
    with pytest.raises(InvalidUsage, match=r"Did you mean <n:country>\?"):
        app.get("/x/<n:contry>")(handle)
    with pytest.raises(InvalidUsage, match=r"in /x/<n:zzz>\. The types are"):
        app.get("/x/<n:zzz>")(handle)
