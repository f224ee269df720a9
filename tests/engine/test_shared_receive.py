"""The body of a request while a watcher waits for the disconnect: each part reaches the handler."""

import asyncio
import contextlib
import random
import socket
import sys
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import connect

from sanic_star import Request, Sanic
from sanic_star.engine.streams import MAX_AHEAD_SIZE, SharedReceive, resumable
from tests.engine.processes import TIMEOUT_S, UVICORN, Process, process
from tests.engine.raw import Peer, http_scope

EVENTS = "text/event-stream"
READERS: dict[str, Callable[[Request], Any]] = {
    "ours": lambda request: request.stream,
    "Starlette's": lambda request: request.starlette.stream(),
}


async def turns(count: int = 5) -> None:
    """Let other tasks have their turn."""
    for _ in range(count):
        await asyncio.sleep(0)


@pytest.mark.parametrize("early", [False, True], ids=["late", "early"])
@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("parts", [[b""], [b"abcdef"], [b"a", b"b", b"c", b"", b"d", b"e", b"f"]])
async def test_a_body_that_is_read_after_a_while_is_whole(parts: list[bytes], reader: str, early: bool) -> None:
    app: Sanic[Any, Any] = Sanic("Unread")

    @app.post("/", stream=True)
    async def echo(request: Request) -> None:
        if early:
            stream = READERS[reader](request)
        response = await request.respond(content_type=EVENTS)
        await turns(20)
        if not early:
            stream = READERS[reader](request)
        async for part in stream:
            await response.send(part)
            await turns()

    peer = Peer(parts)
    await asyncio.wait_for(app(http_scope(method="POST"), peer.receive, peer.send), 60)
    assert peer.body == b"".join(parts)
    assert peer.complete


async def test_a_read_that_is_cancelled_loses_nothing() -> None:
    app: Sanic[Any, Any] = Sanic("Impatient")
    inbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    read: list[bytes | None] = []

    @app.post("/", stream=True)
    async def events(request: Request) -> None:
        await request.respond(content_type=EVENTS)
        for number in range(20):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(request.stream.read(), 0)
            reading = asyncio.ensure_future(request.stream.read())
            await turns(number % 4)
            reading.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                read.append(await reading)
            await inbox.put({"type": "http.request", "body": b"%d " % number, "more_body": number < 19})
        while (part := await request.stream.read()) is not None:
            read.append(part)

    peer = Peer()
    await asyncio.wait_for(app(http_scope(method="POST"), inbox.get, peer.send), 60)
    whole = [part for part in read if part is not None]
    assert whole == [b"%d " % number for number in range(20)]


async def test_messages_that_are_there_already_cost_no_turn_of_the_event_loop() -> None:
    peer = Peer([b"a"] * 100)
    shared = SharedReceive(peer.receive)
    watcher = asyncio.ensure_future(shared.disconnect())
    turn = asyncio.ensure_future(asyncio.sleep(0))
    assert [(await shared())["body"] for _ in range(100)] == [b"a"] * 100
    assert not turn.done()
    await turns()
    peer.gone.set()
    assert await watcher == {"type": "http.disconnect"}


async def test_many_readers_and_a_watcher_get_each_message_once() -> None:
    """The reader, the cancelled task and the number of pauses of the server are random."""
    for seed in range(200):
        chance = random.Random(seed)
        inbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        shared = SharedReceive(inbox.get)
        watcher = asyncio.ensure_future(shared.disconnect())
        numbers, read = list(range(30)), list[int]()
        while len(read) < 30:
            if numbers and chance.random() < 0.5:
                number = numbers.pop(0)
                inbox.put_nowait({"type": "http.request", "body": b"%d" % number, "more_body": bool(numbers)})
            if chance.random() < 0.2:
                watcher.cancel()
                watcher = asyncio.ensure_future(shared.disconnect())
            readers = [asyncio.ensure_future(shared()) for _ in range(chance.randrange(3))]
            await turns(chance.randrange(6))
            for reader in readers:
                reader.cancel()
            for message in await asyncio.gather(*readers, return_exceptions=True):
                if isinstance(message, dict):
                    read.append(int(message["body"]))
        assert read == list(range(30)), seed
        inbox.put_nowait({"type": "http.disconnect"})
        assert await asyncio.wait_for(watcher, 60) == {"type": "http.disconnect"}


async def test_a_body_that_is_not_read_is_not_kept_beyond_a_limit() -> None:
    peer = Peer([bytes(MAX_AHEAD_SIZE // 4)] * 40)
    shared = SharedReceive(peer.receive)
    watcher = asyncio.ensure_future(shared.disconnect())
    await turns(200)
    assert len(peer.messages) == 36
    assert len((await shared())["body"]) == MAX_AHEAD_SIZE // 4
    await turns(200)
    assert len(peer.messages) == 35
    peer.gone.set()
    size = MAX_AHEAD_SIZE // 4
    while (message := await shared())["more_body"]:
        size += len(message["body"])
    assert size + len(message["body"]) == 10 * MAX_AHEAD_SIZE
    assert await watcher == {"type": "http.disconnect"}
    assert [await shared(), await shared()] == [{"type": "http.disconnect"}] * 2


async def test_a_reader_that_waits_learns_of_the_disconnect_by_itself() -> None:
    peer = Peer([])
    shared = SharedReceive(peer.receive)
    watcher = asyncio.ensure_future(shared.disconnect())
    reader = asyncio.ensure_future(shared())
    await turns()
    peer.gone.set()
    assert await reader == {"type": "http.disconnect"}
    await turns()
    assert not watcher.done()
    watcher.cancel()


async def test_a_read_that_is_cancelled_leaves_the_servers_future_to_the_next_one() -> None:
    futures = [asyncio.get_running_loop().create_future() for _ in range(3)]
    # A built-in method that returns futures, as that of a server in another language.
    receive = resumable(deque(futures).popleft)
    for number, future in enumerate(futures):
        for _ in range(2):
            reader = asyncio.ensure_future(receive())
            await turns()
            reader.cancel()
            await turns()
            assert reader.cancelled()
        assert not future.done()
        readers = [asyncio.ensure_future(receive()) for _ in range(2 if number < 2 else 1)]
        await turns()
        future.set_result({"number": number})
        await turns()
        assert [reader.result()["number"] for reader in readers if reader.done()] == [number]
        for reader in readers:
            reader.cancel()
        await turns()


async def test_the_servers_future_may_fail_or_be_there_at_once() -> None:
    failed, done = (asyncio.get_running_loop().create_future() for _ in range(2))
    failed.set_exception(LookupError("gone"))
    done.set_result({"type": "http.request"})
    receive = resumable(deque([failed, done]).popleft)
    with pytest.raises(LookupError, match="gone"):
        await receive()
    assert await receive() == {"type": "http.request"}


async def test_a_servers_coroutine_is_awaited_as_it_is() -> None:
    peer = Peer()
    assert resumable(peer.receive) == peer.receive

    async def later() -> dict[str, str]:
        return {"type": "http.request"}

    assert await resumable(deque([later()]).popleft)() == {"type": "http.request"}


async def test_an_error_reaches_the_handler() -> None:
    async def receive() -> Any:
        raise LookupError("too large")

    shared = SharedReceive(receive)
    watcher = asyncio.ensure_future(shared.disconnect())
    await turns()
    for _ in range(2):
        with pytest.raises(LookupError, match="too large"):
            await shared()
    assert not watcher.done()
    watcher.cancel()


async def test_nothing_waits_for_messages_when_the_request_is_over() -> None:
    shared = SharedReceive(Peer([]).receive)
    watcher = asyncio.ensure_future(shared.disconnect())
    await turns()
    before = len(asyncio.all_tasks())
    watcher.cancel()
    await turns()
    assert len(asyncio.all_tasks()) == before - 1


SCRIPT = """
from sanic_star import Blueprint, HTTPResponse

async def quiet(name):
    say("declared", name)
    try:
        await asyncio.sleep(3600)
    finally:
        say("cleaned up", name)

@app.post("/unread", stream=True)
async def unread(request):
    await request.respond(content_type="text/event-stream")
    await quiet("unread")

@app.post("/later", stream=True)
async def later(request):
    response = await request.respond(HTTPResponse("retry: 1"))
    response.content_type = "text/event-stream"
    await quiet("later")

@app.post("/echo", stream=True)
async def echo(request):
    response = await request.respond(content_type="text/event-stream")
    await asyncio.sleep(0.2)
    async for part in request.stream:
        await response.send(part)
    await response.eof()

impatients = Blueprint("impatients")

@impatients.post("/impatient/<way>", stream=True)
async def impatient(request, way):
    response = await request.respond(content_type="text/event-stream") if way == "watched" else None
    cancelled, parts = 0, []
    while sum(map(len, parts)) < 4000:
        read = request.starlette.receive if way == "asgi" else request.stream.read
        try:
            part = await asyncio.wait_for(read(), 0.0007)
        except TimeoutError:
            cancelled += 1
            if cancelled == 3:
                say("cancelled", way)
        else:
            parts.append(part["body"] if way == "asgi" else part)
    if response is None:
        return HTTPResponse(b"".join(parts))
    await response.send(b"".join(parts))

@impatients.websocket("/impatient")
async def impatient_websocket(request, ws):
    cancelled, parts, way = 0, [], "websocket"
    while len(parts) < 400:
        try:
            parts.append(await asyncio.wait_for(ws.recv(), 0.0007))
        except TimeoutError:
            cancelled += 1
            if cancelled == 3:
                say("cancelled", way)
    await ws.send("".join(parts))

class Around:
    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        async def wrapped():
            return await receive()

        await self.app(scope, wrapped, send)

if os.environ.get("AROUND"):
    {"application": app, "blueprint": impatients}[os.environ["AROUND"]].add_middleware(Around)
app.blueprint(impatients)

if __name__ == "__main__":
    app.run(port=0, motd=False, server={server!r})
"""
SERVERS: dict[str, tuple[str, ...]] = {
    "app.run": (sys.executable, "served.py"),
    "hypercorn": (sys.executable, "served.py"),
    "granian": (sys.executable, "served.py"),
    "plain uvicorn, h11": (*UVICORN, "--http", "h11", "served:app"),
    "plain uvicorn, httptools": (*UVICORN, "--http", "httptools", "served:app"),
}
BODY = b"abcdefghij" * 10


def post(path: str, *parts: bytes, size: int = len(BODY)) -> bytes:
    """Return the bytes of a request, up to the end of these parts of its body."""
    head = f"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: {size}\r\nConnection: close\r\n\r\n"
    return head.encode() + b"".join(parts)


def has_logged(serving: Process, words: str) -> bool:
    """Return whether the log contains a text."""
    return words in serving.log


def until_more(serving: Process, words: str, count: int) -> None:
    """Wait until the log contains a text more than `count` times."""
    serving.until(lambda: serving.log.count(words) > count)


@pytest.mark.parametrize("server", SERVERS)
def test_over_a_socket(tmp_path: Path, server: str) -> None:
    script = SCRIPT.replace("{server!r}", repr(server if server in ("hypercorn", "granian") else "uvicorn"))
    with process(tmp_path, script, *SERVERS[server]) as serving:
        serving.get()
        address = "127.0.0.1", serving.port
        for path, sent in (("unread", BODY), ("unread", b""), ("unread", BODY[:5]), ("later", BODY)):
            before = serving.log.count(f"cleaned up {path}")
            with socket.create_connection(address, TIMEOUT_S) as client:
                client.sendall(post(f"/{path}", sent))
                until_more(serving, f"declared {path}", before)
                assert serving.log.count(f"cleaned up {path}") == before
            until_more(serving, f"cleaned up {path}", before)
        with socket.create_connection(address, TIMEOUT_S) as client:
            client.sendall(post("/echo", BODY[:5]))
            client.sendall(BODY[5:])
            answer = b"".join(iter(lambda: client.recv(65536), b""))
            assert b"abcde" in answer
            assert answer.endswith(b"0\r\n\r\n")
        with socket.create_connection(address, TIMEOUT_S) as client:
            client.sendall(post("/unread", BODY))
            serving.until(lambda: serving.log.count("declared unread") == 4)
            status = serving.terminate()
        assert serving.log.count("cleaned up unread") == 4
        assert status in (0, -15)
        assert "Traceback" not in serving.log


@pytest.mark.parametrize("around", ["", "application", "blueprint"])
@pytest.mark.parametrize("server", SERVERS)
def test_reads_that_are_cancelled_while_they_await_the_server_lose_nothing(
    tmp_path: Path, server: str, around: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AROUND", around)
    script = SCRIPT.replace("{server!r}", repr(server if server in ("hypercorn", "granian") else "uvicorn"))
    parts = [b"%010d" % number for number in range(400)]
    with process(tmp_path, script, *SERVERS[server]) as serving:
        serving.get()
        for way in ("watched", "plain", "asgi"):
            with socket.create_connection(("127.0.0.1", serving.port), TIMEOUT_S) as client:
                client.sendall(post(f"/impatient/{way}", size=4000))
                serving.until(partial(has_logged, serving, f"cancelled {way}"))
                for part in parts:
                    time.sleep(0.001)
                    client.sendall(part)
                answer = b"".join(iter(lambda: client.recv(65536), b""))
            assert b"".join(parts) in answer, (way, serving.log)
        with connect(f"ws://127.0.0.1:{serving.port}/impatient") as websocket:
            serving.until(partial(has_logged, serving, "cancelled websocket"))
            for part in parts:
                time.sleep(0.001)
                websocket.send(part.decode())
            assert websocket.recv(TIMEOUT_S) == b"".join(parts).decode()
        assert "Traceback" not in serving.log
