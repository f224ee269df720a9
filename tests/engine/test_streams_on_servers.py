"""Streams and websockets under every server: what breaks off, what waits for a slow client, and who is left."""

from __future__ import annotations

import contextlib
import socket
import struct
import time
from collections.abc import Iterator
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.engine.matrix import SERVERS, Running, Server, running
from tests.engine.processes import TIMEOUT_S

SCRIPT = """
import resource
from sanic_star import EventStream, NotFound, json
from sanic_star.compat.response import ResponseStream
from starlette.responses import StreamingResponse

app.config.AUTO_EXTEND = False
sent = {"stream": 0, "websocket": 0}

def length(request):
    return {"content-length": "100"} if "known" in request.args else {}

@app.get("/respond/<error>")
async def respond(request, error):
    response = await request.respond(headers=length(request), content_type="text/plain")
    await response.send("part")
    raise {"value": ValueError("after the start"), "status": NotFound("after the start")}[error]

@app.get("/function")
async def function(request):
    async def write(response):
        await response.write("part")
        raise ValueError("after the start")
    return ResponseStream(write, headers=length(request), content_type="text/plain")

@app.get("/starlette")
async def starlettes(request):
    async def parts():
        yield b"part"
        raise ValueError("after the start")
    return StreamingResponse(parts(), headers=length(request))

@app.get("/events-that-fail")
async def events_that_fail(request):
    async def parts():
        yield "part"
        raise ValueError("after the start")
    return EventStream(parts())

async def send_all(send, name):
    sent[name] = 0
    try:
        while sent[name] < 200_000_000:
            await send("x" * 50_000)
            sent[name] += 50_000
    finally:
        say(name, "is over")

@app.get("/stream")
async def stream(request):
    await send_all((await request.respond(content_type="text/plain")).send, "stream")

@app.websocket("/websocket")
async def websocket(request, ws):
    await send_all(ws.send, "websocket")

@app.get("/state")
async def state(request):
    names = [task.get_coro().__qualname__ for task in asyncio.all_tasks()]
    kB = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    own = [name for name in names if name.startswith(("Inbox", "OpenStream", "_await"))]
    return json({"own": own, "kB": kB, **sent})

@app.websocket("/surrogate/<way>")
async def surrogate(request, ws, way):
    send = {"sanic": ws.send, "starlette": ws.send_text, "plain": ws.starlette.send_text}[way]
    try:
        await send("a\\ud800")
    except UnicodeEncodeError:
        await ws.send("refused")
    else:
        await ws.send("sent")

@app.websocket("/close-during-send")
async def close_during_send(request, ws):
    say("sending")
    sending = asyncio.ensure_future(send_all(ws.send, "websocket"))
    await asyncio.sleep(0.2)
    await ws.close(4000)
    await asyncio.wait({sending})
    say("the sender got", type(sending.exception()).__name__)
"""
# Servers that hand on what is sent without ever waiting for the client.
NEVER_WAITS = {"daphne"}
NAMES = ["app.run", "app.run, hypercorn", "app.run, granian", "uvicorn", "hypercorn", "granian", "daphne"]


CHOSEN = [server for server in SERVERS if server.name in NAMES]


@pytest.fixture(scope="module", params=CHOSEN, ids=lambda server: server.name)
def served(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Server, Running]]:
    with running(request.param, tmp_path_factory.mktemp("served"), script=SCRIPT) as it:
        it.get("/word")
        yield request.param, it


def state(it: Running) -> dict[str, Any]:
    answer: dict[str, Any] = it.get("/state", headers={"connection": "close"}).json()
    return answer


@pytest.mark.parametrize("query", ["", "?known=1"], ids=["unknown length", "known length"])
@pytest.mark.parametrize("path", ["/respond/value", "/respond/status", "/function", "/starlette", "/events-that-fail"])
def test_an_exception_after_the_start_breaks_the_connection_off(
    served: tuple[Server, Running], path: str, query: str
) -> None:
    _, it = served
    with socket.create_connection(("127.0.0.1", it.port), TIMEOUT_S) as client:
        client.sendall(f"GET {path}{query} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        received = b""
        with contextlib.suppress(ConnectionError):
            while part := client.recv(65536):
                received += part
    # What had come before may be dropped with the connection.
    assert not received.endswith(b"0\r\n\r\n")
    assert not received or received.startswith(b"HTTP/1.1 200")
    it.log.until(lambda: "after the start" in it.log.log)


def connection_to(port: int, path: str) -> socket.socket:
    """Send a request or a handshake, with a small buffer for what comes back, and read nothing."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.settimeout(TIMEOUT_S)
    connection.connect(("127.0.0.1", port))
    head = f"GET {path} HTTP/1.1\r\nHost: localhost\r\n"
    if path == "/websocket":
        head += "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        head += "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    connection.sendall(f"{head}\r\n".encode())
    return connection


@pytest.mark.parametrize("leaves", ["resets", "closes"])
@pytest.mark.parametrize("path", ["/stream", "/websocket"])
def test_a_sender_waits_for_a_client_that_does_not_read_and_ends_with_it(
    served: tuple[Server, Running], path: str, leaves: str
) -> None:
    server, it = served
    name = path[1:]
    if server.name in NEVER_WAITS:
        pytest.skip("it waits for no client")
    before, over = state(it), it.log.log.count(f"{name} is over")
    with connection_to(it.port, path) as connection:
        assert connection.recv(1, socket.MSG_PEEK)
        amounts = [0, -1]

        def waits() -> bool:
            time.sleep(0.3)
            amounts.append(state(it)[name])
            return amounts[-1] == amounts[-2] > 0

        it.log.until(waits)
        # Far less than what the handler has to send: the buffers of both sides' kernels, and the server's.
        assert amounts[-1] < 50_000_000
        assert it.log.log.count(f"{name} is over") == over
        if leaves == "resets":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    # hypercorn takes what is sent after that without a turn of the event loop: nothing would answer any more.
    it.log.until(lambda: it.log.log.count(f"{name} is over") > over)
    assert state(it)["kB"] - before["kB"] < 50_000
    it.log.until(lambda: not state(it)["own"])


@pytest.mark.parametrize("way", ["sanic", "starlette", "plain"])
def test_a_lone_surrogate_is_refused(served: tuple[Server, Running], way: str) -> None:
    _, it = served
    with connect(f"ws://127.0.0.1:{it.port}/surrogate/{way}") as websocket:
        assert websocket.recv(TIMEOUT_S) == "refused"


def test_a_close_while_another_task_sends_leaves_none(served: tuple[Server, Running]) -> None:
    server, it = served
    if server.name in NEVER_WAITS:
        pytest.skip("it waits for no client, and so it closes after all was sent")
    before = it.log.log.count("the sender got WebsocketClosed")
    with (
        contextlib.suppress(ConnectionClosed),
        connect(f"ws://127.0.0.1:{it.port}/close-during-send", max_size=None) as websocket,
    ):
        while True:
            websocket.recv(TIMEOUT_S)
    it.log.until(lambda: it.log.log.count("the sender got WebsocketClosed") > before)
    it.log.until(lambda: not state(it)["own"])
