"""The client of a websocket disconnects: the effect on its handler and on others, under every server over sockets."""

from __future__ import annotations

import contextlib
import socket
import struct
import sys
from collections.abc import Iterator

import pytest
from websockets.sync.client import ClientConnection, connect

from sanic_star.compat.server.websockets._inbox import MAX_UNREAD
from tests.engine.processes import TIMEOUT_S, Process, free_port, process

SERVERS = {
    "uvicorn, websockets-sansio": "-m uvicorn served:app --ws websockets-sansio --port {port}",
    "uvicorn, wsproto": "-m uvicorn served:app --ws wsproto --port {port}",
    "uvicorn, websockets": "-m uvicorn served:app --ws websockets --port {port}",
    "hypercorn": "-m hypercorn served:app --bind 127.0.0.1:{port}",
    "granian": "-m granian --interface asgi --task-impl asyncio --port {port} served:app",
}
# Each handler writes lines that begin with its name: what it got, and how it ended.
SCRIPT = """
from contextlib import asynccontextmanager
from sanic_star.compat.exceptions import WebsocketClosed

def handler(function):
    name = function.__name__
    async def ws(request, ws):
        try:
            await function(ws, lambda *words: say(name, *words))
        except Exception as error:
            say(name, "exception", type(error).__name__)
            raise
        except asyncio.CancelledError:
            say(name, "cancelled")
            raise
        else:
            say(name, "returned")
    app.add_websocket_route(ws, "/" + name, name=name)

@handler
async def read(ws, tell):
    while True:
        tell(await ws.recv())

@handler
async def iterate(ws, tell):
    async for message in ws:
        tell(message)
    tell("end")
    await asyncio.sleep(1.5)

@handler
async def busy_iterating(ws, tell):
    async for message in ws:
        await asyncio.sleep(0.3)
        await ws.send("answer")
        tell(message)

@handler
async def busy_reading(ws, tell):
    await asyncio.sleep(0.5)
    while True:
        tell(await ws.recv())

@handler
async def sleep(ws, tell):
    await asyncio.sleep(60)

@handler
async def push(ws, tell):
    while True:
        await ws.send("x")
        await asyncio.sleep(0.05)

@asynccontextmanager
async def transaction(tell):
    try:
        yield
    except BaseException:
        await asyncio.sleep(0)
        tell("rollback")
        raise
    else:
        tell("commit")

@handler
async def transact(ws, tell):
    async with transaction(tell):
        await ws.recv()
    async with transaction(tell):
        await asyncio.sleep(60)

@handler
async def group(ws, tell):
    async def reading():
        while True:
            await ws.recv()
    async def writing():
        try:
            await asyncio.sleep(60)
        finally:
            tell("writer ended")
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(reading())
        tasks.create_task(writing())

@handler
async def starlette(ws, tell):
    try:
        while True:
            tell(await ws.receive_text())
    except Exception as error:
        tell(type(error).__name__)
    await asyncio.sleep(1.5)

@handler
async def wait(ws, tell):
    # The handler keeps as many messages as it can, so that the server reads nothing from the client.
    waiting = asyncio.ensure_future(ws.wait_for_connection_lost())
    while not ws._inbox.is_full:
        await asyncio.sleep(0.01)
    tell("full")
    async def push():
        try:
            while True:
                await ws.send("x" * 1000)
                await asyncio.sleep(0.01)
        finally:
            tell("push ended")
    pushing = asyncio.ensure_future(push())
    tell(await waiting)
    # `send` cancels the task, or raises `WebsocketClosed` if the handler knows the end already.
    await asyncio.gather(pushing, return_exceptions=True)

@handler
async def wait_in_group(ws, tell):
    async def push():
        while True:
            await ws.send("x")
            await asyncio.sleep(0.05)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(push())
        tell(await ws.wait_for_connection_lost())
        await asyncio.sleep(0.5)

@handler
async def gather(ws, tell):
    async def push():
        while True:
            await ws.send("x")
            await asyncio.sleep(0.05)
    await asyncio.gather(push(), ws.wait_for_connection_lost())

others = {}

@handler
async def other(ws, tell):
    others["it"] = ws
    await ws.recv()

@handler
async def caller(ws, tell):
    async for message in ws:
        for call in (lambda: others["it"].send("x"), lambda: others["it"].recv()):
            try:
                await call()
            except WebsocketClosed as error:
                await ws.send(type(error).__name__)

@app.get("/http")
async def http_caller(request):
    try:
        await others["it"].send("x")
    except WebsocketClosed as error:
        return text(type(error).__name__)

@app.post("/upload/<busy:int>", stream=True)
async def upload(request, busy):
    try:
        await request.stream.read()
        say("upload", busy, "begun")
        await asyncio.sleep(busy / 2)
        await request.stream.read()
    except Exception as error:
        say("upload", busy, "exception", type(error).__name__)
    except asyncio.CancelledError:
        say("upload", busy, "cancelled")
        raise
"""


class Served:
    """A server that runs, and the port that it listens on."""

    def __init__(self, log: Process, port: int) -> None:
        self.log = log
        self.port = port

    def connect(self, path: str) -> ClientConnection:
        return connect(f"ws://127.0.0.1:{self.port}/{path}", ping_interval=None, open_timeout=TIMEOUT_S)

    def lines(self, name: str) -> list[str]:
        return [line.removeprefix(f"{name} ").strip() for line in self.log.lines if line.startswith(f"{name} ")]

    def until_ended(self, name: str, times: int = 1) -> list[str]:
        """Wait until a handler has ended, and return what it has written."""
        ends = ("returned", "cancelled", "exception")

        def ended() -> bool:
            return sum(line.startswith(ends) for line in self.lines(name)) >= times

        self.log.until(ended)
        return self.lines(name)


@pytest.fixture(scope="module", params=list(SERVERS.values()), ids=list(SERVERS))
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    port = free_port()
    command = (sys.executable, *request.param.format(port=port).split())
    with process(tmp_path_factory.mktemp("served"), SCRIPT, *command) as started:

        def listens() -> bool:
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", port), TIMEOUT_S).close()
                return True
            return False

        started.until(listens)
        yield Served(started, port)
        assert "Traceback" not in started.log
        assert "ERROR" not in started.log


@pytest.mark.parametrize("name", ["read", "busy_reading"])
def test_recv_gives_what_came_before_and_is_cancelled(served: Served, name: str) -> None:
    with served.connect(name) as client:
        for message in "abc":
            client.send(message)
    assert served.until_ended(name) == ["a", "b", "c", "cancelled"]


def test_iteration_gives_what_came_before_and_ends(served: Served) -> None:
    with served.connect("iterate") as client:
        for message in "abc":
            client.send(message)
    # It sleeps for longer than a second, and is not cancelled.
    assert served.until_ended("iterate") == ["a", "b", "c", "end", "returned"]


def test_a_handler_that_is_busy_gets_what_came_before(served: Served) -> None:
    with served.connect("busy_iterating") as client:
        for message in "abc":
            client.send(message)
    assert served.until_ended("busy_iterating") == ["a", "b", "c", "returned"]


@pytest.mark.parametrize("name", ["sleep", "push"])
def test_a_handler_that_awaits_anything_else_is_cancelled(served: Served, name: str) -> None:
    with served.connect(name):
        pass
    assert served.until_ended(name) == ["cancelled"]
    # The client vanishes without a close frame, after a message that the handler does not read.
    with served.connect(name) as client:
        client.send("unread")
        client.socket.shutdown(socket.SHUT_RDWR)
    assert served.until_ended(name, 2) == ["cancelled"] * 2


def test_a_handler_with_many_unread_messages_waits_for_the_end(served: Served) -> None:
    if "granian" in served.log.log:
        pytest.skip("granian reads nothing while messages are unread, and its `send` raises no exception")
    with served.connect("wait") as client:
        for _ in range(MAX_UNREAD + 10):
            client.send("unread")
        served.log.until(lambda: served.lines("wait"))
        # The client vanishes without a close frame.
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.socket.shutdown(socket.SHUT_RDWR)
    lines = served.until_ended("wait")
    assert sorted(lines[1:3]) == ["True", "push ended"]
    assert lines[3:] == ["returned"]


def test_a_handler_that_waits_for_the_end_is_not_cancelled_by_a_task_of_its_own(served: Served) -> None:
    for name in ("wait_in_group", "gather"):
        with served.connect(name) as client:
            client.recv(TIMEOUT_S)
            client.socket.shutdown(socket.SHUT_RDWR)
        lines = served.until_ended(name)
        # If the handler knows the end first, `send` raises an exception, which is not logged.
        assert lines[:-1] == ["True"] * (name == "wait_in_group")


def test_an_open_transaction_is_rolled_back(served: Served) -> None:
    with served.connect("transact") as client:
        client.send("commit")
        served.log.until(lambda: served.lines("transact"))
    assert served.until_ended("transact") == ["commit", "rollback", "cancelled"]


def test_the_tasks_of_a_handler_are_cancelled(served: Served) -> None:
    with served.connect("group"):
        pass
    assert served.until_ended("group") == ["writer ended", "cancelled"]


def test_starlettes_methods_raise_a_disconnect(served: Served) -> None:
    with served.connect("starlette") as client:
        client.send("a")
    assert served.until_ended("starlette") == ["a", "WebSocketDisconnect", "returned"]


def test_sending_to_a_peer_that_is_gone_leaves_the_callers_connection_open(served: Served) -> None:
    with served.connect("caller") as caller:
        with served.connect("other"):
            pass
        assert served.until_ended("other") == ["cancelled"]
        for _ in range(2):
            caller.send("go")
            assert [caller.recv(TIMEOUT_S) for _ in range(2)] == ["WebsocketClosed"] * 2
    assert served.until_ended("caller") == ["returned"]
    assert served.log.until(lambda: _get(served.port, "/http")) == "WebsocketClosed"


def _get(port: int, path: str) -> str:
    with socket.create_connection(("127.0.0.1", port), TIMEOUT_S) as client:
        client.sendall(b"GET %s HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n" % path.encode())
        answer = b""
        while part := client.recv(4096):
            answer += part
    return answer.partition(b"\r\n\r\n")[2].decode()


@pytest.mark.parametrize("busy", [0, 1])
def test_an_upload_that_breaks_off_is_cancelled(served: Served, busy: int) -> None:
    name = f"upload {busy}"
    with socket.create_connection(("127.0.0.1", served.port), TIMEOUT_S) as client:
        client.sendall(b"POST /upload/%d HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\nbegun" % busy)
        served.log.until(lambda: served.lines(name))
    assert served.until_ended(name) == ["begun", "cancelled"]
