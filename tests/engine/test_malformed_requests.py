"""Requests that a parser refuses, over real sockets: the application answers them, by the same source as on Sanic."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from time import sleep

import pytest

from tests.engine.processes import TIMEOUT_S, Process, free_port

SOURCE = """
import sys

if sys.argv[1] != "sanic":
    import sanic_star.compat
    sanic_star.compat.install()
    import sanic_star.servers.uvicorn as backend
    backend.HAS_HTTPTOOLS = sys.argv[1] != "h11"
from sanic import Sanic, text
from sanic.exceptions import BadRequest

app = Sanic("Malformed")
app.config.ACCESS_LOG = True

@app.on_response
async def mark(request, response): response.headers["x-mark"] = request.method

@app.exception(BadRequest)
def refuse(request, error):
    return text(f"refused: {error}", 400) if sys.argv[3] == "handler" else None

@app.get("/")
async def root(request): return text("root")
@app.post("/upload")
async def upload(request): return text("read")
@app.post("/early", ignore_body=True)
async def early(request): return text("early")

if __name__ == "__main__":
    app.run("127.0.0.1", int(sys.argv[2]), single_process=True)
"""
HEAD = b"POST /upload HTTP/1.1\r\nhost: h\r\n"
CHUNKED = HEAD + b"transfer-encoding: chunked\r\n\r\n"
# The bytes that are sent, the status, the message, and the method that middleware sees.
MALFORMED = {
    "no http": (b"not http\r\n\r\n", 400, "Bad Request", "NONE"),
    "a handshake of TLS": (b"\x16\x03\x01\x00\xc8\x01\r\n\r\n", 400, "Bad Request", "NONE"),
    "a space in the path": (b"GET /a b HTTP/1.1\r\nhost: h\r\n\r\n", 400, "Bad Request", "NONE"),
    "a header without a colon": (b"GET / HTTP/1.1\r\nhost h\r\n\r\n", 400, "Bad Request", "NONE"),
    "two lengths": (HEAD + b"content-length: 5\r\ncontent-length: 6\r\n\r\nhello", 400, "Bad Request", "NONE"),
    "a negative length": (HEAD + b"content-length: -5\r\n\r\nhello", 400, "Bad content-length", "NONE"),
    "a length with a sign": (HEAD + b"content-length: +5\r\n\r\nhello", 400, "Bad content-length", "NONE"),
    "a length with a point": (HEAD + b"content-length: 5.0\r\n\r\nhello", 400, "Bad content-length", "NONE"),
    "an empty length": (HEAD + b"content-length: \r\n\r\nhello", 400, "Bad content-length", "NONE"),
    "a negative chunk": (CHUNKED + b"-5\r\nhello\r\n0\r\n\r\n", 400, "Bad chunked encoding", "POST"),
    "a chunk with a sign": (CHUNKED + b"+5\r\nhello\r\n0\r\n\r\n", 400, "Bad chunked encoding", "POST"),
    "a second chunk": (CHUNKED + b"5\r\nhello\r\nzz\r\n", 400, "Bad chunked encoding", "POST"),
}


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[tuple[str, str], int]]:
    """Start each server with and without an exception handler; yield the ports."""
    folder: Path = tmp_path_factory.mktemp("malformed")
    (folder / "served.py").write_text(SOURCE)
    ports: dict[tuple[str, str], int] = {}
    with ExitStack() as stack:
        processes = []
        for name in ("sanic", "httptools", "h11"):
            for handler in ("handler", "page"):
                port = ports[name, handler] = free_port()
                running = Process((sys.executable, "served.py", name, str(port), handler), folder)
                stack.callback(running.popen.wait, TIMEOUT_S)
                stack.callback(running.popen.terminate)
                processes.append(running)
        for running in processes:
            running.until(lambda running=running: "Starting worker" in running.log)  # type: ignore[misc]
        for port in ports.values():
            wait_for(port)
        yield ports


def wait_for(port: int) -> None:
    """Wait until a server accepts connections."""
    for _ in range(600):
        try:
            socket.create_connection(("127.0.0.1", port), TIMEOUT_S).close()
        except OSError:
            sleep(0.1)
        else:
            return
    raise AssertionError("the server does not listen")


def talk(port: int, data: bytes) -> bytes:
    """Send bytes, and return what comes until the server closes the connection."""
    received = b""
    with socket.create_connection(("127.0.0.1", port), TIMEOUT_S) as client:
        client.sendall(data)
        try:
            while piece := client.recv(65536):
                received += piece
        except ConnectionResetError:
            pass  # The server has closed with something unread.
    return received


@pytest.mark.parametrize("name", MALFORMED)
@pytest.mark.parametrize("server", ["sanic", "httptools", "h11"])
def test_the_application_answers_a_malformed_request(
    servers: dict[tuple[str, str], int], server: str, name: str
) -> None:
    data, status, message, method = MALFORMED[name]
    for kind in ("handler", "page"):
        head, _, body = talk(servers[server, kind], data).partition(b"\r\n\r\n")
        fields = head.lower().split(b"\r\n")
        assert fields[0].split()[1] == str(status).encode()
        assert b"connection: close" in fields
        assert f"x-mark: {method.lower()}".encode() in fields
        if kind == "handler":
            assert body.decode() == f"refused: {message}"
        else:
            assert body.decode().splitlines()[0::2][:2] == ["⚠️ 400 — Bad Request", message]


def test_a_url_that_is_not_ascii(servers: dict[tuple[str, str], int]) -> None:
    """h11 does not say which part of the request line is wrong."""
    data = "GET /\xa0 HTTP/1.1\r\nhost: h\r\n\r\n".encode()
    bodies = [talk(servers[server, "handler"], data).partition(b"\r\n\r\n")[2] for server in ("sanic", "httptools")]
    assert bodies == [b"refused: URL may only contain US-ASCII characters."] * 2
    assert b"refused: Bad Request" in talk(servers["h11", "handler"], data)


@pytest.mark.parametrize("server", ["sanic", "httptools"])
def test_a_content_length_that_does_not_match_the_body(servers: dict[tuple[str, str], int], server: str) -> None:
    response = talk(servers[server, "page"], HEAD + b"content-length: " + b"9" * 30 + b"\r\n\r\nhello")
    assert response.split()[1] == b"413"


@pytest.mark.parametrize("server", ["httptools", "h11"])
def test_no_other_response_is_taken_for_that_of_a_malformed_request(
    servers: dict[tuple[str, str], int], server: str
) -> None:
    """What follows a request in one piece must not be answered before it, and nothing in the middle of a response."""
    port = servers[server, "page"]
    good = b"GET / HTTP/1.1\r\nhost: h\r\n\r\n"
    received = talk(port, good + b"not http\r\n\r\n")
    assert received.startswith(b"HTTP/1.1 200")
    assert received.count(b"HTTP/1.1 200") == 1
    received = talk(port, good * 3 + b"G@T / HTTP\r\n\r\n")
    assert received.count(b"HTTP/1.1 200") == 3
    received = talk(port, CHUNKED.replace(b"/upload", b"/early") + b"5\r\nhello\r\nzz\r\n")
    assert received.count(b"HTTP/1.1") == 1


def test_the_access_log_has_one_line_for_a_malformed_body(tmp_path: Path) -> None:
    (tmp_path / "served.py").write_text(SOURCE)
    port = free_port()
    running = Process((sys.executable, "served.py", "httptools", str(port), "page"), tmp_path)
    try:
        running.until(lambda: "Starting worker" in running.log)
        wait_for(port)
        assert b"400" in talk(port, MALFORMED["a negative chunk"][0])
        assert b"200" in talk(port, b"GET / HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n")
        running.until(lambda: "GET http" in running.log)
        assert [line for line in running.lines if "POST http" in line] == [
            line for line in running.lines if "/upload 400 70" in line
        ]
    finally:
        running.popen.terminate()
        running.popen.wait(TIMEOUT_S)
