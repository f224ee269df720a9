"""Connections after an error and at shutdown, over real sockets, under every server.

A server may close a connection whose application has raised an exception. A client that was not told so sends its next
request there, and loses it.
"""

import contextlib
import http.client
import re
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from starlette.types import Message
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from sanic_star import HTTPResponse, Request, Sanic, ServiceUnavailable, text
from tests.engine.matrix import SERVERS, Server, running
from tests.engine.processes import TIMEOUT_S, Process, process
from tests.engine.raw import Peer, http_scope

SCRIPT = """
import pathlib
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.middleware import Middleware
from starlette.responses import JSONResponse
from starlette.routing import Route
import sanic_star.servers.uvicorn as backend
from sanic_star import HTTPResponse

class Raises:
    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        if scope.get("path") == "/middleware":
            raise RuntimeError("middleware")
        await self.app(scope, receive, send)

def fail(*args):
    raise RuntimeError("the handler's")

app = Sanic("After", middleware=[Middleware(Raises)])
app.config.update(REQUEST_TIMEOUT=0.5, RESPONSE_TIMEOUT=20, REQUEST_MAX_SIZE=1000)

@app.get("/fine")
async def fine(request):
    return text("fine")

@app.route("/fail", methods=["GET", "HEAD", "POST"])
async def failing(request):
    raise RuntimeError("the handler's")

async def late_failure():
    raise RuntimeError("too late")

async def background(request):
    response = HTTPResponse if "ours" in request.args else JSONResponse
    return response("fine", background=BackgroundTask(late_failure))

async def complete(request):
    response = await request.respond(content_type="text/plain")
    if "ended" in request.args:
        await response.send("fine", True)
    else:
        await response.send("fine")
        await response.eof()
    raise RuntimeError("too late")

@app.post("/stream", stream=True)
async def stream(request):
    return text(str(len([part async for part in request.stream])))

@app.post("/form", stream=True)
async def form(request):
    return text(str(await request.form()))

@app.post("/starlette-body", stream=True)
async def starlette_body(request):
    return text(str(len(await request.starlette.body())))

@app.post("/body")
async def body(request):
    return text(str(len(request.body)))

@app.websocket("/refused")
async def refused(request, ws):
    pass

@app.on_request
async def guard(request):
    if request.path == "/refused":
        raise RuntimeError("the guard's")

@app.websocket("/late/<how>")
async def late(request, ws, how):
    sent = pathlib.Path(request.args.get("sent"))
    if how == "later":
        await ws.recv()
    while not sent.exists():
        if how == "asleep":
            await asyncio.sleep(0.01)
        else:
            time.sleep(0.01)
    # The server's own threads may still have to read what the client has sent.
    if how == "asleep":
        await asyncio.sleep(1)
    else:
        time.sleep(1)
    single = [await ws.recv(0) for _ in range(3)]
    await ws.send(repr((single, await ws.recv_burst(), await ws.recv_burst())))

@app.websocket("/closes/<code:int>")
async def closes(request, ws, code):
    await ws.close(code or None, "reason")

inner = Sanic("Inner")
inner.add_route(failing, "/fail", name="inner")
for each in (app, inner):
    each.add_route(background, "/background")
    each.add_route(complete, "/complete")
app.mount("/inner", inner)
app.mount("/starlette", Starlette(routes=[Route("/fail", fail)]))

if __name__ == "__main__":
    backend.HAS_HTTPTOOLS = sys.argv[1] != "h11"
    if "watched" in sys.argv:
        # Both put a `send` of their own before the server's.
        app.config.ACCESS_LOG = True
        @app.signal("http.lifecycle.send")
        async def sent(data):
            pass
    app.run(port=0, motd=False, server="uvicorn" if sys.argv[1] in ("httptools", "h11") else sys.argv[1])
"""


@pytest.fixture(scope="module", params=["httptools", "h11", "hypercorn", "granian"])
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    folder: Path = tmp_path_factory.mktemp("after")
    with process(folder, SCRIPT, sys.executable, "served.py", request.param) as started:
        assert started.get("/fine").text == "fine"
        yield started


FAILING = [("GET", "/fail"), ("HEAD", "/fail"), ("POST", "/fail"), ("GET", "/middleware")]
FAILING += [("GET", "/inner/fail"), ("GET", "/starlette/fail")]


@pytest.mark.parametrize(("method", "path"), FAILING)
def test_a_client_that_keeps_connections_loses_no_request(served: Process, method: str, path: str) -> None:
    with requests.Session() as session:
        for number in range(30):
            failing = number % 3 == 1
            url = f"http://127.0.0.1:{served.port}{path if failing else '/fine'}"
            answer = session.request(method if failing else "GET", url, timeout=TIMEOUT_S)
            assert answer.status_code == (500 if failing else 200)
            assert answer.headers.get("connection", "") == ("close" if failing else "")


@pytest.mark.parametrize(("code", "arrives"), [(1001, 1001), (1006, 1011), (1014, 1014), (4999, 4999)])
def test_a_close_code_arrives(served: Process, code: int, arrives: int) -> None:
    with connect(f"ws://127.0.0.1:{served.port}/closes/{code}", open_timeout=TIMEOUT_S) as websocket:
        with pytest.raises(ConnectionClosed):
            websocket.recv(TIMEOUT_S)
        closed = (websocket.close_code, websocket.close_reason)
        # 1006 breaks the connection off, as in Sanic, where the server can do that: uvicorn.
        assert closed == (arrives, "reason") or (code == 1006 and closed == (1006, ""))


def test_a_close_without_a_code_is_a_proper_one(served: Process) -> None:
    with connect(f"ws://127.0.0.1:{served.port}/closes/0", open_timeout=TIMEOUT_S) as websocket:
        with pytest.raises(ConnectionClosed):
            websocket.recv(TIMEOUT_S)
        # 1005: the close frame has none.
        assert websocket.close_code in (1000, 1005)
    assert "TypeError" not in served.log


LATE = ["/background", "/background?ours=1", "/complete", "/complete?ended=1"]
LATE += [f"/inner{path}" for path in LATE]


def check_late_failures(served: Process) -> None:
    before = served.log.count("RuntimeError: too late")
    for path in LATE:
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", served.port, timeout=TIMEOUT_S)) as client:
            client.connect()
            connected = client.sock
            for target in (path, "/fine", path):
                client.request("GET", target)
                answer = client.getresponse()
                assert b"fine" in answer.read()
                assert (answer.status, answer.getheader("connection"), client.sock) == (200, None, connected)
                # By now, one side has closed the connection.
                served.until(lambda: "too late" in served.log)
                time.sleep(0.02)
    served.until(lambda: served.log.count("RuntimeError: too late") >= before + 2 * len(LATE))
    assert served.log.count("RuntimeError: too late") == before + 2 * len(LATE)
    assert "Exception in ASGI" not in served.log


def test_an_exception_after_a_complete_response_keeps_the_connection(served: Process) -> None:
    check_late_failures(served)


@pytest.mark.parametrize("parser", ["httptools", "h11"])
def test_it_works_behind_the_access_log_and_signals(parser: str, tmp_path: Path) -> None:
    with process(tmp_path, SCRIPT, sys.executable, "served.py", parser, "watched") as started:
        check_late_failures(started)


class Cycle:
    """uvicorn's side of one request, in short."""

    def __init__(self) -> None:
        self.transport = self
        self.response_complete = self.closing = False

    def is_closing(self) -> bool:
        return self.closing

    async def send(self, message: Message) -> None:
        self.closing = self.closing or (b"connection", b"close") in message.get("headers", ())
        self.response_complete = message["type"] == "http.response.body" and not message.get("more_body")


@pytest.mark.parametrize(("path", "raised"), [("/fails", True), ("/late", False)])
async def test_only_an_exception_that_would_close_the_connection_is_kept_from_the_server(
    path: str, raised: bool, caplog: pytest.LogCaptureFixture
) -> None:
    app: Sanic[Any, Any] = Sanic("Late")

    @app.get("/fails")
    async def fails(request: Request) -> HTTPResponse:
        raise RuntimeError("told")

    @app.get("/late")
    async def late(request: Request) -> None:
        await (await request.respond(text("sent"))).eof()
        raise RuntimeError("told")

    cycle = Cycle()
    with pytest.raises(RuntimeError) if raised else contextlib.nullcontext():
        await app(http_scope(path), Peer().receive, cycle.send)
    assert cycle.response_complete
    assert len(caplog.records) == 1
    # Test clients, and tools that pass on a `send` of their own, get it always.
    with pytest.raises(RuntimeError):
        await app(http_scope(path), Peer().receive, Peer().send)


def test_an_exception_is_logged_once(served: Process) -> None:
    before = served.log.count("RuntimeError: the handler's")
    assert requests.get(f"http://127.0.0.1:{served.port}/fail", timeout=TIMEOUT_S).status_code == 500
    assert served.get("/fine").status_code == 200
    served.until(lambda: served.log.count("RuntimeError: the handler's") > before)
    assert served.log.count("RuntimeError: the handler's") == before + 1
    assert "Application callable raised" not in served.log
    assert "Exception in ASGI" not in served.log


def test_a_successful_response_keeps_the_connection(served: Process) -> None:
    client = http.client.HTTPConnection("127.0.0.1", served.port, timeout=TIMEOUT_S)
    with contextlib.closing(client):
        for _ in range(3):
            client.request("GET", "/none")
            answer = client.getresponse()
            answer.read()
            assert (answer.status, answer.getheader("connection")) == (404, None)


@pytest.mark.parametrize("path", ["/body", "/stream", "/form", "/starlette-body"])
@pytest.mark.parametrize("size", ["10", "chunked"])
def test_a_body_that_stops_is_answered(served: Process, path: str, size: str) -> None:
    client = http.client.HTTPConnection("127.0.0.1", served.port, timeout=TIMEOUT_S)
    with contextlib.closing(client):
        client.putrequest("POST", path)
        client.putheader("content-type", "application/x-www-form-urlencoded")
        client.putheader(*(("transfer-encoding", "chunked") if size == "chunked" else ("content-length", size)))
        client.endheaders()
        client.send(b"3\r\nabc\r\n" if size == "chunked" else b"abc")
        answer = client.getresponse()
        assert (answer.status, answer.getheader("connection")) == (408, "close")
        assert answer.read()


def test_a_refused_handshake(served: Process) -> None:
    with pytest.raises(InvalidStatus) as caught:
        connect(f"ws://127.0.0.1:{served.port}/refused", open_timeout=TIMEOUT_S).__enter__()
    response = caught.value.response
    assert response.status_code == 500
    assert "close" in ", ".join(response.headers.get_all("connection"))


@pytest.mark.parametrize("how", ["asleep", "blocked", "later"])
def test_messages_that_have_arrived_are_received_at_once(served: Process, how: str, tmp_path: Path) -> None:
    for number in range(2):
        sent = tmp_path / str(number)
        url = f"ws://127.0.0.1:{served.port}/late/{how}?sent={sent}"
        with connect(url, open_timeout=TIMEOUT_S) as websocket:
            if how == "later":
                websocket.send("first")
            for word in "abcde":
                websocket.send(word)
            sent.touch()
            assert websocket.recv(TIMEOUT_S) == "(['a', 'b', 'c'], ['d', 'e'], [])"


@pytest.mark.parametrize(("version", "announced"), [("1.0", True), ("1.1", True), ("2", False), ("3", False)])
async def test_only_http_1_has_the_field(version: str, announced: bool) -> None:
    app: Sanic[Any, Any] = Sanic("Versions")

    @app.get("/")
    async def failing(request: Request) -> HTTPResponse:
        raise RuntimeError

    peer = Peer()
    with pytest.raises(RuntimeError):
        await app(http_scope(http_version=version), peer.receive, peer.send)
    assert (peer.status, peer.headers.get(b"connection")) == (500, b"close" if announced else None)


@pytest.mark.parametrize("handled", [False, True])
async def test_an_exception_that_is_settled_announces_nothing(handled: bool) -> None:
    app: Sanic[Any, Any] = Sanic("Settled")

    @app.get("/")
    async def failing(request: Request) -> HTTPResponse:
        raise RuntimeError if handled else ServiceUnavailable

    @app.exception(RuntimeError)
    async def handle(request: Request, error: RuntimeError) -> HTTPResponse:
        return text("handled", 500)

    peer = Peer()
    await app(http_scope(), peer.receive, peer.send)
    assert (peer.status, peer.headers.get(b"connection")) == (500 if handled else 503, None)


@pytest.mark.parametrize("server", SERVERS, ids=lambda server: server.name)
def test_the_stop_with_open_websockets_logs_no_traceback(server: Server, tmp_path: Path) -> None:
    if server.name == "hypercorn" and sys.version_info >= (3, 12):
        pytest.skip("its worker waits for its connections without end: asyncio's `Server.wait_closed` does since 3.12")
    codes: list[int | None] = []
    with running(server, tmp_path) as started, contextlib.ExitStack() as stack:
        assert started.get("/word").text == "first"
        url = f"ws://127.0.0.1:{started.port}/ws"
        websockets = [
            stack.enter_context(connect(url, open_timeout=TIMEOUT_S, close_timeout=TIMEOUT_S)) for _ in range(20)
        ]
        for websocket in websockets:
            websocket.send("hello")
            assert websocket.recv(TIMEOUT_S) == "hello"
        started.stop()
        for websocket in websockets:
            with pytest.raises(ConnectionClosed) as closed:
                websocket.recv(TIMEOUT_S)
            codes.append(closed.value.rcvd.code if closed.value.rcvd else None)
    assert "Traceback" not in started.log.log
    assert started.log.log.count("websocket cleaned up") == 20
    assert started.log.phases()[2:] == ["before_server_stop", "after_server_stop"]
    assert set(codes) == {server.code}


def test_daphne_finishes_requests_before_it_stops(tmp_path: Path) -> None:
    daphne = next(server for server in SERVERS if server.name == "daphne")
    script = """
@app.get("/slow")
async def slow(request):
    say("slow begins")
    await asyncio.sleep(2)
    return text("slow")
"""
    with running(daphne, tmp_path, script=script) as started:
        answers: list[requests.Response] = []
        client = threading.Thread(target=lambda: answers.append(started.get("/slow")))
        client.start()
        started.log.until(lambda: "slow begins" in started.log.log)
        started.stop()
        client.join(TIMEOUT_S)
    assert [answer.text for answer in answers] == ["slow"]
    assert started.log.phases()[2:] == ["before_server_stop", "after_server_stop"]


def test_daphne_does_not_log_what_was_logged(tmp_path: Path) -> None:
    daphne = next(server for server in SERVERS if server.name == "daphne")
    script = """
@app.get("/fail")
async def fail(request):
    raise RuntimeError("the handler's")

@app.websocket("/ws-fail")
async def ws_fail(request, ws):
    raise RuntimeError("the handler's")
"""
    with running(daphne, tmp_path, script=script) as started:
        assert started.get("/fail").status_code == 500
        with connect(f"ws://127.0.0.1:{started.port}/ws-fail", open_timeout=TIMEOUT_S) as websocket:
            with pytest.raises(ConnectionClosed):
                websocket.recv(TIMEOUT_S)
            assert websocket.close_code == 4011
        started.stop()
    assert started.log.log.count("Exception occurred while handling uri") >= 2
    assert "Exception inside application" not in started.log.log


CUT = """
app.config.GRACEFUL_SHUTDOWN_TIMEOUT = 0.5

@app.get("/download")
async def download(request):
    response = await request.respond(content_type="text/plain")
    while True:
        await response.send("x")
        await asyncio.sleep(0.01)

if __name__ == "__main__":
    app.run(port=0, motd=False, server=sys.argv[1])
"""
UVICORN_WITH_A_LIMIT = ("-m", "uvicorn", "--host", "127.0.0.1", "--port", "0", "--timeout-graceful-shutdown", "1")


@pytest.mark.parametrize(
    "command",
    [
        ("served.py", "uvicorn"),
        ("served.py", "hypercorn"),
        ("served.py", "granian"),
        (*UVICORN_WITH_A_LIMIT, "served:app"),
    ],
    ids=lambda command: "uvicorn" if "-m" in command else f"app.run, {command[-1]}",
)
def test_a_response_that_the_stop_cuts_off_is_one_line_in_the_log(command: tuple[str, ...], tmp_path: Path) -> None:
    with (
        process(tmp_path, CUT, sys.executable, *command) as started,
        started.get("/download", stream=True) as answer,
    ):
        assert answer.raw.read(1)
        started.terminate()
        with pytest.raises(requests.RequestException):
            answer.content  # noqa: B018 - reading it fails
    assert len(re.findall("is cut off", started.log)) == 1
    assert "Traceback" not in started.log
    assert "Exception in ASGI" not in started.log
