"""Floods over a socket: the server or the application refuses them with a 4xx, and memory does not grow.

In process, with the memory of each, they are in `tests/compat/test_bad_input.py`.
"""

from __future__ import annotations

import contextlib
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.processes import TIMEOUT_S, Process, process

SCRIPT = """
import resource
from sanic_star import json

@app.post("/<what>")
async def post(request, what): return json(len(getattr(request, what) or ()))
@app.get("/cookies")
async def cookies(request): return json(len(request.cookies))
@app.get("/size")
async def size(request):
    # In kilobytes; macOS reports bytes.
    return json(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (1024 if sys.platform == "darwin" else 1))

app.config.ACCESS_LOG = False
if __name__ == "__main__":
    app.run(port=0, motd=False, server=sys.argv[1])
"""
HEAD = b"%s HTTP/1.1\r\nhost: flood.test\r\nconnection: close\r\n"
FIELD = b'--X\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n'
FILE = FIELD.replace(b'"a"', b'"a"; filename="b"')
URLENCODED, MULTIPART = b"application/x-www-form-urlencoded", b"multipart/form-data; boundary=X"


def posted(path: bytes, kind: bytes, piece: bytes, times: int) -> tuple[bytes, bytes, int]:
    head = HEAD % (b"POST " + path) + b"content-type: %s\r\ncontent-length: %d\r\n\r\n" % (kind, len(piece) * times)
    return head, piece, times


# The head, a piece of what follows, how often that comes, and what the answer may be: some servers look first.
FLOODS: dict[str, tuple[tuple[bytes, bytes, int], set[int]]] = {
    "a million fields": (posted(b"/form", URLENCODED, b"a=1&" * 1_000, 1_000), {400}),
    "100,000 parts": (posted(b"/form", MULTIPART, FIELD * 100, 1_000), {400}),
    "100,000 files": (posted(b"/files", MULTIPART, FILE * 100, 1_000), {400}),
    "deep arrays": (posted(b"/json", b"application/json", b"[" * 1_000, 3_000), {400}),
    "deep objects": (posted(b"/json", b"application/json", b'{"a":' * 1_000, 1_000), {400}),
    "a cookie header of 10 MB": ((HEAD % b"GET /cookies" + b"cookie: ", b"a=1; " * 1_000, 2_000), {400, 431}),
}


@pytest.fixture(scope="module", params=["uvicorn", "hypercorn", "granian"])
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    folder: Path = tmp_path_factory.mktemp("floods")
    with process(folder, SCRIPT, sys.executable, "served.py", request.param) as running:
        yield running


def status(port: int, head: bytes, piece: bytes, times: int) -> int:
    with socket.create_connection(("127.0.0.1", port), TIMEOUT_S) as connection:
        # Whoever has heard enough closes the connection.
        with contextlib.suppress(OSError):
            connection.sendall(head)
            for _ in range(times):
                connection.sendall(piece)
            if times and head.startswith(b"GET"):
                connection.sendall(b"\r\n\r\n")
        answer = b""
        with contextlib.suppress(OSError):
            while part := connection.recv(65536):
                answer += part
    # Closed while we were still sending, the answer may have been lost on its way (RFC 9112, section 9.6).
    return int(answer.split()[1]) if answer else 0


@pytest.mark.parametrize("name", FLOODS)
def test_a_flood_is_refused(served: Process, name: str) -> None:
    (head, piece, times), expected = FLOODS[name]
    before = served.get("/size").json()
    assert status(served.port, head, piece, times) in expected | ({0} if head.startswith(b"GET") else set())
    # In kilobytes: a body of 5 MB is held twice, in chunks and as a whole.
    assert served.get("/size").json() - before < 40_000
