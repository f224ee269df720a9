"""Methods that monitoring tools replace: `Sanic._startup`, `ErrorHandler.lookup`, `Starlette.__call__`."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.routing import Mount
from starlette.routing import Route as StarletteRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from sanic_star import Request, Sanic, text
from sanic_star.compat.exceptions import NotFound, SanicException
from sanic_star.compat.handlers import ErrorHandler
from sanic_star.testing import ReusableClient, TestClient
from tests.project import ROOT


def serving(cls: type[Sanic[Any, Any]] = Sanic) -> Sanic[Any, Any]:
    app = cls("Monitored")

    @app.get("/")
    async def index(request: Request[Any, Any]) -> Any:
        return text("index")

    @app.get("/fails")
    async def fails(request: Request[Any, Any]) -> Any:
        raise LookupError("fails")

    @app.exception(LookupError)
    async def handle_error(request: Request[Any, Any], error: LookupError) -> Any:
        return text("handled", 418)

    return app


def replaced_startup(calls: list[str]) -> Callable[..., Any]:
    original = Sanic._startup

    async def enter(request: Request[Any, Any]) -> None:
        calls.append(request.path)

    async def _startup(self: Sanic[Any, Any]) -> None:
        calls.append("startup")
        self.signal("http.lifecycle.request")(enter)
        await original(self)

    return _startup


def test_a_replaced_startup_is_awaited_once_and_before_the_listeners(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    monkeypatch.setattr(Sanic, "_startup", replaced_startup(calls))
    app = serving()
    app.before_server_start(lambda app: calls.append("listener"))
    for _ in range(2):
        with TestClient(app) as client:
            assert client.get("/").text == "index"
    assert calls == ["startup", "listener", "/", "listener", "/"]


def test_a_startup_of_a_subclass_is_awaited() -> None:
    calls: list[str] = []

    class Own(Sanic[Any, Any]):
        async def _startup(self) -> None:
            calls.append("own")
            await super()._startup()

    with TestClient(serving(Own)) as client:
        assert client.get("/").text == "index"
    assert calls == ["own"]


async def started_by_create_server(app: Sanic[Any, Any]) -> None:
    server: Any = await app.create_server("127.0.0.1", 0, return_asyncio_server=True)
    await server.startup()
    await server.before_start()
    await server.start_serving()
    await server.after_start()
    await server.before_stop()
    await server.close()
    await server.after_stop()


async def started_by_the_asgi_client(app: Sanic[Any, Any]) -> None:
    await app.asgi_client.get("/")


async def started_by_a_request(app: Sanic[Any, Any]) -> None:
    # A server without lifespan events, and a client that does not start the application.
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://test") as client:
        assert (await client.get("/")).text == "index"


def started_by_a_reusable_client(app: Sanic[Any, Any]) -> None:
    with ReusableClient(app) as client:
        client.get("/")


def started_on_a_port(app: Sanic[Any, Any]) -> None:
    with ReusableClient(app, port=0) as client:
        client.get("/")


@pytest.mark.parametrize(
    "start",
    [
        started_by_create_server,
        started_by_the_asgi_client,
        started_by_a_request,
        started_by_a_reusable_client,
        started_on_a_port,
    ],
)
def test_overrides_of_the_start_are_called_in_every_way_to_start(start: Callable[[Any], Any]) -> None:
    calls: list[str] = []

    class Own(Sanic[Any, Any]):
        async def _startup(self) -> None:
            calls.append("startup")
            await super()._startup()

        def signalize(self, *args: Any, **kwargs: Any) -> None:
            calls.append("signalize")
            super().signalize(*args, **kwargs)

        def finalize(self) -> None:
            calls.append("finalize")
            super().finalize()

    done = start(serving(Own))
    if done is not None:
        asyncio.run(done)
    assert calls[0] == "startup"
    assert {"signalize", "finalize"} <= {*calls}


def test_a_startup_that_fails_fails_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    async def _startup(self: Sanic[Any, Any]) -> None:
        raise RuntimeError("no monitoring")

    monkeypatch.setattr(Sanic, "_startup", _startup)
    with pytest.raises(RuntimeError, match="no monitoring"), TestClient(serving()):
        pass


@pytest.mark.parametrize("name", ["lookup", "response"])
def test_a_method_of_the_error_handler_that_is_replaced_on_the_class_is_called(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    original, calls = getattr(ErrorHandler, name), []

    def replaced(self: ErrorHandler, *args: Any, **kwargs: Any) -> Any:
        calls.append(name)
        return original(self, *args, **kwargs)

    monkeypatch.setattr(ErrorHandler, name, replaced)
    _, response = serving().test_client.get("/fails")
    assert (response.status, response.text) == (418, "handled")
    assert name in calls


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/fails", ["LookupError('fails')"]),
        ("/broken", ["ValueError('broken')"]),
        ("/handled", ["LookupError('handled')"]),
        ("/mounted/broken", ["ValueError('broken')"]),
        ("/group", ["LookupError('of a group')"]),
        ("/groups", ["ExceptionGroup('g', [ValueError(1), ValueError(2)])"]),
    ],
)
def test_a_replaced_lookup_gets_what_was_raised_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, path: str, expected: list[str]
) -> None:
    original, exceptions = ErrorHandler.lookup, []

    def reporting(self: ErrorHandler, exception: BaseException, route_name: str | None = None) -> Any:
        exceptions.append(repr(exception))
        handler = original(self, exception, route_name)
        # As a tool does it: another function each time.
        return None if handler is None else lambda request, exception: handler(request, exception)

    monkeypatch.setattr(ErrorHandler, "lookup", reporting)
    app = serving()

    async def broken(request: Any) -> Any:
        raise ValueError("broken")

    async def handled(request: Any) -> Any:
        raise LookupError("handled")

    app.add_route("/broken", broken)
    app.add_route("/handled", handled)
    app.mount("/mounted", Mount("", routes=[StarletteRoute("/broken", broken)]))

    @app.get("/group")
    async def group(request: Request[Any, Any]) -> Any:
        raise ExceptionGroup("g", [LookupError("of a group")])

    @app.get("/groups")
    async def groups(request: Request[Any, Any]) -> Any:
        raise ExceptionGroup("g", [ValueError(1), ValueError(2)])

    with TestClient(app, raise_server_exceptions=False) as client:
        client.get(path)
    assert exceptions == expected


def test_the_handler_that_a_replaced_lookup_returns_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    original = ErrorHandler.lookup

    def wrapping(self: ErrorHandler, exception: BaseException, route_name: str | None = None) -> Any:
        handler = original(self, exception, route_name)

        async def wrapped(request: Request[Any, Any], exception: Exception) -> Any:
            assert handler is not None
            response = await handler(request, exception)
            response.headers["x-wrapped"] = type(exception).__name__
            return response

        return None if handler is None else wrapped

    monkeypatch.setattr(ErrorHandler, "lookup", wrapping)
    _, response = serving().test_client.get("/fails")
    assert (response.status, response.headers["x-wrapped"]) == (418, "LookupError")


# In a process of its own: it replaces methods on the classes of Starlette and Sanic. As a tool does, the entry follows
# a request once, however many applications it passes.
TOOL = """
import asyncio, contextvars, sys, types
import httpx2
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route
from sanic_star import Sanic, text
from sanic_star.testing import TestClient

calls = []
tool = types.ModuleType("tool")
exec('''
def patch(calls, passed, Starlette, Sanic, both):
    entry, startup = Starlette.__call__, Sanic._startup
    async def __call__(self, scope, receive, send):
        if scope["type"] == "lifespan" or passed.get():
            await entry(self, scope, receive, send)
            return
        token = passed.set(True)
        calls.append("starlette")
        try:
            await entry(self, scope, receive, send)
        finally:
            passed.reset(token)
    Starlette.__call__ = __call__
    async def enter(request):
        calls.append("sanic")
    async def _startup(self):
        self.signal("http.lifecycle.request")(enter)
        await startup(self)
    if both:
        Sanic._startup = _startup
    return startup
''', vars(tool))
both = sys.argv[1] == "both"
startup = tool.patch(calls, contextvars.ContextVar("passed", default=False), Starlette, Sanic, both)

async def theirs(request):
    return PlainTextResponse(type(request.app).__name__)

def sanic(name):
    app = Sanic(name)
    app.get("/", name="index")(lambda request: text("ours"))
    return app

def made():
    app = sanic("Tool")
    app.mount("/starlette", Starlette(routes=[Route("/", theirs), Mount("/sanic", sanic("Deep"))]))
    app.mount("/sanic", sanic("Inner"))
    app.mount("/routes", Mount("", routes=[Mount("/sanic", sanic("Below"))]))
    app.mount("/asgi", PlainTextResponse("theirs"))
    app.add_route("/route", theirs)
    return app

def made_by_starlette():
    return Starlette(routes=[Route("/", theirs), Mount("/sanic", sanic("Mounted"))])

def show(answers):
    print("STEP", *answers, "|", *calls)
    calls.clear()

def started(app, *paths):
    with TestClient(app) as client:
        show([client.get(path).text for path in paths])

async def lazily(app, *paths):
    # Without a lifespan: the first request starts the application.
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://test") as client:
        show([(await client.get(path)).text for path in paths])

def let_go():
    app = made()
    with TestClient(app) as client:
        Sanic._startup = startup
        show([client.get("/").text])

for step in sys.argv[2:]:
    eval(step)
    # As before the first start of an application.
    if "__call__" in vars(Sanic):
        del Sanic.__call__
"""
# The answer, and the one of the tool's two ways that follows the request if it has both.
COUNTED = {
    'started(made(), "/")': "ours | sanic",
    'started(made(), "/starlette/")': "Starlette | starlette",
    'started(made(), "/starlette/sanic/")': "ours | starlette",
    'started(made(), "/sanic/")': "ours | sanic",
    'started(made(), "/routes/sanic/")': "ours | starlette",
    'started(made(), "/asgi/")': "theirs | starlette",
    'started(made(), "/route")': "Sanic | starlette",
    'asyncio.run(lazily(made(), "/", "/"))': "ours ours | starlette sanic",
    'started(made_by_starlette(), "/sanic/")': "ours | starlette",
    'asyncio.run(lazily(made_by_starlette(), "/sanic/", "/", "/sanic/"))': (
        "ours Starlette ours | starlette starlette starlette"
    ),
    # The last one: it puts Sanic's method back.
    "let_go()": "ours | starlette",
}


@pytest.mark.parametrize("patched", ["both", "starlette"])
def test_a_tool_that_patches_starlette_sees_a_request_once(patched: str) -> None:
    command = (sys.executable, "-c", TOOL, patched, *COUNTED)
    env = os.environ | {"SANIC_AUTO_EXTEND": "false"}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    lines = [line.removeprefix("STEP ") for line in done.stdout.splitlines() if line.startswith("STEP ")]
    expected = [line if patched == "both" else line.replace(" sanic", " starlette") for line in COUNTED.values()]
    assert dict(zip(COUNTED, lines, strict=True)) == dict(zip(COUNTED, expected, strict=True))


def test_starlette_s_entry_is_the_application_s() -> None:
    assert "__call__" not in vars(Sanic)
    assert Sanic.__call__ is Starlette.__call__


class Watching:
    """A tool that has replaced `Starlette.__call__`, and keeps the exceptions that come out of it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.exceptions: list[str] = []
        original = Starlette.__call__

        async def watched(app: Starlette, scope: Scope, receive: Receive, send: Send) -> None:
            try:
                await original(app, scope, receive, send)
            except Exception as error:
                self.exceptions.append(repr(error))
                raise

        self._own = original
        self._monkeypatch = monkeypatch
        self._watched = watched

    def begin(self) -> None:
        self._monkeypatch.setattr(Starlette, "__call__", self._watched)

    def end(self) -> None:
        self._monkeypatch.setattr(Starlette, "__call__", self._own)


@pytest.fixture
def watching(monkeypatch: pytest.MonkeyPatch) -> Iterator[Watching]:
    yield Watching(monkeypatch)
    monkeypatch.undo()
    if "__call__" in vars(Sanic):
        del Sanic.__call__


def failing(handles: Any, *middleware: Middleware, name: str = "Failing") -> Sanic[Any, Any]:
    app: Sanic[Any, Any] = Sanic(name, middleware=middleware)

    @app.get("/fails")
    async def fails(request: Request) -> Any:
        raise ValueError("fails")

    @app.get("/gone")
    async def gone(request: Request) -> Any:
        raise NotFound("gone")

    @app.get("/refused")
    async def refused(request: Request) -> Any:
        raise HTTPException(503)

    @app.get("/group")
    async def group(request: Request) -> Any:
        raise ExceptionGroup("group", [ValueError("one"), KeyError("two")])

    async def sorry(request: Request, error: Exception) -> Any:
        return text("sorry", 500)

    if handles is not None:
        app.exception(handles)(sorry)
    return app


class PassingOn:
    """ASGI middleware that copies the scope."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(dict(scope), receive, send)


async def statuses(app: ASGIApp, *paths: str) -> list[int]:
    """Return the status of each path. An exception that reaches the server is raised."""
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://test") as client:
        return [(await client.get(path)).status_code for path in paths]


async def passing_on(request: Any, call_next: Any) -> Any:
    return await call_next(request)


@pytest.mark.parametrize(
    "middleware", [[], [Middleware(PassingOn)], [Middleware(BaseHTTPMiddleware, dispatch=passing_on)]]
)
async def test_a_tool_sees_what_a_handler_for_anything_answers(watching: Watching, middleware: Any) -> None:
    watching.begin()
    app = failing(Exception, *middleware)
    # The first request starts the application. The server sees none of the exceptions.
    assert await statuses(app, "/fails", "/fails", "/gone", "/refused", "/group", "/none") == [500] * 6
    group = repr(ExceptionGroup("group", [ValueError("one"), KeyError("two")]))
    assert watching.exceptions == ["ValueError('fails')", "ValueError('fails')", group]


@pytest.mark.parametrize("handles", [ValueError, (ValueError, KeyError), SanicException])
async def test_a_tool_sees_nothing_that_was_expected(watching: Watching, handles: Any) -> None:
    watching.begin()
    app = failing(handles)
    paths = ["/gone", "/refused"] if handles is SanicException else ["/fails", "/gone"]
    await statuses(app, *paths)
    assert watching.exceptions == []


async def test_unhandled_exceptions_reach_tools_and_the_server(watching: Watching) -> None:
    watching.begin()
    with pytest.raises(ValueError, match="fails"):
        await statuses(failing(None), "/fails")
    assert watching.exceptions == ["ValueError('fails')"]


async def test_a_tool_sees_the_exceptions_of_mounted_applications(watching: Watching) -> None:
    watching.begin()
    outer = failing(None)
    outer.mount("/inner", failing(Exception, name="Inner"))
    assert await statuses(outer, "/inner/fails", "/inner/gone") == [500, 500]
    assert watching.exceptions == ["ValueError('fails')"]


async def test_a_tool_may_be_installed_and_removed_by_listeners(watching: Watching) -> None:
    app = failing(Exception)
    app.before_server_start(lambda app: watching.begin())
    # The first request was on its way before.
    assert await statuses(app, "/fails", "/fails") == [500, 500]
    assert watching.exceptions == ["ValueError('fails')"]
    watching.end()
    assert await statuses(app, "/fails", "/fails") == [500, 500]
    assert watching.exceptions == ["ValueError('fails')"]
    assert "__call__" not in vars(Sanic)


def test_a_websocket_passes_a_tool(watching: Watching) -> None:
    watching.begin()
    app = failing(Exception)

    @app.websocket("/talk")
    async def talk(request: Request, ws: Any) -> None:
        await ws.send(await ws.recv())

    with TestClient(app) as client, client.websocket_connect("/talk") as socket:
        socket.send_text("hello")
        assert socket.receive_text() == "hello"
    assert watching.exceptions == []
