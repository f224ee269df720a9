"""Public methods of Sanic that a subclass overrides are called where Sanic calls them."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sanic_star import HTTPResponse, NotFound, Request, Sanic, Websocket, text
from sanic_star.testing import TestClient

PROGRAM = Path(__file__).with_name("overriding.py")
# Methods that only Sanic's own server and its processes call: not called here.
OF_SANICS_SERVER = {"ack", "enable_websocket", "get_app", "get_server_location", "refresh", "set_serving", "setup_loop"}
# With `motd=False` Sanic calls a method that logs nothing. At its start, and for the first websocket, it registers
# listeners of its own.
OF_ITS_START = {"amend", "before_server_start", "listener", "motd", "register_listener", "signal"}


def called(package: str) -> dict[str, set[str]]:
    """Return what a package calls of a subclass that overrides every public method, by the step."""
    command = [sys.executable, str(PROGRAM), package]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return {step: set(names) for step, names in json.loads(done.stdout.splitlines()[-1]).items()}


def test_overrides_are_called_where_sanic_calls_them() -> None:
    sanics, ours = called("sanic"), called("sanic_star")
    for step in ("start", "websocket"):
        sanics[step] -= OF_ITS_START - {"dispatch"}
        ours[step] -= OF_ITS_START
    assert ours == {step: names - OF_SANICS_SERVER for step, names in sanics.items()}


class Requests(Sanic[Any, Any]):
    """Keeps what `handle_request` sees."""

    def __init__(self) -> None:
        super().__init__("Requests")
        self.seen: list[Any] = []

    async def handle_request(self, request: Any) -> None:
        request.ctx.begun = True
        self.seen.append(request)
        await super().handle_request(request)


def test_handle_request_gets_the_request_that_the_handler_gets() -> None:
    app = Requests()
    handled: list[Any] = []

    @app.post("/")
    async def handler(request: Request) -> HTTPResponse:
        assert Request.get_current() is request
        handled.append(request)
        return text(f"{request.ctx.begun} {request.body.decode()}")

    @app.websocket("/ws")
    async def talk(request: Request, ws: Websocket) -> None:
        handled.append(request)
        await ws.send(str(request.ctx.begun))

    with TestClient(app) as client:
        assert client.post("/", data=b"body").text == "True body"
        assert client.get("/none").status_code == 404
        with client.websocket_connect("/ws") as ws:
            assert ws.receive_text() == "True"
    assert [app.seen[0], app.seen[2]] == handled
    assert "sanic_star.prepared_request" not in app.seen[0].scope


class Failing(Sanic[Any, Any]):
    async def handle_request(self, request: Any) -> None:
        if request.path == "/before":
            raise NotFound("before")
        if request.path == "/nothing":
            return
        if request.path == "/own":
            await request.respond(text("own", 202))
            return
        await super().handle_request(request)
        if request.path == "/after":
            raise NotFound("after")


@pytest.mark.parametrize(
    ("path", "status", "body"),
    [("/before", 404, "before"), ("/nothing", 500, "has sent no response"), ("/own", 202, "own"), ("/after", 200, "x")],
)
def test_handle_request_may_fail_or_answer_by_itself(path: str, status: int, body: str) -> None:
    app = Failing("Failing")
    app.debug = True
    app.add_route(lambda request: text("x"), "/after", name="after")
    with TestClient(app, raise_server_exceptions=False) as client:
        response = client.get(path, headers={"accept": "text/plain"})
    assert response.status_code == status
    assert body in response.text


def test_an_unhandled_exception_passes_through_handle_request_once() -> None:
    app = Requests()
    app.add_route(lambda request: 1 / 0, "/", name="zero")
    with TestClient(app) as client, pytest.raises(ZeroDivisionError):
        client.get("/")


class Exceptions(Sanic[Any, Any]):
    """Answers some exceptions by itself."""

    async def handle_exception(self, request: Any, exception: BaseException, run_middleware: bool = True) -> None:
        if isinstance(exception, LookupError):
            response = await request.respond(text("own", 418))
            await response.eof()
        elif isinstance(exception, ArithmeticError):
            await request.respond(text("begun", 419))
        elif not isinstance(exception, OSError):
            request.ctx.error = exception
            await super().handle_exception(request, exception, run_middleware)


def test_handle_exception_may_answer_by_itself_or_leave_it_to_sanics() -> None:
    app = Exceptions("Exceptions")

    def fail(error: BaseException) -> Any:
        def handler(request: Request) -> None:
            raise error

        return handler

    errors = {"own": KeyError(), "begun": ZeroDivisionError(), "nothing": OSError(), "rest": ValueError()}
    for name, error in errors.items():
        app.add_route(fail(error), f"/{name}", name=name)
    seen: list[int] = []
    app.on_response(lambda request, response: seen.append(response.status))
    with TestClient(app, raise_server_exceptions=False) as client:
        assert [client.get(f"/{name}").status_code for name in (*errors, "none")] == [418, 419, 500, 500, 404]
        assert client.get("/own").text == "own"
        assert client.get("/begun").text == "begun"
    assert seen[-5:-2] == [500, 500, 404]


def test_an_exception_that_sanics_method_did_not_settle_is_raised() -> None:
    app = Exceptions("Exceptions")
    app.add_route(lambda request: int("x"), "/", name="value")
    with TestClient(app) as client, pytest.raises(ValueError, match="invalid literal"):
        client.get("/")


class Events(Sanic[Any, Any]):
    def dispatch(self, event: Any, **options: Any) -> Any:
        vars(self).setdefault("seen", []).append((event, options.get("condition"), options.get("inline")))
        return super().dispatch(event, **options)


def test_dispatch_is_called_for_the_events_that_somebody_listens_to() -> None:
    app = Events("Events")
    heard: list[str] = []

    @app.signal("http.middleware.before", condition={"attach_to": "request"})
    async def before(**context: Any) -> None:
        heard.append("before")

    @app.before_server_start
    async def start(app: Any, loop: Any) -> None:
        heard.append("start")

    app.on_request(lambda request: None)
    app.add_route(lambda request: text("x"), "/", name="x")
    with TestClient(app) as client:
        assert client.get("/").text == "x"
    assert heard == ["start", "before"]
    assert vars(app)["seen"] == [
        ("server.init.before", None, True),
        ("server.init.after", None, True),
        ("http.middleware.before", {"attach_to": "request"}, True),
        ("server.shutdown.before", None, True),
        ("server.shutdown.after", None, True),
    ]


class Start(Sanic[Any, Any]):
    """Calls none of Sanic's methods."""

    def finalize(self) -> None:
        self.ctx.seen = ["finalize"]

    def finalize_middleware(self) -> None:
        self.ctx.seen.append("finalize_middleware")

    def signalize(self, allow_fail_builtin: bool = True) -> None: ...

    def shutdown_tasks(self, timeout: float | None = None, increment: float = 0.1) -> Any:
        self.ctx.seen.append(f"shutdown_tasks {timeout}")


def test_an_override_need_not_call_sanics_method() -> None:
    app = Start("Start")
    app.add_route(lambda request: text("x"), "/", name="x")
    with TestClient(app) as client:
        assert client.get("/").text == "x"
    assert app.ctx.seen == ["finalize", "finalize_middleware", "shutdown_tasks 15.0"]


def test_sanics_names_finalise_everything() -> None:
    async def life() -> None:
        app: Sanic[Any, Any] = Sanic("Finalised")
        app.add_route(lambda request: text("x"), "/", name="x")
        app.finalize()
        seen: list[str] = []

        @app.on_request
        async def note(request: Request) -> None:
            seen.append("middleware")

        @app.signal("http.lifecycle.request")
        async def hear(request: Request) -> None:
            seen.append("signal")

        app.signalize()
        sent: list[Any] = []

        async def receive() -> Any:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": []}
        app.router.reset()
        app.signal_router.reset()
        await app(scope, receive, send)
        assert sent[0]["status"] == 200
        assert seen == ["signal", "middleware"]

    asyncio.run(life())


def test_motd_is_called_with_what_was_prepared(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []

    class Mine(Sanic[Any, Any]):
        def motd(self, server_settings: Any = None) -> None:
            seen.append(server_settings["port"])

    Mine("Mine").prepare(port=1234, single_process=True)
    assert seen == [1234]


def test_the_message_at_the_start_has_what_get_motd_data_returns(caplog: pytest.LogCaptureFixture) -> None:
    class Mine(Sanic[Any, Any]):
        def get_motd_data(self, server_settings: Any = None) -> Any:
            display, extra = super().get_motd_data(server_settings)
            return {**display, "region": "north"}, {**extra, "port": str(server_settings["port"])}

    with caplog.at_level("INFO"):
        Mine("Mine").prepare(port=1234, single_process=True)
    assert {"app: Mine", "region: north", "port: 1234"} <= set(caplog.messages)


async def test_create_server_calls_the_overrides_of_the_start() -> None:
    app = Start("Start")
    server = await app.create_server(port=0)
    await server.startup()
    await server.before_start()
    await server.after_stop()
    server.close()
    assert app.ctx.seen == ["finalize", "finalize_middleware", "shutdown_tasks 15.0"]
