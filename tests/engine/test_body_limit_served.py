"""The limit on bodies in front of ASGI middleware, over real sockets, under every server."""

import re
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.processes import TIMEOUT_S, Process, process

SCRIPT = """
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.responses import PlainTextResponse
import sanic_star.servers.uvicorn as backend

seen = []

async def read(request, call_next):
    if request.url.path == "/seen":
        return PlainTextResponse(str(seen))
    size = 0
    if request.url.path == "/own":
        async for part in request.stream():
            size += len(part)
            seen.append(size)
        return PlainTextResponse("own")
    seen.append(len(await request.body()))
    return await call_next(request)

app = Sanic("Limited", middleware=[Middleware(BaseHTTPMiddleware, dispatch=read)])
app.config.update(REQUEST_MAX_SIZE=2_000_000, ACCESS_LOG=True)

@app.post("/")
async def body(request): return text(str(len(request.body)))
@app.post("/large", max_body_size=4_000_000)
async def large(request): return text(str(len(request.body)))

if __name__ == "__main__":
    backend.HAS_HTTPTOOLS = sys.argv[1] != "h11"
    app.run(port=0, motd=False, server="uvicorn" if sys.argv[1] in ("httptools", "h11") else sys.argv[1])
"""
MEGABYTE = 1_000_000


@pytest.fixture(scope="module", params=["httptools", "h11", "hypercorn", "granian"])
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    folder: Path = tmp_path_factory.mktemp("limited")
    with process(folder, SCRIPT, sys.executable, "served.py", request.param) as running:
        yield running


def send(port: int, path: str, megabytes: int, fields: str) -> tuple[int, int]:
    """Send a chunked or an announced body as far as the server takes it; return the status and what was sent."""
    with socket.create_connection(("127.0.0.1", port), TIMEOUT_S) as client:
        chunked = "chunked" in fields
        client.sendall(f"POST {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n{fields}\r\n".encode())
        sent = 0
        try:
            for _ in range(megabytes):
                part = b"x" * MEGABYTE
                client.sendall(b"%x\r\n%b\r\n" % (MEGABYTE, part) if chunked else part)
                sent += MEGABYTE
            if chunked:
                client.sendall(b"0\r\n\r\n")
        except OSError:
            pass  # The server has answered, and closed.
        answer = b""
        try:
            while piece := client.recv(65536):
                answer += piece
        except OSError:
            pass
        # hypercorn says `100 Continue` before it asks the application.
        statuses = re.findall(rb"^HTTP/1.1 (\d+)", answer, re.M)
        return int(statuses[-1]) if statuses else 0, sent


CHUNKED = "transfer-encoding: chunked\r\n"


@pytest.mark.parametrize("path", ["/", "/own"])
def test_a_middleware_reads_up_to_the_limit_only(served: Process, path: str) -> None:
    assert send(served.port, path, 30, CHUNKED)[0] in (413, 0)  # 0: the answer was lost in what was sent after it
    seen = [int(size) for size in re.findall(r"\d+", served.get("/seen").text)]
    # Only the other test sends more, to a route that allows it.
    assert all(size <= 2_000_000 or size == 4_000_000 for size in seen)


def test_an_announced_length_is_refused_without_reading(served: Process) -> None:
    for length in ("2000001", "9" * 19):
        fields = f"content-length: {length}\r\nexpect: 100-continue\r\n"
        status, _ = send(served.port, "/", 0, fields)
        # Some servers refuse a length of nineteen digits themselves.
        assert status == 413 or (status == 400 and len(length) > 9)


def test_the_route_may_raise_the_limit(served: Process) -> None:
    assert send(served.port, "/large", 4, CHUNKED)[0] == 200
    assert send(served.port, "/large", 2, "content-length: 2000000\r\n")[0] == 200
    assert send(served.port, "/", 2, "content-length: 2000000\r\n")[0] == 200


def test_a_refused_body_is_in_the_access_log(served: Process) -> None:
    send(served.port, "/", 3, CHUNKED)
    served.until(lambda: "POST http://test/ 413" in served.log)
