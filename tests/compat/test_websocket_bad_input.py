"""Websockets and streams with bad clients and careless handlers: no task is left, no internal error, bounded memory."""

from __future__ import annotations

import contextlib
import socket
import struct
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest
import requests

from tests.engine.processes import TIMEOUT_S, UVICORN, Process, free_port, process
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
    receiving = asyncio.ensure_future(ws.recv())
    # The handler's own task may end with an exception, which asyncio would log.
    receiving.add_done_callback(lambda task: task.cancelled() or task.exception())
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


@dataclass(frozen=True)
class Server:
    """A server: its command, and its own reactions to a bad client.

    Args:
        command: its arguments, with `PORT` where it does not choose one.
        invalid: the frame, or the end, with which it answers text that is not UTF-8. RFC 6455 asks for 1007 (section
            8.1). No server hands such a message on.
        too_large: the same for a message beyond `WEBSOCKET_MAX_SIZE`, one of these.
        codes: the close frames that a client gets for the codes 1000, 4000 and 4001 of a handler.
        bounded: whether memory stays bounded when the client of an endless HTTP response leaves.
        waits: whether `send` waits for a client that does not read.
        stops: whether a client is stopped whose messages nobody reads.
    """

    command: tuple[str, ...]
    invalid: tuple[str, ...] = ("close 1007",)
    too_large: tuple[str, ...] = ("close 1009",)
    codes: tuple[str, str, str] = ("close 1000 ''", "close 4000 ''", "close 4001 ''")
    bounded: bool = True
    waits: bool = True
    stops: bool = True


SERVERS = {
    "websockets-sansio": Server((*UVICORN, "--ws", "websockets-sansio", "served:app")),
    "wsproto": Server((*UVICORN, "--ws", "wsproto", "served:app")),
    # It keeps what is sent to a client that has left, until the handler is cancelled.
    "hypercorn": Server(
        (sys.executable, "-m", "hypercorn", "-b", "127.0.0.1:PORT", "served:app"), invalid=("end",), bounded=False
    ),
    # It sends no code for what it refuses, and may close so before the application's close frame.
    "granian": Server(
        (sys.executable, "-m", "granian", "--interface", "asgi", "--host", "127.0.0.1", "--port", "PORT", "served:app"),
        invalid=("close 1005",),
        too_large=("close 1009", "close 1005"),
    ),
    # Of the codes below 3000 it sends 1000 only.
    "daphne": Server(
        (sys.executable, "-m", "daphne", "-b", "127.0.0.1", "-p", "PORT", "served:app"),
        invalid=("end",),
        too_large=("close 4009",),
        waits=False,
        stops=False,
    ),
}


@dataclass(frozen=True)
class Served:
    """A running server."""

    server: Server
    process: Process
    port: int


@pytest.fixture(scope="module", params=SERVERS)
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    server = SERVERS[request.param]
    port = str(free_port())
    command = [argument.replace("PORT", port) for argument in server.command]
    with process(tmp_path_factory.mktemp("served"), SCRIPT, *command) as started:
        assert started.get("/").ok
        yield Served(server, started, started.port)


def state(served: Served) -> dict[str, list[str] | int]:
    answer = requests.get(f"http://127.0.0.1:{served.port}/state", timeout=TIMEOUT_S, headers={"connection": "close"})
    state: dict[str, list[str] | int] = answer.json()
    return state


def until_nothing_is_left(served: Served, before: dict[str, list[str] | int]) -> None:
    def left() -> bool:
        after = state(served)
        assert isinstance(after["tasks"], list)
        assert isinstance(before["tasks"], list)
        # A server has some for the connection that asks, or the one before it.
        return not Counter(after["tasks"]) - Counter(before["tasks"]) and after["websockets"] == 0

    log = served.process
    log.until(left)
    assert not [line for line in log.lines if any(word in line for word in INTERNAL)], log.log


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
def test_a_bad_client_leaves_nothing(served: Served, path: str) -> None:
    before = state(served)
    # The other handlers do not answer.
    clients = {
        name: [move for move in moves if path == "/reads" or not isinstance(move, Expect)]
        for name, moves in CLIENTS.items()
    }
    with ThreadPoolExecutor(len(clients)) as threads:
        played = {name: threads.submit(Client(served.port, path).play, moves) for name, moves in clients.items()}
    for name, playing in played.items():
        transcript = playing.result()
        assert not transcript[-1].startswith("nothing for"), (name, transcript)
        if path == "/reads":
            for words, answer in (("not UTF-8", served.server.invalid), ("too large", served.server.too_large)):
                # A server that has closed with unread data resets the connection, and the frame may be lost.
                if words in name:
                    assert transcript[1].startswith(answer) or transcript == ["open", "end"], (name, transcript)
            if "in many parts" in name and "UTF-8" not in name:
                assert transcript[1] == "text '2000'"
    until_nothing_is_left(served, before)


# The place of the close frame in `Server.codes`.
CARELESS = {"/sends-after-close": 1, "/never-awaits": 2, "/forgets-to-close": 0, "/swallows": 0}


def test_a_careless_handler_leaves_nothing(served: Served) -> None:
    before = state(served)
    for path, place in CARELESS.items():
        transcript = Client(served.port, path).play([Pause(0.1), Close()])
        assert transcript[0] == "open"
        assert served.server.codes[place] in transcript, path
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
def test_a_client_that_never_reads_fills_no_memory(served: Served, path: str, upgrade: bool, reset: bool) -> None:
    if not served.server.waits:
        pytest.skip("its `send` waits for no client")
    if not (upgrade or served.server.bounded):
        pytest.skip("it keeps what is sent after the client has left")
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


def test_a_flood_at_a_handler_that_does_not_read_is_stopped(served: Served) -> None:
    if not served.server.stops:
        pytest.skip("it takes all that a client sends")
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


def test_a_function_that_raises_after_the_start_breaks_the_connection_off(served: Served) -> None:
    with connection_to(served.port, "/breaks", False) as connection:
        received = b""
        # What had come before may be dropped with the connection.
        with contextlib.suppress(ConnectionError):
            while part := connection.recv(65536):
                received += part
    assert not received or b"part" in received
    assert not received.endswith(b"0\r\n\r\n")
