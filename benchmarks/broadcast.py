"""`python -m benchmarks.broadcast`: one message to 1,000 websockets, by the hub and by a loop over `send`.

The time is CPU time of the server's thread, so the work of the clients on the same machine does not count. The ways
take turns in one run. The third way only writes a frame that is ready, which is the least that any way could take.
The part `live` runs this module, too.
"""

import argparse
import asyncio
import json
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from itertools import count
from typing import Any

from benchmarks.live_server import client
from benchmarks.settings import Settings
from benchmarks.wrk import LoadError
from sanic_star import Hub, Request, Sanic, Websocket
from sanic_star import json as json_response

# Without compression and with it: the kinds of connections of `live_client`.
KINDS = {"plain": "hold", "deflate": "deflate"}
# The clients have so many seconds to read before the next round begins.
_PAUSE_S = 0.1

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
async def measure_here(request: Request) -> Any:
    """Measure all ways in turn; return the times of each round in milliseconds."""
    message = _message(int(request.args.get("size", 200)))
    frame = _frame(message.encode())

    async def loop() -> None:
        for ws in tuple(sockets):
            await ws.send(message)

    async def publish() -> None:
        await hub.publish("all", message)

    async def write() -> None:
        # Only the system calls, for a frame that is ready.
        for ws in tuple(sockets):
            ws._server_send.__self__.transport.write(frame)  # type: ignore[attr-defined]

    ways = {"loop": loop, "hub": publish, "writes": write}
    times: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(int(request.args.get("rounds", 21)) + 1):
        for name, way in ways.items():
            began = time.thread_time()
            await way()
            if number:  # the first round warms up
                times[name].append((time.thread_time() - began) * 1e3)
            await asyncio.sleep(_PAUSE_S)
    return json_response(times)


def _message(size: int) -> str:
    """Return `size` bytes of text like a chat's: one repeated character would compress too well."""
    words = (f'{{"id":{number},"user":"user{number * 7919 % 1000}","text":"message {number}"}}' for number in count())
    text = ""
    while len(text) < size:
        text += next(words)
    return text[:size]


def _frame(data: bytes) -> bytes:
    return bytes([0x81, len(data)] if len(data) < 126 else [0x81, 126, *len(data).to_bytes(2)]) + data


def _serve() -> None:
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    print(listener.getsockname()[1], flush=True)
    app.config.update(RESPONSE_TIMEOUT=600, AUTO_EXTEND=False)
    app.run(sock=listener, motd=False, access_log=False, single_process=True)


def measure(settings: Settings, connections: int = 1000, size: int = 200) -> dict[str, Any]:
    """Return for `plain` and `deflate` the times, `{"loop_ms": …, "hub_ms": …, "writes_ms": …, …}`, and their ratios.

    `share` and `floor` are the hub's time and the writes' by the loop's; `by_writes` is the hub's time by the writes'.

    Args:
        settings: the settings of the run.
        connections: the number of websockets.
        size: the size of the message, in bytes.
    """
    pinned = [] if settings.core is None else ["taskset", "-c", str(settings.core)]
    command = [*pinned, sys.executable, "-m", "benchmarks.broadcast", "--serve"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            line = server.stdout.readline()
            if not line.strip().isdigit():
                raise LoadError("the broadcast's server did not start (its own message is above)")
            port = int(line)
            return {name: _measure_ways(port, kind, connections, size, settings) for name, kind in KINDS.items()}
        finally:
            server.terminate()
            server.wait()


def _measure_ways(port: int, kind: str, connections: int, size: int, settings: Settings) -> dict[str, Any]:
    with client(port, kind, "/", connections, settings):
        url = f"http://127.0.0.1:{port}/measure?size={size}&rounds={settings.broadcast_rounds}"
        with urllib.request.urlopen(url) as response:
            rounds = json.load(response)
    loop = rounds["loop"]
    result = {f"{way}_ms": statistics.median(times) for way, times in rounds.items()}
    for name, way in (("share", "hub"), ("floor", "writes")):
        result[name] = statistics.median(
            value / base_value for value, base_value in zip(rounds[way], loop, strict=True)
        )
    pairs = zip(rounds["hub"], rounds["writes"], strict=True)
    result["by_writes"] = statistics.median(value / base_value for value, base_value in pairs)
    return result


def main() -> None:
    """Measure, and print the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--sockets", type=int, default=1000)
    parser.add_argument("--size", type=int, default=200, help="size of the message, in bytes")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        _serve()
        return
    for name, row in measure(Settings([]), arguments.sockets, arguments.size).items():
        figures = ", ".join(f"{key} {value:.2f}" for key, value in row.items())
        print(f"{arguments.sockets} websockets, {arguments.size} bytes, {name}: {figures}")


if __name__ == "__main__":
    main()
