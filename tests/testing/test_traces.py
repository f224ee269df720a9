"""The test clients leave an app unchanged: they register nothing, and leave no objects, in any case."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import Any, TypeVar

import pytest
import starlette.exceptions

from sanic_star import Blueprint, Request, Sanic, Websocket, text
from sanic_star.compat.config import Config
from sanic_star.compat.exceptions import MethodNotAllowed, SanicException
from sanic_star.compat.handlers import ErrorHandler
from sanic_star.compat.response import HTTPResponse
from sanic_star.compat.router import Router
from sanic_star.compat.signals import SignalRouter
from sanic_star.testing import ReusableClient, SanicASGITestClient, SanicTestClient, TestClient
from sanic_star.testing._asgi.server import Lifespan

C = TypeVar("C", bound=type)
CALLS: Counter[str] = Counter()


def counted(*names: str) -> Callable[[C], C]:
    """Let a class count the calls of its methods of these names."""

    def decorate(cls: C) -> C:
        for name in names:

            def method(self: Any, *args: Any, _name: str = name, **options: Any) -> Any:
                CALLS[f"{cls.__name__}.{_name}"] += 1
                return getattr(super(cls, self), _name)(*args, **options)

            setattr(cls, name, method)
        return cls

    return decorate


class Delegating(ErrorHandler):
    """Passes everything on to another error handler, as that of Sanic-Cors does."""

    def __init__(self, inner: ErrorHandler) -> None:
        super().__init__()
        self.inner = inner

    def add(self, *args: Any, **options: Any) -> None:
        CALLS["ErrorHandler.add"] += 1
        self.inner.add(*args, **options)

    def lookup(self, *args: Any, **options: Any) -> Any:
        return self.inner.lookup(*args, **options)

    def response(self, *args: Any, **options: Any) -> Any:
        return self.inner.response(*args, **options)


class Half(Delegating):
    """Keeps its handlers elsewhere, and answers with them by itself."""

    response = ErrorHandler.response


@counted("add")
class CountingRouter(Router): ...


@counted("add")
class CountingSignals(SignalRouter): ...


@counted("__setitem__", "update")
class CountingConfig(Config): ...


@counted("route", "add_route", "listener", "register_listener", "middleware", "register_middleware")
@counted("exception", "signal", "add_signal", "static", "blueprint", "add_exception_handler", "add_middleware")
@counted("update_config", "add_task")
class Counting(Sanic[Any, Any]): ...


def make(error_handler: ErrorHandler | None = None, name: str = "traces") -> Any:
    app: Sanic[Any, Any] = Counting(
        name,
        config=CountingConfig({"KEPT": 1}, env_prefix=None),
        router=CountingRouter(),
        signal_router=CountingSignals(),
        error_handler=error_handler,
    )

    @app.get("/")
    async def hello(request: Request) -> HTTPResponse:
        return text("hello")

    @app.get("/fail")
    async def fail(request: Request) -> HTTPResponse:
        raise LookupError("nothing there")

    @app.get("/end")
    async def end(request: Request) -> HTTPResponse:
        raise asyncio.CancelledError

    @app.websocket("/ws")
    async def talk(request: Request, ws: Websocket) -> None:
        await ws.send("one")

    @app.exception(SanicException)
    async def answer(request: Request, error: SanicException) -> HTTPResponse:
        return text("answered", error.status_code)

    part = Blueprint("part", url_prefix="/part")

    @part.get("/")
    async def inner(request: Request) -> HTTPResponse:
        return text("inner")

    @part.on_request
    async def before(request: Request) -> None: ...

    app.blueprint(part)
    app.on_response(lambda request, response: None)
    app.before_server_start(lambda app: None)
    app.after_server_stop(lambda app: None)
    app.signal("shop.order.placed")(lambda **context: None)
    app.ctx.mine = object()
    return app


@cache
def set_by_a_start() -> set[str]:
    """Return the attributes that a start and a stop set, by whatever they are caused."""

    async def live(app: Any) -> None:
        lifespan = Lifespan(app)
        await lifespan.start()
        await lifespan.stop()

    app = make(name="twin")
    Sanic.unregister_app(app)
    before = {name: id(value) for name, value in vars(app).items()}
    asyncio.run(live(app))
    return {name for name, value in vars(app).items() if before.get(name) != id(value)}


def registered(app: Any) -> dict[str, Any]:
    """Return what is registered in an app, and its attributes; things by identity, tables as they are."""
    handlers = getattr(app.error_handler, "inner", app.error_handler)
    return {
        "error handler": id(app.error_handler),
        "exception handlers": {**app.error_handler.cached_handlers, **handlers.cached_handlers},
        "Starlette's handlers": dict(app.exception_handlers),
        "listeners": {event: list(listeners) for event, listeners in app.listeners.items()},
        "request middleware": list(app.request_middleware),
        "response middleware": list(app.response_middleware),
        "named middleware": [
            {name: list(middleware) for name, middleware in table.items()}
            for table in (app.named_request_middleware, app.named_response_middleware)
        ],
        "ASGI middleware": list(app.user_middleware),
        "routes": list(app.router.routes),
        "names of routes": dict(app.router.name_index),
        "signals": list(app.signal_router.routes),
        "open": (app.router.finalized, app.signal_router.finalized),
        "config": dict(app.config),
        "hooks of config": list(app.config.on_change),
        "blueprints": dict(app.blueprints),
        "state": dict(vars(app.state)["_state"]),
        "ctx": dict(vars(app.ctx)),
        "tasks": list(app.tasks),
        "class": (type(app), Sanic.test_mode, dict(Sanic._app_registry)),
        "attributes": {
            name: value if isinstance(value, str | int | float | list | dict | None) else id(value)
            for name, value in vars(app).items()
            if name not in set_by_a_start() | {"_test_client", "_asgi_client"}
        },
    }


# The clients ----------------------------------------------------------------------------------------------------------

PATHS = ("/", "/fail", "/nowhere", "/part/", "/end")
Use = Callable[[Any], None]


def _blocking(client: Any) -> None:
    for path in PATHS:
        with suppress(Exception, asyncio.CancelledError):
            client.get(path)
    client.put("/")
    client.post("/")
    client.websocket("/ws")


def use_test_client(app: Any) -> None:
    _blocking(app.test_client)


def use_over_socket(app: Any) -> None:
    _blocking(SanicTestClient(app, host="localhost"))


def use_reusable(app: Any) -> None:
    with ReusableClient(app) as client:
        _blocking(client)


def use_reusable_over_socket(app: Any) -> None:
    with ReusableClient(app, port=0) as client:
        _blocking(client)


def use_asgi_client(app: Any) -> None:
    async def use() -> None:
        client = SanicASGITestClient(app)
        for path in PATHS:
            with suppress(Exception, asyncio.CancelledError):
                await client.get(path)
        await client.put("/")
        await client.websocket("/ws")
        # Several at a time, on one application.
        await asyncio.gather(*(client.get("/") for _ in range(3)), return_exceptions=True)

    asyncio.run(use())


def use_plain(app: Any) -> None:
    with TestClient(app, raise_server_exceptions=False) as client:
        for path in PATHS:
            with suppress(Exception, asyncio.CancelledError):
                client.get(path)
        client.put("/")
        with client.websocket_connect("/ws") as websocket:
            websocket.receive_text()


USES = [use_test_client, use_over_socket, use_reusable, use_reusable_over_socket, use_asgi_client, use_plain]
HANDLERS: list[Callable[[], ErrorHandler]] = [
    ErrorHandler,
    lambda: Delegating(ErrorHandler()),
    lambda: Half(ErrorHandler()),
]


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("handler", HANDLERS, ids=["plain", "delegating", "half"])
def test_nothing_remains(use: Use, handler: Callable[[], ErrorHandler]) -> None:
    app = make(handler())
    before = registered(app)
    CALLS.clear()
    use(app)
    use(app)
    assert registered(app) == before
    assert CALLS == {}


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("moment", ["before_server_start", "after_server_start", "before_server_stop"])
def test_nothing_remains_of_a_life_that_fails(use: Use, moment: str) -> None:
    app = make()

    async def fail(app: Any) -> None:
        raise LookupError("nothing there")

    app.register_listener(fail, moment)
    before = registered(app)
    CALLS.clear()
    with suppress(LookupError, ValueError):
        use(app)
    assert registered(app) == before
    assert CALLS == {}


@pytest.mark.parametrize("handler", HANDLERS, ids=["plain", "delegating", "half"])
def test_a_refused_method_is_answered_as_by_sanic_testing(handler: Callable[[], ErrorHandler]) -> None:
    app = make(handler())
    for _ in range(2):
        # The app has a handler for a base class: `sanic_testing` goes before it, a server would not.
        assert [app.test_client.put("/")[1].text, app.test_client.get("/nowhere")[1].text] == ["", "answered"]
        assert "Method POST not allowed" in app.test_client.post("/")[1].text
        with ReusableClient(app) as client:
            assert client.put("/")[1].text == "answered"
    app.exception(MethodNotAllowed)(lambda request, error: text("own", 405))
    assert [app.test_client.put("/")[1].text, app.test_client.post("/")[1].text] == ["own", "own"]


@pytest.mark.parametrize("handler", HANDLERS, ids=["plain", "delegating", "half"])
def test_starlettes_handlers_are_registered_once(handler: Callable[[], ErrorHandler]) -> None:
    async def missing(request: Any, error: Exception) -> Any:
        return text("missing", 404)

    kinds = {404: missing, starlette.exceptions.HTTPException: missing}
    app: Any = Sanic("starts", error_handler=handler(), exception_handlers=kinds)
    for _ in range(3):
        assert app.test_client.get("/nowhere")[1].text == "missing"


def test_a_request_class_set_by_a_test_is_kept() -> None:
    class Own(Request): ...

    app: Any = make()
    with ReusableClient(app) as client:
        app.request_class = Own
        client.get("/")
    assert app._engine.make_request is Own
    assert isinstance(app.test_client.get("/")[0], Own)
