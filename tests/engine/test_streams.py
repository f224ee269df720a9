"""Streams: the causes of a break-off, their ends, and the waits for them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from starlette.applications import Starlette
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request as StarletteRequest
from starlette.responses import Response as StarletteResponse
from starlette.responses import StreamingResponse
from starlette.routing import Mount

from sanic_star import Blueprint, HTTPResponse, Request, Sanic, text
from sanic_star.compat.response.types import ResponseStream, stream
from sanic_star.engine.streams import OpenStream
from sanic_star.testing import TestClient
from tests.engine.raw import Life, Peer, http_scope

if TYPE_CHECKING:
    from sanic_star.engine.streams import EndReason


class Parts:
    """An endless iterator that notes when it is cleaned up."""

    def __init__(self, ended: list[str]) -> None:
        self.ended = ended

    async def __call__(self) -> Any:
        try:
            while True:
                yield b"data: x\n\n"
                await asyncio.sleep(0.001)
        finally:
            self.ended.append("cleaned up")


def streaming_app(kind: str, ended: list[str], content_type: str = "text/event-stream") -> Sanic[Any, Any]:
    """Make an application with an endless stream: Sanic's way, or with Starlette's response."""
    app: Sanic[Any, Any] = Sanic("Streaming")

    @app.get("/sanic")
    async def sanics(request: Request) -> None:
        response = await request.respond(content_type=content_type)
        async for part in Parts(ended)():
            await response.send(part)

    @app.get("/starlette")
    async def starlettes(request: Request) -> StarletteResponse:
        return StreamingResponse(Parts(ended)(), media_type=content_type)

    return app


KINDS = ["sanic", "starlette"]


@pytest.mark.parametrize("content_type", ["text/event-stream", "text/plain"])
@pytest.mark.parametrize("kind", KINDS)
async def test_a_client_that_leaves_ends_a_stream_at_once(kind: str, content_type: str) -> None:
    ended: list[str] = []
    app = streaming_app(kind, ended, content_type)
    peer = Peer()
    task = asyncio.ensure_future(app(http_scope(f"/{kind}"), peer.receive, peer.send))
    await peer.until(3)
    assert not ended
    peer.gone.set()
    await asyncio.wait_for(task, 60)
    for _ in range(3):
        await asyncio.sleep(0)
    assert peer.status == 200
    assert not app._engine.streams.endless
    if kind == "sanic":
        assert ended == ["cleaned up"]


@pytest.mark.parametrize("kind", KINDS)
async def test_the_stop_ends_server_sent_events_with_a_complete_body(kind: str) -> None:
    ended: list[str] = []
    app = streaming_app(kind, ended)
    peer = Peer()
    async with Life(app) as life:
        task = asyncio.ensure_future(app(http_scope(f"/{kind}"), peer.receive, peer.send))
        await peer.until(3)
        assert len(app._engine.streams.endless) == 1
        stopping = asyncio.ensure_future(life.send_event("shutdown"))
        await asyncio.wait_for(task, 60)
        await stopping
        await life.task
    assert peer.complete
    assert [message["type"] for message in peer.sent].count("http.response.start") == 1
    assert not task.cancelled()
    assert not app._engine.streams.endless
    assert ended == ["cleaned up"] or kind == "starlette"


@pytest.mark.parametrize("kind", KINDS)
async def test_other_streams_are_waited_for(kind: str) -> None:
    app: Sanic[Any, Any] = Sanic("Download")
    go_on = asyncio.Event()

    async def parts() -> Any:
        yield b"first "
        await go_on.wait()
        yield b"last"

    @app.get("/sanic")
    async def sanics(request: Request) -> None:
        response = await request.respond(content_type="application/zip")
        async for part in parts():
            await response.send(part)

    @app.get("/starlette")
    async def starlettes(request: Request) -> StarletteResponse:
        return StreamingResponse(parts(), media_type="application/zip")

    peer = Peer()
    async with Life(app):
        task = asyncio.ensure_future(app(http_scope(f"/{kind}"), peer.receive, peer.send))
        await peer.until(2)
        await app._engine.lifecycle.before_stop()
        assert not task.done()
        go_on.set()
        await task
    assert peer.body == b"first last"
    assert peer.complete


@pytest.mark.parametrize("kind", KINDS)
async def test_a_stream_that_begins_after_the_stop_ends_at_once(kind: str) -> None:
    ended: list[str] = []
    app = streaming_app(kind, ended)
    peer = Peer()
    async with Life(app):
        await app._engine.lifecycle.before_stop()
        await app(http_scope(f"/{kind}"), peer.receive, peer.send)
    assert peer.complete


async def test_a_cancellation_that_is_not_the_streams_passes_through() -> None:
    ended: list[str] = []
    app = streaming_app("sanic", ended)
    peer = Peer()
    task = asyncio.ensure_future(app(http_scope("/sanic"), peer.receive, peer.send))
    await peer.until(3)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended == ["cleaned up"]
    assert not peer.complete
    assert not app._engine.streams.endless


async def test_clean_up_may_wait_and_send_a_farewell() -> None:
    app: Sanic[Any, Any] = Sanic("Farewell")

    @app.get("/")
    async def events(request: Request) -> None:
        response = await request.respond(content_type="text/event-stream")
        try:
            await response.send("data: hello\n\n")
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.001)
            await response.send("data: bye\n\n")

    peer = Peer()
    async with Life(app):
        task = asyncio.ensure_future(app(http_scope(), peer.receive, peer.send))
        await peer.until(2)
        await app._engine.lifecycle.before_stop()
        await task
    assert peer.body == b"data: hello\n\ndata: bye\n\n"
    assert peer.complete


async def test_a_stream_that_reads_its_request_at_the_same_time_gets_all_of_it() -> None:
    app: Sanic[Any, Any] = Sanic("Duplex")

    @app.post("/", stream=True)
    async def echo(request: Request) -> None:
        response = await request.respond(content_type="text/plain")
        async for part in request.stream:
            await response.send(part.upper())

    peer = Peer([bytes([byte]) for byte in b"abcdef"])
    await app(http_scope(method="POST"), peer.receive, peer.send)
    assert peer.body == b"ABCDEF"
    assert peer.complete


async def test_a_complete_response_leaves_no_watcher() -> None:
    app: Sanic[Any, Any] = Sanic("Complete")

    @app.get("/")
    async def hello(request: Request) -> None:
        response = await request.respond()
        await response.send("a")
        await response.eof()

    before = len(asyncio.all_tasks())
    peer = Peer()
    await app(http_scope(), peer.receive, peer.send)
    await asyncio.sleep(0)
    assert len(asyncio.all_tasks()) == before
    assert peer.complete


def test_other_requests_finish_while_events_end() -> None:
    app: Sanic[Any, Any] = Sanic("Finishing")

    @app.get("/")
    async def slow(request: Request) -> Any:
        await app._engine.lifecycle.before_stop()
        await asyncio.sleep(0.01)
        return text("finished")

    assert TestClient(app).get("/").text == "finished"


# Quiet streams: declared, and nothing sent yet ----------------------------------------------------------------------


def base_middleware(app: Sanic[Any, Any]) -> None:
    async def through(request: StarletteRequest, call_next: Any) -> StarletteResponse:
        response: StarletteResponse = await call_next(request)
        return response

    app.add_middleware(BaseHTTPMiddleware, dispatch=through)


def signals(app: Sanic[Any, Any]) -> None:
    for event in ("http.lifecycle.request", "http.lifecycle.handle", "http.handler.before", "http.lifecycle.response"):

        @app.signal(event)
        async def listen(**context: Any) -> None: ...


def sanic_middleware(app: Sanic[Any, Any]) -> None:
    @app.on_request
    async def before(request: Request) -> None: ...

    @app.on_response
    async def after(request: Request, response: Any) -> None:
        response.headers["x-after"] = "1"


AROUND: dict[str, Callable[[Sanic[Any, Any]], None]] = {
    "nothing": lambda app: None,
    "BaseHTTPMiddleware": base_middleware,
    "GZipMiddleware": lambda app: app.add_middleware(GZipMiddleware),
    "signals": signals,
    "Sanic middleware": sanic_middleware,
    "CANCEL_ON_DISCONNECT": lambda app: app.config.update(CANCEL_ON_DISCONNECT=True),
}


class Quiet:
    """Handlers that declare a stream, in every way there is, and wait before its first part."""

    def __init__(self) -> None:
        self.opened = asyncio.Event()
        self.ended: list[str] = []

    async def wait(self, *_: Any) -> None:
        self.opened.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.ended.append("cancelled")
            raise
        finally:
            self.ended.append("cleaned up")

    def add(self, app: Sanic[Any, Any] | Blueprint) -> None:
        def declare(name: str, *, methods: tuple[str, ...] = ("GET",), stream: bool = False, **options: Any) -> None:
            @app.route(f"/{name}", methods=methods, name=name, stream=stream)
            async def handler(request: Request) -> None:
                await request.respond(**options)
                await self.wait()

        events = "text/event-stream"
        declare("respond", content_type=events)
        declare("parameters", content_type="Text/Event-Stream; charset=utf-8")
        declare("header", headers={"Content-Type": events})
        declare("response", response=HTTPResponse(content_type=events))
        declare("first-part", response=HTTPResponse("retry: 1\n\n", content_type=events))
        declare("lines", content_type="application/x-ndjson", endless=True)
        declare("posted", methods=("POST",), content_type=events)
        declare("streamed", stream=True, content_type=events)

        declare("unread", methods=("POST",), stream=True, content_type=events)
        declare("unread-lines", methods=("PUT",), stream=True, content_type="application/x-ndjson", endless=True)

        @app.route("/read", methods=["POST"], name="read", stream=True)
        async def read(request: Request) -> None:
            await request.respond(content_type=events)
            async for _ in request.stream:
                pass
            await self.wait()

        @app.get("/child", name="child")
        async def child(request: Request) -> None:
            async def write() -> None:
                await request.respond(content_type=events)
                await self.wait()

            await asyncio.gather(write())

        @app.get("/function", name="function")
        async def function(request: Request) -> ResponseStream:
            return ResponseStream(self.wait, content_type=events)

        @app.get("/lines-function", name="lines-function")
        async def lines_function(request: Request) -> ResponseStream:
            return ResponseStream(self.wait, content_type="application/x-ndjson", endless=True)

        @app.get("/old", name="old")
        async def old(request: Request) -> ResponseStream:
            with pytest.warns(DeprecationWarning, match="ResponseStream"):
                return stream(self.wait, content_type="application/x-ndjson", endless=True)

        @app.get("/failed", name="failed")
        async def failed(request: Request) -> None:
            raise LookupError

        @app.exception(LookupError)
        async def answer(request: Request, error: Exception) -> ResponseStream:
            return ResponseStream(self.wait, content_type=events)


PATHS = [
    "respond",
    "parameters",
    "header",
    "response",
    "first-part",
    "lines",
    "posted",
    "streamed",
    "unread",
    "unread-lines",
    "read",
    "child",
    "function",
    "lines-function",
    "old",
    "failed",
]


@asynccontextmanager
async def opened(
    path: str, around: str = "nothing", mounted: bool = False
) -> AsyncIterator[tuple[Sanic[Any, Any], Quiet, Peer, asyncio.Task[None]]]:
    """Give an application with a quiet stream open, and what belongs to it."""
    app: Sanic[Any, Any] = Sanic("Quiet")
    quiet, inner = Quiet(), app
    AROUND[around](app)
    if mounted:
        inner = Sanic("Mounted")
        app.mount("/mounted", CORSMiddleware(inner))
    blueprint = Blueprint("streams")
    quiet.add(blueprint)
    inner.blueprint(blueprint)
    peer = Peer()
    method = {"posted": "POST", "unread": "POST", "unread-lines": "PUT", "read": "POST"}.get(path, "GET")
    async with Life(app):
        scope = http_scope(f"/mounted/{path}" if mounted else f"/{path}", method=method)
        task = asyncio.create_task(app(scope, peer.receive, peer.send))
        await asyncio.wait_for(quiet.opened.wait(), 60)
        assert not peer.sent
        yield app, quiet, peer, task
        assert not app._engine.streams.endless
        assert not inner._engine.streams.endless


every_path = pytest.mark.parametrize("path", PATHS)
surroundings = pytest.mark.parametrize("around", list(AROUND))


@pytest.mark.parametrize("mounted", [False, True], ids=["alone", "mounted"])
@surroundings
@every_path
async def test_the_stop_ends_a_quiet_stream(
    path: str, around: str, mounted: bool, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(path, around, mounted) as (app, quiet, peer, task):
        await app._engine.lifecycle.before_stop()
        await asyncio.wait_for(task, 60)
    assert quiet.ended == ["cancelled", "cleaned up"]
    assert peer.status == 200
    assert peer.complete
    assert peer.body == (b"retry: 1\n\n" if path == "first-part" else b"")
    assert not caplog.records


@surroundings
@every_path
async def test_a_client_that_leaves_ends_a_quiet_stream(
    path: str, around: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(path, around) as (_, quiet, peer, task):
        peer.gone.set()
        await asyncio.wait_for(task, 60)
    assert quiet.ended == ["cancelled", "cleaned up"]
    assert not caplog.records


@pytest.mark.parametrize("by", ["stop", "client"])
@pytest.mark.parametrize("begun", [False, True], ids=["quiet", "begun"])
@pytest.mark.parametrize("last", ["eof", "send"])
async def test_a_clean_up_that_writes_runs_to_its_end(
    last: str, begun: bool, by: str, caplog: pytest.LogCaptureFixture
) -> None:
    app: Sanic[Any, Any] = Sanic("Goodbye")
    opened, ended = asyncio.Event(), []

    @app.get("/")
    async def handler(request: Request) -> None:
        response = await request.respond(content_type="text/event-stream")
        if begun:
            await response.send("data: 1\n\n")
        opened.set()
        try:
            await asyncio.Queue[None]().get()
        finally:
            await (response.eof() if last == "eof" else response.send("data: bye\n\n"))
            await asyncio.sleep(0)
            ended.append("cleaned up")

    async with Life(app):
        peer = Peer()
        task = asyncio.ensure_future(app(http_scope("/"), peer.receive, peer.send))
        await asyncio.wait_for(opened.wait(), 60)
        await asyncio.sleep(0)
        if by == "stop":
            await app._engine.lifecycle.before_stop()
        else:
            peer.gone.set()
        await asyncio.wait_for(task, 60)
    assert ended == ["cleaned up"]
    assert not caplog.records
    if by == "stop":
        assert peer.complete
        assert peer.body.endswith(b"data: bye\n\n") is (last == "send")


@pytest.mark.parametrize(
    ("options", "ended"),
    [
        ({"content_type": "text/event-stream", "endless": False}, False),
        ({"content_type": "application/x-ndjson"}, False),
        ({"content_type": "text/event-stream-like"}, False),
        ({"response": text("x"), "endless": False}, False),
        ({"response": text("x"), "endless": True}, True),
        ({}, False),
    ],
    ids=str,
)
async def test_the_stop_waits_for_open_streams(options: dict[str, Any], ended: bool) -> None:
    app: Sanic[Any, Any] = Sanic("Waiting")
    go_on, opened = asyncio.Event(), asyncio.Event()

    @app.get("/")
    async def handler(request: Request) -> None:
        response = await request.respond(**options)
        opened.set()
        await go_on.wait()
        await response.send("last")
        await asyncio.sleep(0)

    peer = Peer()
    async with Life(app):
        task = asyncio.create_task(app(http_scope(), peer.receive, peer.send))
        await opened.wait()
        await app._engine.lifecycle.before_stop()
        await asyncio.sleep(0)
        go_on.set()
        await asyncio.wait_for(task, 60)
    assert peer.complete
    assert peer.body.endswith(b"last") is not ended


@pytest.mark.parametrize("ending", ["stop", "client"])
@pytest.mark.parametrize("body", [None, "retry: 1\n\n"])
@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("header", [False, True])
async def test_a_content_type_that_is_set_before_a_first_part_counts(
    header: bool, method: str, body: str | None, ending: str
) -> None:
    app: Sanic[Any, Any] = Sanic("Later")
    declared = asyncio.Event()
    ended: list[str] = []

    @app.route("/", methods=["GET", "POST"], stream=True)
    async def events(request: Request) -> None:
        response = await request.respond(HTTPResponse(body))
        if header:
            response.headers["content-type"] = "text/event-stream"
        else:
            response.content_type = "text/event-stream"
        declared.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("cleaned up")

    peer = Peer()
    async with Life(app):
        task = asyncio.ensure_future(app(http_scope(method=method), peer.receive, peer.send))
        await declared.wait()
        if ending == "stop":
            await app._engine.lifecycle.before_stop()
        else:
            peer.gone.set()
        await asyncio.wait_for(task, 60)
    if ending == "stop":
        assert (peer.status, peer.body, peer.complete) == (200, (body or "").encode(), True)
    assert ended == ["cleaned up"]


async def test_a_disconnect_does_not_break_off_a_response_that_is_not_a_stream() -> None:
    app: Sanic[Any, Any] = Sanic("Whole")
    declared, go_on = asyncio.Event(), asyncio.Event()
    ended: list[str] = []

    @app.post("/", stream=True)
    async def whole(request: Request) -> None:
        response = await request.respond(text("whole"))
        declared.set()
        await go_on.wait()
        await response.eof()
        ended.append("ended")

    peer = Peer([b"unread"])
    task = asyncio.ensure_future(app(http_scope(method="POST"), peer.receive, peer.send))
    await declared.wait()
    peer.gone.set()
    for _ in range(5):
        await asyncio.sleep(0)
    go_on.set()
    await asyncio.wait_for(task, 60)
    assert (peer.body, ended) == (b"whole", ["ended"])


async def test_a_content_type_that_is_set_later_counts() -> None:
    app: Sanic[Any, Any] = Sanic("Later")

    @app.get("/<kind:path>")
    async def handler(request: Request, kind: str) -> None:
        response = await request.respond(content_type="text/plain" if "event" in kind else "text/event-stream")
        response.content_type = kind
        await response.send("first")
        await go_on.wait()

    for kind, count in (("text/event-stream", 1), ("text/plain", 0)):
        go_on = asyncio.Event()
        peer = Peer()
        async with Life(app):
            task = asyncio.create_task(app(http_scope(f"/{kind}"), peer.receive, peer.send))
            await peer.until(2)
            assert len(app._engine.streams.endless) == count
            go_on.set()
            await task


async def test_an_error_before_the_first_part_is_always_answered() -> None:
    app: Sanic[Any, Any] = Sanic("Failing")
    go_on, opened = asyncio.Event(), asyncio.Event()

    @app.get("/")
    async def handler(request: Request) -> None:
        await request.respond(content_type="text/event-stream")
        raise LookupError

    @app.exception(LookupError)
    async def answer(request: Request, error: Exception) -> HTTPResponse:
        opened.set()
        await go_on.wait()
        return text("answered", status=500)

    peer = Peer()
    async with Life(app):
        task = asyncio.create_task(app(http_scope(), peer.receive, peer.send))
        await opened.wait()
        assert not app._engine.streams.endless
        await app._engine.lifecycle.before_stop()
        peer.gone.set()
        await asyncio.sleep(0)
        go_on.set()
        await asyncio.wait_for(task, 60)
    assert (peer.status, peer.body) == (500, b"answered")


async def test_a_client_that_vanishes_does_not_hold_the_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sanic_star.engine.streams.STREAM_END_S", 0.01)
    app: Sanic[Any, Any] = Sanic("Vanished")
    quiet = Quiet()
    quiet.add(app)

    async def send(message: Any) -> None:
        await asyncio.Event().wait()

    async with Life(app):
        task = asyncio.create_task(app(http_scope("/respond"), Peer().receive, send))
        await asyncio.wait_for(quiet.opened.wait(), 60)
        await app._engine.lifecycle.before_stop()
        await asyncio.wait_for(task, 60)
    assert quiet.ended == ["cancelled", "cleaned up"]


# The stop in development ----------------------------------------------------------------------------------------------


def in_debug_mode(app: Sanic[Any, Any]) -> None:
    app.debug = True


def with_auto_reload(app: Sanic[Any, Any]) -> None:
    app.auto_reload = True


@pytest.mark.parametrize("develop", [in_debug_mode, with_auto_reload])
@pytest.mark.parametrize("mounted", [False, True], ids=["alone", "mounted"])
async def test_in_development_the_stop_cuts_everything(
    develop: Callable[[Sanic[Any, Any]], None], mounted: bool, caplog: pytest.LogCaptureFixture
) -> None:
    app: Sanic[Any, Any] = Sanic("Developed")
    inner = Sanic("Mounted") if mounted else app
    if mounted:
        app.mount("/mounted", inner)
    develop(app)
    cleaned: list[str] = []

    @inner.get("/<kind>")
    async def handler(request: Request, kind: str) -> Any:
        try:
            if kind != "slow":
                response = await request.respond(content_type="application/x-ndjson")
            if kind == "begun":
                await response.send("first")
            await asyncio.Event().wait()
        finally:
            cleaned.append(kind)

    peers = {kind: Peer() for kind in ("slow", "quiet", "begun")}
    async with Life(app):
        prefix = "/mounted" if mounted else ""
        tasks = [
            asyncio.create_task(app(http_scope(f"{prefix}/{kind}"), peer.receive, peer.send))
            for kind, peer in peers.items()
        ]
        await peers["begun"].until(2)
        await app._engine.lifecycle.before_stop()
        await asyncio.wait_for(asyncio.gather(*tasks), 60)
        assert app._engine.limits.graceful_s < 1
    assert sorted(cleaned) == ["begun", "quiet", "slow"]
    assert (peers["slow"].status, peers["quiet"].status) == (503, 503)
    assert peers["begun"].body == b"first"
    assert all(peer.complete for peer in peers.values())


async def test_in_development_the_stop_of_one_application_leaves_others_alone() -> None:
    first: Sanic[Any, Any] = Sanic("One")
    other: Sanic[Any, Any] = Sanic("Other")
    first.debug = True
    go_on, opened = asyncio.Event(), asyncio.Event()

    @other.get("/")
    async def handler(request: Request) -> HTTPResponse:
        opened.set()
        await go_on.wait()
        return text("whole")

    peer = Peer()
    async with Life(first), Life(other):
        task = asyncio.create_task(other(http_scope(), peer.receive, peer.send))
        await opened.wait()
        await first._engine.lifecycle.before_stop()
        go_on.set()
        await task
    assert peer.body == b"whole"


async def test_mounted_applications_can_send_at_shutdown() -> None:
    app: Sanic[Any, Any] = Sanic("Outer")
    inner: Sanic[Any, Any] = Sanic("Inner")
    app.mount("/inner", Starlette(routes=[Mount("/deep", CORSMiddleware(inner))]))
    order: list[str] = []
    opened = asyncio.Event()

    @inner.get("/")
    async def handler(request: Request) -> None:
        await request.respond(content_type="text/event-stream")
        opened.set()
        try:
            await asyncio.Event().wait()
        finally:
            order.append("stream ended")

    @inner.before_server_stop
    async def goodbye(app: Any) -> None:
        order.append("goodbye")

    assert app._engine.mounted() == [inner._engine]
    peer = Peer()
    async with Life(app):
        task = asyncio.create_task(app(http_scope("/inner/deep/"), peer.receive, peer.send))
        await opened.wait()
        await app._engine.lifecycle.before_stop()
        await task
    assert order == ["goodbye", "stream ended"]
    assert peer.complete


# OpenStream by itself -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("reason", "finished"), [("stop", ["finish"]), ("client left", []), (None, [])])
async def test_the_end_of_a_cancelled_stream(reason: EndReason | None, finished: list[str]) -> None:
    done: list[str] = []
    outcomes: list[bool] = []
    streams: list[OpenStream] = []

    async def finish() -> None:
        done.append("finish")

    async def write() -> None:
        task = asyncio.current_task()
        assert task is not None
        streams.append(OpenStream(task, finish))
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            outcomes.append(await streams[0].finish_cancelled())

    task = asyncio.create_task(write())
    await asyncio.sleep(0)
    if reason is None:
        task.cancel()
    else:
        streams[0].cancel(reason)
        streams[0].cancel("stop")
    await task
    assert (outcomes, done) == ([reason is not None], finished)
    assert task.cancelling() == (0 if reason else 1)


async def test_a_watch_reads_over_what_is_left_of_the_body() -> None:
    peer = Peer([b"a", b"b"])

    async def finish() -> None: ...

    async def write() -> None:
        task = asyncio.current_task()
        assert task is not None
        stream = OpenStream(task, finish)
        stream.watch(peer.receive)
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            assert await stream.finish_cancelled()
            assert stream.reason == "client left"
        stream.close()

    task = asyncio.create_task(write())
    peer.gone.set()
    await task
    assert peer.messages == []
