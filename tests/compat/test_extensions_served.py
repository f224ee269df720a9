"""Extensions of ASGI over sockets: early hints and push by HTTP/2, files that granian sends itself."""

import json
import os
import socket
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import h2.config
import h2.connection
import h2.events
import h2.settings
import pytest
import requests

from tests.engine.processes import TIMEOUT_S, UVICORN, Process, free_port, process

LINK = "</style.css>; rel=preload; as=style"

SCRIPT_OF_SERVER = """
from sanic_star import json
from starlette.middleware.cors import CORSMiddleware
app.add_middleware(CORSMiddleware)

@app.get("/hint")
async def hint(request):
    sent = await request.send_early_hints("</style.css>; rel=preload; as=style", "</a.js>; rel=preload; as=script")
    return json([sent, request.supports("http.response.early_hint")])

@app.get("/push")
async def push(request):
    sent = await request.send_push_promise("/style.css?v=2", headers={"x-promise": "1"})
    return json([sent, request.supports("http.response.push")])

@app.get("/style.css")
async def style(request):
    return text(f"{request.query_string} {request.headers.get('accept')} {request.headers.get('x-promise')}")
"""


def ask(port: int, path: str, push: bool = True) -> tuple[list[Any], dict[int, bytes]]:
    """Send a request over HTTP/2, and return what came before the responses, and the bodies by their streams."""
    speaker = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
    speaker.initiate_connection()
    if not push:
        speaker.update_settings({h2.settings.SettingCodes.ENABLE_PUSH: 0})
    names = ((":method", "GET"), (":path", path), (":scheme", "http"), (":authority", "localhost"))
    speaker.send_headers(1, (*names, ("accept", "text/css")), end_stream=True)
    ahead: list[Any] = []
    bodies: dict[int, bytes] = {1: b""}
    open_streams = {1}
    with socket.create_connection(("127.0.0.1", port), TIMEOUT_S) as connection:
        while open_streams:
            connection.sendall(speaker.data_to_send())
            received = connection.recv(65536)
            assert received, "the server has closed the connection"
            for event in speaker.receive_data(received):
                headers: Any = getattr(event, "headers", None)
                if isinstance(event, h2.events.InformationalResponseReceived):
                    ahead.append([field for field in headers if field[0] in (":status", "link")])
                elif isinstance(event, h2.events.PushedStreamReceived):
                    fields = dict(headers)
                    assert event.pushed_stream_id is not None
                    ahead.append((fields[":path"], fields.get("accept"), fields.get("x-promise")))
                    bodies[event.pushed_stream_id] = b""
                    open_streams.add(event.pushed_stream_id)
                elif isinstance(event, h2.events.DataReceived):
                    bodies[event.stream_id] += event.data
                elif isinstance(event, h2.events.StreamEnded):
                    open_streams.discard(event.stream_id)
    return ahead, bodies


HINTS = [(":status", "103"), ("link", LINK), ("link", "</a.js>; rel=preload; as=script")]
HTTP_2 = {
    "hypercorn": ("-m", "hypercorn", "--bind", "127.0.0.1:0", "served:app"),
    "uvicorn": ("-m", "uvicorn", "--http", "zttp", "--http2", "--host", "127.0.0.1", "--port", "0", "served:app"),
}


@pytest.fixture(scope="module", params=list(HTTP_2))
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Process]]:
    folder: Path = tmp_path_factory.mktemp("hints")
    with process(folder, SCRIPT_OF_SERVER, sys.executable, *HTTP_2[request.param]) as running:
        running.get()
        yield request.param, running


def test_a_client_of_http_2_gets_early_hints(server: tuple[str, Process]) -> None:
    ahead, bodies = ask(server[1].port, "/hint")
    assert ahead == [HINTS]
    assert json.loads(bodies[1]) == [True, True]


def test_a_client_of_http_2_gets_what_is_pushed(server: tuple[str, Process]) -> None:
    name, running = server
    ahead, bodies = ask(running.port, "/push")
    if name == "hypercorn":
        assert ahead == [("/style.css?v=2", "text/css", "1")]
        assert json.loads(bodies.pop(1)) == [True, True]
        assert list(bodies.values()) == [b"v=2 text/css 1"]
        # hypercorn drops the promise for a client that takes none.
        ahead, bodies = ask(running.port, "/push", push=False)
        assert (ahead, json.loads(bodies[1])) == ([], [True, True])
    else:
        assert (ahead, json.loads(bodies[1])) == ([], [False, False])


def test_over_http_1_nothing_is_sent_ahead(server: tuple[str, Process]) -> None:
    for path in ("/hint", "/push"):
        response = server[1].get(path)
        assert (response.status_code, response.json()) == (200, [False, False])


FILES = """
from pathlib import Path
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import FileResponse
from sanic_star import file
from sanic_star.compat.response import file_stream

PLACE = Path(__file__).parent / "files"
app.add_middleware(CORSMiddleware)
app.static("/static", PLACE, use_modified_since=True, use_content_range=True)

@app.route("/file/<name>", methods=["GET", "HEAD"])
async def by_file(request, name):
    offered = request.supports("http.response.pathsend")
    return await file(PLACE / name, request_headers=request.headers, headers={"x-offered": offered})

@app.route("/stream/<name>", methods=["GET", "HEAD"])
async def by_stream(request, name):
    return await file_stream(PLACE / name)

@app.route("/gone/<name>")
async def gone(request, name):
    response = await file(PLACE / name)
    (PLACE / name).unlink()
    return response

@app.route("/replaced/<name>")
async def replaced(request, name):
    response = await file(PLACE / name)
    (PLACE / "new").write_bytes(b"another")
    (PLACE / "new").replace(PLACE / name)
    return response

app.add_route("/starlette", lambda request: FileResponse(PLACE / "a.bin"))
"""
BODY = os.urandom(3_000_000)
ONES_OWN = {"date", "server", "connection", "keep-alive", "x-offered"}


def answer(session: requests.Session, running: Process, method: str, path: str, **headers: str) -> Any:
    """Return status, header fields and body of an answer, apart from what servers say of themselves."""
    url = f"http://127.0.0.1:{running.port}{path}"
    response = session.request(method, url, headers={"accept-encoding": "identity", **headers}, timeout=TIMEOUT_S)
    fields = {name.lower(): value for name, value in response.headers.items() if name.lower() not in ONES_OWN}
    return response.status_code, fields, response.content


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Process, Process]]:
    """Serve the same files on uvicorn and on granian."""
    place = tmp_path_factory.mktemp("pathsend")
    folder = place / "files"
    folder.mkdir()
    for name, body in {"a.bin": BODY, "small.txt": b"small", "empty.txt": b""}.items():
        (folder / name).write_bytes(body)
    granian = ("-m", "granian", "--interface", "asgi", "--host", "127.0.0.1", "--port", str(free_port()), "served:app")
    with (
        process(place, FILES, *UVICORN, "served:app") as on_uvicorn,
        process(place, FILES, sys.executable, *granian) as on_granian,
    ):
        on_uvicorn.get()
        on_granian.get()
        yield folder, on_uvicorn, on_granian


@pytest.mark.parametrize("kind", ["file", "stream", "static", "starlette"])
def test_granian_sends_what_uvicorn_sends(servers: tuple[Path, Process, Process], kind: str) -> None:
    _, on_uvicorn, on_granian = servers
    names = ["a.bin", "small.txt", "empty.txt"] if kind != "starlette" else [""]
    with requests.Session() as session:
        for name in names:
            for method, headers in [
                ("GET", {}), ("HEAD", {}), ("GET", {"range": "bytes=1-1000000"}), ("GET", {"range": "bytes=-7"}),
                ("GET", {"range": "bytes=99999999-"}),
                ("GET", {"if-modified-since": "Fri, 01 Jan 2100 00:00:00 GMT"}),
                ("GET", {"if-modified-since": "Fri, 01 Jan 1999 00:00:00 GMT"}),
            ]:  # fmt: skip
                path = f"/{kind}/{name}".rstrip("/")
                expected = answer(session, on_uvicorn, method, path, **headers)
                assert answer(session, on_granian, method, path, **headers) == expected, (method, path, headers)


def test_only_granian_offers_it(servers: tuple[Path, Process, Process]) -> None:
    _, on_uvicorn, on_granian = servers
    for running, offered in ((on_uvicorn, False), (on_granian, True)):
        response = running.get("/file/small.txt")
        assert (response.content, response.headers["x-offered"]) == (b"small", str(offered))


@pytest.mark.parametrize("kind", ["gone", "replaced"])
def test_a_file_that_changes_while_it_is_sent(servers: tuple[Path, Process, Process], kind: str) -> None:
    # granian opens a file only when the application's `send` has returned.
    folder, _, on_granian = servers
    for number in range(5):
        name = f"{kind}-{number}.bin"
        (folder / name).write_bytes(BODY)
        response = on_granian.get(f"/{kind}/{name}")
        assert (response.status_code, response.content == BODY) == (200, True)


def test_many_clients_get_files_at_once(servers: tuple[Path, Process, Process]) -> None:
    _, _, on_granian = servers
    paths = [f"/{kind}/a.bin" for kind in ("file", "stream", "static")] * 10
    with ThreadPoolExecutor(8) as pool:
        contents = list(pool.map(lambda path: on_granian.get(path).content, paths))
    assert [content == BODY for content in contents] == [True] * len(paths)
