"""The dispatch and the error boundary: sent messages, log records, reraised exceptions."""

import asyncio
import logging
from typing import Any

import pytest
from starlette import routing as starlette_routing
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.convertors import CONVERTOR_TYPES
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect
from starlette.requests import Request as StarletteRequest
from starlette.responses import PlainTextResponse
from starlette.responses import Response as StarletteResponse
from starlette.routing import Route as StarletteRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sanic_star import HTTPResponse, Request, Sanic, text
from sanic_star.compat.exceptions import NotFound, SanicException
from sanic_star.engine.application import Application
from sanic_star.engine.failures import REPORTED
from sanic_star.engine.index import Parameter
from sanic_star.engine.responses import Response
from sanic_star.engine.routing import Route
from sanic_star.engine.server_logs import SERVER_LOGGERS, ReportedOnce
from sanic_star.testing import TestClient
from tests.engine.raw import Life, Peer, ask, http_scope, websocket_scope


class Boom(Exception):
    """An exception without a handler."""


def raiser(error: BaseException) -> Any:
    async def handler(request: Any) -> Any:
        raise error

    return handler


def records_of(caplog: pytest.LogCaptureFixture, error: BaseException) -> list[str]:
    return [record.name for record in caplog.records if record.exc_info and record.exc_info[1] is error]


# Exceptions nobody handled ------------------------------------------------------------------------------------------


async def test_it_is_sent_logged_once_marked_and_raised_again(caplog: pytest.LogCaptureFixture) -> None:
    app: Sanic[Any, Any] = Sanic("Boundary")
    error = Boom("secret")
    app.add_route(raiser(error), "/")
    peer = Peer()
    with pytest.raises(Boom) as caught:
        await app(http_scope(), peer.receive, peer.send)
    assert caught.value is error
    assert peer.status == 500
    assert peer.complete
    assert b"secret" not in peer.body
    assert records_of(caplog, error) == ["sanic.error"]
    assert getattr(error, REPORTED)


def test_the_client_of_a_test_gets_it() -> None:
    app: Sanic[Any, Any] = Sanic("Boundary")
    app.add_route(raiser(Boom("x")), "/")
    with pytest.raises(Boom):
        TestClient(app).get("/")
    assert TestClient(app, raise_server_exceptions=False).get("/").status_code == 500


@pytest.mark.parametrize(
    "logger", [name for server, names in SERVER_LOGGERS.items() if server != "asyncio" for name in names]
)
async def test_a_server_does_not_log_it_again(logger: str, caplog: pytest.LogCaptureFixture) -> None:
    app: Sanic[Any, Any] = Sanic("Filtered")
    error, other = Boom("ours"), Boom("not ours")
    app.add_route(raiser(error), "/")
    peer = Peer()
    with pytest.raises(Boom):
        await app(http_scope(), peer.receive, peer.send)
    servers = logging.getLogger(logger)
    for exception in (error, other):
        servers.error("Exception in ASGI application", exc_info=exception)
    servers.error("no exception")
    assert [record.exc_info[1] for record in caplog.records if record.name == logger and record.exc_info] == [other]
    assert [record.message for record in caplog.records if record.name == logger and not record.exc_info] == [
        "no exception"
    ]
    assert [type(log_filter) for log_filter in servers.filters].count(ReportedOnce) == 1


async def test_a_handled_exception_is_not_raised(caplog: pytest.LogCaptureFixture) -> None:
    app: Sanic[Any, Any] = Sanic("Handled")
    app.add_route(raiser(Boom("x")), "/")

    @app.exception(Boom)
    async def handle(request: Request, error: Boom) -> HTTPResponse:
        return text(f"handled {error}", 418)

    peer = await ask(app, http_scope())
    assert (peer.status, peer.body) == (418, b"handled x")
    assert not caplog.records


@pytest.mark.parametrize(
    ("error", "status", "logged"),
    [
        (HTTPException(404, "gone"), 404, False),
        (HTTPException(403), 403, False),
        (HTTPException(503, headers={"retry-after": "5"}), 503, True),
        (HTTPException(418, "tea"), 418, True),
        (NotFound("gone"), 404, False),
        (SanicException("tea", 418), 418, True),
    ],
)
async def test_exceptions_with_a_status_are_answered_with_it(error: Exception, status: int, logged: bool) -> None:
    app: Sanic[Any, Any] = Sanic("Statuses")
    app.add_route(raiser(error), "/")
    peer = await ask(app, http_scope())
    assert peer.status == status
    if headers := getattr(error, "headers", None):
        assert peer.headers[b"retry-after"] == headers["retry-after"].encode()


@pytest.mark.parametrize("raised", [HTTPException(404, "gone"), NotFound("gone")], ids=["theirs", "ours"])
@pytest.mark.parametrize("registered", [HTTPException, NotFound, SanicException, 404, Exception])
def test_a_handler_for_either_sees_both(raised: Exception, registered: Any) -> None:
    # One for Sanic's class gets Sanic's exception, any other what was raised.
    name = "NotFound" if registered in (NotFound, SanicException) else type(raised).__name__
    app: Sanic[Any, Any] = Sanic("Either")
    app.add_route(raiser(raised), "/")

    @app.exception(registered)
    async def handle(request: Request, error: Any) -> HTTPResponse:
        return text(f"{error.status_code} {error.__class__.__name__} {error}", 404)

    assert TestClient(app).get("/").text.startswith(f"404 {name}")


def test_handlers_are_registered_in_three_ways_in_one_table() -> None:
    async def constructor(request: Any, error: Any) -> StarletteResponse:
        return PlainTextResponse("constructor")

    async def added(request: Any, error: Any) -> StarletteResponse:
        return PlainTextResponse("added")

    app: Sanic[Any, Any] = Sanic("Table", exception_handlers={KeyError: constructor, 404: constructor})
    app.add_exception_handler(ValueError, added)
    app.add_route(raiser(KeyError()), "/key")
    app.add_route(raiser(ValueError()), "/value", name="value")
    client = TestClient(app)
    assert [client.get(path).text for path in ("/key", "/value", "/none")] == ["constructor", "added", "constructor"]


async def test_an_error_after_the_response_began_is_raised_and_breaks_it_off(
    caplog: pytest.LogCaptureFixture,
) -> None:
    app: Sanic[Any, Any] = Sanic("Late")
    error = Boom("late")

    @app.get("/")
    async def late(request: Request) -> None:
        response = await request.respond()
        await response.send("begun")
        raise error

    peer = Peer()
    with pytest.raises(Boom):
        await app(http_scope(), peer.receive, peer.send)
    assert peer.status == 200
    assert peer.body == b"begun"
    assert not peer.complete
    assert records_of(caplog, error) == ["sanic.error"]


async def test_an_error_in_starlettes_stream_after_it_began(caplog: pytest.LogCaptureFixture) -> None:
    from starlette.responses import StreamingResponse

    app: Sanic[Any, Any] = Sanic("LateTheirs")
    error = Boom("late")

    async def parts() -> Any:
        yield b"begun"
        raise error

    @app.get("/")
    async def late(request: Request) -> StarletteResponse:
        return StreamingResponse(parts())

    peer = Peer()
    with pytest.raises(Boom):
        await app(http_scope(), peer.receive, peer.send)
    assert [message["type"] for message in peer.sent].count("http.response.start") == 1
    assert not peer.complete
    assert records_of(caplog, error) == ["sanic.error"]


async def test_errors_reported_by_a_mounted_application_pass_unchanged(caplog: pytest.LogCaptureFixture) -> None:
    inner: Sanic[Any, Any] = Sanic("Inner")
    outer: Sanic[Any, Any] = Sanic("Outer")
    error = Boom("inside")
    inner.add_route(raiser(error), "/")
    outer.mount("/in", inner)
    peer = Peer()
    with pytest.raises(Boom):
        await outer(http_scope("/in"), peer.receive, peer.send)
    assert peer.status == 500
    assert records_of(caplog, error) == ["sanic.error"]
    assert len([message for message in peer.sent if message["type"] == "http.response.start"]) == 1


async def test_a_disconnect_of_the_client_is_not_an_error(caplog: pytest.LogCaptureFixture) -> None:
    app: Sanic[Any, Any] = Sanic("Left")
    app.add_route(raiser(ClientDisconnect()), "/")
    peer = Peer()
    peer.gone.set()
    await app(http_scope(), peer.receive, peer.send)
    assert peer.status == 400
    assert not caplog.records


@pytest.mark.parametrize("reads", ["body", "stream", "starlette"])
async def test_the_client_of_another_request_that_left_is_an_error(
    reads: str, caplog: pytest.LogCaptureFixture
) -> None:
    app: Sanic[Any, Any] = Sanic("Other")
    others: list[Request] = []
    over = asyncio.Event()

    @app.post("/other", stream=True)
    async def other(request: Request) -> HTTPResponse:
        others.append(request)
        await over.wait()
        return text("other")

    @app.get("/")
    async def hello(request: Request) -> HTTPResponse:
        if reads == "body":
            await others[0].receive_body()
        elif reads == "stream":
            await others[0].stream.read()
        else:
            await others[0].starlette.body()
        return text("hello")

    left, peer = Peer([]), Peer()
    left.gone.set()
    task = asyncio.ensure_future(app(http_scope("/other", "POST"), left.receive, left.send))
    while not others:  # noqa: ASYNC110 - there is no event for it
        await asyncio.sleep(0)
    with pytest.raises(ClientDisconnect):
        await app(http_scope(), peer.receive, peer.send)
    assert peer.status == 500
    assert len(caplog.records) == 1
    over.set()
    await task


async def test_a_disconnect_in_a_mounted_application_is_not_an_error(caplog: pytest.LogCaptureFixture) -> None:
    async def reading(request: StarletteRequest) -> StarletteResponse:
        return StarletteResponse(await request.body())

    async def once() -> Message:
        # hypercorn says it once.
        if not messages:
            await asyncio.Event().wait()
        return messages.pop()

    app: Sanic[Any, Any] = Sanic("MountedLeft")
    app.mount("/in", Starlette(routes=[StarletteRoute("/", reading, methods=["POST"])]))
    messages: list[Message] = [{"type": "http.disconnect"}]
    peer = Peer()
    await app(http_scope("/in/", "POST"), once, peer.send)
    assert not caplog.records


# The user's ASGI middleware -----------------------------------------------------------------------------------------


class Failing:
    """ASGI middleware that fails before the application, or after it."""

    def __init__(self, app: ASGIApp, error: Exception, after: bool = False) -> None:
        self.app, self.error, self.after = app, error, after

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.after or scope["type"] != "http":
            await self.app(scope, receive, send)
        if scope["type"] == "http":
            raise self.error


@pytest.mark.parametrize("after", [False, True])
async def test_an_error_in_it_reaches_the_same_boundary(after: bool, caplog: pytest.LogCaptureFixture) -> None:
    error = Boom("middleware")
    app: Sanic[Any, Any] = Sanic("Wrapped", middleware=[Middleware(Failing, error, after=after)])

    @app.get("/")
    async def hello(request: Request) -> HTTPResponse:
        return text("hello")

    peer = Peer()
    async with Life(app):
        with pytest.raises(Boom):
            await app(http_scope(), peer.receive, peer.send)
    assert (peer.status, peer.body) == (200, b"hello") if after else peer.status == 500
    assert records_of(caplog, error) == ["sanic.error"]


async def test_an_exception_of_it_is_answered_by_a_handler() -> None:
    app: Sanic[Any, Any] = Sanic("WrappedHandled")
    app.add_middleware(Failing, error=Boom("x"))

    @app.exception(Boom)
    async def handle(request: Request, error: Boom) -> HTTPResponse:
        return text("handled", 418)

    assert (await ask(app, http_scope())).status == 418


async def test_exceptions_of_the_handler_pass_as_reported(caplog: pytest.LogCaptureFixture) -> None:
    class Through:
        def __init__(self, app: ASGIApp) -> None:
            self.app = app

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            seen.append(scope["type"])
            await self.app(scope, receive, send)

    seen: list[str] = []
    error = Boom("x")
    app: Sanic[Any, Any] = Sanic("Through", middleware=[Middleware(Through)])
    app.add_route(raiser(error), "/")
    peer = Peer()
    with pytest.raises(Boom):
        await app(http_scope(), peer.receive, peer.send)
    await ask(app, websocket_scope("/none"))
    assert seen == ["http", "websocket"]
    assert peer.status == 500
    assert records_of(caplog, error) == ["sanic.error"]


# The engine by itself -----------------------------------------------------------------------------------------------


async def test_the_engine_answers_with_its_own_words(caplog: pytest.LogCaptureFixture) -> None:
    async def hello(request: Any) -> Response:
        return Response("hello", background=BackgroundTask(done.append, "background"))

    async def typed(request: Any, x: str) -> StarletteResponse:
        return PlainTextResponse(x)

    async def nothing(request: Any) -> Any:
        return None

    done: list[str] = []
    app = Application(
        routes=[
            Route(("",), hello, methods=["GET"]),
            Route(("typed", Parameter("x", CONVERTOR_TYPES["str"])), typed, methods=["GET"]),
            Route(("nothing",), nothing, methods=["GET"]),
            Route(("tea",), raiser(HTTPException(418, "tea", {"a": "b"})), methods=["GET"]),
            starlette_routing.Mount("/m", app=PlainTextResponse("mounted")),
        ]
    )
    assert (await ask(app, http_scope("/"))).body == b"hello"
    assert done == ["background"]
    assert (await ask(app, http_scope("/typed/a"))).body == b"a"
    assert (await ask(app, http_scope("/m/a"))).body == b"mounted"
    tea = await ask(app, http_scope("/tea"))
    assert (tea.status, tea.body, tea.headers[b"a"]) == (418, b"tea", b"b")
    peer = Peer()
    with pytest.raises(TypeError, match="a handler returned None"):
        await app(http_scope("/nothing"), peer.receive, peer.send)
    assert (peer.status, peer.body) == (500, b"Internal Server Error")


# Starlette's entry --------------------------------------------------------------------------------------------------


async def test_it_is_a_starlette_application() -> None:
    app: Sanic[Any, Any] = Sanic("Is")
    assert isinstance(app, Starlette)
    assert type(app).__call__ is Starlette.__call__


async def test_a_tool_that_patches_starlettes_entry_sees_each_request(monkeypatch: pytest.MonkeyPatch) -> None:
    app: Sanic[Any, Any] = Sanic("Patched")
    app.add_route(raiser(NotFound("x")), "/")
    seen: list[str] = []
    original = Starlette.__call__

    async def patched(self: Starlette, scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope["path"])
        await original(self, scope, receive, send)

    monkeypatch.setattr(Starlette, "__call__", patched)
    await ask(app, http_scope("/"))
    await ask(app, http_scope("/b"))
    assert seen == ["/", "/b"]


@pytest.mark.parametrize("by_subclass", [False, True])
@pytest.mark.parametrize("listens", [False, True])
async def test_wrappers_of_the_middleware_stack_stay(by_subclass: bool, listens: bool) -> None:
    seen: list[str] = []

    def around(stack: ASGIApp) -> ASGIApp:
        async def noted(scope: Scope, receive: Receive, send: Send) -> None:
            seen.append(scope["type"])
            await stack(scope, receive, send)

        return noted

    class Traced(Sanic[Any, Any]):
        def build_middleware_stack(self) -> ASGIApp:
            return around(super().build_middleware_stack())

    app = Traced("Traced") if by_subclass else Sanic("Patched")
    if not by_subclass:
        build = app.build_middleware_stack
        app.build_middleware_stack = lambda: around(build())  # type: ignore[method-assign]
    if listens:
        app.signal("http.lifecycle.complete")(lambda **_: seen.append("complete"))
    app.get("/")(lambda request: text("ok"))
    async with Life(app):
        for _ in range(2):
            assert (await ask(app, http_scope())).status == 200
    assert seen == ["lifespan", *(["http", "complete"] if listens else ["http"]) * 2]


async def test_after_the_start_the_entry_calls_the_dispatch_directly() -> None:
    app: Sanic[Any, Any] = Sanic("Direct")
    async with Life(app):
        assert app.middleware_stack is app._engine._stack
        assert app.middleware_stack.__name__ == "dispatch"  # type: ignore[union-attr]
    assert app.middleware_stack is None


async def test_an_unknown_scope_type_is_refused() -> None:
    app: Sanic[Any, Any] = Sanic("Unknown")
    with pytest.raises(AssertionError, match="unknown ASGI scope type 'other'"):
        await ask(app, {**http_scope(), "type": "other"})


# What is cancelled --------------------------------------------------------------------------------------------------


async def test_a_cancellation_from_outside_passes_through() -> None:
    app: Sanic[Any, Any] = Sanic("Cancelled")
    inside = asyncio.Event()
    ended: list[str] = []

    @app.get("/")
    async def wait(request: Request) -> None:
        inside.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("cleaned up")

    peer = Peer()
    task = asyncio.create_task(app(http_scope(), peer.receive, peer.send))
    await inside.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (peer.sent, ended) == ([], ["cleaned up"])


async def test_a_subclass_that_a_handler_raises_is_an_exception_like_others() -> None:
    class Cancelled(asyncio.CancelledError):
        pass

    app: Sanic[Any, Any] = Sanic("Subclass")
    app.add_route(raiser(Cancelled()), "/")

    @app.exception(Cancelled)
    async def handle(request: Request, error: BaseException) -> HTTPResponse:
        return text("handled", 503)

    assert (await ask(app, http_scope())).status == 503


async def test_in_no_task_nothing_is_watched() -> None:
    app: Sanic[Any, Any] = Sanic("NoTask")
    loop = asyncio.get_running_loop()
    request: asyncio.Future[Any] = loop.create_future()

    async def finish() -> None: ...

    loop.call_soon(lambda: request.set_result(app._engine.streams.open(Request.build(), finish)))
    assert await request is None
