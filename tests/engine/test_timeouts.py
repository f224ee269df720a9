"""Time limits: which handlers they cancel, the responses, and which handlers they do not cancel."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.requests import Request as StarletteRequest
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route as StarletteRoute
from starlette.types import Message, Receive, Scope, Send

from sanic_star import NotFound, Request, Sanic, ServiceUnavailable, Websocket, json, text
from sanic_star.compat.exceptions import RequestTimeout, ServerError
from sanic_star.engine.application import Application
from sanic_star.engine.requests import Limits, live
from sanic_star.engine.responses import Response
from sanic_star.engine.routing import Route
from sanic_star.engine.seams import Host
from tests.engine.raw import Life, Peer, ask, http_scope, websocket_scope

LIMIT = 0.05
# Far more than the limit, far less than forever.
LONG = 30.0


def limited(**settings: Any) -> Sanic[Any, Any]:
    app: Sanic[Any, Any] = Sanic("Limited")
    app.config.update({"RESPONSE_TIMEOUT": LIMIT, "REQUEST_TIMEOUT": LIMIT, **settings})
    return app


@asynccontextmanager
async def started(app: Host) -> AsyncIterator[Host]:
    async with Life(app):
        yield app


class Handler:
    """A handler that takes too long, and notes what becomes of it."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    async def __call__(self, request: Any) -> Any:
        try:
            await asyncio.sleep(LONG)
        except asyncio.CancelledError as error:
            self.seen.append(str(error))
            raise
        finally:
            await asyncio.sleep(0)
            self.seen.append("cleaned up")


async def test_a_handler_that_takes_too_long_is_cancelled_and_answered_with_503() -> None:
    app, handler, tasks = limited(), Handler(), []
    app.add_route(handler, "/", name="slow")

    @app.on_response
    async def mark(request: Request, response: Any) -> None:
        response.headers["x-mark"] = str(response.status)
        tasks.append(asyncio.current_task())

    async with started(app):
        peer = await ask(app, http_scope())
    assert (peer.status, peer.complete, peer.headers[b"x-mark"]) == (503, True, b"503")
    assert b"Response Timeout" in peer.body
    assert handler.seen == ["Response Timeout", "cleaned up"]
    assert [task.cancelling() for task in tasks if task] == [0]
    assert not live


async def test_the_exception_is_sanics() -> None:
    app = limited()
    app.add_route(Handler(), "/", name="slow")

    @app.exception(ServiceUnavailable, RequestTimeout)
    async def told(request: Request, error: Exception) -> Any:
        return text(f"{type(error).__name__}: {error}")

    async with started(app):
        assert (await ask(app, http_scope())).body == b"ServiceUnavailable: Response Timeout"


async def test_a_body_that_does_not_come_is_answered_with_408() -> None:
    app = limited(RESPONSE_TIMEOUT=None)
    app.add_route(Handler(), "/", ["POST"], name="post")
    peers = [Peer([]), Peer([b"a"])]
    peers[1].messages[0]["more_body"] = True
    async with started(app):
        for peer in peers:
            await app(http_scope(method="POST"), peer.receive, peer.send)
            assert (peer.status, peer.complete) == (408, True)
            assert b"Request Timeout" in peer.body


@pytest.mark.parametrize(("announced", "status"), [(b"6", 413), (b"5", 200), (b"many", 200)])
async def test_a_too_large_content_length_is_refused_before_the_body_arrives(announced: bytes, status: int) -> None:
    app = limited(REQUEST_TIMEOUT=LONG, RESPONSE_TIMEOUT=1, REQUEST_MAX_SIZE=5)
    app.post("/")(lambda request: text("whole"))
    peer = Peer([])
    async with started(app):
        scope = http_scope(method="POST", headers=[(b"content-length", announced)])
        task = asyncio.ensure_future(app(scope, peer.receive, peer.send))
        if status == 200:
            # The sweeper looks some times, and lets it be.
            await asyncio.sleep(0.2)
            assert not peer.sent
            task.cancel()
            await asyncio.wait([task])
        else:
            await asyncio.wait_for(task, LONG)
            assert peer.status == status


@pytest.mark.parametrize("stream", [False, True])
async def test_a_body_that_comes_slowly_is_waited_for(stream: bool) -> None:
    app = limited()

    @app.post("/", stream=stream)
    async def size(request: Request) -> Any:
        if stream:
            await request.receive_body()
        return json(len(request.body))

    class Slow(Peer):
        async def receive(self) -> Message:
            await asyncio.sleep(LIMIT / 2)
            return await super().receive()

    peer = Slow([b"x"] * 6)
    async with started(app):
        await app(http_scope(method="POST"), peer.receive, peer.send)
    assert (peer.status, peer.body) == (200, b"6")


@pytest.mark.parametrize("where", ["request", "response"])
async def test_middleware_that_takes_too_long(where: str) -> None:
    app = limited()
    app.add_route(lambda request: text("handler"), "/", name="quick")
    app.register_middleware(lambda *args: asyncio.sleep(LONG), where)
    seen = []
    app.register_middleware(lambda request, response: seen.append(response.status), "response", priority=-1)
    async with started(app):
        peer = await ask(app, http_scope())
    assert peer.status == 503
    # Response middleware runs once, whatever becomes of it.
    assert seen == ([503] if where == "request" else [200])


async def test_a_handler_that_catches_the_cancellation_is_cancelled_once() -> None:
    app, counts = limited(), []

    @app.get("/")
    async def stubborn(request: Request) -> Any:
        task = asyncio.current_task()
        assert task
        for _ in range(3):
            try:
                await asyncio.sleep(3 * LIMIT)
            except asyncio.CancelledError:
                counts.append(task.cancelling())
        return text("mine")

    async with started(app):
        task = asyncio.current_task()
        assert task
        assert (await ask(app, http_scope())).body == b"mine"
        assert task.cancelling() == 0
    assert counts == [1]


async def test_a_stream_after_a_cancellation_is_not_taken_for_a_broken_one() -> None:
    app = limited()

    @app.get("/")
    async def stubborn(request: Request) -> None:
        try:
            await asyncio.sleep(LONG)
        except asyncio.CancelledError:
            response = await request.respond(content_type="text/event-stream")
            await response.send("late ")
            await response.send("stream")

    async with started(app):
        task = asyncio.current_task()
        assert task
        assert (await ask(app, http_scope())).body == b"late stream"
        assert task.cancelling() == 0


async def test_a_foreign_cancellation_is_reraised() -> None:
    app, handler = limited(RESPONSE_TIMEOUT=LONG), Handler()
    app.add_route(handler, "/", name="slow")
    peer = Peer()
    async with started(app):
        task = asyncio.ensure_future(app(http_scope(), peer.receive, peer.send))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        task.cancel("server")
        with pytest.raises(asyncio.CancelledError):
            await task
    assert not peer.sent


async def test_both_cancel() -> None:
    app, handler = limited(), Handler()
    app.add_route(handler, "/", name="slow")
    peer = Peer()
    async with started(app):
        task = asyncio.ensure_future(app(http_scope(), peer.receive, peer.send))
        await asyncio.sleep(0)
        (request,) = live.values()
        app._engine.cancel_and_answer(request, task, ServiceUnavailable("late"))
        task.cancel("server")
        with pytest.raises(asyncio.CancelledError):
            await task
    assert not peer.sent


async def test_started_and_streaming_responses_are_not_limited() -> None:
    app = limited()

    @app.get("/stream")
    async def stream(request: Request) -> None:
        response = await request.respond()
        await response.send("a")
        await asyncio.sleep(3 * LIMIT)
        await response.send("b")

    @app.get("/starlette")
    async def starlettes(request: Request) -> Any:
        async def parts() -> AsyncIterator[bytes]:
            yield b"a"
            await asyncio.sleep(3 * LIMIT)
            yield b"b"

        return StreamingResponse(parts())

    @app.get("/large")
    async def large(request: Request) -> Any:
        return text("ab")

    @app.get("/error")
    async def error(request: Request) -> Any:
        raise KeyError

    @app.exception(KeyError)
    async def large_page(request: Request, error: KeyError) -> Any:
        return text("ab")

    class SlowReader(Peer):
        async def send(self, message: Message) -> None:
            await super().send(message)
            await asyncio.sleep(3 * LIMIT)

    async with started(app):
        for path in ("/stream", "/starlette", "/large", "/error"):
            peer = SlowReader() if path in ("/large", "/error") else Peer()
            await app(http_scope(path), peer.receive, peer.send)
            assert (peer.status, peer.body, peer.complete) == (200, b"ab", True), path


async def test_an_exception_handler_that_takes_too_long() -> None:
    app = limited()

    @app.get("/")
    async def fail(request: Request) -> Any:
        raise KeyError

    slow = Handler()

    @app.exception(KeyError)
    async def never(request: Request, error: KeyError) -> Any:
        return await slow(request)

    async with started(app):
        peer = await ask(app, http_scope())
    assert (peer.status, peer.complete, slow.seen) == (503, True, ["Response Timeout", "cleaned up"])


async def test_a_foreign_cancellation_in_an_exception_handler_is_reraised() -> None:
    app, handler = limited(RESPONSE_TIMEOUT=LONG), Handler()
    app.exception(NotFound)(lambda request, error: handler(request))
    peer = Peer()
    async with started(app):
        task = asyncio.ensure_future(app(http_scope(), peer.receive, peer.send))
        for _ in range(3):
            await asyncio.sleep(0)
        task.cancel("server")
        with pytest.raises(asyncio.CancelledError):
            await task
    assert handler.seen == ["server", "cleaned up"]


async def test_a_blocked_event_loop_is_nobodys_time() -> None:
    app = limited()

    @app.get("/patient")
    async def patient(request: Request) -> Any:
        await asyncio.sleep(0.8 * LIMIT)
        return text("patient")

    @app.get("/blocking")
    async def blocking(request: Request) -> Any:
        await asyncio.sleep(0.4 * LIMIT)
        time.sleep(4 * LIMIT)  # noqa: ASYNC251 - what is tested
        return text("blocking")

    async with started(app):
        peers = await asyncio.gather(*(ask(app, http_scope(path)) for path in ("/patient", "/blocking")))
    assert [peer.status for peer in peers] == [200, 200]


async def test_a_response_that_was_promised_has_not_begun() -> None:
    app = limited()

    @app.get("/")
    async def promise(request: Request) -> None:
        await request.respond()
        await asyncio.sleep(LONG)

    async with started(app):
        assert (await ask(app, http_scope())).status == 503


async def test_websockets_are_not_limited() -> None:
    app = limited()

    @app.websocket("/")
    async def patient(request: Request, ws: Websocket) -> None:
        await asyncio.sleep(3 * LIMIT)
        await ws.send("patient")

    peer = Peer()
    peer.messages = [{"type": "websocket.connect"}]
    async with started(app):
        await app(websocket_scope(), peer.receive, peer.send)
    assert {"type": "websocket.send", "text": "patient"} in peer.sent


@pytest.mark.parametrize("middleware", ["child task", "generator"])
async def test_asgi_middleware_that_runs_the_application_elsewhere(middleware: str) -> None:
    app = limited()
    app.add_route(Handler(), "/", name="slow")

    class Pass(BaseHTTPMiddleware):
        async def dispatch(self, request: StarletteRequest, call_next: Any) -> Any:
            return await call_next(request)

    class Awaitable:
        def __init__(self, inner: Any) -> None:
            self.inner = inner

        def __await__(self) -> Any:
            return (yield from self.inner.__await__())

    def generator(inner: Any) -> Any:
        async def middleware(scope: Scope, receive: Receive, send: Send) -> None:
            await (
                inner(scope, receive, send) if scope["type"] == "lifespan" else Awaitable(inner(scope, receive, send))
            )

        return middleware

    if middleware == "child task":
        app.add_middleware(Pass)
    elif middleware == "generator":
        app.add_middleware(generator)
    async with started(app):
        peer = await ask(app, http_scope())
    assert (peer.status, peer.complete) == (503, True)


async def test_mounted_applications() -> None:
    async def slow(request: Any) -> Any:
        await asyncio.sleep(3 * LIMIT)
        return PlainTextResponse("slow")

    async def slow_asgi(scope: Scope, receive: Receive, send: Send) -> None:
        await (await slow(None))(scope, receive, send)

    outer, strict, mild = limited(), limited(), limited(RESPONSE_TIMEOUT=None)
    strict.add_route(slow, "/", name="slow")
    mild.add_route(slow, "/", name="slow")
    for path, app in (
        ("/strict", strict),
        ("/mild", mild),
        ("/starlette", Starlette(routes=[StarletteRoute("/", slow)])),
        ("/asgi", slow_asgi),
    ):
        outer.mount(path, app)
    outer.add_route("/route", slow)
    async with started(outer):
        statuses = {path: (await ask(outer, http_scope(path))).status for path in ("/strict/", "/mild/", "/starlette/")}
        statuses |= {path: (await ask(outer, http_scope(path))).status for path in ("/asgi/", "/route")}
    assert statuses == {"/strict/": 503, "/mild/": 200, "/starlette/": 200, "/asgi/": 503, "/route": 503}


async def test_a_request_outside_a_task_is_reported_once(caplog: pytest.LogCaptureFixture) -> None:
    app = limited()

    @app.get("/")
    async def slow(request: Request) -> None:
        await asyncio.sleep(LONG)

    peer = Peer()
    async with started(app):
        await ask(app, http_scope("/none"))
        call: Any = app(http_scope(), peer.receive, peer.send)
        call.send(None)
        for _ in range(100):
            await asyncio.sleep(LIMIT)
            if caplog.records:
                break
        await asyncio.sleep(3 * LIMIT)
        call.close()
    assert len(caplog.records) == 1
    assert "cannot be cancelled" in caplog.text
    assert not peer.sent


async def test_invalid_tasks_are_reported(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    app = limited()

    @app.get("/")
    async def slow(request: Request) -> Any:
        # The sweeper's own clock may lag behind on a busy machine, so the wait is for what it says.
        async with asyncio.timeout(LONG):
            while "cannot be cancelled" not in caplog.text:  # noqa: ASYNC110 - a log has no event
                await asyncio.sleep(LIMIT / 5)
        return text("late")

    def refuse(loop: Any = None) -> Any:
        raise RuntimeError("Future object is not initialized.")

    async with started(app):
        with monkeypatch.context() as patched:
            patched.setattr(asyncio, "all_tasks", refuse)
            assert (await ask(app, http_scope())).body == b"late"
    assert "cannot be cancelled" in caplog.text


# Start and stop -----------------------------------------------------------------------------------------------------


async def test_the_sweeper_lives_as_long_as_the_application_runs() -> None:
    app = limited()
    sweeper = app._engine.sweeper
    assert sweeper._timer is None
    async with started(app):
        timer = sweeper._timer
        assert timer is not None
        app._engine.started()
        assert sweeper._timer is timer
    assert sweeper._timer is None
    assert timer.cancelled()


async def until(condition: Callable[[], bool]) -> None:
    """Wait until a condition holds."""
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 (no event tells when the sweeper sleeps)
            await asyncio.sleep(0.001)


@pytest.mark.parametrize("idle", ["nothing", "/ws", "/events", "/mounted/events"])
@pytest.mark.parametrize("slow", ["/slow", "/mounted/slow", "/middleware"])
async def test_while_no_response_is_awaited_there_is_no_timer(idle: str, slow: str) -> None:
    app, handler, mounted = limited(), Handler(), limited()
    for owner in (app, mounted):
        owner.add_route(handler, "/slow", name="slow")

        @owner.get("/events")
        async def events(request: Request) -> None:
            response = await request.respond(content_type="text/event-stream")
            await response.send("data: 1\n\n")
            await asyncio.sleep(LONG)

    app.mount("/mounted", mounted)

    @app.websocket("/ws")
    async def websocket(request: Request, ws: Websocket) -> None:
        await ws.recv()

    class Raises:
        def __init__(self, app: Any) -> None:
            self.app = app

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            if scope.get("path") == "/middleware":
                raise LookupError
            await self.app(scope, receive, send)

    app.add_middleware(Raises)

    @app.exception(LookupError)
    async def handle(request: Request, error: Exception) -> Any:
        return await handler(request)

    sweepers = [each._engine.sweeper for each in (app, mounted)]

    def asleep() -> bool:
        return all(sweeper._timer is None for sweeper in sweepers)

    async with started(app):
        peer = Peer()
        if idle == "/ws":
            peer.messages = [{"type": "websocket.connect"}]
            task = asyncio.ensure_future(app(websocket_scope(idle), peer.receive, peer.send))
            await peer.until(1)
        elif idle != "nothing":
            task = asyncio.ensure_future(app(http_scope(idle), peer.receive, peer.send))
            await peer.until(2)
        for _ in range(2):
            await until(asleep)
            assert (await ask(app, http_scope(slow))).status == 503
        await until(asleep)
        if idle != "nothing":
            assert not task.done()
            task.cancel()
            await asyncio.wait({task})


@pytest.mark.parametrize("off", [None, 0])
async def test_without_limits_nothing_looks(off: int | None) -> None:
    app = limited(RESPONSE_TIMEOUT=off, REQUEST_TIMEOUT=off, REQUEST_BODY_TIMEOUT=off)
    async with started(app):
        assert app._engine.sweeper._timer is None


def test_a_lazy_start_on_another_loop_starts_again() -> None:
    app = limited()
    app.add_route(Handler(), "/", name="slow")
    for _ in range(2):
        assert asyncio.run(ask(app, http_scope())).status == 503
        app.middleware_stack = None


def test_an_engine_application_answers_like_starlette(monkeypatch: pytest.MonkeyPatch) -> None:
    async def slow(request: Any) -> Response:
        await asyncio.sleep(LONG)
        raise AssertionError

    app = Application()
    limits = Limits()
    limits.response_s = LIMIT
    monkeypatch.setattr(app._engine.behaviour, "limits", lambda: limits)
    app.router.routes.append(Route(("slow",), slow, methods=["GET"]))
    peer = asyncio.run(ask(app, http_scope("/slow")))
    assert (peer.status, peer.body) == (503, b"Response Timeout")


@pytest.mark.parametrize("setting", ["REQUEST_TIMEOUT", "RESPONSE_TIMEOUT"])
@pytest.mark.parametrize("value", ["60", -1])
async def test_invalid_limits_are_refused(setting: str, value: Any) -> None:
    app = limited(**{setting: value})
    with pytest.raises(ServerError, match=f"{setting} is .*; it has to be a number from 0 on"):
        await ask(app, http_scope())


@pytest.mark.parametrize(("request_timeout", "status"), [(LIMIT, 408), (None, 503)])
@pytest.mark.parametrize("read", ["stream", "read", "receive_body"])
async def test_a_body_that_stops_in_a_handler_that_streams_it(
    read: str, request_timeout: float | None, status: int
) -> None:
    app = limited()
    app.config.REQUEST_TIMEOUT = request_timeout
    if request_timeout:
        app.config.RESPONSE_TIMEOUT = LONG
    seen = []

    @app.post("/", stream=True)
    async def size(request: Request) -> Any:
        try:
            if read == "stream":
                seen.extend([part async for part in request.stream])
            while read == "read" and await request.stream.read() is not None:
                pass
            await request.receive_body()
        finally:
            seen.append(b"cleaned up")
        return json(None)

    peer = Peer()
    peer.messages = [{"type": "http.request", "body": b"x", "more_body": True}]
    async with started(app):
        await asyncio.wait_for(app(http_scope(method="POST"), peer.receive, peer.send), LONG)
    assert (peer.status, peer.complete, seen[-1]) == (status, True, b"cleaned up")
    # The rest of the body may still come on this connection.
    assert peer.headers[b"connection"] == b"close"


async def test_a_handler_that_has_the_body_and_takes_long_keeps_its_connection() -> None:
    app = limited()

    @app.post("/", stream=True)
    async def slow(request: Request) -> Any:
        await request.receive_body()
        await asyncio.sleep(LONG)

    async with started(app):
        peer = await ask(app, http_scope(method="POST"), [b"x", b"y"])
    assert (peer.status, peer.headers.get(b"connection")) == (503, None)
