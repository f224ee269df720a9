"""Limits of single routes, and handlers whose client disconnects."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request as StarletteRequest
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Mount, Route

from sanic_star import Blueprint, Request, Sanic, json, text
from sanic_star.testing import TestClient
from tests.engine.raw import Peer, ask, http_scope

LONG = 30.0


async def size(request: Request) -> Any:
    return json(len(request.body))


async def streamed(request: Request) -> Any:
    await request.receive_body()
    return json(len(request.body))


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("limit", "sizes"), [(None, {5: 200, 6: 413}), (9, {9: 200, 10: 413}), (2, {2: 200, 3: 413})])
def test_a_route_may_have_a_limit_of_its_own(stream: bool, limit: int | None, sizes: dict[int, int]) -> None:
    app: Sanic[Any, Any] = Sanic("RouteLimit")
    app.config.REQUEST_MAX_SIZE = 5
    bp = Blueprint("bp", url_prefix="/bp")
    for where in (app, bp):
        where.post("/", stream=stream, max_body_size=limit, name="a")(streamed if stream else size)
    app.blueprint(bp)
    client = TestClient(app)
    for path in ("/", "/bp/"):
        for length, status in sizes.items():
            # Without a limit of its own a handler that streams has none, as in Sanic.
            expected = 200 if stream and limit is None else status
            assert client.post(path, data=b"x" * length).status_code == expected


def forwarding(**keywords: Any) -> Sanic[Any, Any]:
    """Make an application of routes that are not Sanic's, some with a limit of their own."""

    async def count(request: StarletteRequest) -> Any:
        return PlainTextResponse(str(len(await request.body())))

    small, large = Route("/", count, methods=["POST"]), Route("/large", count, methods=["POST"], max_body_size=9)
    mount = Mount("/large-mount", Starlette(routes=[small]), max_body_size=9)
    app: Sanic[Any, Any] = Sanic("Forwarding", routes=[small, large, mount], **keywords)
    child: Sanic[Any, Any] = Sanic("Child")
    child.post("/")(size)
    app.mount("/mount", Starlette(routes=[small, large]))
    app.mount("/child", child)
    return app


def body(length: int, chunked: bool) -> Any:
    return (b"x" for _ in range(length)) if chunked else b"x" * length


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("keyword", [False, True])
def test_the_limit_applies_to_routes_of_starlette(keyword: bool, chunked: bool) -> None:
    app = forwarding(max_body_size=5) if keyword else forwarding()
    if not keyword:
        app.config.REQUEST_MAX_SIZE = 5
    client = TestClient(app)
    limits = {"/": 5, "/large": 9, "/mount": 5, "/mount/large": 9, "/large-mount": 9, "/child": 5 if keyword else 99}
    for path, limit in limits.items():
        answers = [client.post(path, data=body(length, chunked)).status_code for length in (limit, limit + 1)]
        assert answers == [200, 200 if limit == 99 else 413], path


def test_the_limit_applies_to_middleware_that_reads_before_a_mount() -> None:
    app = forwarding()
    app.config.REQUEST_MAX_SIZE = 5

    @app.on_request
    async def read(request: Request) -> None:
        await request.receive_body()

    client = TestClient(app)
    assert [client.post("/mount", data=body(length, True)).status_code for length in (5, 6)] == [200, 413]


def test_without_a_limit_a_mount_reads_the_whole_body() -> None:
    app = forwarding()
    app.config.REQUEST_MAX_SIZE = None
    client = TestClient(app)
    assert client.post("/mount", data=b"x" * 1000).text == "1000"
    app = forwarding(max_body_size=5)
    assert TestClient(app).post("/mount", data=b"x", headers={"content-length": "many"}).text == "1"


@pytest.mark.parametrize("path", ["/", "/mount", "/own"])
def test_a_length_of_thousands_of_digits_is_too_large(path: str) -> None:
    app = forwarding()
    app.config.REQUEST_MAX_SIZE = 5
    app.post("/own")(size)
    # Two parts: the dispatch looks at the length of a body that does not come at once.
    answer = TestClient(app).post(path, data=body(2, True), headers={"content-length": "9" * 5000})
    assert answer.status_code == 413


def leaving(**settings: Any) -> tuple[Sanic[Any, Any], list[str]]:
    app: Sanic[Any, Any] = Sanic("Leaving")
    app.config.update({"CANCEL_ON_DISCONNECT": True, **settings})
    seen: list[str] = []

    @app.route("/", ["GET", "POST"])
    async def slow(request: Request) -> Any:
        try:
            await asyncio.sleep(0 if "quick" in request.args else LONG)
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise
        if "fail" in request.args:
            raise KeyError
        return text("answer")

    @app.exception(KeyError)
    async def handle(request: Request, error: KeyError) -> Any:
        await asyncio.sleep(0.01)
        return text("handled")

    return app, seen


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_handler_whose_client_leaves_is_cancelled(method: str) -> None:
    app, seen = leaving()
    peer = Peer([b"a", b"b"])
    task = asyncio.ensure_future(app(http_scope(method=method), peer.receive, peer.send))
    await asyncio.sleep(0.01)
    assert not task.done()
    peer.gone.set()
    await asyncio.wait_for(task, LONG)
    assert seen == ["cancelled"]
    assert not peer.sent
    assert not task.cancelled()


async def test_by_default_it_is_not() -> None:
    app, seen = leaving(CANCEL_ON_DISCONNECT=False)
    peer = Peer()
    peer.gone.set()
    await app(http_scope(query_string=b"quick=1"), peer.receive, peer.send)
    assert (peer.body, seen) == (b"answer", [])


@pytest.mark.parametrize(("query", "body"), [(b"quick=1", b"answer"), (b"quick=1&fail=1", b"handled")])
async def test_a_handler_that_has_answered_is_not_cancelled(query: bytes, body: bytes) -> None:
    app, seen = leaving()
    before = len(asyncio.all_tasks())

    class LeavesWhileItReads(Peer):
        async def send(self, message: Any) -> None:
            self.gone.set()
            await asyncio.sleep(0.01)
            await super().send(message)

    peer = LeavesWhileItReads()
    await app(http_scope(query_string=query), peer.receive, peer.send)
    assert (peer.body, peer.complete, seen) == (body, True, [])
    await asyncio.sleep(0)
    assert len(asyncio.all_tasks()) == before


async def test_streams_end_as_ever() -> None:
    app, _ = leaving()
    ended: list[str] = []

    async def parts(name: str) -> AsyncIterator[bytes]:
        try:
            while True:
                yield b"x"
                await asyncio.sleep(0.001)
        finally:
            ended.append(name)

    @app.get("/sanic")
    async def sanics(request: Request) -> None:
        response = await request.respond()
        async for part in parts("sanic"):
            await response.send(part)

    @app.get("/starlette")
    async def starlettes(request: Request) -> Any:
        return StreamingResponse(parts("starlette"))

    @app.post("/echo", stream=True)
    async def echo(request: Request) -> None:
        response = await request.respond()
        async for part in request.stream:
            await response.send(part)

    for path in ("/sanic", "/starlette"):
        peer = Peer()
        task = asyncio.ensure_future(app(http_scope(path), peer.receive, peer.send))
        await peer.until(3)
        peer.gone.set()
        await asyncio.wait_for(task, LONG)
    await asyncio.sleep(0.01)
    assert "sanic" in ended
    headers = [(b"transfer-encoding", b"chunked")]
    assert (await ask(app, http_scope("/echo", "POST", headers=headers), [b"a", b"b"])).body == b"ab"


async def test_the_handler_can_read_the_body_itself() -> None:
    app, _ = leaving()

    @app.get("/body")
    async def read(request: Request) -> Any:
        await asyncio.sleep(0.01)
        await request.receive_body()
        return text(request.body.decode())

    headers = [(b"content-length", b"2")]
    assert (await ask(app, http_scope("/body", headers=headers), [b"a", b"b"])).body == b"ab"
    assert (await ask(app, http_scope("/body", headers=[(b"content-length", b"0")]))).body == b""


async def test_a_late_and_watched_handler_is_answered_once() -> None:
    app, seen = leaving(RESPONSE_TIMEOUT=0.05)
    peer = Peer()
    await app(http_scope(), peer.receive, peer.send)
    assert (peer.status, peer.complete, seen) == (503, True, ["cancelled"])
