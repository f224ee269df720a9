"""The hub over sockets: workers that share a room through Redis, and slow clients of a real server."""

import re
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import requests
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.engine.processes import TIMEOUT_S, UVICORN, Process, free_port, process
from tests.hub.conftest import RedisServer

SCRIPT = """
from sanic_star import EventStream, Hub, json

hub = Hub(app)

@app.websocket("/rooms/<room>")
async def room(request, ws, room):
    async with hub.attach(ws, room, size=10, when_full=request.args.get("when_full", "drop_oldest")) as attachment:
        await ws.send(str(os.getpid()))
        say("frames" if attachment._connection else "no frames")
        async for message in ws:
            await hub.publish(room, message)

@app.get("/rooms/<room>/events")
async def events(request, room):
    return EventStream(hub.subscribe(room, decode=False))

@app.post("/rooms/<room>")
async def publish(request, room):
    message = request.body.decode() if "text" in request.args else request.body
    return json([await hub.publish(room, message) for _ in range(int(request.args.get("times", 1)))])

@app.get("/rooms/<room>/presence")
async def presence(request, room):
    return json({"presence": await hub.presence(room), "tasks": len(asyncio.all_tasks())})

if __name__ == "__main__":
    app.run(port=int(sys.argv[1]), workers=int(sys.argv[2]), motd=False)
"""


@contextmanager
def serving(folder: Path, workers: int = 1) -> Iterator[tuple[Process, int]]:
    port = free_port()
    with process(folder, SCRIPT, sys.executable, "served.py", str(port), str(workers)) as server:
        server.until(lambda: server.log.count("after_server_start") == workers or None)
        yield server, port


def join(port: int, room: str = "a", query: str = "", **options: Any) -> tuple[ClientConnection, str]:
    """Open a websocket; return it with the process that serves it."""
    url = f"ws://127.0.0.1:{port}/rooms/{room}{query}"
    connection = connect(url, open_timeout=TIMEOUT_S, **options).__enter__()
    return connection, str(connection.recv(TIMEOUT_S))


def in_each_worker(port: int) -> list[ClientConnection]:
    """Open websockets until there is one in each of two workers."""
    connections = dict[str, ClientConnection]()
    for _ in range(200):
        connection, worker = join(port)
        if worker in connections:
            connection.close()
        connections.setdefault(worker, connection)
        if len(connections) == 2:
            return list(connections.values())
    raise AssertionError("one worker has got all connections")


def test_workers_share_a_room_over_redis(
    redis_server: RedisServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SANIC_HUB_URL", redis_server.url)
    with serving(tmp_path, workers=2) as (server, port):
        one, two = in_each_worker(port)
        for message in ("text", b"\xff", "end"):
            one.send(message)
            assert one.recv(TIMEOUT_S) == two.recv(TIMEOUT_S) == message
        url = f"http://127.0.0.1:{port}/rooms/a/presence"
        server.until(lambda: requests.get(url, timeout=TIMEOUT_S).json()["presence"] == 2 or None)
        # An outage: both go on, each on its own; then they share the room again.
        redis_server.stop()
        server.until(lambda: server.log.count("has no connection to") == 2 or None)
        one.send("alone")
        assert one.recv(TIMEOUT_S) == "alone"
        redis_server.start()
        server.until(lambda: server.log.count("is connected to") == 2 or None)
        two.send("together")
        assert one.recv(TIMEOUT_S) == two.recv(TIMEOUT_S) == "together"
        for connection in (one, two):
            connection.close()
        server.popen.send_signal(signal.SIGTERM)
        assert server.popen.wait(TIMEOUT_S) == 0
    assert "in memory" not in server.log
    assert not re.search("ERROR|Traceback", server.log)


def test_separate_memory_of_workers_is_logged_in_one_line(tmp_path: Path) -> None:
    with serving(tmp_path, workers=2) as (server, port):
        one, two = in_each_worker(port)
        one.send("alone")
        assert one.recv(TIMEOUT_S) == "alone"
        with pytest.raises(TimeoutError):
            two.recv(0.3)
        for connection in (one, two):
            connection.close()
    assert server.log.count("2 workers do not share them") == 1


def test_a_client_that_never_reads(tmp_path: Path) -> None:
    with serving(tmp_path) as (server, port):
        url = f"http://127.0.0.1:{port}/rooms/a"

        def publish(times: int) -> None:
            requests.post(f"{url}?times={times}", data=b"x" * 100_000, timeout=TIMEOUT_S).raise_for_status()

        tasks = requests.get(f"{url}/presence", timeout=TIMEOUT_S).json()["tasks"]
        reader, _ = join(port, max_size=None)
        slow, _ = join(port, max_queue=1)
        slow_client, _ = join(port, query="?when_full=close", max_queue=1)
        # The buffers of the system take some megabytes first.
        for _ in range(100):
            publish(5)
            for _ in range(5):
                assert len(reader.recv(TIMEOUT_S)) == 100_000
            if requests.get(f"{url}/presence", timeout=TIMEOUT_S).json()["presence"] == 2:
                break
        # The one that is to be closed is closed; the one that is to lose messages stays.
        with suppress(ConnectionClosed):
            for _ in slow_client:
                pass
        assert slow_client.close_code in (1006, 1013)
        for connection in (reader, slow, slow_client):
            connection.close_timeout = 0.1
            connection.close()
        left = {"presence": 0, "tasks": tasks}
        server.until(lambda: requests.get(f"{url}/presence", timeout=TIMEOUT_S).json() == left or None)
    assert not re.search("ERROR|Traceback", server.log)


@pytest.mark.parametrize("implementation", ["websockets-sansio", "wsproto", "websockets"])
def test_each_implementation_of_uvicorn(implementation: str, tmp_path: Path) -> None:
    command = (*UVICORN[:-1], str(port := free_port()), "--ws", implementation, "served:app")
    with process(tmp_path, SCRIPT, *command) as server:
        server.until(lambda: "Uvicorn running" in server.log or None)
        for compression in (None, "deflate"):
            client, _ = join(port, compression=compression)
            second_client, _ = join(port, compression=compression)
            for message in ("short", "é" * 200, "x" * 70_000, b"\0" * 300):
                client.send(message)
                assert client.recv(TIMEOUT_S) == second_client.recv(TIMEOUT_S) == message
            client.close()
            second_client.close()
    # The oldest implementation, which uvicorn does not choose by itself, gets messages by `send`.
    assert server.lines.count("frames\n") == (0 if implementation == "websockets" else 4)
    assert not re.search("ERROR|Traceback", server.log)


def test_events_end_with_their_client(tmp_path: Path) -> None:
    with serving(tmp_path) as (server, port):
        url = f"http://127.0.0.1:{port}/rooms/a"
        with requests.get(f"{url}/events", stream=True, timeout=TIMEOUT_S) as response:
            lines = response.iter_lines()
            requests.post(f"{url}?text=1", data=b"hello", timeout=TIMEOUT_S)
            while next(lines) != b"data: hello":
                pass
            assert requests.get(f"{url}/presence", timeout=TIMEOUT_S).json()["presence"] == 1
        server.until(lambda: requests.get(f"{url}/presence", timeout=TIMEOUT_S).json()["presence"] == 0 or None)
