"""Exceptions of Starlette's routes, over HTTP and in websockets: the same source on Starlette and here.

Each case is played with each set of handlers, on a route, on one with middleware, and below mounts with middleware.
Compared are the messages that the client gets, what the handlers have seen, and what the middleware has seen.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import websockets.exceptions
import websockets.sync.client
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException, WebSocketException
from starlette.middleware import Middleware
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import BaseRoute, Mount, Route, Router, WebSocketRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket

from sanic_star import Request, Sanic, Websocket, text
from sanic_star.compat.exceptions import Forbidden
from tests.engine.processes import UVICORN, process
from tests.engine.raw import Peer, http_scope, websocket_scope

Seen = list[Any]


class RateLimitExceeded(HTTPException):
    """As slowapi has it: with an initialiser of its own."""

    def __init__(self, limit: str) -> None:
        self.limit = limit
        super().__init__(429, f"limit {limit}")


class DailyLimitExceeded(RateLimitExceeded):
    pass


class OwnError(Exception):
    pass


class OwnErrorBelow(OwnError):
    pass


class OwnClose(WebSocketException):
    pass


ERRORS: dict[str, Callable[[], Exception]] = {
    "rate": lambda: RateLimitExceeded("5/min"),
    "daily": lambda: DailyLimitExceeded("9/day"),
    "own": OwnError,
    "below": OwnErrorBelow,
    "missing": lambda: HTTPException(404),
    "teapot": lambda: HTTPException(418, "short and stout"),
    "login": lambda: HTTPException(401, headers={"www-authenticate": "Basic"}),
    "value": lambda: ValueError("no such value"),
}
CLOSES: dict[str, Callable[[], Exception]] = {
    "close": lambda: WebSocketException(4001, "no way"),
    "own_close": lambda: OwnClose(4002, "own"),
    "policy": lambda: WebSocketException(1008),
}


class Watching:
    """Middleware that notes what passes: statuses, closes, exceptions, and where the application was."""

    def __init__(self, app: ASGIApp, name: str, seen: Seen) -> None:
        self.app = app
        self.name = name
        self.seen = seen

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def watched(message: Message) -> None:
            if "status" in message:
                self.seen.append((self.name, message["status"]))
                message["headers"] = [*message.get("headers", ()), (b"x-passed", self.name.encode())]
            elif message["type"] == "websocket.close":
                self.seen.append((self.name, message.get("code"), message.get("reason")))
            await send(message)

        try:
            await self.app(scope, receive, watched)
        except Exception as error:
            self.seen.append((self.name, type(error).__name__))
            raise
        finally:
            self.seen.append((self.name, scope.get("root_path"), scope["path"]))


def endpoint(make: Callable[[], Exception]) -> Callable[..., Any]:
    async def fail(request: HTTPConnection) -> PlainTextResponse:
        raise make()

    return fail


def socket_endpoint(make: Callable[[], Exception], accept: bool) -> Callable[..., Any]:
    async def fail(websocket: WebSocket) -> None:
        if accept:
            await websocket.accept()
        raise make()

    return fail


def routes(seen: Seen) -> list[BaseRoute]:
    def watching(name: str) -> list[Middleware]:
        return [Middleware(Watching, name=name, seen=seen)]

    def leaves(prefix: str = "", **options: Any) -> list[BaseRoute]:
        http = [Route(f"{prefix}/{name}", endpoint(make), **options) for name, make in ERRORS.items()]
        sockets = [
            WebSocketRoute(f"{prefix}/{name}/{place}", socket_endpoint(make, place == "open"), **options)
            for name, make in (ERRORS | CLOSES).items()
            for place in ("open", "handshake")
        ]
        return [*http, *sockets]

    return [
        *leaves(),
        *leaves("/one", middleware=watching("route")),
        Mount("/mount", routes=leaves(), middleware=watching("mount")),
        Mount("/router", app=Router(leaves(), middleware=watching("router"))),
        Mount("/deep", routes=[Mount("/er", routes=leaves(), middleware=watching("in"))], middleware=watching("out")),
    ]


def handlers(name: str, seen: Seen) -> dict[Any, Any]:
    async def respond(connection: HTTPConnection, error: Any) -> JSONResponse:
        seen.append(("handler", type(error).__name__, isinstance(connection, WebSocket)))
        content = [connection.url.path, getattr(error, "limit", None), getattr(error, "detail", None)]
        return JSONResponse(content, getattr(error, "status_code", 400), getattr(error, "headers", None))

    async def close(websocket: WebSocket, error: Any) -> None:
        seen.append(("handler", type(error).__name__, websocket.url.path, getattr(error, "code", None)))
        await websocket.close(4444, type(error).__name__)

    tables: dict[str, dict[Any, Any]] = {
        "none": {},
        "rate": {RateLimitExceeded: respond},
        "429": {429: respond, 404: respond},
        "http": {HTTPException: respond},
        "own": {OwnError: respond},
        "close": {WebSocketException: close},
        "own_close": {OwnClose: close},
        "close_own": {OwnError: close},
        "close_http": {HTTPException: close},
        "close_418": {418: close},
    }
    return tables[name]


@pytest.fixture(autouse=True)
def silence() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


PREFIXES = ("", "/one", "/mount", "/router", "/deep/er")


async def play(app: ASGIApp, scope: Scope, first: Message, seen: Seen) -> tuple[Any, ...]:
    """Return what was raised, what the client gets of it, and what was seen."""
    seen.clear()
    peer = Peer()
    peer.messages = [first]
    raised = None
    try:
        await app(scope, peer.receive, peer.send)
    except Exception as error:
        raised = type(error).__name__
    sent = [
        {key: value for key, value in message.items() if key not in ("headers", "more_body")} for message in peer.sent
    ]
    fields = dict(peer.sent[0].get("headers", ())) if peer.sent else {}
    return raised, sent, [fields.get(name) for name in (b"x-passed", b"www-authenticate")], list(seen)


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("table", ["none", "rate", "429", "http", "own"])
async def test_over_http(table: str, prefix: str) -> None:
    request = {"type": "http.request", "body": b"", "more_body": False}
    for name in ERRORS:
        results = []
        for make in (Starlette, lambda **options: Sanic("Errors", **options)):
            seen: Seen = []
            app: Any = make(routes=routes(seen), exception_handlers=handlers(table, seen))
            results.append(await play(app, http_scope(f"{prefix}/{name}"), request, seen))
        if results[0][0] is not None:
            # Nobody handled it: the page for the status 500 is Sanic's.
            assert [message.pop("body", None) for result in results for message in result[1]]
        assert results[0] == results[1], name


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("table", ["none", "rate", "http", "own", "close", "own_close", "close_own", "close_http"])
async def test_in_websockets(table: str, prefix: str) -> None:
    for name in ERRORS | CLOSES:
        for place in ("open", "handshake"):
            results = []
            for make in (Starlette, lambda **options: Sanic("Errors", **options)):
                seen: Seen = []
                app: Any = make(routes=routes(seen), exception_handlers=handlers(table, seen))
                scope = websocket_scope(f"{prefix}/{name}/{place}", extensions={"websocket.http.response": {}})
                results.append(await play(app, scope, {"type": "websocket.connect"}, seen))
            (raised, sent, *_), (our_raised, our_sent, *_) = results
            if raised is not None:
                # Starlette leaves the connection to the server. Here the application closes it.
                assert (our_raised, our_sent[: len(sent)]) == (raised, sent), name
                assert our_sent[-1].get("code") == 1011 or our_sent[-2]["status"] == 500
                assert results[0][3] == results[1][3], name
            elif place == "open" and any(message.get("status") for message in sent):
                # Starlette sends a response to an open websocket, at which the server fails.
                assert (our_raised, our_sent[-1]["type"]) == (None, "websocket.close")
                assert our_sent[-1]["code"] == (1008 if name == "login" and table != "http" else 1011)
            else:
                assert results[0] == results[1], (name, place)


@pytest.mark.parametrize("name", ["teapot", "missing"])
async def test_a_handler_for_a_status_closes_an_open_websocket(name: str) -> None:
    seen: Seen = []
    app: Any = Sanic("Errors", routes=routes(seen), exception_handlers=handlers("close_418", seen))
    scope = websocket_scope(f"/mount/{name}/open")
    _, sent, _, _ = await play(app, scope, {"type": "websocket.connect"}, seen)
    assert sent[-1]["code"] == (4444 if name == "teapot" else 1011)


# Handlers that are written for Sanic ------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["starlette", "sanic"])
@pytest.mark.parametrize("accept", [True, False])
async def test_a_handler_may_use_the_names_of_sanics_requests(kind: str, accept: bool) -> None:
    app: Sanic[Any, Any] = Sanic("Names")
    seen: Seen = []

    @app.exception(WebSocketException)
    async def handle(request: Request, error: WebSocketException) -> Any:
        seen.append((request.path, request.args.get("q"), request.app is app, error.code))
        return text("refused", 403)

    if kind == "starlette":
        app.router.routes.append(WebSocketRoute("/ws", socket_endpoint(CLOSES["close"], accept)))
    else:

        @app.websocket("/ws")
        async def speak(request: Request, ws: Websocket) -> None:
            raise CLOSES["close"]()

        if not accept:
            app.on_request(endpoint(CLOSES["close"]))
    scope = websocket_scope("/ws", query_string=b"q=1", extensions={"websocket.http.response": {}})
    raised, sent, _, _ = await play(app, scope, {"type": "websocket.connect"}, [])
    assert seen == [("/ws", "1", True, 4001)]
    assert raised is None
    if accept:
        assert sent[-1] == {"type": "websocket.close", "code": 4001, "reason": "no way"}
    else:
        assert (sent[0]["status"], sent[1]["body"]) == (403, b"refused")


@pytest.mark.parametrize("accept", [True, False])
async def test_a_handler_that_fails(accept: bool) -> None:
    app: Sanic[Any, Any] = Sanic("Fails", routes=[WebSocketRoute("/ws", socket_endpoint(CLOSES["close"], accept))])

    @app.exception(WebSocketException)
    async def handle(websocket: WebSocket, error: WebSocketException) -> None:
        raise ValueError("in the handler")

    raised, sent, _, _ = await play(app, websocket_scope("/ws"), {"type": "websocket.connect"}, [])
    assert raised is None
    assert sent[-1] == {"type": "websocket.close", "code": 4001, "reason": "no way"}


async def test_an_exception_of_sanics_in_a_starlette_websocket() -> None:
    app: Sanic[Any, Any] = Sanic("Forbids")
    app.router.routes.append(WebSocketRoute("/ws", socket_endpoint(lambda: Forbidden("x"), False)))
    app.exception(Forbidden)(lambda request, error: text(request.path, 403))
    scope = websocket_scope("/ws", extensions={"websocket.http.response": {}})
    _, sent, _, _ = await play(app, scope, {"type": "websocket.connect"}, [])
    assert (sent[0]["status"], sent[1]["body"]) == (403, b"/ws")


# A detail that is no text ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("detail", [{"field": "name"}, ["a", 1], None, 7])
@pytest.mark.parametrize("where", ["starlette", "sanic"])
async def test_a_handler_gets_a_detail_as_it_was_raised(detail: Any, where: str) -> None:
    app: Sanic[Any, Any] = Sanic("Details")
    seen: Seen = []

    async def fail(request: Any) -> Any:
        raise HTTPException(422, detail)

    if where == "starlette":
        app.add_route("/", fail)
    else:
        app.get("/")(fail)

    @app.exception(HTTPException)
    async def handle(request: Request, error: HTTPException) -> Any:
        seen.append(error.detail)
        return text("handled", error.status_code)

    peer = await play(app, http_scope("/"), {"type": "http.request", "body": b""}, [])
    assert peer[1][0]["status"] == 422
    assert seen == ["Unprocessable Content" if detail is None else detail] or detail is None


# Background tasks ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [Exception, 500, OwnError])
@pytest.mark.parametrize("where", ["starlette", "mount", "sanic", "sanic response", "stream"])
async def test_a_background_task_that_fails_reaches_its_handler(where: str, kind: Any) -> None:
    app: Sanic[Any, Any] = Sanic("Background")
    seen: Seen = []

    def later() -> None:
        raise OwnErrorBelow("later")

    async def respond(request: Any) -> Any:
        if where == "sanic response":
            response = text("fine")
            response.background = BackgroundTask(later)
            return response
        if where == "stream":
            stream = await request.respond(content_type="text/plain")
            stream.background = BackgroundTask(later)
            await stream.send("fine")
            return None
        return PlainTextResponse("fine", background=BackgroundTask(later))

    if where == "starlette":
        app.add_route("/", respond)
    elif where == "mount":
        app.router.routes.append(Mount("/", routes=[Route("/", respond)]))
    else:
        app.get("/")(respond)

    async def handle(request: Request, error: Exception) -> Any:
        seen.append((request.path, str(error)))
        return text("dropped", 500)

    app.add_exception_handler(kind, handle)
    raised, sent, _, _ = await play(app, http_scope("/"), {"type": "http.request", "body": b""}, [])
    assert seen == [("/", "later")]
    assert raised == "OwnErrorBelow"
    assert sent[0]["status"] == 200
    assert b"".join(message.get("body", b"") for message in sent[1:]) == b"fine"


async def test_a_handler_of_a_background_task_may_fail() -> None:
    app: Sanic[Any, Any] = Sanic("Background")

    def later() -> None:
        raise OwnError("later")

    @app.get("/")
    async def respond(request: Request) -> Any:
        return PlainTextResponse("fine", background=BackgroundTask(later))

    @app.exception(Exception)
    async def handle(request: Request, error: Exception) -> Any:
        raise ValueError("in the handler")

    raised, sent, _, _ = await play(app, http_scope("/"), {"type": "http.request", "body": b""}, [])
    assert (raised, sent[0]["status"]) == ("OwnError", 200)


# Over a socket ------------------------------------------------------------------------------------------------------

SERVED = """
from starlette.exceptions import HTTPException, WebSocketException
from starlette.middleware import Middleware
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route, WebSocketRoute


class Limit(HTTPException):
    def __init__(self, limit):
        super().__init__(429, {"limit": limit})


class Refusal(Exception):
    pass


class Passing:
    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        async def named(message):
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"x-passed", b"yes")]
            await send(message)

        await self.app(scope, receive, named)


async def limited(request):
    raise Limit(5)


async def refusing(websocket):
    if "open" in websocket.query_params:
        await websocket.accept()
    raise Refusal()


async def closing(websocket):
    await websocket.accept()
    raise WebSocketException(4321, "enough")


async def on_limit(request, error):
    return JSONResponse({"detail": error.detail}, error.status_code)


async def on_refusal(websocket, error):
    await websocket.close(4000, "refused")


app.add_exception_handler(Limit, on_limit)
app.add_exception_handler(Refusal, on_refusal)
inner = [Route("/limited", limited), WebSocketRoute("/refusing", refusing), WebSocketRoute("/closing", closing)]
app.router.routes.append(Mount("/m", routes=inner, middleware=[Middleware(Passing)]))
"""


def test_over_a_socket(tmp_path: Path) -> None:
    with process(tmp_path, SERVED, *UVICORN, "served:app") as server:
        answer = requests.get(f"http://127.0.0.1:{server.port}/m/limited", timeout=60)
        assert (answer.status_code, answer.json()) == (429, {"detail": {"limit": 5}})
        assert answer.headers["x-passed"] == "yes"
        url = f"ws://127.0.0.1:{server.port}/m"
        with pytest.raises(websockets.exceptions.InvalidStatus) as refused:
            websockets.sync.client.connect(f"{url}/refusing")
        assert refused.value.response.status_code == 403
        for path, code, reason in (("refusing?open", 4000, "refused"), ("closing", 4321, "enough")):
            with websockets.sync.client.connect(f"{url}/{path}") as socket:
                with pytest.raises(websockets.exceptions.ConnectionClosed) as closed:
                    socket.recv(timeout=60)
                assert closed.value.rcvd is not None
                assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (code, reason)
        assert requests.get(f"http://127.0.0.1:{server.port}/m/none", timeout=60).status_code == 404
