"""The client of part `live`, a process of its own: `python -m benchmarks.live_client PORT KIND PATH COUNT`.

It opens COUNT connections, prints `ready`, and reads lines from standard input. Each line is a number of seconds: the
client loads the server for so long, and prints the number of answers. It ends with its input.

| kind | connections | load |
|---|---|---|
| `echo` | websockets | sends 1 kB on each, and again after each echo |
| `get` | HTTP | sends a GET on each, and again when the response is complete |
| `hold`, `deflate` | websockets, the latter with compression | none: reads messages and drops them |
| `events` | HTTP, a GET is sent on each | the same |

It is written on bare sockets, so that it needs far less time than the server.
"""

import asyncio
import sys
from typing import Any

import uvloop

from benchmarks.apps.live import CHUNK, CHUNKS

_HANDSHAKE = (
    "GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{more}\r\n"
)
_GET = "GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
_DEFLATE = "Sec-WebSocket-Extensions: permessage-deflate\r\n"
# Heads of frames with 1 kB of data: final, binary, a length of two bytes; with a mask of zeros, or none.
_FRAME = b"\x82\xfe\x04\x00" + bytes(4) + CHUNK
_ANSWER = b"\x82\x7e\x04\x00" + CHUNK
_ECHO_SIZE = len(_ANSWER)
# So many connections are opened at a time, because the server's backlog is limited.
_AT_ONCE = 50


class _Connection(asyncio.Protocol):
    """One connection: opens with `head`; while `running`, sends `message` and counts the answers."""

    running = False
    is_checked = False
    answers = 0
    busy = 0

    def __init__(self, kind: str, head: str) -> None:
        self.kind = kind
        self.head = head.encode()
        self.message = _FRAME if kind == "echo" else self.head
        self.is_open: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.received = 0
        self.end = b""
        self.first = bytearray()

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        if self.kind == "get":
            self.is_open.set_result(None)
        else:
            transport.write(self.head)

    def connection_lost(self, error: Exception | None) -> None:
        if not self.is_open.done():
            self.is_open.set_exception(error or ConnectionError("the server has closed the connection"))

    def data_received(self, data: bytes) -> None:
        if not self.is_open.done():
            self.end += data
            if b"\r\n\r\n" in self.end:
                if not self.end.startswith((b"HTTP/1.1 101", b"HTTP/1.1 200")):
                    self.is_open.set_exception(ConnectionError(self.end.decode("latin-1")))
                    return
                self.is_open.set_result(None)
        elif self.kind == "echo":
            self.received += len(data)
            if not self.is_checked:
                self.first += data
            if self.received >= _ECHO_SIZE:
                self.received -= _ECHO_SIZE
                self.count_answer()
        elif self.kind == "get":
            if not self.is_checked:
                self.first += data
            self.end = (self.end + data)[-7:]
            if self.end == b"\r\n0\r\n\r\n":
                self.count_answer()

    def check(self) -> None:
        """End the process if the first answer is wrong."""
        self.is_checked = True
        if self.kind == "echo":
            is_right = self.first == _ANSWER
        else:
            is_right = self.first.startswith(b"HTTP/1.1 200") and self.first.count(CHUNK) == CHUNKS
        if not is_right:
            sys.exit(f"a wrong answer: {bytes(self.first[:200])!r}")

    def count_answer(self) -> None:
        if not self.is_checked:
            self.check()
        _Connection.answers += 1
        if _Connection.running:
            self.transport.write(self.message)
        else:
            _Connection.busy -= 1

    def begin(self) -> None:
        self.end = b""
        _Connection.busy += 1
        self.transport.write(self.message)


async def _load(connections: list[_Connection], seconds: float) -> int:
    _Connection.answers, _Connection.running = 0, True
    for connection in connections:
        connection.begin()
    await asyncio.sleep(seconds)
    _Connection.running = False
    while _Connection.busy:  # noqa: ASYNC110 (wait for the last answers)
        await asyncio.sleep(0.001)
    return _Connection.answers


async def main(port: str, kind: str, path: str, count: str) -> None:
    """Open the connections, and load the server once for each line on standard input."""
    loop = asyncio.get_running_loop()
    form = _GET if kind in ("get", "events") else _HANDSHAKE
    head = form.format(path=path, more=_DEFLATE if kind == "deflate" else "")
    connections: list[_Connection] = []
    for first in range(0, int(count), _AT_ONCE):
        opening = [_Connection(kind, head) for _ in range(min(_AT_ONCE, int(count) - first))]
        for connection in opening:
            await loop.create_connection(lambda connection=connection: connection, "127.0.0.1", int(port))
        await asyncio.wait_for(asyncio.gather(*(connection.is_open for connection in opening)), 30)
        connections += opening
    print("ready", flush=True)
    while line := await asyncio.to_thread(sys.stdin.readline):
        print(await _load(connections, float(line)), flush=True)
    for connection in connections:
        connection.transport.abort()


if __name__ == "__main__":
    uvloop.run(main(*sys.argv[1:]))
