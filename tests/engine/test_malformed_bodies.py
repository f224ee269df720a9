"""Bodies with invalid framing, over real sockets, under every server."""

import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.processes import TIMEOUT_S, Process, process

SCRIPT = """
import sanic_star.servers.uvicorn as backend

app = Sanic("Malformed")

@app.post("/body")
async def body(request): return text("read")
@app.post("/stream", stream=True)
async def stream(request): return text(str(len([part async for part in request.stream])))
@app.post("/starlette", stream=True)
async def starlette(request): return text(str(len(await request.starlette.body())))
@app.post("/form")
async def form(request): return text(str(len(request.form)))

if __name__ == "__main__":
    backend.HAS_HTTPTOOLS = sys.argv[1] != "h11"
    app.run(port=0, motd=False, server="uvicorn" if sys.argv[1] in ("httptools", "h11") else sys.argv[1])
"""


@pytest.fixture(scope="module", params=["httptools", "h11", "hypercorn", "granian"])
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    folder: Path = tmp_path_factory.mktemp("malformed")
    with process(folder, SCRIPT, sys.executable, "served.py", request.param) as running:
        yield running


@pytest.mark.parametrize("path", ["/body", "/stream", "/starlette", "/form"])
@pytest.mark.parametrize("chunks", ["ZZ\r\n\r\n", "3\r\nabc\r\nZZ\r\n\r\n", "3\r\nabcXX\r\n0\r\n\r\n"])
def test_a_malformed_body_is_answered_with_400(served: Process, path: str, chunks: str) -> None:
    head = (
        f"POST {path} HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n"
        "content-type: multipart/form-data; boundary=B\r\nconnection: close\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", served.port), TIMEOUT_S) as client:
        client.sendall((head + chunks).encode())
        answer = b""
        while piece := client.recv(65536):
            answer += piece
    assert answer.split()[1] == b"400"
    assert "Traceback" not in served.log
