"""Websockets and streams with bad clients and careless handlers: no task is left, no internal error, bounded memory."""

from __future__ import annotations

import contextlib
import socket
import struct
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from tests.engine.processes import TIMEOUT_S, UVICORN, Process, process
from tests.parity.talks.client import Client, Close, Expect, Frame, HalfClose, Leave, Move, Parts, Pause

SCRIPT = """
import gc
import logging
import resource
from sanic_star import json
from sanic_star.compat.exceptions import WebsocketClosed

app.config.WEBSOCKET_MAX_SIZE = 100_000

@app.get("/state")
async def state(request):
    tasks = sorted(task.get_coro().__qualname__ for task in asyncio.all_tasks())
    websockets = sum(type(made).__name__ == "WebsocketImplProtocol" for made in gc.get_objects())
    return json({"tasks": tasks, "websockets": websockets, "kB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss})

@app.websocket("/reads")
async def reads(request, ws):
    while True:
        await ws.send(str(len(await ws.recv())))

@app.websocket("/never-reads")
async def never_reads(request, ws):
    await asyncio.sleep(3)

@app.websocket("/sends")
async def sends(request, ws):
    while True:
        await ws.send("x" * 50_000)

@app.websocket("/sends-after-close")
async def sends_after_close(request, ws):
    await ws.close(4000)
    try:
        await ws.send("late")
    except WebsocketClosed:
        await ws.send("later")

@app.websocket("/forgets-to-close")
async def forgets(request, ws):
    asyncio.ensure_future(ws.recv())
    await asyncio.sleep(0)

@app.websocket("/never-awaits")
def never_awaits(request, ws):
    ws.end_connection(4001)

@app.websocket("/swallows")
async def swallows(request, ws):
    for _ in range(3):
        try:
            await ws.recv()
        except BaseException:
            await asyncio.sleep(0)

@app.get("/stream")
async def stream(request):
    response = await request.respond(content_type="text/plain")
    while True:
        await response.send("x" * 50_000)

@app.get("/breaks")
async def breaks(request):
    response = await request.respond(content_type="text/plain")
    await response.send("part")
    raise ValueError("after the start")
"""
# Words of a log that stand for an error of the framework or the server, not of a handler.
INTERNAL = ("Exception in ASGI application", "never retrieved", "was destroyed but it is pending", "never awaited")


@pytest.fixture(scope="module", params=["websockets-sansio", "wsproto"])
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    folder = tmp_path_factory.mktemp("served")
    with process(folder, SCRIPT, *UVICORN, "--ws", request.param, "served:app") as started:
        assert started.get("/").ok
        yield started


def state(served: Process) -> dict[str, list[str] | int]:
    answer = requests.get(f"http://127.0.0.1:{served.port}/state", timeout=TIMEOUT_S, headers={"connection": "close"})
    state: dict[str, list[str] | int] = answer.json()
    return state


def until_nothing_is_left(served: Process, before: dict[str, list[str] | int]) -> None:
    def left() -> bool:
        after = state(served)
        return after["tasks"] == before["tasks"] and after["websockets"] == 0

    served.until(left)
    assert not [line for line in served.lines if any(word in line for word in INTERNAL)], served.log


INVALID = Frame(1, b"\xff")
CLIENTS: dict[str, tuple[Move, ...]] = {
    "vanishes without a close": ("a", Expect(), Leave()),
    "resets the connection": ("a", Expect(), Leave(reset=True)),
    "closes its direction": ("a", Expect(), HalfClose()),
    "sends text that is not UTF-8": (INVALID,),
    "sends text that ends within a character": (Frame(1, b"abc\xc3"),),
    "sends a surrogate": (Frame(1, b"\xed\xa0\x80"),),
    "sends text that is not UTF-8 in parts": (Frame(1, b"a", fin=False), Frame(0, b"\xff")),
    "sends a message that is too large": (b"x" * 100_001,),
    "sends parts that are too large together": (Parts(("x" * 60_000, "x" * 60_000)),),
    "sends a message in many parts": (Parts(tuple("x" for _ in range(2000))), Expect(), Close()),
    "leaves a message unfinished": (Frame(1, b"part", fin=False), Leave()),
    "leaves a frame unfinished": (Frame(1, b"part", fin=False), Pause(0.05), Leave()),
    "floods with messages": (*("x" for _ in range(3000)), Close()),
    "floods with pings": (*(Frame(9, b"x") for _ in range(3000)), Close()),
    "closes, and goes on to send": (Close(), Frame(1, b"late"), Frame(9, b"late")),
}


@pytest.mark.parametrize("path", ["/reads", "/forgets-to-close", "/swallows"])
def test_a_bad_client_leaves_nothing(served: Process, path: str) -> None:
    before = state(served)
    with ThreadPoolExecutor(len(CLIENTS)) as threads:
        played = {name: threads.submit(Client(served.port, path).play, moves) for name, moves in CLIENTS.items()}
    for name, playing in played.items():
        transcript = playing.result()
        assert not transcript[-1].startswith("nothing for"), (name, transcript)
        if path == "/reads" and "not UTF-8" in name:
            # Sanic 25.12 leaves such a connection open until its ping times out.
            assert any(line.startswith("close 1007") for line in transcript) or transcript == ["open", "end"], name
    until_nothing_is_left(served, before)


CARELESS = {
    "/sends-after-close": "close 4000 ''",
    "/never-awaits": "close 4001 ''",
    "/forgets-to-close": "close 1000 ''",
    "/swallows": "close 1000 ''",
}


def test_a_careless_handler_leaves_nothing(served: Process) -> None:
    before = state(served)
    for path, end in CARELESS.items():
        transcript = Client(served.port, path).play([Pause(0.1), Close()])
        assert transcript[0] == "open"
        assert end in transcript, path
    until_nothing_is_left(served, before)


def connection_to(port: int, path: str, upgrade: bool) -> socket.socket:
    """Send a request or a handshake, with a small buffer for what comes back, and read nothing."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.settimeout(TIMEOUT_S)
    connection.connect(("127.0.0.1", port))
    head = f"GET {path} HTTP/1.1\r\nHost: localhost\r\n"
    if upgrade:
        head += "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        head += "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    connection.sendall(f"{head}\r\n".encode())
    return connection


@pytest.mark.parametrize(("path", "upgrade"), [("/sends", True), ("/stream", False)])
@pytest.mark.parametrize("reset", [False, True])
def test_a_client_that_never_reads_fills_no_memory(served: Process, path: str, upgrade: bool, reset: bool) -> None:
    before = state(served)
    with contextlib.ExitStack() as stack:
        connections = [stack.enter_context(connection_to(served.port, path, upgrade)) for _ in range(5)]
        for connection in connections:
            assert connection.recv(1, socket.MSG_PEEK)
        time.sleep(0.5)  # what an unbounded sender would fill
        if reset:
            for connection in connections:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    after = state(served)
    assert isinstance(after["kB"], int)
    assert isinstance(before["kB"], int)
    # Buffers of five connections, and what the process had taken anyway.
    assert after["kB"] - before["kB"] < 30_000
    until_nothing_is_left(served, before)


def test_a_flood_at_a_handler_that_does_not_read_is_stopped(served: Process) -> None:
    before = state(served)
    message = Frame(2, b"x" * 60_000).serialize()
    with connection_to(served.port, "/never-reads", True) as connection:
        assert connection.recv(1, socket.MSG_PEEK)
        connection.settimeout(1)
        sent = 0
        with contextlib.suppress(TimeoutError, ConnectionError):
            while sent < 100_000_000:
                sent += connection.send(message)
    assert sent < 50_000_000
    until_nothing_is_left(served, before)


def test_a_function_that_raises_after_the_start_breaks_the_connection_off(served: Process) -> None:
    with connection_to(served.port, "/breaks", False) as connection:
        received = b""
        while part := connection.recv(65536):
            received += part
    assert b"part" in received
    assert not received.endswith(b"0\r\n\r\n")
