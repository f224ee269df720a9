"""Every exception gets a response or a clean break-off, over a socket: wherever it is raised, however it behaves."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.compat.hostile import NAMES
from tests.engine.processes import TIMEOUT_S, Process, process

SCRIPT = """
import logging
from sanic_star import HTTPResponse, json
from sanic_star.compat.handlers import ErrorHandler
from starlette.background import BackgroundTask
from starlette.responses import PlainTextResponse
from tests.compat.hostile import EXCEPTIONS, NAMES

app.debug = "debug" in sys.argv
app.config.ACCESS_LOG = "log" in sys.argv
app.config.RESPONSE_TIMEOUT = None

def fail(number):
    raise EXCEPTIONS[NAMES[number]]()

class Failing(logging.Handler):
    def emit(self, record):
        raise RuntimeError("the log is full")

if "log" in sys.argv:
    for name in ("error", "access"):
        logging.getLogger("sanic." + name).addHandler(Failing())

class Broken(ErrorHandler):
    def __getattribute__(self, name):
        if "broken:" + name in sys.argv and app.state.is_started: raise RuntimeError(name)
        return super().__getattribute__(name)

app.error_handler = Broken()

@app.get("/handler/<n:int>")
async def handler(request, n): fail(n)
@app.get("/sync/<n:int>")
def sync(request, n): fail(n)
@app.get("/request_middleware/<n:int>")
@app.get("/response_middleware/<n:int>", name="after")
@app.get("/signal/<n:int>", name="signal")
async def fine(request, n): return text("fine")
@app.on_request
async def before(request):
    if request.path.startswith("/request_middleware/"): fail(request.match_info["n"])
@app.on_response
async def after(request, response):
    if request.path.startswith("/response_middleware/"): fail(request.match_info["n"])
if "signal" in sys.argv:
    @app.signal("http.handler.before")
    async def signal_handler(request):
        if request.path.startswith("/signal/"): fail(request.match_info["n"])
    @app.signal("http.lifecycle.exception")
    async def second(request, exception): fail(request.match_info["n"])
    @app.signal("server.exception.report")
    async def third(exception): fail(0)

class Number(Exception): pass
@app.exception(Number)
async def answer(request, exception): fail(exception.args[0])
@app.get("/exception_handler/<n:int>")
async def in_a_handler(request, n): raise Number(n)

class Odd(HTTPResponse):
    async def __call__(self, scope, receive, send): fail(self.number)
class OddStarlette(PlainTextResponse):
    async def __call__(self, scope, receive, send): fail(self.number)
@app.get("/response/<n:int>")
async def response(request, n):
    odd = Odd("x")
    odd.number = n
    return odd
@app.get("/starlette_response/<n:int>")
async def starlette_response(request, n):
    odd = OddStarlette("x")
    odd.number = n
    return odd
@app.get("/background/<n:int>")
async def background(request, n):
    async def later(): fail(n)
    return HTTPResponse("sent", background=BackgroundTask(later))
@app.get("/task/<n:int>")
async def task(request, n):
    async def later(): fail(n)
    request.app.add_task(later())
    await asyncio.sleep(0)
    return text("sent")
@app.get("/half/<n:int>")
async def half(request, n):
    await (await request.respond(content_type="text/plain")).send("a")
    fail(n)
@app.websocket("/websocket/<n:int>")
async def websocket(request, ws, n): fail(n)
@app.websocket("/open_websocket/<n:int>")
async def open_websocket(request, ws, n):
    await ws.send("hello")
    fail(n)

async def mounted(scope, receive, send): fail(int(scope["path"].rpartition("/")[2]))
app.mount("/mount", mounted)

class Around:
    def __init__(self, app): self.app = app
    async def __call__(self, scope, receive, send):
        if scope["type"] == "http" and scope["path"].startswith("/asgi/"): fail(int(scope["path"][6:]))
        await self.app(scope, receive, send)
if "around" in sys.argv:
    app.add_middleware(Around)
if __name__ == "__main__":
    app.run(port=0, motd=False, server=sys.argv[1], single_process=True)
"""
UPGRADE = (
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)
PLACES = (
    *("handler", "sync", "request_middleware", "exception_handler", "response", "starlette_response", "mount"),
    *("response_middleware", "background", "task", "half", "websocket", "open_websocket"),
)
# The exception comes too late to change the answer, or changes none.
LATE = {"response_middleware": "200", "background": "200", "task": "200", "half": "200", "open_websocket": "101"}
SOME = NAMES[:: len(NAMES) // 40]


@pytest.fixture(
    scope="module",
    params=["uvicorn", "uvicorn debug", "uvicorn around signal", "uvicorn log", "hypercorn around", "granian"],
)
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    folder: Path = tmp_path_factory.mktemp("hostile")
    with process(folder, SCRIPT, sys.executable, "served.py", *request.param.split()) as running:
        running.get()
        yield running


def ask(port: int, place: str, number: int, accept: str = "*/*") -> str:
    """Return the status of the answer; empty where the connection was closed without one."""
    headers = UPGRADE if "websocket" in place else "Connection: close\r\n"
    with socket.create_connection(("127.0.0.1", port), TIMEOUT_S) as connection:
        connection.sendall(f"GET /{place}/{number} HTTP/1.1\r\nHost: h\r\nAccept: {accept}\r\n{headers}\r\n".encode())
        answer = b""
        # Until the server closes: what hangs fails by the time-out.
        while part := connection.recv(65536):
            answer += part
            if "open_websocket" in place or answer.startswith(b"HTTP/1.1 101"):
                break
    return answer[9:12].decode()


def expected(place: str, name: str) -> set[str]:
    if place in LATE:
        # Response middleware loses no answer by an `Exception`; a base exception is another matter, as in Sanic.
        return {LATE[place], "500"} if place == "response_middleware" else {LATE[place]}
    # A quiet one may be answered as what it is, if that can be read.
    quiet = ("NotFound", "HTTPException", "without", "Starlette", "its own", "group of one NotFound")
    return {"500", "404"} if name.startswith(quiet) else {"500"}


@pytest.mark.parametrize("place", PLACES)
def test_an_exception_is_answered(served: Process, place: str) -> None:
    names = NAMES if place == "handler" else SOME
    wrong = {}
    for name in names:
        status = ask(served.port, place, NAMES.index(name))
        if status not in expected(place, name) | ({"101", "403"} if place == "websocket" else set()):
            wrong[name] = status
    assert wrong == {}
    assert served.get("/").status_code == 200


@pytest.mark.parametrize("accept", ["text/html", "application/json"])
def test_every_format_shows_every_exception(served: Process, accept: str) -> None:
    wrong = {name: ask(served.port, "handler", number, accept) for number, name in enumerate(NAMES)}
    assert {name: status for name, status in wrong.items() if status not in expected("handler", name)} == {}
    assert served.get("/").status_code == 200


@pytest.mark.parametrize("method", ["response", "default", "lookup", "log", "handles", "cached_handlers", "base"])
def test_a_broken_error_handler_leaves_a_plain_500(tmp_path: Path, method: str) -> None:
    with process(tmp_path, SCRIPT, sys.executable, "served.py", "uvicorn", f"broken:{method}") as running:
        running.get()
        wrong = {name: ask(running.port, "handler", NAMES.index(name)) for name in SOME}
        assert {name: status for name, status in wrong.items() if status not in expected("handler", name)} == {}
        assert running.get("/").status_code == 200
        # A path without a route goes the same way; `handles` is for exceptions that have a handler.
        assert ask(running.port, "nothing", 0) == ("404" if method == "handles" else "500")


def test_the_middleware_of_the_application_may_fail(tmp_path: Path) -> None:
    with process(tmp_path, SCRIPT, sys.executable, "served.py", "uvicorn", "around", "signal") as running:
        running.get()
        for place in ("asgi", "signal"):
            wrong = {name: ask(running.port, place, NAMES.index(name)) for name in SOME}
            assert {name: status for name, status in wrong.items() if status not in expected("handler", name)} == {}
        assert running.get("/").status_code == 200
