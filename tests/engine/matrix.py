"""One application on every server, measured for the tests and for the tables in `docs/deploy/index.md`.

python -m tests.engine.matrix       measures all of it, and prints the table
"""

import os
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import requests
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.sync.client import connect

from tests.engine.processes import TIMEOUT_S, Process, free_port, process

SCRIPT = """
from sanic_star.compat.response import ResponseStream

@app.get("/word")
async def word(request):
    return text("first")

@app.get("/events")
async def events(request):
    response = await request.respond(content_type="text/event-stream")
    try:
        while True:
            await response.send("data: x\\n\\n")
            await asyncio.sleep(0.01)
    finally:
        say("events cleaned up")

@app.get("/quiet")
async def quiet(request):
    response = await request.respond(content_type="text/event-stream")
    say("quiet is open")
    try:
        while True:
            await response.send(await asyncio.Queue().get())
    finally:
        say("quiet cleaned up")

@app.get("/quiet-function")
async def quiet_function(request):
    async def wait(response):
        say("quiet is open")
        try:
            await response.write(await asyncio.Queue().get())
        finally:
            say("quiet cleaned up")
    return ResponseStream(wait, content_type="text/event-stream")

@app.get("/lines")
async def lines(request):
    response = await request.respond(content_type="application/x-ndjson", endless=True)
    say("quiet is open")
    try:
        await response.send(await asyncio.Queue().get())
    finally:
        say("quiet cleaned up")

@app.get("/long")
async def long(request):
    say("quiet is open")
    try:
        await asyncio.sleep(120)
    finally:
        say("quiet cleaned up")
    return text("late")

@app.get("/flood")
async def flood(request):
    response = await request.respond(content_type="text/event-stream")
    say("flood is open")
    try:
        while True:
            await response.send("data: " + "x" * 100_000 + "\\n\\n")
    finally:
        say("flood cleaned up")

@app.websocket("/ws")
async def ws(request, ws):
    say("websocket is open")
    try:
        while True:
            await ws.send(await ws.recv())
    finally:
        say("websocket cleaned up")

if os.environ.get("FAIL"):
    @app.before_server_start
    async def fail(app):
        raise RuntimeError("no database")

if __name__ == "__main__":
    app.run(port=int(sys.argv[1]), server=sys.argv[2], auto_reload=len(sys.argv) > 3, motd=False)
"""


@dataclass
class Server:
    """A server, and the command that a user starts it with.

    Args:
        name: its name in the table.
        command: the command line, with the placeholders `{port}` and `{reload}`.
        reload: the option for a restart on changes; None: there is no restart; empty: only SIGHUP restarts it.
        status: its exit status after SIGTERM.
        failed: its exit status if a listener fails at the start, or the status of each answer if it goes on.
        lifespan: whether it runs the lifespan protocol.
        code: the close code of a websocket when the server stops; None: the connection ends without a close frame.
        is_cut_off: whether the server does not notify its worker, and breaks off a stream after its own timeout.
    """

    name: str
    command: str
    reload: str | None = "--reload"
    status: int = 0
    failed: int = 1
    lifespan: bool = True
    code: int | None = 1001
    is_cut_off: bool = False


SERVERS = [
    Server("app.run", "served.py {port} uvicorn {reload}", "reload"),
    Server("app.run, hypercorn", "served.py {port} hypercorn {reload}", "reload"),
    Server("app.run, granian", "served.py {port} granian {reload}", "reload"),
    Server("uvicorn", "-m uvicorn served:app --port {port} {reload}", status=-signal.SIGTERM, failed=3),
    Server(
        "hypercorn", "-m hypercorn served:app --bind 127.0.0.1:{port} {reload}", failed=0, code=1011, is_cut_off=True
    ),
    Server("granian", "-m granian --interface asgi --port {port} {reload} served:app"),
    Server("gunicorn", "-m gunicorn -k uvicorn_worker.UvicornWorker -b 127.0.0.1:{port} served:app", "", failed=3),
    Server("daphne", "-m daphne -b 127.0.0.1 -p {port} served:app", None, failed=500, lifespan=False, code=4001),
]


class Running:
    """One server, running."""

    def __init__(self, log: Process, port: int, folder: Path) -> None:
        self.log = log
        self.port = port
        self.folder = folder

    def get(self, path: str, **options: Any) -> requests.Response:
        # In a list, because a response with an error status is false.
        return self.log.until(lambda: _attempt(f"http://127.0.0.1:{self.port}{path}", options))[0]

    def stop(self) -> float:
        """Send SIGTERM, and return the seconds until the end."""
        began = time.monotonic()
        self.log.terminate()
        return time.monotonic() - began


def _attempt(url: str, options: dict[str, Any]) -> list[requests.Response]:
    try:
        return [requests.get(url, timeout=TIMEOUT_S, **options)]
    except requests.ConnectionError:
        return []


@contextmanager
def running(
    server: Server, folder: Path, reload: bool = False, fail: bool = False, script: str = ""
) -> Iterator[Running]:
    """Run a server until the block ends; `script` comes before the common script."""
    port = free_port()
    option = (server.reload or "") if reload else ""
    command = (sys.executable, *server.command.format(port=port, reload=option).split())
    before = dict(os.environ)
    if fail:
        os.environ["FAIL"] = "1"
    try:
        with process(folder, script + SCRIPT, *command) as started:
            yield Running(started, port, folder)
    finally:
        os.environ.clear()
        os.environ.update(before)


@dataclass
class Start:
    """The phases in the log before the first answer, and after it."""

    before: list[str]
    after: list[str]


def start(server: Server, folder: Path) -> Start:
    with running(server, folder) as it:
        deadline = time.monotonic() + (TIMEOUT_S if server.lifespan else 3)
        while len(it.log.phases()) < 2 and time.monotonic() < deadline:
            time.sleep(0.02)
        before = it.log.phases()
        assert it.get("/word").text == "first"
        it.log.until(lambda: len(it.log.phases()) >= 2)
        return Start(before, it.log.phases())


@dataclass
class Stop:
    """The outcome of a stop: its duration, the exit status, what the client received, and the log."""

    seconds: float
    status: int
    complete: bool
    code: int | None
    log: Process = field(repr=False)

    @property
    def cleaned(self) -> bool:
        """Whether the handler cleaned up."""
        return "cleaned up" in self.log.log

    @property
    def phases(self) -> list[str]:
        """The phases in the log."""
        return self.log.phases()


def stream_at_stop(server: Server, folder: Path) -> Stop:
    with running(server, folder) as it:
        assert it.get("/word").text == "first"
        with it.get("/events", stream=True) as answer:
            parts = answer.iter_content(None)
            assert next(parts).startswith(b"data: x")
            seconds = it.stop()
            try:
                for _ in parts:
                    pass
                complete = True
            except requests.RequestException:
                complete = False
    return Stop(seconds, it.log.wait_for_end(), complete, None, it.log)


@dataclass
class ManyStops:
    """The outcome of a stop with several connections: its duration, the exit status, the answers, and the log."""

    seconds: float
    status: int
    answers: list[bytes]
    log: Process = field(repr=False)


def _request(port: int, path: str) -> socket.socket:
    """Send a request, or a websocket's handshake to `/ws`, and leave the answer unread."""
    connection = socket.create_connection(("127.0.0.1", port), TIMEOUT_S)
    head = f"GET {path} HTTP/1.1\r\nHost: localhost\r\n"
    if path == "/ws":
        head += "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        head += "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    connection.sendall(f"{head}\r\n".encode())
    return connection


def _read_rest(connection: socket.socket) -> bytes:
    parts = []
    try:
        while part := connection.recv(65536):
            parts.append(part)
    except ConnectionError:
        pass
    return b"".join(parts)


def many_at_stop(server: Server, folder: Path, path: str, count: int = 20, reads: bool = True) -> ManyStops:
    """Stop a server with connections open.

    Args:
        server: the server.
        folder: the folder for its script.
        path: the path that the clients request.
        count: the number of clients.
        reads: whether they read the answers; clients that do not read are like peers that have vanished.
    """
    mark = {"/events": "", "/ws": "websocket is open", "/flood": "flood is open"}.get(path, "quiet is open")
    with running(server, folder) as it, ExitStack() as stack:
        assert it.get("/word").text == "first"
        connections = [stack.enter_context(_request(it.port, path)) for _ in range(count)]
        for connection in connections:
            connection.settimeout(TIMEOUT_S)
        if mark:
            it.log.until(lambda: it.log.log.count(mark) == count)
        else:
            for connection in connections:
                assert connection.recv(5, socket.MSG_PEEK)
        if path == "/flood":
            time.sleep(1)  # until all buffers are full
        with ThreadPoolExecutor(count) as threads:
            answers = [threads.submit(_read_rest, connection) for connection in connections if reads]
            seconds = it.stop()
            return ManyStops(seconds, it.log.wait_for_end(), [answer.result() for answer in answers], it.log)


def leaving(server: Server, folder: Path, path: str) -> None:
    """Let a client leave before the first part of its stream, and wait until the handler has cleaned up."""
    with running(server, folder) as it:
        assert it.get("/word").text == "first"
        with _request(it.port, path):
            it.log.until(lambda: "quiet is open" in it.log.log)
            assert "cleaned up" not in it.log.log
        it.log.until(lambda: "quiet cleaned up" in it.log.log)


def websocket_at_stop(server: Server, folder: Path) -> Stop:
    code: int | None = None
    with running(server, folder) as it:
        assert it.get("/word").text == "first"
        with connect(f"ws://127.0.0.1:{it.port}/ws", open_timeout=TIMEOUT_S, close_timeout=TIMEOUT_S) as websocket:
            websocket.send("hello")
            assert websocket.recv(TIMEOUT_S) == "hello"
            # A thread of the client answers the close frame, so that the server can complete the closing handshake.
            seconds = it.stop()
            try:
                websocket.recv(TIMEOUT_S)
            except ConnectionClosed as closed:
                code = closed.rcvd.code if closed.rcvd else None
            except WebSocketException:
                pass
    return Stop(seconds, it.log.wait_for_end(), code is not None, code, it.log)


def failing(server: Server, folder: Path) -> tuple[int | None, bool]:
    """Return the exit status of a failing start (without lifespan, of an answer), and whether the log has the error."""
    with running(server, folder, fail=True) as it:
        if not server.lifespan:
            status = it.get("/word").status_code
            return status, it.log.until(lambda: "no database" in it.log.log)
        status = it.log.wait_for_end()
    return status, "no database" in it.log.log


@dataclass
class Reload:
    """The seconds of a start, and the seconds from an edit to its effect."""

    start: float
    seconds: float
    log: Process = field(repr=False)


def reload(server: Server, folder: Path, path: str = "/events") -> Reload | None:
    """Edit the script while a connection is open; return None if the server does not restart."""
    if server.reload is None:
        return None
    began = time.monotonic()
    with running(server, folder, reload=True) as it:
        assert it.get("/word").text == "first"
        start = time.monotonic() - began
        with _request(it.port, path) as connection:
            if path in ("/events", "/ws"):
                assert connection.recv(5)
            else:
                it.log.until(lambda: "quiet is open" in it.log.log)
            source = folder / "served.py"
            source.write_text(source.read_text().replace('"first"', '"second"'))
            if not server.reload:
                it.log.popen.send_signal(signal.SIGHUP)
            began = edited = time.monotonic()
            while it.get("/word").text != "second":
                assert time.monotonic() < began + TIMEOUT_S, it.log.log
                # A watcher may have begun to watch after the edit.
                if "cleaned up" not in it.log.log and time.monotonic() > edited + 5:
                    source.touch()
                    edited = time.monotonic()
                time.sleep(0.02)
            return Reload(start, time.monotonic() - edited, it.log)


def main() -> None:
    """Print the table."""

    quiet = ("/quiet", "/quiet-function")
    measures: dict[str, Callable[[Server, Path], object]] = {
        "start": start,
        "stop, a stream": stream_at_stop,
        "stop, a websocket": websocket_at_stop,
        "failing start": failing,
        **{f"stop, {path}": partial(many_at_stop, path=path, count=1) for path in quiet},
        **{f"stop, 20 of {path}": partial(many_at_stop, path=path) for path in ("/events", "/ws")},
        **{
            f"stop, {path} to a peer that has vanished": partial(many_at_stop, path=path, count=1, reads=False)
            for path in ("/quiet", "/ws", "/flood")
        },
        **{f"reload, {path}": partial(reload, path=path) for path in ("/events", "/quiet", "/lines", "/ws", "/long")},
    }
    for server in SERVERS:
        print(server.name)
        for name, measure in measures.items():
            with tempfile.TemporaryDirectory() as folder:
                try:
                    print("   ", name, measure(server, Path(folder)), flush=True)
                except Exception as error:
                    print("   ", name, type(error).__name__, str(error)[:1500], flush=True)


if __name__ == "__main__":
    main()
