"""Exceptions and the user's ASGI middleware: which ones pass it, the client's response, the log."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import gzip
import logging
import sys
import weakref
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import requests as http_client
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sanic_star import HTTPResponse, NotFound, Request, Sanic, SanicException, text
from sanic_star.engine import requests
from sanic_star.engine.boundary import SendThroughMiddleware
from sanic_star.testing import TestClient
from tests.engine.processes import TIMEOUT_S, process
from tests.engine.raw import Life, Peer, http_scope

ORIGIN = "https://shop.example"
FIELDS = [(b"host", b"testserver"), (b"origin", ORIGIN.encode())]


class Boom(Exception):
    """An exception without a handler."""


class HandledError(Exception):
    """An exception with a handler."""


class CorrelationId:
    """Adds a header to each response; copies the scope, as middleware may."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def named(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], (b"x-correlation-id", b"7")]}
            await send(message)

        await self.app(dict(scope), receive, named)


class Transaction:
    """Commits what a request has done, unless an exception comes out of the application."""

    ends: list[str] = []

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        try:
            await self.app(scope, receive, send)
        except BaseException as error:
            self.ends.append(f"rolled back: {type(error).__name__}")
            raise
        self.ends.append("committed")


class Converter:
    """Answers an exception with 422, unless the response has begun."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = False

        async def watched(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self.app(scope, receive, watched)
        except Boom:
            if begun:
                raise
            await JSONResponse({"converted": True}, 422)(scope, receive, send)


async def passing(request: Any, call_next: Callable[[Any], Awaitable[Any]]) -> Any:
    """Pass a request on, as `BaseHTTPMiddleware` does it: in a task of its own, and through a queue."""
    response = await call_next(request)
    response.headers["x-base"] = "1"
    return response


MIDDLEWARE = {
    "cors": Middleware(CORSMiddleware, allow_origins=[ORIGIN]),
    "correlation id": Middleware(CorrelationId),
    "gzip": Middleware(GZipMiddleware),
    "base": Middleware(BaseHTTPMiddleware, dispatch=passing),
    "transaction": Middleware(Transaction),
    "converter": Middleware(Converter),
}
# A header of each that changes responses.
MARKS = {"cors": (b"access-control-allow-origin", ORIGIN.encode()), "correlation id": (b"x-correlation-id", b"7")}


def application(*names: str) -> Sanic[Any, Any]:
    app: Sanic[Any, Any] = Sanic("Boundary", middleware=[MIDDLEWARE[name] for name in names])
    app.ctx.seen = []
    app.ctx.waits = asyncio.Event()

    @app.on_response
    async def after(request: Request, response: HTTPResponse) -> None:
        app.ctx.seen.append(response.status)
        response.headers["x-after"] = "1"

    @app.exception(HandledError)
    async def handle(request: Request, error: HandledError) -> HTTPResponse:
        return text("known", 418)

    @app.get("/unhandled")
    async def unhandled(request: Request) -> HTTPResponse:
        raise Boom("secret")

    @app.get("/handled")
    async def handled(request: Request) -> HTTPResponse:
        raise HandledError

    @app.get("/sanic")
    async def sanic(request: Request) -> HTTPResponse:
        raise NotFound("none")

    @app.get("/starlette")
    async def starlette(request: Request) -> HTTPResponse:
        raise HTTPException(409, "taken")

    @app.get("/late")
    async def late(request: Request) -> None:
        response = await request.respond(content_type="text/plain")
        await response.send("begun" * 200)
        raise Boom("late")

    @app.get("/cancelled")
    async def cancelled(request: Request) -> None:
        app.ctx.waits.set()
        await asyncio.Event().wait()

    return app


def logged(caplog: pytest.LogCaptureFixture, kind: type[BaseException]) -> list[str]:
    return [record.name for record in caplog.records if record.exc_info and record.exc_info[0] is kind]


@pytest.fixture(autouse=True)
def ends() -> list[str]:
    Transaction.ends = []
    return Transaction.ends


@pytest.mark.parametrize("name", MIDDLEWARE)
@pytest.mark.parametrize("accept", ["text/plain", "text/html"])
async def test_an_unhandled_exception(
    name: str, accept: str, caplog: pytest.LogCaptureFixture, ends: list[str]
) -> None:
    app, peer = application(name), Peer()
    fields = [*FIELDS, (b"accept", accept.encode()), (b"accept-encoding", b"gzip")]
    async with Life(app):
        caplog.clear()
        if name == "converter":
            await app(http_scope("/unhandled", headers=fields), peer.receive, peer.send)
            assert (peer.status, peer.body, peer.complete) == (422, b'{"converted":true}', True)
            # It is over with that, as in Starlette: nothing is logged, and no response middleware runs.
            assert (logged(caplog, Boom), app.ctx.seen) == ([], [])
            return
        with pytest.raises(Boom):
            await app(http_scope("/unhandled", headers=fields), peer.receive, peer.send)
        assert not requests.live
    assert [message["type"] for message in peer.sent] == ["http.response.start", "http.response.body"]
    assert (peer.status, peer.complete) == (500, True)
    assert int(peer.headers[b"content-length"]) == len(peer.body)
    assert peer.headers[b"content-type"].startswith(accept.encode())
    assert peer.headers[b"connection"] == b"close"
    page = gzip.decompress(peer.body) if b"content-encoding" in peer.headers else peer.body
    assert b"Internal Server Error" in page
    assert b"secret" not in page
    assert (peer.headers[b"x-after"], app.ctx.seen) == (b"1", [500])
    assert logged(caplog, Boom) == ["sanic.error"]
    if name in MARKS:
        field, value = MARKS[name]
        assert peer.headers[field] == value
    assert ends == (["rolled back: Boom"] if name == "transaction" else [])


@pytest.mark.parametrize("name", MIDDLEWARE)
@pytest.mark.parametrize(("path", "status"), [("/handled", 418), ("/sanic", 404), ("/starlette", 409), ("/none", 404)])
async def test_an_exception_that_is_answered_inside(name: str, path: str, status: int, ends: list[str]) -> None:
    app, peer = application(name), Peer()
    async with Life(app):
        await app(http_scope(path, headers=FIELDS), peer.receive, peer.send)
    assert (peer.status, peer.complete, app.ctx.seen) == (status, True, [status])
    assert b"connection" not in peer.headers
    marks = {**MARKS, "base": (b"x-base", b"1")}
    if name in marks:
        field, value = marks[name]
        assert peer.headers[field] == value
    assert ends == (["committed"] if name == "transaction" else [])


@pytest.mark.parametrize("name", MIDDLEWARE)
async def test_an_exception_after_the_response_began(
    name: str, caplog: pytest.LogCaptureFixture, ends: list[str]
) -> None:
    app, peer = application(name), Peer()
    async with Life(app):
        caplog.clear()
        with pytest.raises(Boom):
            await app(http_scope("/late", headers=FIELDS), peer.receive, peer.send)
        assert not requests.live
    assert [message["type"] for message in peer.sent].count("http.response.start") == 1
    # Starlette's `BaseHTTPMiddleware` ends the body before it lets the exception out.
    assert (peer.status, peer.complete) == (200, name == "base")
    assert peer.body.startswith(b"begun")
    assert logged(caplog, Boom) == ["sanic.error"]
    assert ends == (["rolled back: Boom"] if name == "transaction" else [])


@pytest.mark.parametrize("name", MIDDLEWARE)
async def test_a_request_that_is_cancelled(name: str, caplog: pytest.LogCaptureFixture, ends: list[str]) -> None:
    app, peer = application(name), Peer()
    async with Life(app):
        caplog.clear()
        task = asyncio.ensure_future(app(http_scope("/cancelled", headers=FIELDS), peer.receive, peer.send))
        await app.ctx.waits.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not requests.live
    assert (peer.sent, caplog.records) == ([], [])
    assert ends == (["rolled back: CancelledError"] if name == "transaction" else [])


async def test_all_of_them_together(caplog: pytest.LogCaptureFixture, ends: list[str]) -> None:
    app, peer = application("correlation id", "cors", "transaction", "gzip", "base"), Peer()
    async with Life(app):
        caplog.clear()
        with pytest.raises(Boom):
            await app(http_scope("/unhandled", headers=FIELDS), peer.receive, peer.send)
    # The queue of the innermost one is closed, so that the answer goes past them.
    assert (peer.status, peer.complete, ends) == (500, True, ["rolled back: Boom"])
    assert logged(caplog, Boom) == ["sanic.error"]


# `BaseHTTPMiddleware` keeps the exception in a closure that the exception's traceback leads to.
@pytest.mark.parametrize("name", [name for name in MIDDLEWARE if name != "base"])
@pytest.mark.parametrize("path", ["/unhandled", "/late", "/handled"])
async def test_a_request_is_freed_without_the_collector(name: str, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    app = application(name)
    failed: list[weakref.ref[Any]] = []

    @app.on_request
    async def before(request: Request) -> None:
        failed.append(weakref.ref(request))

    async with Life(app):
        # A record would keep the exception.
        monkeypatch.setattr(logging.getLogger("sanic.error"), "disabled", True)
        gc.disable()
        try:
            for _ in range(2):
                peer = Peer()
                with contextlib.suppress(Boom):
                    await app(http_scope(path, headers=FIELDS), peer.receive, peer.send)
                del peer
            assert [reference() for reference in failed] == [None, None]
        finally:
            gc.enable()


async def test_an_exception_that_a_500_handler_words_is_raised_again(ends: list[str]) -> None:
    app, peer = application("correlation id", "transaction"), Peer()

    @app.exception(500)
    async def sorry(request: Request, error: Boom) -> HTTPResponse:
        return text(f"sorry {error}", 500)

    async with Life(app):
        with pytest.raises(Boom):
            await app(http_scope("/unhandled", headers=FIELDS), peer.receive, peer.send)
    assert (peer.body, peer.headers[b"x-correlation-id"], ends) == (b"sorry secret", b"7", ["rolled back: Boom"])


async def test_the_remedy_for_a_lost_header() -> None:
    app, peer = application("base"), Peer()

    @app.exception(Exception)
    async def handle(request: Request, error: Exception) -> HTTPResponse:
        return text("handled", 500)

    async with Life(app):
        await app(http_scope("/unhandled", headers=FIELDS), peer.receive, peer.send)
    assert (peer.body, peer.headers[b"x-base"]) == (b"handled", b"1")


async def test_middleware_that_raises_another_exception(caplog: pytest.LogCaptureFixture) -> None:
    class Wrapping(Transaction):
        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            try:
                await self.app(scope, receive, send)
            except Boom as error:
                raise LookupError("wrapped") from error

    app, peer = application("correlation id"), Peer()
    app.add_middleware(Wrapping)
    seen: list[str] = []

    @app.on_request
    async def before(request: Request) -> None:
        seen.append(request.path)

    async with Life(app):
        caplog.clear()
        with pytest.raises(LookupError):
            await app(http_scope("/unhandled", headers=FIELDS), peer.receive, peer.send)
    assert (peer.status, app.ctx.seen, logged(caplog, LookupError)) == (500, [500], ["sanic.error"])
    # It is the same request: its middleware does not run again.
    assert seen == ["/unhandled"]


async def test_a_start_that_middleware_has_kept_is_replaced() -> None:
    class Keeping:
        def __init__(self, app: ASGIApp) -> None:
            self.app = app

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            kept: list[Message] = []

            async def keep(message: Message) -> None:
                kept.append(message)

            await self.app(scope, receive, keep if scope["type"] == "http" else send)
            for message in kept:
                await send(message)

    app: Sanic[Any, Any] = application()
    app.add_middleware(Keeping)
    peer = Peer()
    async with Life(app):
        with pytest.raises(Boom):
            await app(http_scope("/late", headers=FIELDS), peer.receive, peer.send)
    assert (peer.status, peer.complete) == (500, True)


@pytest.mark.parametrize("own", [False, True])
async def test_a_mounted_application_answers_by_itself(own: bool, caplog: pytest.LogCaptureFixture) -> None:
    outer, inner = application("correlation id"), application(*["cors"] * own)
    outer.mount("/inner", inner)
    peer = Peer()
    async with Life(outer):
        caplog.clear()
        with pytest.raises(Boom):
            await outer(http_scope("/inner/unhandled", headers=FIELDS), peer.receive, peer.send)
        assert not requests.live
    assert [message["type"] for message in peer.sent].count("http.response.start") == 1
    assert (peer.status, peer.headers[b"x-correlation-id"]) == (500, b"7")
    assert (b"access-control-allow-origin" in peer.headers) is own
    assert (inner.ctx.seen, outer.ctx.seen) == ([500], [])
    assert logged(caplog, Boom) == ["sanic.error"]


# Middleware between a mount and its routes ----------------------------------------------------------------------------


async def test_middleware_of_a_mount_sees_the_answers_to_exceptions(caplog: pytest.LogCaptureFixture) -> None:
    errors = {
        "404": HTTPException(404, "gone"),
        "tea": SanicException("tea", 418),
        "known": HandledError(),
        "boom": Boom(),
    }

    async def fail(request: Any) -> Any:
        raise errors[request.path_params["name"]]

    app = application()
    mount = Mount("/m", routes=[Route("/{name}", fail)], middleware=[MIDDLEWARE["correlation id"]])
    app.router.routes.append(mount)
    app.router.routes.append(Route("/r/{name}", fail, middleware=[MIDDLEWARE["correlation id"]]))
    paths: list[str] = []

    @app.exception(418)
    async def tea(request: Request, error: Exception) -> HTTPResponse:
        assert isinstance(request, Request)
        paths.append(request.path)
        return text("tea", 418)

    async with Life(app):
        for prefix in ("/m", "/r"):
            for name, status, words in (("404", 404, b"gone"), ("tea", 418, b"tea"), ("known", 418, b"known")):
                peer = Peer()
                await app(http_scope(f"{prefix}/{name}", headers=FIELDS), peer.receive, peer.send)
                assert (peer.status, peer.headers.get(b"x-correlation-id")) == (status, b"7"), name
                assert words in peer.body
            peer = Peer()
            with pytest.raises(Boom):
                await app(http_scope(f"{prefix}/boom", headers=FIELDS), peer.receive, peer.send)
            assert (peer.status, b"x-correlation-id" in peer.headers) == (500, False)
    assert paths == ["/m/tea", "/r/tea"]


# A send of middleware that is over ------------------------------------------------------------------------------------


class Body:
    """Knows whether the start of a response has arrived."""

    answered = False


START: Message = {"type": "http.response.start", "status": 500, "headers": []}
END: Message = {"type": "http.response.body", "body": b"x"}


@pytest.mark.parametrize("how", ["passes", "keeps", "refuses", "refuses the body", "keeps the start", "loses"])
async def test_each_message_arrives_once(how: str) -> None:
    messages: list[Message] = []
    body: Any = Body()
    kept: list[Message] = []

    async def past(message: Message) -> None:
        messages.append(message)

    async def through(message: Message) -> None:
        starts = message["type"] == "http.response.start"
        if how == "refuses" or (how == "refuses the body" and not starts):
            raise RuntimeError("closed")
        if how in ("keeps", "loses") or (how == "keeps the start" and starts):
            kept.append(message)
            return
        for message_to_send in (*kept, message):
            body.answered = True
            messages.append(message_to_send)

    late = SendThroughMiddleware(through, past, body)
    await late(START)
    await late(END)
    assert messages == [START, END]


async def test_middleware_whose_queue_is_never_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sanic_star.engine.boundary._MAX_SEND_S", 0.01)
    messages: list[Message] = []

    async def past(message: Message) -> None:
        messages.append(message)

    async def through(message: Message) -> None:
        await asyncio.Event().wait()

    body: Any = Body()
    late = SendThroughMiddleware(through, past, body)
    await late(START)
    await late(END)
    assert messages == [START, END]


# Over a socket --------------------------------------------------------------------------------------------------------

SCRIPT = """
from tests.engine.test_boundary import application

app = application(*os.environ["MIDDLEWARE"].split(","))

@app.get("/fine")
async def fine(request):
    return text("fine")
"""


@pytest.mark.parametrize("name", MIDDLEWARE)
def test_over_a_socket(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIDDLEWARE", name)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    command = (sys.executable, "-m", "uvicorn", "--host", "127.0.0.1", "--port", "0", "served:app")
    with process(tmp_path, SCRIPT, *command) as server, http_client.Session() as session:
        url = f"http://127.0.0.1:{server.port}"
        session.headers["origin"] = ORIGIN
        expected = {"/fine": 200, "/unhandled": 422 if name == "converter" else 500, "/handled": 418, "/none": 404}
        for _ in range(3):
            for path, status in expected.items():
                answer = session.get(url + path, timeout=TIMEOUT_S)
                assert answer.status_code == status
                if name in MARKS:
                    field, value = MARKS[name]
                    assert answer.headers[field.decode()] == value.decode()
        if name == "base":  # it ends the body before it lets the exception out
            assert session.get(url + "/late", timeout=TIMEOUT_S).text.startswith("begun")
        else:
            with pytest.raises(http_client.RequestException):
                session.get(url + "/late", timeout=TIMEOUT_S).content  # noqa: B018 - reading it fails
        assert session.get(url + "/fine", timeout=TIMEOUT_S).text == "fine"
        server.until(lambda: "Boom: late" in server.log)
        assert server.log.count("Boom: secret") == (0 if name == "converter" else 3)
        assert "Exception in ASGI" not in server.log


def test_a_test_client_gets_the_exception() -> None:
    app = application("base", "transaction")
    with pytest.raises(Boom):
        TestClient(app).get("/unhandled")
    assert TestClient(app, raise_server_exceptions=False).get("/unhandled").status_code == 500


async def test_a_filter_of_the_log_sees_it_once(caplog: pytest.LogCaptureFixture) -> None:
    app, peer = application("cors"), Peer()
    async with Life(app):
        caplog.clear()
        try:
            await app(http_scope("/unhandled", headers=FIELDS), peer.receive, peer.send)
        except Boom as error:
            logging.getLogger("uvicorn.error").error("Exception in ASGI application", exc_info=error)
    assert logged(caplog, Boom) == ["sanic.error"]
