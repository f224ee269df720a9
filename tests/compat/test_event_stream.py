"""Event streams in process: the sent messages, comments that keep them alive, their ends, and no remains."""

import asyncio
import gc
import json
import logging
import threading
import weakref
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request as StarletteRequest
from starlette.responses import Response as StarletteResponse
from starlette.routing import Mount, Route
from starlette.types import Receive, Scope, Send

from sanic_star import EventStream, HTTPResponse, Request, Sanic, ServerSentEvent, text
from sanic_star.compat.exceptions import Forbidden, SanicException, ServerError
from sanic_star.compat.response import _event_stream, _keep_alive
from sanic_star.engine import foreign_streams
from sanic_star.testing import TestClient
from tests.engine.raw import Life, Peer, ask, http_scope, websocket_scope

A_LONG_TIME = 60.0


class Source:
    """An asynchronous generator that notes when it is cleaned up.

    Args:
        events: what it gives.
        quiet: whether it then waits without end.
        pause: how long it waits before each event, in seconds.
    """

    def __init__(self, *events: Any, quiet: bool = True, pause: float = 0.0) -> None:
        self.events, self.quiet, self.pause = events, quiet, pause
        self.cleaned_up = 0
        self.begun = asyncio.Event()

    async def __call__(self) -> AsyncIterator[Any]:
        self.begun.set()
        try:
            for event in self.events:
                await asyncio.sleep(self.pause)
                yield event
            if self.quiet:
                await asyncio.Event().wait()
        finally:
            # As a clean-up does that says goodbye to somebody.
            await asyncio.sleep(0)
            self.cleaned_up += 1


def returned(source: Source, **options: Any) -> Any:
    """Make an application whose handler returns a stream."""
    app: Sanic[Any, Any] = Sanic("Returned")

    @app.route("/", methods=["GET", "HEAD", "POST"])
    async def events(request: Request) -> EventStream:
        return EventStream(source(), **options)

    return app


def pushed(source: Source, **options: Any) -> Any:
    """Make an application whose handler sends the events itself."""
    app: Sanic[Any, Any] = Sanic("Pushed")

    @app.route("/", methods=["GET", "HEAD", "POST"])
    async def events(request: Request) -> None:
        response = await request.respond(EventStream(**options))
        iterator = source()
        try:
            async for event in iterator:
                await response.send(event)
        finally:
            await iterator.aclose()  # type: ignore[attr-defined]

    return app


def of_starlette(source: Source, **options: Any) -> Any:
    """Make an application of Starlette's."""

    async def events(request: StarletteRequest) -> EventStream:
        return EventStream(source(), **options)

    return Starlette(routes=[Route("/", events, methods=["GET", "POST"])])


def starlette_in_sanic(source: Source, **options: Any) -> Any:
    """Make an application that hands the request on to an endpoint of Starlette's."""
    return Sanic("Outer", routes=[Mount("/", of_starlette(source, **options))])


def starlette_two_mounts_deep(source: Source, **options: Any) -> Any:
    """Make an application that hands the request on to another one, which does the same."""
    return Sanic("Outermost", routes=[Mount("/", starlette_in_sanic(source, **options))])


def sanic_in_starlette(source: Source, **options: Any) -> Any:
    """Make an application of Starlette's, with this package's in it."""
    return Starlette(routes=[Mount("/", returned(source, **options))])


def in_base_middleware(source: Source, **options: Any) -> Any:
    """Make an application with middleware that runs what it wraps in a task of its own."""
    app = returned(source, **options)

    async def hand_on(request: StarletteRequest, call_next: Any) -> StarletteResponse:
        response: StarletteResponse = await call_next(request)
        return response

    app.add_middleware(BaseHTTPMiddleware, dispatch=hand_on)
    return app


ENDPOINTS = [
    returned,
    pushed,
    of_starlette,
    starlette_in_sanic,
    starlette_two_mounts_deep,
    sanic_in_starlette,
    in_base_middleware,
]
every_endpoint = pytest.mark.parametrize("endpoint", ENDPOINTS)
Endpoint = Callable[..., Any]


def nothing_is_left(tasks: set[asyncio.Task[Any]]) -> bool:
    """Return whether no task, timer or stream is left besides `tasks`."""
    others = {
        task
        for task in asyncio.all_tasks() - tasks - {asyncio.current_task()}
        # A mounted application of Starlette's was started with the first request.
        if "lifespan" not in str(task.get_coro())
    }
    foreign = [stream for kept in foreign_streams._by_loop.values() for stream in kept.streams.endless]
    return not others and not _keep_alive._keep_alives and not foreign


async def until(condition: Callable[[], bool]) -> None:
    """Wait until a condition holds."""
    async with asyncio.timeout(A_LONG_TIME):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.001)


# What is sent ---------------------------------------------------------------------------------------------------------


@every_endpoint
async def test_events_one_by_one(endpoint: Endpoint) -> None:
    source = Source(ServerSentEvent({"a": 1}, id=1), "two\nlines", {"data": 3, "event": "e"}, quiet=False)
    peer = await ask(endpoint(source), http_scope())
    assert peer.status == 200
    assert peer.headers[b"content-type"] == b"text/event-stream; charset=utf-8"
    assert peer.headers[b"cache-control"] == b"no-store"
    assert peer.headers[b"x-accel-buffering"] == b"no"
    assert b"content-length" not in peer.headers
    parts = [message["body"] for message in peer.sent[1:] if message["body"]]
    assert parts == [b'id: 1\ndata: {"a":1}\n\n', b"data: two\ndata: lines\n\n", b"event: e\ndata: 3\n\n"]
    assert peer.complete
    assert source.cleaned_up == 1


@pytest.mark.parametrize("kind", [list, tuple, iter, "generator", "set"])
def test_iterables_that_are_not_asynchronous(kind: Any) -> None:
    app: Sanic[Any, Any] = Sanic("Iterables")
    threads = []

    def generator() -> Iterator[str]:
        threads.append(threading.current_thread())
        yield "one"
        yield "two"

    @app.get("/")
    async def events(request: Request) -> EventStream:
        if kind == "set":
            return EventStream({"one"})
        return EventStream(generator() if kind == "generator" else kind(["one", "two"]))

    expected = "data: one\n\n" + ("data: two\n\n" if kind != "set" else "")
    with TestClient(app) as client:
        assert client.get("/").text == expected
    assert threading.main_thread() not in threads


@every_endpoint
async def test_an_empty_source(endpoint: Endpoint) -> None:
    peer = await ask(endpoint(Source(quiet=False)), http_scope())
    assert (peer.status, peer.body, peer.complete) == (200, b"", True)


async def test_own_headers_are_kept_and_middleware_adds_more() -> None:
    app: Sanic[Any, Any] = Sanic("Headers")

    @app.get("/")
    async def events(request: Request) -> EventStream:
        response = EventStream(["x"], headers={"cache-control": "no-cache", "X-Accel-Buffering": "yes"})
        response.add_cookie("seen", "1")
        return response

    @app.on_response
    async def add(request: Request, response: HTTPResponse) -> None:
        response.headers["X-Added"] = "1"

    peer = await ask(app, http_scope())
    assert peer.headers[b"cache-control"] == b"no-cache"
    assert peer.headers[b"x-accel-buffering"] == b"yes"
    assert peer.headers[b"x-added"] == b"1"
    assert peer.headers[b"set-cookie"].startswith(b"seen=1")


@pytest.mark.parametrize("endpoint", [returned, pushed, starlette_in_sanic])
async def test_json_by_the_applications_writer(endpoint: Endpoint) -> None:
    app = endpoint(Source({"data": {"b": 1, "a": 2}}, quiet=False))
    app.config.AUTO_EXTEND = False
    app._dumps = lambda value, **options: json.dumps(value, sort_keys=True)
    app_with_writer: Sanic[Any, Any] = Sanic("Mine", dumps=lambda value, **options: json.dumps(value, sort_keys=True))
    app_with_writer.mount("/", app) if endpoint is starlette_in_sanic else None

    @app_with_writer.get("/own")
    async def events(request: Request) -> EventStream:
        return EventStream([{"data": {"b": 1, "a": 2}}])

    assert (await ask(app_with_writer, http_scope("/own"))).body == b'data: {"a": 2, "b": 1}\n\n'


@pytest.mark.parametrize("excluded", [True, False])
async def test_compression_passes_events_on_one_by_one(excluded: bool) -> None:
    source = Source("x" * 1000, "y" * 1000)
    app = returned(source)
    app.add_middleware(GZipMiddleware, **({} if excluded else {"exclude_content_types": ()}))
    peer = Peer()
    scope = http_scope(headers=[(b"host", b"testserver"), (b"accept-encoding", b"gzip")])
    task = asyncio.ensure_future(app(scope, peer.receive, peer.send))
    await asyncio.wait_for(peer.until(3), A_LONG_TIME)
    assert (b"content-encoding" in peer.headers) is not excluded
    assert all(message["body"] for message in peer.sent[1:3])
    peer.gone.set()
    await asyncio.wait_for(task, A_LONG_TIME)
    assert source.cleaned_up == 1


@pytest.mark.parametrize("endpoint", [returned, pushed, starlette_in_sanic])
async def test_head_has_the_fields_and_ends(endpoint: Endpoint) -> None:
    source = Source("x")
    peer = await asyncio.wait_for(ask(endpoint(source), http_scope(method="HEAD")), A_LONG_TIME)
    if endpoint is starlette_in_sanic:
        assert peer.status == 405 or peer.headers[b"content-type"].startswith(b"text/event-stream")
    else:
        assert peer.status == 200
        assert peer.headers[b"content-type"].startswith(b"text/event-stream")
    assert b"content-length" not in peer.headers or endpoint is starlette_in_sanic
    assert peer.body == b"" or peer.status == 405
    assert peer.complete


async def test_head_of_a_get_endpoint_of_starlettes() -> None:
    async def events(request: StarletteRequest) -> EventStream:
        return EventStream(Source("x")())

    app = Starlette(routes=[Route("/", events)])
    peer = await asyncio.wait_for(ask(app, http_scope(method="HEAD")), A_LONG_TIME)
    assert (peer.status, peer.body, peer.complete) == (200, b"", True)
    assert b"content-length" not in peer.headers


async def test_the_refusal_of_a_handshake_is_the_head() -> None:
    peer = Peer([])
    source = Source("x")
    await EventStream(source(), status=403)(websocket_scope(), peer.receive, peer.send)
    assert [message["type"] for message in peer.sent] == [
        "websocket.http.response.start",
        "websocket.http.response.body",
    ]
    assert peer.sent[0]["status"] == 403


async def test_a_handler_sends_then_the_source_does() -> None:
    app: Sanic[Any, Any] = Sanic("Both")

    @app.get("/")
    async def events(request: Request) -> None:
        response = await request.respond(EventStream(["from the source"]))
        await response.send("history")

    @app.get("/block")
    async def block(request: Request) -> None:
        async with await request.respond(EventStream()) as send:
            await send({"id": 1})
            await send("last")

    @app.get("/ended")
    async def ended(request: Request) -> None:
        response = await request.respond(EventStream(["source"]))
        await response.send("with the last part", True)
        await response.eof()
        with pytest.raises(ServerError, match="ended"):
            await response.send("late")

    assert (await ask(app, http_scope())).body == b"data: history\n\ndata: from the source\n\n"
    assert (await ask(app, http_scope("/block"))).body == b"id: 1\n\ndata: last\n\n"
    assert (await ask(app, http_scope("/ended"))).body == b"data: with the last part\n\ndata: source\n\n"


async def test_a_response_without_a_request_sends_nothing() -> None:
    with pytest.raises(SanicException, match="No stream"):
        await EventStream().send("x")


# Sent twice -----------------------------------------------------------------------------------------------------------


async def fails_to_send_twice(app: Any) -> None:
    """Assert that the answer is an error page, and that the exception says what to do."""
    peer = Peer([b""])
    with pytest.raises(RuntimeError, match="this EventStream was already sent: create one for each request"):
        await app(http_scope(), peer.receive, peer.send)
    assert (peer.status, peer.complete) == (500, True)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("responds", [True, False])
@pytest.mark.parametrize("make_events", [lambda: ["x"], lambda: iter("x"), Source("x", quiet=False)])
async def test_a_stream_is_sent_once(make_events: Callable[[], Any], responds: bool, method: str) -> None:
    stream = EventStream(make_events())
    app: Sanic[Any, Any] = Sanic("Once")

    @app.route("/", methods=["GET", "HEAD"])
    async def answer(request: Request) -> EventStream | None:
        if responds:
            await request.respond(stream)
            return None
        return stream

    assert (await ask(app, http_scope(method=method))).status == 200
    for _ in range(2):
        await fails_to_send_twice(app)


async def test_starlette_sends_a_stream_once() -> None:
    stream = EventStream(["x"])
    assert (await ask(stream, http_scope())).body == b"data: x\n\n"
    for scope in (http_scope(), http_scope(method="HEAD"), websocket_scope()):
        with pytest.raises(RuntimeError, match="create one for each request"):
            await stream(scope, Peer([]).receive, Peer([]).send)
    refusal = EventStream(["x"], status=403)
    await refusal(websocket_scope(), Peer([]).receive, Peer([]).send)
    with pytest.raises(RuntimeError, match="create one for each request"):
        await refusal(http_scope(), Peer([]).receive, Peer([]).send)


@pytest.mark.parametrize(("has_source", "responds"), [(True, True), (True, False), (False, True)])
async def test_a_second_request_leaves_a_running_stream_alone(responds: bool, has_source: bool) -> None:
    source = Source("first")
    stream = EventStream(source() if has_source else None)
    app: Sanic[Any, Any] = Sanic("Shared")
    released = asyncio.Event()

    @app.get("/")
    async def answer(request: Request) -> Any:
        if not responds:
            return stream
        await request.respond(stream)
        if not has_source:
            await stream.send("first")
            await released.wait()
            await stream.send("second", True)
        return None

    peer = Peer([b""])
    task = asyncio.create_task(app(http_scope(), peer.receive, peer.send))
    await until(lambda: b"first" in peer.body)
    await fails_to_send_twice(app)
    assert source.cleaned_up == 0
    if not has_source:
        released.set()
        await asyncio.wait_for(task, A_LONG_TIME)
        assert peer.body == b"data: first\n\ndata: second\n\n"
    peer.gone.set()
    await asyncio.wait_for(task, A_LONG_TIME)


async def test_a_handler_may_return_the_stream_that_it_has_sent() -> None:
    app: Sanic[Any, Any] = Sanic("Returns")

    @app.get("/")
    async def events(request: Request) -> EventStream:
        response = EventStream(["source"])
        await request.respond(response)
        await response.send("first")
        return response

    for _ in range(2):
        assert (await ask(app, http_scope())).body == b"data: first\n\ndata: source\n\n"


async def test_a_generator_that_has_ended_is_refused() -> None:
    async def asynchronous() -> AsyncIterator[str]:
        yield "x"

    source, generator = asynchronous(), (event for event in "x")
    for stream in (EventStream(source), EventStream(generator)):
        assert (await ask(stream, http_scope())).body == b"data: x\n\n"
    for ended in (source, generator):
        with pytest.raises(RuntimeError, match="has ended: create a generator for each request"):
            EventStream(ended)


# Last-Event-ID --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "value"),
    [(None, None), (b"", ""), (b"7", "7"), ("é☃".encode(), "é☃"), (b"a\xffb", "a\ufffdb")],
)
async def test_the_last_event_id(header: bytes | None, value: str | None) -> None:
    seen: list[str | None] = []
    app: Sanic[Any, Any] = Sanic("Last")

    @app.get("/")
    async def events(request: Request) -> HTTPResponse:
        seen.append(request.last_event_id)
        return text("")

    headers = [] if header is None else [(b"last-event-id", header)]
    await ask(app, http_scope(headers=headers))
    assert seen == [value]


# Keep-alive -----------------------------------------------------------------------------------------------------------


@every_endpoint
async def test_a_quiet_stream_opens_and_is_kept_alive(endpoint: Endpoint) -> None:
    before = asyncio.all_tasks()
    source = Source()
    app = endpoint(source, ping=0.05, open_after=0.01)
    peer = Peer()
    task = asyncio.ensure_future(app(http_scope(), peer.receive, peer.send))
    await asyncio.wait_for(peer.until(4), A_LONG_TIME)
    assert [message.get("body") for message in peer.sent[1:4]] == [b":\n\n"] * 3
    peer.gone.set()
    await asyncio.wait_for(task, A_LONG_TIME)
    await until(lambda: source.cleaned_up == 1 and nothing_is_left(before))


async def test_a_busy_stream_gets_no_comments() -> None:
    source = Source(*map(str, range(200)), quiet=False, pause=0.002)
    peer = await ask(returned(source, ping=5), http_scope())
    assert b":\n\n" not in peer.body


@pytest.mark.parametrize("ping", [None, 0])
async def test_without_pings_there_is_no_timer(ping: float | None) -> None:
    source = Source("x")
    peer = Peer()
    task = asyncio.ensure_future(returned(source, ping=ping)(http_scope(), peer.receive, peer.send))
    await asyncio.wait_for(peer.until(2), A_LONG_TIME)
    assert not _keep_alive._keep_alives
    peer.gone.set()
    await asyncio.wait_for(task, A_LONG_TIME)


async def test_many_streams_have_one_timer() -> None:
    loop = asyncio.get_running_loop()
    source = Source("x")
    app = returned(source, ping=20)
    peers = [Peer() for _ in range(50)]
    tasks = [asyncio.ensure_future(app(http_scope(), peer.receive, peer.send)) for peer in peers]
    for peer in peers:
        await asyncio.wait_for(peer.until(2), A_LONG_TIME)
    assert list(_keep_alive._keep_alives) == [(loop, 20)]
    assert len(_keep_alive._keep_alives[loop, 20]._streams) == 50
    for peer in peers:
        peer.gone.set()
    await asyncio.wait_for(asyncio.gather(*tasks), A_LONG_TIME)
    assert source.cleaned_up == 50
    assert not _keep_alive._keep_alives


def test_looks_are_few_and_pings_are_due() -> None:
    class Loop:
        now = 0.0
        looks = 0

        def time(self) -> float:
            return self.now

        def call_later(self, delay: float, call: Callable[[], None], context: Any) -> Any:
            self.due, self.call = self.now + delay, call
            return Handle()

        def run(self, until: float) -> None:
            while self.due <= until:
                self.now = self.due
                self.looks += 1
                self.call()

    class Handle:
        def cancel(self) -> None: ...

    class Quiet:
        def __init__(self, loop: Loop, since: float) -> None:
            self.loop, self._last_sent, self.pings = loop, since, [since]

        def _send_ping(self) -> None:
            self._last_sent = self.loop.now
            self.pings.append(self.loop.now)

    loop: Any = Loop()
    kept = _keep_alive.KeepAlive(loop, 16)
    streams = [Quiet(loop, since / 100) for since in range(1600)]
    for stream in streams:
        kept.add(stream)
    loop.run(160)
    assert loop.looks <= 10 * _keep_alive.CHECKS_PER_INTERVAL
    for stream in streams:
        gaps = [after - before for before, after in zip(stream.pings, stream.pings[1:], strict=False)]
        assert min(gaps) >= 16
        assert max(gaps) <= 16 * (1 + 1 / _keep_alive.CHECKS_PER_INTERVAL)


async def test_a_ping_factory_and_a_failing_one(caplog: pytest.LogCaptureFixture) -> None:
    pings = iter([ServerSentEvent(comment="alive"), {"event": "ping"}])
    source = Source("x")
    peer = Peer()
    app = returned(source, ping=0.02, ping_factory=lambda: next(pings))
    task = asyncio.ensure_future(app(http_scope(), peer.receive, peer.send))
    await asyncio.wait_for(peer.until(6), A_LONG_TIME)
    assert peer.body.startswith(b"data: x\n\n: alive\n\nevent: ping\n\n:\n\n:\n\n")
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert "ping factory" in caplog.text
    peer.gone.set()
    await asyncio.wait_for(task, A_LONG_TIME)
    assert source.cleaned_up == 1


async def test_an_event_waits_for_a_comment_that_is_being_sent() -> None:
    class SlowPeer(Peer):
        busy = 0

        async def send(self, message: Any) -> None:
            assert self.busy == 0
            self.busy += 1
            await asyncio.sleep(0.003)
            self.busy -= 1
            await super().send(message)

    source = Source(*map(str, range(60)), quiet=False, pause=0.004)
    peer = SlowPeer()
    await returned(source, ping=0.003, open_after=0.001)(http_scope(), peer.receive, peer.send)
    assert peer.body.count(b"data: ") == 60
    assert peer.body.count(b":\n\n") > 1
    assert peer.complete


async def test_the_head_waits_for_the_first_event_up_to_the_limit() -> None:
    source = Source("x", quiet=False, pause=0.05)
    assert (await ask(returned(source, open_after=0), http_scope())).body == b":\n\ndata: x\n\n"
    assert (await ask(returned(source, open_after=None), http_scope())).body == b"data: x\n\n"


# Ends -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("events", [(), ("x",)], ids=["quiet", "one event"])
@every_endpoint
async def test_a_client_that_leaves_ends_it(
    endpoint: Endpoint, events: tuple[str, ...], caplog: pytest.LogCaptureFixture
) -> None:
    before = asyncio.all_tasks()
    source = Source(*events)
    peer = Peer()
    task = asyncio.ensure_future(endpoint(source)(http_scope(), peer.receive, peer.send))
    await asyncio.wait_for(peer.until(2) if events else source.begun.wait(), A_LONG_TIME)
    peer.gone.set()
    await asyncio.wait_for(task, A_LONG_TIME)
    await until(lambda: source.cleaned_up == 1 and nothing_is_left(before))
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


@pytest.mark.parametrize(
    "endpoint", [returned, pushed, starlette_in_sanic, starlette_two_mounts_deep, in_base_middleware]
)
async def test_the_stop_ends_it_with_a_complete_body(endpoint: Endpoint, caplog: pytest.LogCaptureFixture) -> None:
    before = asyncio.all_tasks()
    source = Source("x")
    app = endpoint(source)
    peer = Peer()
    async with Life(app) as life:
        task = asyncio.ensure_future(app(http_scope(), peer.receive, peer.send))
        await asyncio.wait_for(peer.until(2), A_LONG_TIME)
        stopping = asyncio.ensure_future(life.send_event("shutdown"))
        await asyncio.wait_for(task, A_LONG_TIME)
        await stopping
        await life.task
    assert peer.body == b"data: x\n\n"
    assert peer.complete
    await until(lambda: source.cleaned_up == 1 and nothing_is_left(before))
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_the_stop_of_a_mounted_application_ends_it_in_a_child_task(caplog: pytest.LogCaptureFixture) -> None:
    source = Source("x")
    inner = starlette_in_sanic(source)

    async def call_in_child_task(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            async with asyncio.TaskGroup() as group:
                group.create_task(inner(scope, receive, send))

    app: Sanic[Any, Any] = Sanic("Outermost", routes=[Mount("/", call_in_child_task)])
    peer = Peer()
    task = asyncio.ensure_future(app(http_scope(), peer.receive, peer.send))
    await asyncio.wait_for(peer.until(2), A_LONG_TIME)
    await inner._engine.lifecycle.before_stop()
    await asyncio.wait_for(task, A_LONG_TIME)
    assert (peer.body, peer.complete, source.cleaned_up) == (b"data: x\n\n", True, 1)
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


@pytest.mark.parametrize("endpoint", [returned, pushed])
async def test_a_finite_stream_may_finish_at_the_stop(endpoint: Endpoint) -> None:
    source = Source("a", "b", "c", quiet=False, pause=0.05)
    app = endpoint(source, endless=False)
    peer = Peer()
    async with Life(app) as life:
        task = asyncio.ensure_future(app(http_scope(), peer.receive, peer.send))
        await asyncio.wait_for(peer.until(2), A_LONG_TIME)
        assert not app._engine.streams.endless
        await life.send_event("shutdown")
        await asyncio.wait_for(task, A_LONG_TIME)
        await life.task
    assert peer.body == b"data: a\n\ndata: b\n\ndata: c\n\n"


async def stop_stream(app: Any, count: int) -> Peer:
    """Stop an application after `count` messages of a stream."""
    peer = Peer()
    async with Life(app) as life:
        task = asyncio.ensure_future(app(http_scope(), peer.receive, peer.send))
        await asyncio.wait_for(peer.until(count), A_LONG_TIME)
        stopping = asyncio.ensure_future(life.send_event("shutdown"))
        await asyncio.wait_for(task, A_LONG_TIME)
        await stopping
        await life.task
    return peer


async def test_a_source_may_yield_a_last_event_at_shutdown() -> None:
    app: Sanic[Any, Any] = Sanic("Goodbye")
    ended = []

    async def source() -> AsyncIterator[Any]:
        try:
            yield "x"
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            yield ServerSentEvent("bye", event="close")
            raise
        finally:
            ended.append(1)

    @app.get("/")
    async def events(request: Request) -> EventStream:
        return EventStream(source())

    peer = await stop_stream(app, 2)
    assert peer.body == b"data: x\n\nevent: close\ndata: bye\n\n"
    assert peer.complete
    assert ended == [1]


async def test_a_source_that_does_not_stop_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_event_stream, "STREAM_END_S", 0.05)
    app: Sanic[Any, Any] = Sanic("Stubborn")
    ended = []

    async def source() -> AsyncIterator[Any]:
        try:
            while True:
                with suppress(asyncio.CancelledError):
                    await asyncio.sleep(0.001)
                yield "x"
        finally:
            ended.append(1)

    @app.get("/")
    async def events(request: Request) -> EventStream:
        return EventStream(source())

    assert (await stop_stream(app, 3)).complete
    assert ended == [1]
    peer = Peer()
    task = asyncio.ensure_future(app(http_scope(), peer.receive, peer.send))
    await peer.until(3)
    peer.gone.set()
    await asyncio.wait_for(task, A_LONG_TIME)
    assert ended == [1, 1]


@every_endpoint
async def test_a_stream_leaves_no_reference_cycles(endpoint: Endpoint) -> None:
    source = Source("x", quiet=False)
    streams: list[weakref.ref[Any]] = []
    init = EventStream.__init__

    class Noted(EventStream):
        def __init__(self, *args: Any, **options: Any) -> None:
            init(self, *args, **options)
            streams.append(weakref.ref(self))

    app = endpoint(source)
    namespace = globals()
    original, namespace["EventStream"] = namespace["EventStream"], Noted
    try:
        gc.disable()
        await ask(app, http_scope())
        await asyncio.sleep(0)
        assert [stream() for stream in streams] == [None]
    finally:
        gc.enable()
        namespace["EventStream"] = original


@pytest.mark.parametrize("leaves", [False, True])
@pytest.mark.parametrize("endpoint", [returned, of_starlette, starlette_in_sanic, starlette_two_mounts_deep])
async def test_the_background_task_runs_at_the_end(endpoint: Endpoint, leaves: bool) -> None:
    ran = asyncio.Event()

    async def run() -> None:
        ran.set()

    source = Source("x", quiet=leaves)
    peer = Peer()
    app = endpoint(source, background=BackgroundTask(run))
    task = asyncio.ensure_future(app(http_scope(), peer.receive, peer.send))
    await asyncio.wait_for(peer.until(2), A_LONG_TIME)
    assert ran.is_set() is not leaves or not leaves
    peer.gone.set()
    await asyncio.wait_for(task, A_LONG_TIME)
    assert ran.is_set()


async def test_a_generator_in_a_thread_is_abandoned_and_closed() -> None:
    blocked, go_on, ended = threading.Event(), threading.Event(), threading.Event()
    app: Sanic[Any, Any] = Sanic("Thread")

    def source() -> Iterator[str]:
        try:
            yield "x"
            blocked.set()
            go_on.wait(A_LONG_TIME)
            yield "late"
        finally:
            ended.set()

    @app.get("/")
    async def events(request: Request) -> EventStream:
        return EventStream(source())

    peer = Peer()
    task = asyncio.ensure_future(app(http_scope(), peer.receive, peer.send))
    await until(blocked.is_set)
    peer.gone.set()
    await asyncio.wait_for(task, A_LONG_TIME)
    assert not ended.is_set()
    go_on.set()
    await until(ended.is_set)


# Errors ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("endpoint", [returned, pushed, starlette_in_sanic])
@pytest.mark.parametrize("error", [Forbidden("not for you"), ValueError("broken")])
async def test_an_exception_before_the_first_event_has_its_error_page(endpoint: Endpoint, error: Exception) -> None:
    class Raising(Source):
        async def __call__(self) -> AsyncIterator[Any]:
            await asyncio.sleep(0.01)
            if self.events:
                yield self.events
            raise error

    peer = Peer()
    with suppress(ValueError):
        await asyncio.wait_for(endpoint(Raising())(http_scope(), peer.receive, peer.send), A_LONG_TIME)
    assert peer.status == (403 if isinstance(error, Forbidden) else 500)
    assert b"event-stream" not in peer.headers[b"content-type"]
    assert peer.complete
    assert not _keep_alive._keep_alives


@every_endpoint
async def test_a_later_exception_breaks_the_connection_off_and_is_logged_once(
    endpoint: Endpoint, caplog: pytest.LogCaptureFixture
) -> None:
    class Raising(Source):
        async def __call__(self) -> AsyncIterator[Any]:
            yield "x"
            raise ValueError("broken")

    before = asyncio.all_tasks()
    peer = Peer()
    with pytest.raises(ValueError, match="broken"):
        await asyncio.wait_for(endpoint(Raising())(http_scope(), peer.receive, peer.send), A_LONG_TIME)
    assert peer.body == b"data: x\n\n"
    # `BaseHTTPMiddleware` completes the body before it raises, whatever the response is.
    assert peer.complete is (endpoint is in_base_middleware)
    if endpoint is not of_starlette:  # the server logs it there
        assert sum(record.exc_info is not None for record in caplog.records) == 1
    await until(lambda: nothing_is_left(before))


@pytest.mark.parametrize(
    "event", [None, {"price": 3}, {"id": "a\nb"}, ServerSentEvent(object())], ids=["None", "mapping", "id", "object"]
)
@every_endpoint
async def test_an_invalid_event_breaks_off_the_stream_and_closes_the_source(endpoint: Endpoint, event: Any) -> None:
    source = Source("x", event, "y")
    peer = Peer()
    if endpoint is pushed and event is None:
        pytest.skip("that ends the stream, as in Sanic")
    with pytest.raises((TypeError, ValueError)):
        await asyncio.wait_for(endpoint(source)(http_scope(), peer.receive, peer.send), A_LONG_TIME)
    assert peer.body == b"data: x\n\n"
    assert source.cleaned_up == 1


async def test_an_exception_in_the_clean_up_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    app: Sanic[Any, Any] = Sanic("Clean-up")
    many = asyncio.Event()

    async def source() -> AsyncIterator[Any]:
        try:
            while True:
                yield "x"
        finally:
            raise ValueError("in the clean-up")

    @app.get("/")
    async def events(request: Request) -> EventStream:
        return EventStream(source())

    class Full(Peer):
        async def send(self, message: Any) -> None:
            await super().send(message)
            if len(self.sent) > 3:
                many.set()
                await asyncio.Event().wait()

    peer = Full()
    task = asyncio.ensure_future(app(http_scope(), peer.receive, peer.send))
    await asyncio.wait_for(many.wait(), A_LONG_TIME)
    peer.gone.set()
    await asyncio.wait_for(task, A_LONG_TIME)
    assert [record.message for record in caplog.records] == ["Exception in the clean-up of an event stream's source"]


async def test_a_clean_up_that_takes_too_long_is_cancelled(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(_event_stream, "CLEAN_UP_S", 0.02)
    app: Sanic[Any, Any] = Sanic("Clean-up")

    async def source() -> AsyncIterator[Any]:
        try:
            yield "x"
            yield None
        finally:
            await asyncio.Event().wait()

    @app.get("/")
    async def events(request: Request) -> EventStream:
        return EventStream(source())

    with pytest.raises(TypeError):
        await asyncio.wait_for(ask(app, http_scope()), A_LONG_TIME)
    assert "source was cancelled after" in caplog.text


class Stuck(Peer):
    """A client that takes a number of messages, and then nothing more.

    Args:
        takes: how many.
    """

    def __init__(self, takes: int) -> None:
        super().__init__()
        self.takes = takes

    async def send(self, message: Any) -> None:
        if len(self.sent) >= self.takes:
            await asyncio.Event().wait()
        await super().send(message)


# Not in `BaseHTTPMiddleware`, which waits for the client in a task that no other code can cancel.
@pytest.mark.parametrize("quiet", [False, True], ids=["an event", "a comment"])
@pytest.mark.parametrize("endpoint", ENDPOINTS[:-1])
async def test_a_client_that_takes_nothing_is_cut_off(
    endpoint: Endpoint, quiet: bool, caplog: pytest.LogCaptureFixture
) -> None:
    before = asyncio.all_tasks()
    source = Source("x") if quiet else Source("x", "y")
    peer = Stuck(2)
    app = endpoint(source, send_timeout=0.05, ping=0.05 if quiet else None)
    with pytest.raises(TimeoutError, match="send_timeout"):
        await asyncio.wait_for(app(http_scope(), peer.receive, peer.send), A_LONG_TIME)
    assert [record.levelname for record in caplog.records if "read nothing" in record.message] == ["WARNING"]
    if endpoint is not of_starlette:
        assert [record for record in caplog.records if record.levelno > logging.WARNING] == []
    await until(lambda: source.cleaned_up == 1 and nothing_is_left(before))


async def test_a_source_waits_for_a_slow_client() -> None:
    given = 0
    app: Sanic[Any, Any] = Sanic("Slow")

    async def source() -> AsyncIterator[Any]:
        nonlocal given
        while True:
            given += 1
            yield "x"

    @app.get("/")
    async def events(request: Request) -> EventStream:
        return EventStream(source())

    peer = Stuck(5)
    task = asyncio.ensure_future(app(http_scope(), peer.receive, peer.send))
    await asyncio.wait_for(peer.until(5), A_LONG_TIME)
    await asyncio.sleep(0.05)
    assert given == 5
    peer.gone.set()
    await asyncio.wait_for(task, A_LONG_TIME)


@every_endpoint
async def test_a_source_without_pauses_does_not_block_the_loop(endpoint: Endpoint) -> None:
    class Unpaused(Source):
        async def __call__(self) -> AsyncIterator[Any]:
            try:
                while True:
                    yield "x"
            finally:
                self.cleaned_up += 1

    source, peer = Unpaused(), Peer()
    task = asyncio.ensure_future(endpoint(source)(http_scope(), peer.receive, peer.send))
    await asyncio.wait_for(peer.until(50), A_LONG_TIME)
    peer.gone.set()
    await asyncio.wait_for(task, A_LONG_TIME)
    await until(lambda: source.cleaned_up == 1)


async def coroutine() -> AsyncIterator[Any]:
    """Return a source, where an asynchronous generator was meant."""
    return Source("x")()


@pytest.mark.parametrize(
    ("events", "hint"),
    [
        ("text", ""),
        (b"bytes", ""),
        ({"data": 1}, ""),
        (ServerSentEvent("x"), ""),
        (7, ""),
        (coroutine, "call it"),
        ("a coroutine", ""),
    ],
)
def test_invalid_sources_are_refused(events: Any, hint: str) -> None:
    if events == "a coroutine":
        events = coroutine()
    with pytest.raises(TypeError, match="iterable of events") as raised:
        EventStream(events)
    assert hint in str(raised.value)


@pytest.mark.parametrize("option", ["ping", "send_timeout", "open_after"])
@pytest.mark.parametrize(
    ("seconds", "error"),
    [(-1, ValueError), (float("nan"), ValueError), (float("inf"), ValueError), ("1", TypeError), (True, TypeError)],
)
def test_invalid_seconds_are_refused(option: str, seconds: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match=option):
        EventStream([], **{option: seconds})


def test_options_that_cannot_work() -> None:
    with pytest.raises(ValueError, match="send_timeout"):
        EventStream([], send_timeout=0)
    for status in (204, 304):
        with pytest.raises(ValueError, match="no body"):
            EventStream([], status=status)
    with pytest.raises(ValueError, match="CR, LF"):
        EventStream([], headers={"X-Name": "a\r\nb: c"})


async def test_middleware_of_a_route_and_a_stream() -> None:
    source = Source("x" * 1000)
    app: Sanic[Any, Any] = Sanic("Layers")

    @app.get("/", middleware=[Middleware(GZipMiddleware, exclude_content_types=())])
    async def events(request: Request) -> EventStream:
        return EventStream(source())

    peer = Peer()
    scope = http_scope(headers=[(b"accept-encoding", b"gzip")])
    async with Life(app) as life:
        task = asyncio.ensure_future(app(scope, peer.receive, peer.send))
        await asyncio.wait_for(peer.until(2), A_LONG_TIME)
        stopping = asyncio.ensure_future(life.send_event("shutdown"))
        await asyncio.wait_for(task, A_LONG_TIME)
        await stopping
        await life.task
    assert peer.complete
    assert peer.headers[b"content-encoding"] == b"gzip"
    assert source.cleaned_up == 1


async def test_a_body_that_the_source_reads() -> None:
    app: Sanic[Any, Any] = Sanic("Body")

    @app.post("/", stream=True)
    async def events(request: Request) -> EventStream:
        async def source() -> AsyncIterator[Any]:
            async for part in request.stream:
                yield part.decode()

        return EventStream(source())

    peer = await ask(app, http_scope(method="POST"), [b"one", b"two"])
    assert peer.body == b"data: one\n\ndata: two\n\n"
