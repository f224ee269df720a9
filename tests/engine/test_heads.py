"""The limit on the head of a request if httptools parses for uvicorn."""

import asyncio
import socket
import textwrap
from pathlib import Path
from typing import Any

import pytest
from uvicorn.server import ServerState

from sanic_star import Request, Sanic, text
from sanic_star.servers import uvicorn
from sanic_star.servers.heads import REFUSAL, Limited, TimedH11
from sanic_star.servers.settings import Settings
from tests.engine.processes import TIMEOUT_S, free_port, process

LIMIT = 300
START = b"POST / HTTP/1.1\r\nhost: h\r\n"
SHORT = START + b"content-length: 0\r\n\r\n"
LONG = START + b"x: " + b"a" * LIMIT + b"\r\ncontent-length: 0\r\n\r\n"
BODY = START + b"content-length: %d\r\n\r\n" % (2 * LIMIT) + b"b" * 2 * LIMIT


class Wire(asyncio.Transport):
    """A transport that records the data that a server writes while the connection is open."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.closed = False

    def write(self, data: Any) -> None:
        if not self.closed:
            self.written += data

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


def cut(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


@pytest.mark.parametrize(
    ("chunks", "answers", "refused"),
    [
        ([SHORT], 1, False),
        (cut(SHORT, 1), 1, False),
        ([LONG], 0, True),
        (cut(LONG, 1), 0, True),
        (cut(LONG, LIMIT - 20), 0, True),
        ([b"GET /" + b"a" * LIMIT + b" HTTP/1.1\r\nhost: h\r\n\r\n"], 0, True),
        # A head without end, and a request line without end.
        ([START, *[b"x: " + b"a" * 100] * 4], 0, True),
        ([b"GET /", *[b"a" * 100] * 4], 0, True),
        # A body is no head, whatever comes with it in one piece, and behind it.
        ([BODY], 1, False),
        (cut(BODY, 50), 1, False),
        ([BODY + SHORT], 2, False),
        ([BODY + SHORT[:20], SHORT[20:]], 2, False),
        ([BODY, LONG], 1, True),
        ([SHORT, *cut(LONG, 100)], 1, True),
    ],
)
async def test_a_head_that_is_too_long_is_refused(chunks: list[bytes], answers: int, refused: bool) -> None:
    app: Sanic[Any, Any] = Sanic("Heads")
    app.add_route(answer, "/", methods=["POST"])
    config = uvicorn.make_config(app, Settings(max_header_size=LIMIT))
    config.load()
    assert config.http_protocol_class is Limited
    protocol, wire = Limited(config, ServerState(), {}), Wire()
    protocol.connection_made(wire)
    for piece in chunks:
        if wire.closed:
            break
        protocol.data_received(piece)
        await asyncio.sleep(0)
    while protocol.tasks:
        await asyncio.wait(protocol.tasks)
        await asyncio.sleep(0)
    assert wire.written.count(b"HTTP/1.1 200 OK") == answers
    assert (REFUSAL in wire.written, wire.closed) == (refused, refused)
    protocol.connection_lost(None)


async def answer(request: Request) -> Any:
    return text("answered")


async def test_malformed_http_is_answered_without_the_application() -> None:
    app: Sanic[Any, Any] = Sanic("NoHTTP")
    config = uvicorn.make_config(app, Settings(max_header_size=LIMIT))
    config.load()
    protocol, wire = Limited(config, ServerState(), {}), Wire()
    protocol.connection_made(wire)
    app._engine.sweeper.refuse = None  # type: ignore[assignment,method-assign]
    protocol.data_received(b"nonsense\r\n\r\n")
    await asyncio.wait(protocol.tasks)
    assert (wire.written.startswith(b"HTTP/1.1 400"), wire.closed) == (True, True)
    protocol.connection_lost(None)


def test_without_httptools_h11_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    app: Sanic[Any, Any] = Sanic("Choosing")
    assert uvicorn.make_config(app, Settings()).http is Limited
    monkeypatch.setattr(uvicorn, "HAS_HTTPTOOLS", False)
    config = uvicorn.make_config(app, Settings(max_header_size=LIMIT))
    assert (config.http, config.h11_max_incomplete_event_size) == (TimedH11, LIMIT)


OWN_DATE = "Thu, 01 Jan 1970 00:00:00 GMT"
DATED = f"""
from starlette.responses import PlainTextResponse

OWN = {{"Date": "{OWN_DATE}", "Server": "mine"}}

@app.get("/plain")
async def plain(request): return text("x")
@app.get("/own")
async def own(request): return text("x", headers=OWN)
@app.get("/starlette")
async def starlette(request): return PlainTextResponse("x", headers=OWN)
@app.get("/streamed")
async def streamed(request):
    response = await request.respond(headers=OWN)
    await response.send("x")
@app.on_response
async def mark(request, response):
    if "late" in request.args:
        response.headers.update(OWN)
async def raw(scope, receive, send):
    fields = [(b"DATE", b"{OWN_DATE}"), (b"sErVeR", b"mine")]
    await send({{"type": "http.response.start", "status": 200, "headers": fields}})
    await send({{"type": "http.response.body", "body": b"x"}})
app.mount("/raw", raw)
@app.get("/fails")
async def fails(request): raise ValueError("x")
@app.websocket("/ws")
async def ws(request, ws): await ws.send("x")
"""
HANDSHAKE = (
    "connection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n"
    "sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
)
EXCHANGES = (
    ("/plain", False, ""),
    ("/own", True, ""),
    ("/starlette", True, ""),
    ("/streamed", True, ""),
    ("/plain?late=1", True, ""),
    ("/raw/", True, ""),
    ("/fails", False, ""),
    ("/none", False, ""),
    ("/own", True, "connection: close\r\n"),
    ("/ws", False, HANDSHAKE),
)


def fields_of(port: int | str, path: str, extra_field: str) -> list[tuple[str, str]]:
    """Return the `date` and `server` fields of a response."""
    family = socket.AF_UNIX if isinstance(port, str) else socket.AF_INET
    with socket.socket(family) as connection:
        connection.settimeout(TIMEOUT_S)
        connection.connect(port if isinstance(port, str) else ("127.0.0.1", port))
        connection.sendall(f"GET {path} HTTP/1.1\r\nhost: h\r\n{extra_field}\r\n".encode())
        received = b""
        while b"\r\n\r\n" not in received:
            part = connection.recv(65536)
            assert part, received
            received += part
    lines = received.split(b"\r\n\r\n")[0].decode().split("\r\n")[1:]
    fields = [(name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines)]
    return [field for field in fields if field[0] in ("date", "server")]


def answers(address: int | str) -> bool:
    """Return whether a server answers there already."""
    try:
        return bool(fields_of(address, "/plain", ""))
    except OSError:
        return False


SERVERS = [
    "",
    "sys.modules['httptools'] = None",  # uvicorn reads by h11
    "options['workers'] = 2",
    "options['server'] = 'hypercorn'",
    "options['server'] = 'granian'",
    *(["options['unix'] = 'served.socket'"] if hasattr(socket, "AF_UNIX") else []),
]


@pytest.mark.parametrize("server", SERVERS)
def test_a_response_has_one_date_and_no_server(server: str, tmp_path: Path) -> None:
    port = free_port()
    run = f"""
    if __name__ == "__main__":
        options = {{"host": "127.0.0.1", "port": {port}}}
        {server}
        if "unix" in options: del options["host"], options["port"]
        app.run(motd=False, access_log=False, **options)
    """
    with process(tmp_path, DATED + textwrap.dedent(run)) as running:
        address: int | str = str(tmp_path / "served.socket") if "unix" in server else port
        running.until(lambda: answers(address))
        for path, has_own, extra_field in EXCHANGES:
            fields = fields_of(address, path, extra_field)
            dates = [value for name, value in fields if name == "date"]
            servers = [value for name, value in fields if name == "server"]
            assert len(dates) == 1, (path, fields)
            assert (dates[0] == OWN_DATE) == has_own, (path, fields)
            # granian has no option for it.
            assert servers == ["mine"] * has_own or ("granian" in server and servers == ["granian"]), (path, fields)
