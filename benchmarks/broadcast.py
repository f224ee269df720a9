"""`python -m benchmarks.broadcast`: one message to 1,000 websockets, by the hub and by a loop over `send`.

The time is CPU time of the server's thread: clients and server share the machine, and a client that wakes up would
count otherwise. The two ways take turns, in one run.
"""

import argparse
import asyncio
import statistics
import subprocess
import sys
import time
import urllib.request
from typing import Any

from websockets.asyncio.client import connect

from sanic_star import Hub, Request, Sanic, Websocket, text

_ROUNDS = 21
# Clients that connect at a time, because the server has a backlog.
_AT_ONCE = 50
# How long the clients may take to read, before the next round begins, in seconds.
_PAUSE_S = 0.4

app: Sanic[Any, Any] = Sanic("Broadcast")
hub = Hub(app)
sockets: set[Websocket] = set()


@app.websocket("/")
async def receive(request: Request, ws: Websocket) -> None:
    """Keep a websocket open, attached to the hub and in the set that the loop sends to."""
    sockets.add(ws)
    try:
        async with hub.attach(ws, "all"):
            async for _ in ws:
                pass
    finally:
        sockets.discard(ws)


@app.get("/measure")
async def measure(request: Request) -> Any:
    """Measure both ways; return the medians in milliseconds."""
    message = "x" * int(request.args.get("size", 200))

    async def loop() -> None:
        for ws in tuple(sockets):
            await ws.send(message)

    async def broadcast() -> None:
        await hub.publish("all", message)

    times: dict[str, list[float]] = {"loop": [], "broadcast": []}
    for _ in range(_ROUNDS):
        for way in (loop, broadcast):
            began = time.thread_time()
            await way()
            times[way.__name__].append((time.thread_time() - began) * 1e3)
            await asyncio.sleep(_PAUSE_S)
    looped, published = (statistics.median(times[name]) for name in ("loop", "broadcast"))
    return text(f"loop {looped:.2f} ms, hub {published:.2f} ms, ratio {published / looped:.2f}")


async def _client(port: int, compression: str | None, is_open: asyncio.Event) -> None:
    async with connect(f"ws://127.0.0.1:{port}/", compression=compression, open_timeout=60) as websocket:
        is_open.set()
        async for _ in websocket:
            pass


async def _measure(port: int, count: int, size: int, compression: str | None) -> str:
    clients = []
    for first in range(0, count, _AT_ONCE):
        opened = [asyncio.Event() for _ in range(min(_AT_ONCE, count - first))]
        clients += [asyncio.create_task(_client(port, compression, is_open)) for is_open in opened]
        await asyncio.gather(*(is_open.wait() for is_open in opened))
    url = f"http://127.0.0.1:{port}/measure?size={size}"
    result = await asyncio.to_thread(lambda: urllib.request.urlopen(url).read().decode())
    for client in clients:
        client.cancel()
    await asyncio.wait(clients)
    return str(result)


def main() -> None:
    """Start the server, measure with and without compression, and print the ratios."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--sockets", type=int, default=1000)
    parser.add_argument("--size", type=int, default=200, help="of the message, in bytes")
    parser.add_argument("--port", type=int, default=8765)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        app.config.RESPONSE_TIMEOUT = 600
        app.config.AUTO_EXTEND = False
        app.run(port=arguments.port, motd=False, access_log=False, single_process=True)
        return
    server = subprocess.Popen([sys.executable, "-m", "benchmarks.broadcast", "--serve", "--port", str(arguments.port)])
    try:
        time.sleep(3)
        for compression in (None, "deflate"):
            result = asyncio.run(_measure(arguments.port, arguments.sockets, arguments.size, compression))
            print(f"{arguments.sockets} websockets, {arguments.size} bytes, compression {compression}: {result}")
    finally:
        server.terminate()
        server.wait()


if __name__ == "__main__":
    main()
