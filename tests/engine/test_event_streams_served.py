"""Event streams over sockets: their ends after a disconnect and at shutdown, under every server that we run."""

import re
import signal
import socket
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.engine.processes import TIMEOUT_S, UVICORN, Process, free_port, process

SCRIPT = """
from starlette.applications import Starlette
from starlette.routing import Mount, Route
from sanic_star import EventStream, ServerSentEvent

def source(name, quiet=False):
    async def events():
        say(name, "begun")
        number = 0
        try:
            while True:
                if not quiet:
                    yield ServerSentEvent({"number": number}, id=number)
                number += 1
                await asyncio.sleep(1000 if quiet else 0.01)
        finally:
            await asyncio.sleep(0)
            say(name, "cleaned up")
    return events()

@app.get("/returned")
async def returned(request):
    return EventStream(source("returned"))

@app.get("/quiet")
async def quiet(request):
    return EventStream(source("quiet", quiet=True), ping=0.05)

@app.get("/sent")
async def sent(request):
    response = await request.respond(EventStream())
    events = source("sent")
    try:
        async for event in events:
            await response.send(event)
    finally:
        await events.aclose()

@app.get("/flood")
async def flood(request):
    async def events():
        say("flood begun")
        try:
            while True:
                yield "x" * 100_000
        finally:
            say("flood cleaned up")
    return EventStream(events())

@app.get("/slow")
async def slow(request):
    async def events():
        try:
            while True:
                yield "x" * 100_000
        finally:
            say("slow cleaned up")
    return EventStream(events(), send_timeout=0.2)

@app.get("/late")
async def late(request):
    async def events():
        yield "x"
        raise ValueError("late")
    return EventStream(events())

@app.get("/early")
async def early(request):
    async def events():
        raise ValueError("early")
        yield
    return EventStream(events())

async def endpoint(request):
    return EventStream(source("starlette"))

app.mount("/starlette", Starlette(routes=[Route("/", endpoint)]))
alone = Starlette(routes=[Route("/", endpoint)])

if __name__ == "__main__":
    app.run(port=int(sys.argv[1]), server=sys.argv[2], motd=False)
"""
PATHS = {"returned": "/returned", "quiet": "/quiet", "sent": "/sent", "starlette": "/starlette/"}
SERVERS = {
    "app.run": (sys.executable, "served.py", "{port}", "uvicorn"),
    "uvicorn": (*UVICORN[:-1], "{port}", "served:app"),
    "uvicorn h11": (*UVICORN[:-1], "{port}", "--http", "h11", "served:app"),
    "hypercorn": (sys.executable, "served.py", "{port}", "hypercorn"),
    "plain hypercorn": (sys.executable, "-m", "hypercorn", "-w", "0", "-b", "127.0.0.1:{port}", "served:app"),
    "granian": (sys.executable, "served.py", "{port}", "granian"),
    "plain granian": (
        sys.executable, "-m", "granian", "--interface", "asgi", "--host", "127.0.0.1", "--port", "{port}", "served:app",
    ),
}  # fmt: skip


class Stream:
    """A client of one stream.

    Args:
        port: of the server.
        path: of the stream.
    """

    def __init__(self, port: int, path: str) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), TIMEOUT_S)
        self.socket.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n".encode())
        self.received = b""

    def until(self, part: bytes) -> None:
        """Read until something has come."""
        while part not in self.received:
            data = self.socket.recv(65536)
            assert data, self.received
            self.received += data

    def rest(self) -> bytes:
        """Read to the end of the connection; return all that has come."""
        try:
            while data := self.socket.recv(65536):
                self.received += data
        except ConnectionResetError:
            self.received += b"reset"
        self.socket.close()
        return self.received


def wait_for_server(server: Process) -> int:
    """Return the port, as soon as the server answers."""
    port = int(re.findall(r"\b(\d{5})\b", " ".join(server.popen.args))[0])  # type: ignore[arg-type]

    def listens() -> bool:
        try:
            with closing(socket.create_connection(("127.0.0.1", port), TIMEOUT_S)):
                return True
        except OSError:
            return False

    server.until(listens)
    return port


@pytest.mark.parametrize("name", SERVERS)
def test_clients_disconnect_and_the_server_stops(tmp_path: Path, name: str) -> None:
    number = free_port()
    with process(tmp_path, SCRIPT, *(part.format(port=number) for part in SERVERS[name])) as server:
        port = wait_for_server(server)
        for kind, path in PATHS.items():
            leaving = Stream(port, path)
            leaving.until(b":\n" if kind == "quiet" else b'id: 2\ndata: {"number":2}\n\n')
            assert b"200" in leaving.received.split(b"\r\n")[0]
            assert b"text/event-stream; charset=utf-8" in leaving.received
            leaving.socket.close()
            server.until(lambda kind=kind: f"{kind} cleaned up" in server.log)  # type: ignore[misc]
        late, early = Stream(port, "/late"), Stream(port, "/early")
        assert b"data: x\n\n" in late.rest()
        assert not late.received.endswith(b"0\r\n\r\n")
        early.until(b"500")
        early.socket.close()
        server.until(lambda: "ValueError: early" in server.log)
        assert server.log.count("ValueError: late") == server.log.count("ValueError: early") == 1

        streams = {kind: Stream(port, path) for kind, path in PATHS.items()}
        for kind, stream in streams.items():
            stream.until(b":\n" if kind == "quiet" else b"id: 1\n")
        # This one takes nothing. Only where we run the server is it not waited for, and granian does so for 15 s.
        flood = Stream(port, "/flood")
        server.until(lambda: "flood begun" in server.log)
        if name not in ("app.run", "hypercorn"):
            flood.socket.close()
            server.until(lambda: "flood cleaned up" in server.log)
        server.popen.send_signal(signal.SIGTERM)
        for kind, stream in streams.items():
            assert stream.rest().endswith(b"0\r\n\r\n"), kind
        status = server.wait_for_end()
        flood.socket.close()
        for kind in PATHS:
            assert server.log.count(f"{kind} cleaned up") == 2
        assert server.log.count("flood cleaned up") == 1
        assert server.log.count("Traceback") == 2, server.log  # those of late and early
    assert status in (0, -signal.SIGTERM)


@pytest.mark.parametrize("http", ["httptools", "h11"])
def test_an_application_of_starlettes_alone_ends_its_streams(tmp_path: Path, http: str) -> None:
    with process(tmp_path, SCRIPT, *UVICORN, "--http", http, "served:alone") as server:
        port = server.port
        leaving = Stream(port, "/")
        leaving.until(b"id: 1\n")
        leaving.socket.close()
        server.until(lambda: server.log.count("starlette cleaned up") == 1)
        stream = Stream(port, "/")
        stream.until(b"id: 1\n")
        server.popen.send_signal(signal.SIGTERM)
        assert stream.rest().endswith(b"0\r\n\r\n")
        assert server.wait_for_end() == -signal.SIGTERM
        assert server.log.count("starlette cleaned up") == 2
        assert "Traceback" not in server.log


def test_a_client_that_reads_nothing_is_cut_off(tmp_path: Path) -> None:
    with process(tmp_path, SCRIPT, *UVICORN, "served:app") as server:
        stream = Stream(server.port, "/slow")
        server.until(lambda: "slow cleaned up" in server.log)
        assert server.get().status_code == 200
        stream.rest()
        assert server.log.count("read nothing for") == 1
        assert "Traceback" not in server.log
