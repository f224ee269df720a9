"""Signals: behaviour beyond the parity cases, and no cost for events without handlers."""

import asyncio
import enum
import logging
from typing import Any

import pytest
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Mount

from sanic_star import Blueprint, Request, Sanic, Websocket, text
from sanic_star.compat._routing.exceptions import FinalizationError, NotFound
from sanic_star.compat.exceptions import InvalidSignal
from sanic_star.compat.signals import Event, SignalRouter
from sanic_star.testing import TestClient


async def hello(request: Request) -> Any:
    return text("hello")


def app_with(*events: str) -> tuple[Sanic[Any, Any], list[str]]:
    app: Sanic[Any, Any] = Sanic("Signals")
    seen: list[str] = []
    app.add_route(hello, "/")
    for event in events:
        app.add_signal(lambda event=event, **context: seen.append(event), event)
    return app, seen


def test_without_signal_handlers_a_route_calls_its_handler() -> None:
    app, _ = app_with("shop.order.placed")
    with TestClient(app) as client:
        assert client.get("/").text == "hello"
        (route,) = app.router.routes
        assert route.call is hello  # type: ignore[attr-defined]
        assert route.reads_body  # type: ignore[attr-defined]
        assert app.middleware_stack is app._engine._stack


def test_the_next_start_places_events_again() -> None:
    app, seen = app_with()
    with TestClient(app) as client:
        client.get("/")
    app.add_signal(lambda **context: seen.append("request"), "http.lifecycle.request")
    with TestClient(app) as client:
        client.get("/")
    assert seen == ["request"]


@pytest.mark.parametrize("event", ["http.lifecycle.request", "http.lifecycle.begin", "http.handler.before"])
def test_reserved_events_that_are_listened_to_late_are_fired(event: str) -> None:
    app, seen = app_with()

    @app.get("/listen")
    async def listen(request: Request) -> Any:
        app.add_signal(lambda **context: seen.append(event), event)
        return text("")

    with TestClient(app) as client:
        client.get("/")
        client.get("/listen")
        assert seen == []
        client.get("/")
        assert seen == [event]


@pytest.mark.parametrize("moment", ["before_server_start", "after_server_start"])
def test_listeners_may_listen_to_requests(moment: str) -> None:
    app, seen = app_with()

    async def listen(app: Sanic[Any, Any]) -> None:
        app.add_signal(lambda **context: seen.append("begin"), "http.lifecycle.begin")

    app.register_listener(listen, moment)

    with TestClient(app) as client:
        client.get("/")
    assert seen == ["begin"]


def test_a_parameter_listens_to_all_events_of_a_namespace() -> None:
    app, _ = app_with()
    seen: list[str] = []

    @app.signal("http.lifecycle.<what>")
    async def note(what: str, **context: Any) -> None:
        seen.append(what)

    with TestClient(app) as client:
        client.post("/", data=b"x")
        client.get("/")
    assert seen[-7:] == ["begin", "read_head", "request", "handle", "response", "send", "complete"]
    assert "exception" in seen


def test_events_come_through_middleware_of_asgi_and_a_lazy_start() -> None:
    seen: list[str] = []

    class Passing:
        def __init__(self, app: Any) -> None:
            self.app = app

        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            seen.append("middleware")
            await self.app(scope, receive, send)

    app: Sanic[Any, Any] = Sanic("Lazy", middleware=[Middleware(Passing)])
    app.add_route(hello, "/")
    for event in ("begin", "request", "complete"):
        app.add_signal(lambda event=event, **context: seen.append(event), f"http.lifecycle.{event}")
    client = TestClient(app)
    for _ in range(2):
        assert client.get("/").text == "hello"
    client.close()
    assert seen[-4:] == ["begin", "middleware", "request", "complete"]


@pytest.mark.parametrize("event", ["begin", "read_head", "send", "complete"])
def test_an_event_on_the_wire_makes_no_second_request(event: str) -> None:
    made: list[Any] = []

    class Counted(Request):
        @staticmethod
        def make_context() -> Any:
            context = Request.make_context()
            made.append(context)
            return context

    app: Sanic[Any, Any] = Sanic("Once", request_class=Counted)
    app.add_route(hello, "/")
    app.add_signal(lambda **context: None, f"http.lifecycle.{event}")

    @app.on_request
    async def mark(request: Request) -> None:
        request.ctx.user = "Emma"

    request, response = app.test_client.get("/")
    assert response.text == "hello"
    assert request.ctx.user == "Emma"
    assert len(made) == 1


def test_events_before_a_mounted_application() -> None:
    app, seen = app_with("http.lifecycle.request", "http.routing.after", "http.lifecycle.response")
    app.router.routes.append(Mount("/mounted", app=PlainTextResponse("mounted")))
    with TestClient(app) as client:
        assert client.get("/mounted/").text == "mounted"
    assert seen == ["http.lifecycle.request", "http.routing.after"]


def test_a_body_that_is_too_large_is_refused_after_the_events() -> None:
    app, seen = app_with("http.lifecycle.request", "http.handler.before", "http.lifecycle.exception")
    app.config.REQUEST_MAX_SIZE = 5
    app.add_route(hello, "/post", methods=["POST"], name="post")
    with TestClient(app) as client:
        assert client.post("/post", data=b"12345").status_code == 200
        assert client.post("/post", data=b"123456").status_code == 413
    assert seen == [
        "http.lifecycle.request",
        "http.handler.before",
        "http.lifecycle.request",
        "http.lifecycle.exception",
    ]


@pytest.mark.parametrize("event", ["begin", "read_head"])
def test_a_failure_before_there_is_a_request_is_answered(event: str) -> None:
    app, _ = app_with()

    @app.signal(f"http.lifecycle.{event}")
    async def fail(**context: Any) -> None:
        raise ValueError("boom")

    @app.websocket("/ws")
    async def ws(request: Request, ws: Websocket) -> None: ...

    with TestClient(app, raise_server_exceptions=False) as client:
        assert client.get("/").status_code == 500


@pytest.mark.parametrize("event", ["complete", "send", "response", "exception"])
def test_a_failure_next_to_a_response_is_logged(event: str, caplog: pytest.LogCaptureFixture) -> None:
    app, _ = app_with()

    @app.signal(f"http.lifecycle.{event}")
    async def fail(**context: Any) -> None:
        raise ValueError("boom")

    with TestClient(app, raise_server_exceptions=False) as client, caplog.at_level(logging.ERROR):
        assert client.get("/missing").status_code == 404
    assert f"A handler of http.lifecycle.{event} failed" in [record.message for record in caplog.records]


def test_read_head_and_begin_are_dispatched() -> None:
    app, _ = app_with()
    heads: list[Any] = []
    app.signal("http.lifecycle.read_head")(lambda head: heads.append(head.split(b"\r\n")[0]))
    app.signal("http.lifecycle.begin")(lambda conn_info: setattr(conn_info.ctx, "mark", 1))
    app.add_route(lambda request: text(str(request.conn_info.ctx.mark)), "/mark", name="mark")
    with TestClient(app) as client:
        assert client.get("/mark?a=b").text == "1"
    assert heads == [b"GET /mark?a=b HTTP/1.1"]


def test_a_websocket_has_a_beginning_and_an_end() -> None:
    app, seen = app_with("http.lifecycle.begin", "http.lifecycle.complete", "http.lifecycle.send")

    @app.websocket("/ws")
    async def ws(request: Request, ws: Websocket) -> None:
        await ws.send("hi")

    with TestClient(app) as client, client.websocket_connect("/ws") as connection:
        assert connection.receive_text() == "hi"
    assert seen == ["http.lifecycle.begin", "http.lifecycle.complete"]


def test_an_exception_is_reported_each_time_that_it_is_raised() -> None:
    app, _ = app_with()
    seen: list[BaseException] = []
    error = ValueError("the same each time")

    @app.report_exception
    def report(app: Sanic[Any, Any], exception: BaseException) -> None:
        seen.append(exception)

    @app.signal("foo.boom.a")
    async def boom(**context: Any) -> None:
        raise error

    @app.get("/boom")
    async def handler(request: Request) -> Any:
        await app.dispatch("foo.boom.a", inline=True)

    with TestClient(app, raise_server_exceptions=False) as client:
        for _ in range(2):
            client.get("/boom")
    assert seen == [error, error]


async def test_a_signal_that_dispatches_another_reports_its_exception_once() -> None:
    app, _ = app_with()
    seen: list[BaseException] = []
    app.report_exception(lambda app, exception: seen.append(exception))

    @app.signal("foo.outer.a")
    async def outer(**context: Any) -> None:
        await app.dispatch("foo.inner.a", inline=True)

    @app.signal("foo.inner.a")
    async def inner(**context: Any) -> None:
        raise ValueError("inner")

    with pytest.raises(ValueError, match="inner"):
        await app.dispatch("foo.outer.a", inline=True)
    assert len(seen) == 1


async def test_unhandled_events_are_logged_in_debug_mode(caplog: pytest.LogCaptureFixture) -> None:
    app: Sanic[Any, Any] = Sanic("Debug", debug=True)
    app.state.verbosity = 1
    await app.dispatch("no.such.event", inline=True, fail_not_found=False)
    assert [record.message for record in caplog.records] == ["Could not find signal no.such.event"]
    assert await Sanic("Production").dispatch("no.such.event", inline=True, fail_not_found=False) is None


async def test_reserved_events_without_handlers_may_be_allowed() -> None:
    app, _ = app_with()
    app.signalize(allow_fail_builtin=False)
    assert await app.dispatch("http.lifecycle.begin", inline=True) is None
    with pytest.raises(NotFound):
        await app.dispatch("foo.bar.baz", inline=True)
    with pytest.raises(FinalizationError):
        app.signalize()
    with pytest.raises(FinalizationError):
        app.add_signal(None, "foo.bar.baz")


def test_signals_are_closed_in_an_event_loop() -> None:
    with pytest.raises(RuntimeError, match="outside of event loop"):
        SignalRouter().finalize()


async def test_the_most_specific_type_or_text_answers() -> None:
    router = SignalRouter()
    called: list[str] = []
    router.add(lambda **context: called.append("literal"), "a.b.5")
    router.add(lambda x: called.append(f"number {x}"), "a.b.<x:int>")
    router.add(lambda x: called.append(f"regex {x}"), "a.b.<x:[a-z]+>")
    router.add(lambda **context: called.append("generic"), "alone")
    for event in ("a.b.5", "a.b.6", "a.b.x", "a.b.X", "alone"):
        await router.dispatch(event, inline=True)
    assert called == ["number 5", "number 6", "regex x", "generic"]
    assert [len(group) for group in router.groups.values()] == [1, 1, 1, 1]


async def test_a_waiter_that_gave_up_is_forgotten() -> None:
    app, _ = app_with()
    signal = app.signal_router.add(lambda **context: None, "foo.bar.baz")
    assert signal.handler() is None
    with pytest.raises(TimeoutError):
        await app.event("foo.bar.baz", timeout=0.001)
    assert not signal.ctx.waiters
    waiter = app.signal_router.get_waiter("foo.bar.baz")
    assert waiter is not None
    waiting = asyncio.ensure_future(waiter.wait())
    await asyncio.sleep(0)
    # Woken twice before it has run.
    await asyncio.gather(*(app.dispatch("foo.bar.baz", context={"n": n}, inline=True) for n in range(2)))
    assert await waiting == {"n": 0}


async def test_a_reserved_event_may_be_waited_for_with_autoregister() -> None:
    app, _ = app_with()
    app.config.EVENT_AUTOREGISTER = True
    with pytest.raises(InvalidSignal):
        await app.event("http.no.such")
    with pytest.raises(TimeoutError):
        await app.event(Event.HTTP_LIFECYCLE_COMPLETE, timeout=0.001)
    assert "http.lifecycle.complete" in app.signal_router.name_index


@pytest.mark.parametrize("event", [None, 5, [], b"a.b.c"])
def test_a_name_is_text(event: Any) -> None:
    with pytest.raises(TypeError, match=r"signal\(\) takes an event"):
        Sanic("Names").add_signal(None, event)


def test_an_enumeration_gives_names() -> None:
    class Mine(enum.Enum):
        ONE = "my.own.one"

    assert SignalRouter.format_event(Mine.ONE) == "my.own.one"
    assert SignalRouter.format_event("alone") == "__generic__.__signal__.alone"


async def test_a_blueprint_waits_in_the_application_that_is_first() -> None:
    bp = Blueprint("bp")
    apps: list[Sanic[Any, Any]] = [Sanic("One"), Sanic("Two")]
    bp.add_signal(None, "foo.bar.baz")
    for app in apps:
        app.blueprint(bp)
    waiting = asyncio.ensure_future(bp.event("foo.bar.baz"))
    for _ in range(5):
        await asyncio.sleep(0)
    await apps[1].dispatch("foo.bar.baz", context={"app": 2}, inline=True)
    assert await waiting == {"app": 2}
    assert await bp.dispatch("foo.bar.baz", inline=True) == [None, None]


async def test_a_start_that_failed_leaves_the_router_open() -> None:
    app, _ = app_with()

    @app.before_server_start
    async def fail(app: Sanic[Any, Any]) -> None:
        raise ValueError("no start")

    with pytest.raises(ValueError, match="no start"):
        TestClient(app).__enter__()
    app.add_signal(None, "foo.bar.baz")


@pytest.mark.parametrize("listens", [False, True])
async def test_a_body_that_does_not_arrive_is_waited_for_as_long_as_without_signals(listens: bool) -> None:
    app, seen = app_with(*["http.lifecycle.request"] * listens)
    app.config.REQUEST_TIMEOUT = 0.05
    app.config.RESPONSE_TIMEOUT = 60
    app.add_route(hello, "/post", methods=["POST"], name="post")
    statuses: list[int] = []

    async def receive() -> Any:
        await asyncio.Event().wait()

    async def send(message: Any) -> None:
        statuses.append(message.get("status"))

    scope = {"type": "http", "method": "POST", "path": "/post", "query_string": b"", "http_version": "1.1"}
    await app({**scope, "headers": [(b"content-length", b"5")]}, receive, send)
    assert statuses[0] == 408
    assert seen == ["http.lifecycle.request"] * listens


async def test_a_hundred_first_requests_start_the_application_once() -> None:
    app, seen = app_with("server.init.before", "server.init.after", "http.lifecycle.begin")

    async def listener(app: Sanic[Any, Any]) -> None:
        seen.append("listener")
        await asyncio.sleep(0.01)

    app.register_listener(listener, "before_server_start")
    statuses: list[int] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        if "status" in message:
            statuses.append(message["status"])

    scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": [], "http_version": "1.1"}
    await asyncio.gather(*(app(dict(scope), receive, send) for _ in range(100)))
    assert statuses == [200] * 100
    assert [seen.count(event) for event in ("server.init.before", "listener", "server.init.after")] == [1, 1, 1]
    assert seen.count("http.lifecycle.begin") == 100
    await app._engine.lifecycle.stop()


@pytest.mark.parametrize("fails", [False, True])
def test_events_of_a_websocket(fails: bool) -> None:
    names = ("before", "after", "exception")
    app, seen = app_with("http.handler.before", "http.handler.after", *(f"websocket.handler.{name}" for name in names))
    app.signal("http.lifecycle.response")(lambda **context: seen.append("a response"))

    @app.websocket("/ws")
    async def ws(request: Request, ws: Websocket) -> None:
        await ws.send("hi")
        if fails:
            raise ValueError("in a websocket")

    @app.websocket("/sync")
    def sync(request: Request, ws: Websocket) -> None:
        """Neither waits nor answers."""

    with TestClient(app, raise_server_exceptions=False) as client:
        with client.websocket_connect("/ws") as connection:
            assert connection.receive_text() == "hi"
        end = "exception" if fails else "after"
        assert seen == [
            "http.handler.before",
            "websocket.handler.before",
            f"websocket.handler.{end}",
            "http.handler.after",
        ]
        with client.websocket_connect("/sync"):
            pass
    assert seen[-2:] == ["websocket.handler.after", "http.handler.after"]


def test_a_handshake_fails_if_a_begin_signal_raises() -> None:
    app, _ = app_with()

    @app.signal("http.lifecycle.begin")
    async def fail(**context: Any) -> None:
        raise ValueError("no beginning")

    with TestClient(app) as client, pytest.raises(ValueError, match="no beginning"):
        client.websocket_connect("/ws").__enter__()


def test_body_parts_are_dispatched_as_they_arrive() -> None:
    app, _ = app_with()
    parts: list[bytes] = []
    app.signal("http.lifecycle.read_body")(lambda body: parts.append(body))

    @app.post("/stream", stream=True)
    async def stream(request: Request) -> Any:
        return text(str([len(chunk) async for chunk in request.stream]))

    app.add_route(hello, "/post", methods=["POST"], name="post")
    with TestClient(app) as client:
        assert client.post("/stream", data=b"abc").status_code == 200
        assert client.post("/post", data=b"defg").text == "hello"
        client.get("/")
    assert parts == [b"abc", b"defg"]


def test_a_synchronous_handler_of_exceptions() -> None:
    app, _ = app_with()
    seen: list[Any] = []

    def catch(app: Any, error: BaseException) -> None:
        seen.append((app.name, type(error).__name__))

    app.catch_exception(catch)
    with TestClient(app) as client:
        client.get("/missing")
    assert seen == [("Signals", "NotFound")]
