"""The handler of an exception and its argument: a table compared with Sanic and Starlette."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest
import sanic.exceptions
import sanic.handlers
from starlette.applications import Starlette
from starlette.exceptions import HTTPException, WebSocketException
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp

from sanic_star import Request, Sanic, Websocket, exceptions, text
from sanic_star.compat.handlers import ErrorHandler
from sanic_star.engine.failures import RefusedRequest
from sanic_star.engine.websockets import DENIAL
from sanic_star.testing import TestClient
from tests.engine.raw import Life, Peer, http_scope, websocket_scope

# Beside Sanic: the same look-up on both, with every one, two and three of the handlers -------------------------------


def kinds(world: Any) -> dict[str, type[Exception]]:
    """Return the classes that handlers are for, and that are raised; of Sanic or of this package."""
    missing = type("Missing", (world.NotFound,), {})
    return {
        "Exception": Exception,
        "ValueError": ValueError,
        "LookupError": LookupError,
        "KeyError": KeyError,
        "SanicException": world.SanicException,
        "NotFound": world.NotFound,
        "FileNotFound": world.FileNotFound,
        "ServerError": world.ServerError,
        "Missing": missing,
        "MissingValue": type("MissingValue", (world.NotFound, ValueError), {}),
        "ValueMissing": type("ValueMissing", (ValueError, world.NotFound), {}),
        "Deeper": type("Deeper", (missing,), {}),
    }


def handlers_by_exception(
    make: Callable[[], Any], exception_types: dict[str, type[Exception]], where: tuple[tuple[str, str | None], ...]
) -> Any:
    """Return which of the handlers each of the exceptions gets, at a route of the name `r` and elsewhere."""
    answers = {}
    for raised, at in itertools.product(exception_types, ("r", "other")):
        # A new table each time: Sanic keeps that it has found nothing for a class, and does not look further then.
        table = make()
        names: dict[Any, tuple[str, str | None]] = {}
        for kind, route in where:

            def handler(*_: Any) -> None: ...

            names[handler] = kind, route
            table.add(exception_types[kind], handler, [route] if route else None)
        answers[raised, at] = names.get(table.lookup(exception_types[raised]("x"), at))
    return answers


@pytest.mark.parametrize("count", [1, 2])
def test_the_same_handler_as_sanic_is_found(count: int) -> None:
    ours, sanics = kinds(exceptions), kinds(sanic.exceptions)
    places = [(kind, route) for kind in ours for route in (None, "r")]
    for where in itertools.combinations(places, count):
        assert handlers_by_exception(ErrorHandler, ours, where) == handlers_by_exception(
            sanic.handlers.ErrorHandler, sanics, where
        ), where


def test_a_sanic_exception_with_a_status_is_not_one_of_the_class_for_it() -> None:
    for world, make in ((exceptions, ErrorHandler), (sanic.exceptions, sanic.handlers.ErrorHandler)):
        table: Any = make()
        table.add(world.NotFound, len)
        assert table.lookup(world.SanicException("x", 404)) is None


# Beside Starlette: the same application on both -----------------------------------------------------------------------


class Mine(HTTPException):
    """An application's own."""


class Known(ValueError):
    """Another one."""


RAISED: dict[str, Callable[[], Exception]] = {
    "404": lambda: HTTPException(404, "x"),
    "418": lambda: HTTPException(418, "x"),
    "mine": lambda: Mine(404, "x"),
    "value": lambda: ValueError("x"),
    "known": lambda: Known("x"),
}
KEYS: list[Any] = [404, 418, HTTPException, Mine, ValueError, Known, Exception, 500]


def handlers(keys: tuple[Any, ...]) -> dict[Any, Any]:
    def handler(key: Any) -> Any:
        async def handle(request: Any, error: Exception) -> Any:
            return PlainTextResponse(f"{getattr(key, '__name__', key)} {type(error).__name__}", 400)

        return handle

    return {key: handler(key) for key in keys}


async def carry(app: ASGIApp, path: str) -> tuple[int, str, bool]:
    """Return status and words of an answer, and whether the exception was raised again."""
    peer, raised = Peer(), False
    try:
        await app(http_scope(path), peer.receive, peer.send)
    except ValueError:
        raised = True
    words = peer.body.decode() if peer.status == 400 else ""
    return peer.status, words, raised


@pytest.mark.parametrize("count", [0, 1, 2])
async def test_the_same_handler_as_starlette_is_found(count: int) -> None:
    def fail(make: Callable[[], Exception]) -> Any:
        async def endpoint(request: Any) -> Any:
            raise make()

        return endpoint

    for keys in itertools.combinations(KEYS, count):
        ours: Sanic[Any, Any] = Sanic("Beside", exception_handlers=handlers(keys))
        routes = []
        for name, make in RAISED.items():
            ours.add_route(fail(make), f"/{name}", name=f"r{name}")
            routes.append(Route(f"/{name}", fail(make)))
        starlettes = Starlette(routes=routes, exception_handlers=handlers(keys))
        for name in RAISED:
            wanted, answer = await carry(starlettes, f"/{name}"), await carry(ours, f"/{name}")
            if Exception in keys and name in ("value", "known") and wanted[1].startswith(("Exception", "500")):
                # Sanic's handler for `Exception` settles what it answers, and it comes before the number 500.
                kind = type(RAISED[name]()).__name__
                assert answer == (400, f"Exception {kind}", False), (keys, name)
            elif Exception in keys and wanted[1] == "":
                # As in Sanic it is for one of Starlette's with a status, too.
                assert answer == (400, f"Exception {type(RAISED[name]()).__name__}", False), (keys, name)
            else:
                assert answer == wanted, (keys, name)


# Both worlds at once --------------------------------------------------------------------------------------------------

NOT_FOUND, SANIC, STARLETTES = exceptions.NotFound, exceptions.SanicException, HTTPException


class Gone(exceptions.NotFound):
    """An application's own."""


@pytest.mark.parametrize(
    ("raised", "registered", "winner", "gets"),
    [
        # Starlette's: the status, the class, its bases, Sanic's of that status, the rest.
        (HTTPException(404), (404, STARLETTES, NOT_FOUND, SANIC, Exception), 404, "HTTPException"),
        (HTTPException(404), (STARLETTES, NOT_FOUND, SANIC, Exception), STARLETTES, "HTTPException"),
        (HTTPException(404), (NOT_FOUND, SANIC, Exception), NOT_FOUND, "NotFound"),
        (HTTPException(404), (exceptions.HTTPException, SANIC), exceptions.HTTPException, "NotFound"),
        (HTTPException(404), (SANIC, Exception), SANIC, "NotFound"),
        (HTTPException(404), (Exception, 500), Exception, "HTTPException"),
        (HTTPException(418), (NOT_FOUND, SANIC), SANIC, "SanicException"),
        (HTTPException(500), (500, Exception), 500, "HTTPException"),
        (Mine(404), (STARLETTES, Mine), Mine, "Mine"),
        (Mine(404), (NOT_FOUND, Mine), Mine, "Mine"),
        (Mine(404), (404, Mine), 404, "Mine"),
        # Sanic's: the class, its bases, the status, Starlette's class, the rest.
        (Gone("x"), (Gone, NOT_FOUND, 404, STARLETTES, SANIC, Exception), Gone, "Gone"),
        (Gone("x"), (NOT_FOUND, 404, STARLETTES, SANIC, Exception), NOT_FOUND, "Gone"),
        (Gone("x"), (404, STARLETTES, SANIC, Exception), 404, "Gone"),
        (Gone("x"), (STARLETTES, SANIC, Exception), STARLETTES, "Gone"),
        (Gone("x"), (SANIC, Exception), SANIC, "Gone"),
        (Gone("x"), (Exception,), Exception, "Gone"),
        (exceptions.SanicException("x", 404), (404, SANIC), 404, "SanicException"),
        (exceptions.SanicException("x", 404), (STARLETTES, SANIC), STARLETTES, "SanicException"),
        # The engine's own exceptions are Sanic's.
        (
            RefusedRequest(413),
            (exceptions.PayloadTooLarge, 413, STARLETTES),
            exceptions.PayloadTooLarge,
            "PayloadTooLarge",
        ),
        (RefusedRequest(408), (408, STARLETTES), 408, "RequestTimeout"),
        (RefusedRequest(503), (STARLETTES, SANIC), STARLETTES, "ServiceUnavailable"),
        # Any other: its class, its bases, the number 500.
        (Known("x"), (ValueError, Exception, 500), ValueError, "Known"),
        (Known("x"), (Exception, 500), Exception, "Known"),
    ],
)
@pytest.mark.parametrize("backwards", [False, True])
async def test_precedence_and_the_object(
    raised: Exception, registered: tuple[Any, ...], winner: Any, gets: str, backwards: bool
) -> None:
    app: Sanic[Any, Any] = Sanic("Both")
    seen: list[tuple[Any, Exception]] = []
    for key in registered[::-1] if backwards else registered:

        async def handle(request: Request, error: Exception, key: Any = key) -> Any:
            seen.append((key, error))
            return text("handled", 400)

        app.exception(key)(handle)

    @app.get("/")
    async def fail(request: Request) -> Any:
        raise raised

    assert (await carry(app, "/"))[0] == 400
    [(key, error)] = seen
    assert (key, type(error).__name__) == (winner, gets)
    if type(raised) is not RefusedRequest:
        assert error is raised or error.__cause__ is raised


def test_the_sanic_exception_has_the_attributes_of_sanics() -> None:
    app: Sanic[Any, Any] = Sanic("Twin")

    @app.exception(exceptions.MethodNotAllowed)
    async def handle(request: Request, error: exceptions.MethodNotAllowed) -> Any:
        return text(f"{error.message} {error.extra} {error.allowed_methods} {error.quiet}", 405)

    @app.get("/")
    async def fail(request: Request) -> Any:
        raise HTTPException(405, "no", {"allow": "GET, PUT"})

    assert TestClient(app).get("/").text == "no None ['GET', 'PUT'] True"


def test_a_status_at_a_route_counts_before_one_for_all() -> None:
    table = ErrorHandler()
    table.add(404, len)
    table.add(404, repr, ["route"])
    for error in (HTTPException(404), exceptions.NotFound()):
        assert (table.lookup(error, "route"), table.lookup(error, "other")) == (repr, len)


def test_a_handler_that_is_added_later_counts() -> None:
    table = ErrorHandler()
    for key, handler in ((Exception, len), (exceptions.SanicException, repr), (404, str)):
        table.add(key, handler)
        assert table.lookup(HTTPException(404)) is handler


@pytest.mark.parametrize("status", [[], None, "404", 10**30, True])
def test_an_invalid_status_finds_the_handler_of_the_class(status: Any) -> None:
    error = HTTPException(404)
    error.status_code = status
    table = ErrorHandler()
    table.add(HTTPException, len)
    assert table.lookup(error) is len


def test_a_subclass_with_a_look_up_of_its_own_gets_sanics_exception() -> None:
    class Own(ErrorHandler):
        def lookup(self, exception: BaseException, route_name: str | None = None) -> Any:
            seen.append(type(exception))
            return None

    seen: list[type[BaseException]] = []
    app: Sanic[Any, Any] = Sanic("Own", error_handler=Own())

    @app.get("/")
    async def fail(request: Request) -> Any:
        raise HTTPException(404)

    assert TestClient(app).get("/").status_code == 404
    assert set(seen) == {exceptions.NotFound}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("kind", ["own", "own async", "base", "base async"])
@pytest.mark.parametrize("path", ["/fails", "/handled", "/missing", "/http", "/none"])
@pytest.mark.parametrize("package", ["sanic", "sanic_star.compat"])
async def test_an_override_of_response_and_lookup_looks_up_once(package: str, path: str, kind: str) -> None:
    app_module: Any = import_module(f"{package}.app")
    base: Any = import_module(f"{package}.handlers")
    text: Any = import_module(f"{package}.response").text
    seen: list[str] = []

    class Both(base.ErrorHandler):  # type: ignore[misc]
        def lookup(self, exception: BaseException, route_name: str | None = None) -> Any:
            seen.append(repr(exception))
            return super().lookup(exception, route_name)

    def by_itself(self: Any, request: Any, exception: BaseException) -> Any:
        handler = self.lookup(exception, request.name)
        return handler(request, exception) if handler else text("own", 500)

    async def by_itself_async(self: Any, request: Any, exception: BaseException) -> Any:
        return by_itself(self, request, exception)

    def by_base(self: Any, request: Any, exception: BaseException) -> Any:
        return base.ErrorHandler.response(self, request, exception)

    async def by_base_async(self: Any, request: Any, exception: BaseException) -> Any:
        return by_base(self, request, exception)

    kinds = {"own": by_itself, "own async": by_itself_async, "base": by_base, "base async": by_base_async}
    Both.response = kinds[kind]
    name = f"Both{package}{kind}{path}".translate(dict.fromkeys(map(ord, "/ .")))
    app = app_module.Sanic(name, error_handler=Both())
    not_found: Any = import_module(f"{package}.exceptions").NotFound
    errors: dict[str, Exception] = {"/fails": LookupError("x"), "/handled": ValueError("x"), "/http": not_found("x")}
    for name, error in errors.items():

        def fail(request: Any, error: Exception = error) -> Any:
            raise error

        app.add_route(fail, name, name=name.strip("/"))
    app.add_route(lambda request: None, "/none", name="none")
    app.exception(ValueError)(lambda request, error: text("handled", 418))
    _, response = await app.asgi_client.get(path)
    assert len(seen) == 1
    not_found_status = 500 if kind.startswith("own") else 404
    statuses = {"/handled": 418, "/missing": not_found_status, "/http": not_found_status}
    assert response.status == statuses.get(path, 500)


async def test_a_request_middleware_that_raises_starlettes_exception() -> None:
    app: Sanic[Any, Any] = Sanic("Before")

    @app.on_request
    async def before(request: Request) -> None:
        raise HTTPException(403, "no")

    app.get("/")(lambda request: text("fine"))
    for path in ("/", "/none"):
        assert (await carry(app, path))[::2] == (403, False)


# WebSocketException ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("accepted", [True, False])
@pytest.mark.parametrize("handled", [True, False])
async def test_a_websocket_exception_closes_with_its_code(
    accepted: bool, handled: bool, caplog: pytest.LogCaptureFixture
) -> None:
    app: Sanic[Any, Any] = Sanic("Closes")
    seen: list[Any] = []

    @app.websocket("/ws")
    async def speak(request: Request, ws: Websocket) -> None:
        raise WebSocketException(4001, "enough")

    if not accepted:

        @app.on_request
        async def before(request: Request) -> None:
            raise WebSocketException(4001, "enough")

    if handled:

        @app.exception(WebSocketException)
        async def handle(request: Request, error: WebSocketException) -> Any:
            seen.append(error.code)
            return text("handled", 400)

    peer = Peer()
    peer.messages = [{"type": "websocket.connect"}]
    async with Life(app):
        caplog.clear()
        await app(websocket_scope("/ws"), peer.receive, peer.send)
    assert peer.sent[-1] == {"type": "websocket.close", "code": 4001, "reason": "enough"}
    assert [message["type"] for message in peer.sent][:-1] == ["websocket.accept"] * accepted
    # Only Starlette has this exception, and calls its handler for open websockets, too.
    assert (seen, caplog.records) == ([4001] * handled, [])


@pytest.mark.parametrize("where", ["handler", "middleware", "starlette", "layer"])
@pytest.mark.parametrize(
    ("code", "reason", "sent_code", "sent_reason"),
    [
        ("4000", "text", 1011, "text"),
        (1005, "", 1011, ""),
        (0, None, 1011, ""),
        (99999, b"bytes", 1011, ""),
        (None, 5, 1011, ""),
        (True, "x" * 124, 1011, "x" * 123),
        (4000, "x" + "ä" * 80, 4000, "x" + "ä" * 61),
        (1012, "x" + "😀" * 40, 1012, "x" + "😀" * 30),
        (3000, "lone \ud800", 3000, "lone ?"),
    ],
    ids=lambda value: ascii(value)[:20],
)
async def test_an_invalid_close_code_or_reason_is_replaced(
    where: str, code: Any, reason: Any, sent_code: int, sent_reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    app: Sanic[Any, Any] = Sanic("Replaces")

    async def fail(request: Any, ws: Any = None, send: Any = None) -> Any:
        raise WebSocketException(code, reason)

    if where == "starlette":
        app.router.routes.append(WebSocketRoute("/ws", fail))
    else:
        layer = [Middleware(lambda app: fail)] if where == "layer" else None
        app.add_websocket_route(fail, "/ws", middleware=layer)
        if where == "middleware":
            app.on_request(fail)
    peer = Peer()
    peer.messages = [{"type": "websocket.connect"}]
    async with Life(app):
        caplog.clear()
        await app(websocket_scope("/ws"), peer.receive, peer.send)
    assert peer.sent[-1] == {"type": "websocket.close", "code": sent_code, "reason": sent_reason}
    assert not caplog.records


@pytest.mark.parametrize(
    ("opens", "outcome"), [(True, "gets the close code 1011"), (False, "gets a plain 403")], ids=["opened", "refused"]
)
async def test_the_log_names_the_outcome_for_a_websocket(
    opens: bool, outcome: str, caplog: pytest.LogCaptureFixture
) -> None:
    app: Sanic[Any, Any] = Sanic("Outcome")

    class Broken(PlainTextResponse):
        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            raise RuntimeError("the response cannot be sent")

    class Handler(ErrorHandler):
        def default(self, request: Any, exception: Any) -> Any:
            return Broken("no")

        @staticmethod
        def log(request: Any, exception: Any) -> None:
            raise RuntimeError("the log fails")

    app.error_handler = Handler()

    async def fail(request: Any, ws: Any = None) -> Any:
        raise KeyError("boom")

    app.add_websocket_route(fail, "/ws")
    if not opens:
        app.on_request(fail)
    peer = Peer()
    peer.messages = [{"type": "websocket.connect"}]
    async with Life(app):
        caplog.clear()
        with pytest.raises(KeyError):
            await app(websocket_scope("/ws", extensions={DENIAL: {}}), peer.receive, peer.send)
    assert peer.sent[-1]["type"] == "websocket.close"
    assert f"Exception while answering an exception; the client {outcome}" in caplog.messages


def test_a_websocket_exception_over_http_is_an_error() -> None:
    app: Sanic[Any, Any] = Sanic("OverHttp")

    @app.get("/")
    async def fail(request: Request) -> Any:
        raise WebSocketException(4001)

    assert TestClient(app, raise_server_exceptions=False).get("/").status_code == 500
