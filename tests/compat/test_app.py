"""The application: its constructor, the registry, registrations, tasks, and how it runs."""

import asyncio
import logging
import threading
from types import SimpleNamespace
from typing import Any

import pytest
from starlette.websockets import WebSocket

from sanic_star import Blueprint, HTTPResponse, Request, Sanic, text
from sanic_star.compat import log as _logging
from sanic_star.compat.config import Config
from sanic_star.compat.exceptions import SanicException, ServerError
from sanic_star.compat.handlers.error import ErrorHandler
from sanic_star.compat.logging.default import LOGGING_CONFIG_DEFAULTS
from sanic_star.compat.router import Router
from sanic_star.testing import SanicASGITestClient, SanicTestClient, TestClient


@pytest.fixture(autouse=True)
def registry(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Give each test a registry of its own."""
    apps: dict[str, Any] = {}
    monkeypatch.setattr(Sanic, "_app_registry", apps)
    return apps


# The constructor ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["", "1a", "a b", "a.", ".a", "a..b", "1.a", "-a", None])
def test_a_name_that_sanic_refuses(name: Any) -> None:
    with pytest.raises(SanicException, match=r"uses an invalid format|cannot be unnamed"):
        Sanic(name)


@pytest.mark.parametrize("name", [5, b"x"])
def test_a_name_that_is_not_text(name: Any) -> None:
    with pytest.raises(TypeError, match="is a string"):
        Sanic(name)


@pytest.mark.parametrize("name", ["a", "A1", "a-b_c", "_x", "__main__", "__mp_main__"])
def test_names_and_how_it_shows_itself(name: str) -> None:
    app: Sanic[Any, Any] = Sanic(name)
    assert (app.name, repr(app)) == (name, f'Sanic(name="{name}")')


def test_its_parts_may_be_given() -> None:
    class MyRequest(Request):
        pass

    config, ctx, router, handler = Config(), SimpleNamespace(a=1), Router(), ErrorHandler()
    app: Sanic[Any, Any] = Sanic(
        "Parts", config, ctx, router, error_handler=handler, request_class=MyRequest, strict_slashes=True
    )
    assert app.config is config
    assert app.ctx is ctx
    assert app.router is router
    assert router.ctx.app is app
    assert app.error_handler is handler
    assert app.request_class is MyRequest

    async def kind(request: Request) -> HTTPResponse:
        return text(type(request).__name__)

    app.add_route(kind, "/a")
    client = TestClient(app)
    assert client.get("/a").text == "MyRequest"
    assert client.get("/a/").status_code == 404


def test_a_config_and_a_prefix_contradict_each_other() -> None:
    with pytest.raises(SanicException, match="cannot also pass env_prefix"):
        Sanic("Both", config=Config(), env_prefix="MY_")


def test_a_custom_prefix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_COLOUR", "red")
    assert Sanic("Prefixed", env_prefix="MY_").config.COLOUR == "red"


def test_logging_is_configured_once_or_not_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []
    monkeypatch.setattr(logging.config, "dictConfig", seen.append)
    monkeypatch.setattr(_logging, "_configured", None)
    Sanic("Silent", configure_logging=False)
    assert seen == []
    Sanic("Default")
    Sanic("DefaultAgain")
    assert seen == [LOGGING_CONFIG_DEFAULTS]
    custom_config: dict[str, Any] = {"version": 1}
    Sanic("Mine", log_config=custom_config)
    assert seen[1:] == [custom_config]
    # As for a configuration that an application changes before it makes the next one.
    custom_config["disable_existing_loggers"] = False
    Sanic("Changed", log_config=custom_config)
    Sanic("ChangedAgain", log_config=custom_config)
    assert seen[2:] == [custom_config]
    # What cannot be copied is applied each time.
    custom_config["lock"] = threading.Lock()
    Sanic("Locked", log_config=custom_config)
    Sanic("LockedAgain", log_config=custom_config)
    assert len(seen) == 5


@pytest.mark.parametrize("request_class", [Request, type("Later", (Request,), {})])
def test_json_is_read_and_written_with_the_functions_of_the_application(request_class: type[Request]) -> None:
    from sanic_star import json

    app: Sanic[Any, Any] = Sanic("Json", dumps=lambda value: f"<{value}>", loads=lambda body: body.decode()[::-1])
    app.request_class = request_class

    @app.post("/")
    async def back(request: Request) -> HTTPResponse:
        return json(request.json)

    assert TestClient(app).post("/", data=b"abc").text == "<cba>"
    assert Request._loads is not app.request_class._loads
    assert app.request_class.__name__ == request_class.__name__


def test_a_subclass_may_have_an_attribute_called_request_class() -> None:
    class Own(Sanic[Any, Any]):
        request_class = Request

    app = Own("Own")

    @app.get("/")
    async def handler(request: Request) -> HTTPResponse:
        return text(str(request.args.get("a")))

    assert TestClient(app).get("/?a=1").text == "1"


@pytest.mark.parametrize("debug", [False, True])
def test_debug_explains_errors(debug: bool) -> None:
    app: Sanic[Any, Any] = Sanic("Debug", debug=debug)
    assert (app.debug, app.error_handler.debug, app.state.is_debug) == (debug, debug, debug)

    @app.get("/")
    async def fail(request: Request) -> None:
        raise KeyError("a secret")

    body = TestClient(app, raise_server_exceptions=False).get("/").text
    assert ("a secret" in body) is debug
    app.debug = not debug
    assert app.state.is_debug is not debug


# The registry -------------------------------------------------------------------------------------------------------


def test_applications_are_found_by_name() -> None:
    with pytest.raises(SanicException, match="No Sanic apps have been registered"):
        Sanic.get_app()
    first: Sanic[Any, Any] = Sanic("One")
    assert Sanic.get_app() is first
    assert Sanic.get_app("One") is first
    with pytest.raises(SanicException, match="not found"):
        Sanic.get_app("__main__")
    two: Sanic[Any, Any] = Sanic("Two")
    assert Sanic.get_app("Two") is two
    with pytest.raises(SanicException, match="Multiple Sanic apps found"):
        Sanic.get_app()
    with pytest.raises(SanicException, match="'Three' not found"):
        Sanic.get_app("Three")
    assert Sanic.get_app("Three", force_create=True).name == "Three"


def test_of_two_with_one_name_the_newer_counts() -> None:
    older: Sanic[Any, Any] = Sanic("Same")
    newer: Sanic[Any, Any] = Sanic("Same")
    assert Sanic.get_app("Same") is newer
    Sanic.unregister_app(older)
    assert Sanic.get_app("Same") is newer
    Sanic.unregister_app(newer)
    with pytest.raises(SanicException, match="not found"):
        Sanic.get_app("Same")


def test_only_applications_are_registered() -> None:
    for register in (Sanic.register_app, Sanic.unregister_app):
        with pytest.raises(SanicException, match="must be an instance of Sanic"):
            register(object())  # type: ignore[arg-type]


# Registration -------------------------------------------------------------------------------------------------------


def test_every_verb_has_its_decorator() -> None:
    app: Sanic[Any, Any] = Sanic("Verbs")

    async def handler(request: Request) -> HTTPResponse:
        return text(request.method)

    verbs = ("get", "head", "options", "post", "put", "patch", "delete")
    for verb in verbs:
        assert getattr(app, verb)(f"{verb}", name=verb)(handler) is handler
    client = TestClient(app)
    for verb in verbs:
        answer = client.request(verb, f"/{verb}")
        assert (answer.status_code, answer.text) == (200, "" if verb == "head" else verb.upper())


@pytest.mark.parametrize(
    ("register", "error", "message"),
    [
        (lambda app: app.get("/")(lambda: None), ValueError, "Required parameter `request` missing"),
        (lambda app: app.websocket("/")(lambda request: None), ValueError, "`request` and/or `ws` missing"),
        (lambda app: app.get("/", colour=1), TypeError, "Unexpected keyword arguments: colour"),
        (lambda app: app.static("/", 5), ValueError, "must be a valid path"),
        (
            lambda app: app.static("/", ".", index="a", directory_handler=object()),
            ValueError,
            "cannot set either directory_view or index",
        ),
        (lambda app: app.middleware(print, "between"), KeyError, "takes 'request' or 'response', got 'between'"),
        (lambda app: app.generate_name(None), ValueError, "Could not generate a name"),
        (lambda app: app.blueprint([Blueprint("same"), Blueprint("same")]), AssertionError, "already registered"),
    ],
)
def test_invalid_registrations_are_refused(register: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        register(Sanic("Refusing"))


def test_names_of_views() -> None:
    from functools import partial

    class Callable:
        def __call__(self, request: Request) -> HTTPResponse:
            return text("called")

    async def view(request: Request, extra: int = 0) -> HTTPResponse:
        return text("view")

    app: Sanic[Any, Any] = Sanic("Names")
    assert app.generate_name("a") == "Names.a"
    assert app.generate_name("Names.a") == "Names.a"
    assert app.generate_name(None, view) == "Names.view"
    for nameless in (partial(view, extra=1), Callable()):
        assert app.generate_name("given", nameless) == "Names.given"
        with pytest.raises(ValueError, match="Could not generate a name"):
            app.generate_name(nameless)
    assert app.generate_name(SimpleNamespace(name="n")) == "Names.n"


@pytest.mark.parametrize("kind", ["get", "route", "websocket"])
@pytest.mark.parametrize("registrar", [Sanic("bare"), Blueprint("bare")])
def test_a_decorator_without_a_path_says_what_to_write(registrar: Any, kind: str) -> None:
    async def handler(*args: Any) -> Any: ...

    with pytest.raises(TypeError, match=r"A route needs a path, got <function .*handler.*: .* as in @app\.get\('/'\)"):
        getattr(registrar, kind)(handler)


def test_a_route_may_be_described_and_not_applied(tmp_path: Any) -> None:
    app: Sanic[Any, Any] = Sanic("Unapplied")

    async def handler(request: Request) -> HTTPResponse:
        return text("")

    app.route("/", apply=False)(handler)
    app.middleware(handler, apply=False)
    app.exception(KeyError, apply=False)(handler)
    app.listener(handler, "before_server_start", apply=False)
    app.static("/s", tmp_path, apply=False)
    app.signal("shop.order.placed", apply=False)(handler)
    assert (list(app.router.routes), list(app.request_middleware), app.listeners) == ([], [], {})
    assert not any("shop" in route.path for route in app.signal_router.routes)


def test_a_route_of_several_hosts_and_a_context() -> None:
    app: Sanic[Any, Any] = Sanic("Hosts")

    @app.route("/", host=["a.example", "b.example"], ctx_colour="red")
    async def handler(request: Request) -> HTTPResponse:
        return text(request.route.ctx.colour)

    client = TestClient(app)
    assert client.get("/", headers={"host": "b.example"}).text == "red"
    assert client.get("/", headers={"host": "c.example"}).status_code == 404


def test_files_under_several_hosts(tmp_path: Any) -> None:
    (tmp_path / "a.txt").write_text("a")
    app: Sanic[Any, Any] = Sanic("StaticHosts")
    app.static("/s", str(tmp_path), host=["a.example", "b.example"])
    assert TestClient(app).get("/s/a.txt", headers={"host": "b.example"}).text == "a"


def test_two_routes_with_one_name_are_refused_at_the_start() -> None:
    app: Sanic[Any, Any] = Sanic("Twice")
    for path in ("/a", "/b"):
        app.add_route(lambda request: text(""), path, name="same")
    with pytest.raises(ServerError, match=r"Duplicate route names detected: Twice\.same"):
        TestClient(app).get("/a")


def test_starlettes_way_of_adding_routes() -> None:
    app: Sanic[Any, Any] = Sanic("TheirWay")

    async def hello(request: Any) -> Any:
        return text(f"hello {request.path_params['name']}")

    async def talk(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.send_text("hello")
        await websocket.close()

    async def ours(request: Request, ws: Any) -> None:
        await ws.send("ours")

    app.add_route("/hello/{name}", hello, methods=["GET", "POST"])
    app.add_websocket_route("/talk", talk)
    app.add_websocket_route(ours, "/ours")
    with TestClient(app) as client:
        assert client.post("/hello/you").text == "hello you"
        for path, message in (("/talk", "hello"), ("/ours", "ours")):
            with client.websocket_connect(path) as ws:
                assert ws.receive_text() == message


def test_blueprints_in_lists() -> None:
    app: Sanic[Any, Any] = Sanic("Lists")
    names = ["a", "b", "c"]
    first, second, third = (Blueprint(name, url_prefix=name) for name in names)
    app.blueprint([first, [second, Blueprint.group(third)]])
    assert list(app.blueprints) == names


def test_a_handler_for_all_exceptions() -> None:
    app: Sanic[Any, Any] = Sanic("All")

    async def handle(request: Request, error: Exception) -> HTTPResponse:
        return text(type(error).__name__)

    assert app.all_exceptions(handle) is handle
    assert TestClient(app).get("/").text == "NotFound"


def test_settings_are_taken_from_a_mapping() -> None:
    app: Sanic[Any, Any] = Sanic("Settings")
    app.update_config({"COLOUR": "red"})
    assert app.config.COLOUR == "red"


# Tasks --------------------------------------------------------------------------------------------------------------


def test_tasks_added_before_the_start_begin_with_it() -> None:
    app: Sanic[Any, Any] = Sanic("Early")
    seen: list[Any] = []

    async def job() -> None:
        seen.append("coroutine")

    async def with_app(app: Any) -> None:
        seen.append(app.name)

    assert app.add_task(job()) is None
    assert app.add_task(job) is None
    assert app.add_task(with_app, name="named") is None
    assert app.add_task(lambda: seen.append("plain")) is None

    @app.get("/")
    async def wait(request: Request) -> HTTPResponse:
        task = app.get_task("named")
        assert task is not None
        await task
        return text("")

    TestClient(app).get("/")
    assert sorted(seen) == ["Early", "coroutine", "coroutine", "plain"]


async def test_tasks_by_name() -> None:
    app: Sanic[Any, Any] = Sanic("Named")
    task = app.add_task(asyncio.Event().wait(), name="waiting")
    assert task is not None
    assert app.get_task("waiting") is task
    assert list(app.tasks) == [task]
    await asyncio.sleep(0)
    await app.cancel_task("waiting", "enough")
    with pytest.raises(asyncio.CancelledError, match="enough"):
        await task
    await app.cancel_task("waiting")
    app.purge_tasks()
    assert app.get_task("waiting", raise_exception=False) is None
    await app.cancel_task("waiting", raise_exception=False)
    with pytest.raises(SanicException, match='Registered task named "waiting" not found'):
        app.get_task("waiting")
    second = app.add_task(asyncio.Event().wait(), name="second")
    assert second is not None
    await app.cancel_task("second")
    assert second.cancelled()


async def test_a_task_object_is_not_cancelled() -> None:
    app: Sanic[Any, Any] = Sanic("Owned")
    task = asyncio.create_task(asyncio.sleep(0))
    assert app.add_task(task) is task
    assert list(app.tasks) == []
    await task


async def test_a_job_may_be_a_future_or_give_a_plain_value() -> None:
    app: Sanic[Any, Any] = Sanic("Futures")
    future = asyncio.get_running_loop().create_future()
    waiting, plain = app.add_task(future), app.add_task(lambda: 5)
    assert waiting is not None
    assert plain is not None
    future.set_result("done")
    assert [await waiting, await plain] == ["done", 5]


async def test_tasks_end_with_the_application() -> None:
    app: Sanic[Any, Any] = Sanic("Ending")
    task = app.add_task(asyncio.Event().wait())
    assert task is not None
    await app.shutdown_tasks(5)
    assert task.cancelled()
    await app.shutdown_tasks()


def test_the_loop_exists_while_it_runs() -> None:
    app: Sanic[Any, Any] = Sanic("Loop")
    with pytest.raises(SanicException, match="Loop can only be retrieved"):
        _ = app.loop

    async def inside() -> bool:
        return app.loop is asyncio.get_running_loop()

    assert asyncio.run(inside())


# Clients and servers ------------------------------------------------------------------------------------------------


def test_it_has_its_clients() -> None:
    app: Sanic[Any, Any] = Sanic("Clients")
    assert isinstance(app.test_client, SanicTestClient)
    assert app.test_client is app.test_client
    assert isinstance(app.asgi_client, SanicASGITestClient)
    assert app.asgi_client is app.asgi_client


def test_stop_before_the_start_does_nothing() -> None:
    Sanic("Idle").stop()


def test_an_invalid_signal_router_is_refused() -> None:
    with pytest.raises(SanicException, match="signal_router is a SignalRouter"):
        Sanic("Signals", signal_router=object())  # type: ignore[arg-type]
