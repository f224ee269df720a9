"""What cuts a stream short, how it ends then, and what is waited for."""

import asyncio
from typing import Any

import pytest
from starlette.responses import Response as StarletteResponse
from starlette.responses import StreamingResponse

from sanic_star import Request, Sanic, text
from sanic_star.streams import Cut, OpenStream
from sanic_star.testing import TestClient
from tests.engine.raw import Life, Peer, http_scope


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
    assert not app.endless
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
        assert len(app.endless) == 1
        stopping = asyncio.ensure_future(life.tell("shutdown"))
        await asyncio.wait_for(task, 60)
        await stopping
        await life.task
    assert peer.complete
    assert [each["type"] for each in peer.sent].count("http.response.start") == 1
    assert not task.cancelled()
    assert not app.endless
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
        await app.lifecycle.before_stop()
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
        await app.lifecycle.before_stop()
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
    assert not app.endless


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
        await app.lifecycle.before_stop()
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

    peer = Peer([bytes([each]) for each in b"abcdef"])
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
        await app.lifecycle.before_stop()
        await asyncio.sleep(0.01)
        return text("finished")

    assert TestClient(app).get("/").text == "finished"


# OpenStream by itself -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("reason", "finished"), [(Cut.STOP, ["finish"]), (Cut.CLIENT_LEFT, []), (None, [])])
async def test_how_a_stream_settles(reason: Cut | None, finished: list[str]) -> None:
    done: list[str] = []
    settled: list[bool] = []
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
            settled.append(await streams[0].settle())

    task = asyncio.create_task(write())
    await asyncio.sleep(0)
    if reason is None:
        task.cancel()
    else:
        streams[0].cut(reason)
        streams[0].cut(Cut.STOP)
    await task
    assert (settled, done) == ([reason is not None], finished)
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
            assert await stream.settle()
            assert stream.reason is Cut.CLIENT_LEFT
        stream.close()

    task = asyncio.create_task(write())
    peer.gone.set()
    await task
    assert peer.messages == []
