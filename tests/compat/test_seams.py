"""Attributes that packages and tests for Sanic read or set, in addition to its documented ones."""

import asyncio
from typing import Any

import pytest

from sanic_star import Request, Sanic, Websocket, text
from sanic_star.compat.application import state
from sanic_star.compat.application.constants import ServerStage
from sanic_star.compat.compat import use_context
from sanic_star.compat.exceptions import ServerError


@pytest.fixture
def app() -> Sanic[Any, Any]:
    return Sanic("Seams")


async def test_startup_checks_and_closes_the_routers(app: Sanic[Any, Any]) -> None:
    app.get("/a", name="one")(lambda request: text("a"))
    await app._startup()
    assert app.router.finalized


async def test_startup_refuses_two_routes_of_one_name(app: Sanic[Any, Any]) -> None:
    for path in ("/a", "/b"):
        app.get(path, name="twice")(lambda request: text("a"))
    with pytest.raises(ServerError, match=r"Duplicate route names detected: Seams\.twice"):
        await app._startup()


@pytest.mark.parametrize("name", ["ApplicationServerInfo", "ApplicationState", "Mode", "Server", "ServerStage"])
def test_names_of_the_state_s_module(name: str) -> None:
    assert getattr(state, name).__name__ == name
    with pytest.raises(AttributeError, match="has no attribute 'Nothing'"):
        getattr(state, "Nothing")  # noqa: B009 - a type checker knows that it is not there


def test_a_record_of_a_server_as_sanic_has_it() -> None:
    record = state.ApplicationServerInfo(settings={}, stage=ServerStage.SERVING, server="server")
    assert (record.settings, record.stage, record.server) == ({}, ServerStage.SERVING, "server")
    assert state.ApplicationServerInfo({}).stage is ServerStage.STOPPED


@pytest.mark.parametrize("enable", [True, False])
def test_websocket_enabled(app: Sanic[Any, Any], enable: bool) -> None:
    assert app.websocket_enabled is False
    app.websocket_enabled = not enable
    assert app.websocket_enabled is not enable
    app.enable_websocket(enable)
    assert app.websocket_enabled is enable

    @app.websocket("/ws")
    async def echo(request: Request, ws: Websocket) -> None: ...

    assert app.websocket_enabled is True


def test_asgi_can_be_set(app: Sanic[Any, Any]) -> None:
    assert app.asgi is app.state.asgi is True
    app.asgi = False
    assert app.asgi is app.state.asgi is False


async def test_named_tasks(app: Sanic[Any, Any]) -> None:
    async def work() -> None:
        await asyncio.sleep(60)

    tasks = [app.add_task(work(), name="a"), app.add_task(asyncio.create_task(work()), name="b")]
    app.add_task(work(), name="hidden", register=False)
    assert app._task_registry == dict(zip("ab", tasks, strict=True))
    await app.cancel_task("a")
    app.purge_tasks()
    assert list(app._task_registry) == ["b"]
    await app.shutdown_tasks()


@pytest.mark.parametrize("method", ["fork", "spawn", "no such method"])
def test_use_context(method: str) -> None:
    before = Sanic.start_method
    with use_context(method):
        assert Sanic.start_method == method
    assert Sanic.start_method is before


# Signals ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("definitions", "waited_for", "dispatched", "context"),
    [
        (["shop.order.<id:int>"], "shop.order.*", "shop.order.9", {"id": 9, "by": 1}),
        (["shop.order.<id:int>", "shop.order.<name:str>"], "shop.order.*", "shop.order.x", {"name": "x", "by": 1}),
        (["shop.order.<id:int>"], "shop.order.<other:int>", "shop.order.9", {"id": 9, "by": 1}),
    ],
)
async def test_an_event_with_a_star(
    app: Sanic[Any, Any], definitions: list[str], waited_for: str, dispatched: str, context: dict[str, Any]
) -> None:
    for definition in definitions:
        app.signal(definition)(lambda **context: None)
    app.signal_router.finalize()
    waiting = asyncio.create_task(app.event(waited_for))
    await asyncio.sleep(0)
    assert not waiting.done()
    await app.dispatch(dispatched, context={"by": 1})
    assert await asyncio.wait_for(waiting, 10) == context


def test_tables_of_signals(app: Sanic[Any, Any]) -> None:
    for _ in range(2):
        app.signal("shop.order.placed")(lambda **context: None)
    app.signal("shop.order.<id:int>")(lambda **context: None)
    groups = app.signal_router.dynamic_routes.values()
    assert [[signal.ctx.definition for signal in group] for group in groups] == [
        ["shop.order.placed", "shop.order.placed"],
        ["shop.order.<id:int>"],
    ]


# URLs and headers ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("server_name", "forwarded", "origin"),
    [
        ("https://shop.example", None, "wss://shop.example"),
        ("http://shop.example", "secret=s;proto=https", "ws://shop.example"),
        ("shop.example", "secret=s;proto=https", "wss://shop.example"),
        ("shop.example:99", "secret=s;proto=http", "ws://shop.example:99"),
        ("wss://shop.example", None, "wss://shop.example"),
        ("//shop.example", None, "ws://shop.example"),
        ("", "secret=s;proto=https;host=f.example", "wss://f.example"),
        ("", "secret=wrong;proto=https;host=f.example", "ws://127.0.0.1:"),
    ],
)
def test_the_scheme_of_a_websocket(app: Sanic[Any, Any], server_name: str, forwarded: str | None, origin: str) -> None:
    app.config.SERVER_NAME, app.config.FORWARDED_SECRET = server_name, "s"
    urls: list[str] = []

    @app.websocket("/ws")
    async def note(request: Request, ws: Websocket) -> None:
        urls.extend([request.url, request.url_for("note")])

    app.test_client.websocket("/ws", headers={"forwarded": forwarded} if forwarded else None)
    assert len(urls) == 2
    assert urls[0] == urls[1]
    assert urls[0].startswith(origin)
    assert urls[0].endswith("/ws")


def test_headers_whose_names_are_words_of_python(app: Sanic[Any, Any]) -> None:
    @app.get("/")
    async def show(request: Request) -> Any:
        return text("|".join([request.headers.from_, request.headers.x_a_, request.headers.missing_]))

    assert app.test_client.get("/", headers={"from": "me", "x-a": "1"})[1].text == "me|1|"
