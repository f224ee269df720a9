"""The body, its limits, its replay; the current request."""

import asyncio
import contextlib
from typing import Any

import pytest
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.requests import ClientDisconnect
from starlette.requests import Request as StarletteRequest
from starlette.types import Message

from sanic_star import Request, Sanic, text
from sanic_star.compat.exceptions import ServerError
from sanic_star.engine import requests as engine
from sanic_star.engine.requests import current_request, live
from tests.engine.raw import Peer, ask, http_scope

TOO_LARGE = 413


def echo_app(limit: int | None = None, starlettes: int | None = None) -> Sanic[Any, Any]:
    app: Sanic[Any, Any] = Sanic("Echo", max_body_size=starlettes)
    if limit is not None:
        app.config.REQUEST_MAX_SIZE = limit

    @app.post("/")
    async def echo(request: Request) -> Any:
        return text(request.body.decode())

    @app.post("/stream", stream=True)
    async def stream(request: Request) -> Any:
        return text("".join([part.decode() async for part in request.stream]))

    return app


def declared(size: int | str) -> dict[str, Any]:
    return {"headers": [(b"host", b"a"), (b"content-length", str(size).encode())]}


def one_byte_chunks(body: bytes) -> list[bytes]:
    return [body[place : place + 1] for place in range(len(body))]


@pytest.mark.parametrize("path", ["/", "/stream"])
@pytest.mark.parametrize("body", [b"", b"a", b"abc" * 7])
async def test_a_body_is_whole_for_any_division_into_chunks(path: str, body: bytes) -> None:
    app = echo_app()
    for chunks in ([body], [body, b""], [b"", body], one_byte_chunks(body) or [b""]):
        assert (await ask(app, http_scope(path, "POST"), chunks)).body == body


async def test_a_message_may_lack_its_body() -> None:
    peer = Peer([])
    peer.messages = [{"type": "http.request", "more_body": True}, {"type": "http.request"}]
    await echo_app()(http_scope("/", "POST"), peer.receive, peer.send)
    assert (peer.status, peer.body) == (200, b"")


@pytest.mark.parametrize(
    ("size", "chunks", "status"),
    [
        # Exactly the limit, and one more: declared or not, whole or in parts.
        (10, [b"x" * 10], 200),
        (11, [b"x" * 11], TOO_LARGE),
        (None, [b"x" * 10], 200),
        (None, [b"x" * 11], TOO_LARGE),
        (None, [b"x"] * 10, 200),
        (None, [b"x"] * 11, TOO_LARGE),
        # A length that lies: too small is caught by counting, too large before a byte is read.
        (5, [b"x" * 11], TOO_LARGE),
        (5, [b"x"] * 11, TOO_LARGE),
        (11, [b"x", b"x"], TOO_LARGE),
        ("9" * 5000, [b"x", b"x"], TOO_LARGE),
        ("wrong", [b"x", b"x"], 200),
    ],
)
async def test_the_limit_holds(size: Any, chunks: list[bytes], status: int) -> None:
    app = echo_app(10)
    fields = {} if size is None else declared(size)
    assert (await ask(app, http_scope("/", "POST", **fields), chunks)).status == status


async def test_a_handler_that_streams_its_body_has_no_limit_as_in_sanic() -> None:
    assert (await ask(echo_app(10), http_scope("/stream", "POST"), [b"x" * 100])).body == b"x" * 100


@pytest.mark.parametrize(("ours", "starlettes"), [(10, 1000), (1000, 10), (10, 10)])
async def test_of_two_limits_the_smaller_wins(ours: int, starlettes: int) -> None:
    app = echo_app(ours, starlettes)
    assert (await ask(app, http_scope("/", "POST"), [b"x" * 10])).status == 200
    assert (await ask(app, http_scope("/", "POST"), [b"x" * 11])).status == TOO_LARGE


async def test_reading_stops_at_the_first_byte_beyond_the_limit() -> None:
    app = echo_app(10)
    peer = Peer([b"x" * 6] * 100)
    await app(http_scope("/", "POST"), peer.receive, peer.send)
    assert peer.status == TOO_LARGE
    assert len(peer.messages) == 98


async def test_a_body_that_ends_too_early_is_answered_with_400() -> None:
    """The client has disconnected or sent malformed data: granian reports both by `http.disconnect`."""
    app = echo_app()
    peer = Peer([b"a", b"b"])
    peer.messages.pop()
    peer.gone.set()
    await app(http_scope("/", "POST"), peer.receive, peer.send)
    assert peer.status == 400
    assert not live


async def test_a_server_may_refuse_to_send_to_a_client_that_left() -> None:
    async def refuse(message: Message) -> None:
        raise OSError("the client has left")

    peer = Peer([])
    peer.gone.set()
    await echo_app()(http_scope("/", "POST"), peer.receive, refuse)
    assert not live


async def test_a_client_that_has_left_before_its_body_came() -> None:
    peer = Peer([])
    peer.gone.set()
    await echo_app()(http_scope("/", "POST"), peer.receive, peer.send)
    assert peer.status == 400


@pytest.mark.parametrize("chunks", [[b"abc"], [b"a", b"b", b"c"]])
async def test_a_body_that_was_read_is_played_again(chunks: list[bytes]) -> None:
    app: Sanic[Any, Any] = Sanic("Replay")

    @app.post("/")
    async def twice(request: Request) -> Any:
        again = [await StarletteRequest(request.scope, request.receive).body() for _ in range(2)]
        plain = request.starlette
        streamed = b"".join([part async for part in StarletteRequest(request.scope, request.receive).stream()])
        return text(f"{request.body!r} {again!r} {await plain.body()!r} {streamed!r}")

    peer = await ask(app, http_scope("/", "POST"), chunks)
    assert peer.body.decode() == "b'abc' [b'abc', b'abc'] b'abc' b'abc'"


async def test_after_the_replay_receive_returns_the_servers_messages() -> None:
    app: Sanic[Any, Any] = Sanic("Disconnects")
    peer = Peer([b"abc"])

    @app.post("/")
    async def wait(request: Request) -> Any:
        receive = request.receive
        peer.gone.set()
        return text(" ".join([(await receive())["type"], (await receive())["type"]]))

    await app(http_scope("/", "POST"), peer.receive, peer.send)
    assert peer.body == b"http.request http.disconnect"


async def test_an_unread_body_is_left_to_the_server() -> None:
    app: Sanic[Any, Any] = Sanic("Unread")

    @app.post("/", stream=True)
    async def later(request: Request) -> Any:
        return text((await StarletteRequest(request.scope, request.receive).body()).decode())

    assert (await ask(app, http_scope("/", "POST"), [b"a", b"b"])).body == b"ab"


async def test_reading_a_body_by_hand() -> None:
    peer = Peer([b"b"])
    request = engine.Request(http_scope(), peer.receive, peer.send)
    await request._read_body({"type": "http.request", "body": b"a", "more_body": True}, None)
    assert request._body == b"ab"
    left = engine.Request(http_scope())
    with pytest.raises(ClientDisconnect):
        await left._read_body({"type": "http.disconnect"}, None)
    assert left._is_disconnected


# The request that is being answered ---------------------------------------------------------------------------------


async def test_it_is_found_in_child_tasks_and_threads() -> None:
    app: Sanic[Any, Any] = Sanic("Current")
    kept: list[Any] = []

    async def child(name: str) -> None:
        await asyncio.sleep(0)
        assert Request.get_current().scope["path"] == name

    async def late() -> None:
        await asyncio.sleep(0.005)
        with pytest.raises(ServerError, match="No current request"):
            Request.get_current()

    @app.get("/<name>")
    async def hello(request: Request, name: str) -> Any:
        assert Request.get_current() is request
        assert current_request() is request
        await asyncio.gather(child(f"/{name}"), child(f"/{name}"))
        assert await asyncio.to_thread(Request.get_current) is request
        kept.append(asyncio.create_task(late()))
        return text(name)

    peers = await asyncio.gather(*(ask(app, http_scope(f"/{number}")) for number in range(20)))
    assert [peer.body for peer in peers] == [f"{number}".encode() for number in range(20)]
    await asyncio.gather(*kept)
    assert not live


async def test_current_request_raises_outside_a_request() -> None:
    with pytest.raises(ServerError, match="No current request"):
        Request.get_current()
    with pytest.raises(LookupError):
        current_request()


@pytest.mark.parametrize("outcome", ["error", "cancelled", "left"])
async def test_the_request_table_is_empty_after_any_end(outcome: str) -> None:
    app: Sanic[Any, Any] = Sanic("Table")
    inside = asyncio.Event()

    @app.get("/")
    async def handler(request: Request) -> None:
        inside.set()
        assert len(live) == 1
        if outcome == "error":
            raise KeyError
        if outcome == "left":
            raise ClientDisconnect
        await asyncio.Event().wait()

    peer = Peer()
    if outcome == "left":
        peer.gone.set()
    task = asyncio.ensure_future(app(http_scope(), peer.receive, peer.send))
    await inside.wait()
    if outcome == "cancelled":
        task.cancel()
    with contextlib.suppress(KeyError, asyncio.CancelledError):
        await task
    assert not live


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
@pytest.mark.parametrize(
    ("giver", "version", "headers", "reads"),
    [
        (BaseHTTPMiddleware, "1.1", [], False),
        (BaseHTTPMiddleware, "1.0", [(b"accept", b"*/*")], False),
        (BaseHTTPMiddleware, "1.1", [(b"content-length", b"4")], True),
        (BaseHTTPMiddleware, "1.1", [(b"transfer-encoding", b"chunked")], True),
        (BaseHTTPMiddleware, "2", [], True),
        # Any other middleware may give a body to a request without one.
        (Sanic, "1.1", [], True),
    ],
)
async def test_middleware_with_tasks_is_asked_for_an_announced_body_only(
    method: str, giver: type, version: str, headers: list[tuple[bytes, bytes]], reads: bool
) -> None:
    app: Sanic[Any, Any] = Sanic("Bodiless")
    received: list[Message] = []

    @app.route("/", methods=[method])
    async def handle(request: Request) -> Any:
        before = len(received)
        # Another ASGI application gets the message that was not received, and each message once.
        receive = request.receive
        messages = [await receive(), await receive()]
        return text(f"{before} {request.body!r} {[message['type'] for message in messages]}")

    async def receive() -> Message:
        data = b"body" if reads else b""
        received.append({"type": "http.request", "body": data} if not received else {"type": "http.disconnect"})
        return received[-1]

    receive.__module__ = giver.__module__
    scope = {**http_scope("/", method, headers=headers), "http_version": version}
    peer = Peer()
    await app(scope, receive, peer.send)
    body = b"body" if reads else b""
    assert bytes(peer.body) == f"{int(reads)} {body!r} ['http.request', 'http.disconnect']".encode()
