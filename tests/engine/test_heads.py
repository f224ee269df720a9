"""The limit to the head of a request, where httptools reads for uvicorn."""

import asyncio
from typing import Any

import pytest
from uvicorn.server import ServerState

from sanic_star import Request, Sanic, text
from sanic_star.servers import uvicorn
from sanic_star.servers.heads import REFUSAL, Limited, TimedH11
from sanic_star.servers.settings import Settings

LIMIT = 300
START = b"POST / HTTP/1.1\r\nhost: h\r\n"
SHORT = START + b"content-length: 0\r\n\r\n"
LONG = START + b"x: " + b"a" * LIMIT + b"\r\ncontent-length: 0\r\n\r\n"
BODY = START + b"content-length: %d\r\n\r\n" % (2 * LIMIT) + b"b" * 2 * LIMIT


class Wire(asyncio.Transport):
    """What a server has written, as far as the connection was open."""

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
    ("pieces", "answers", "refused"),
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
async def test_a_head_that_is_too_long_is_refused(pieces: list[bytes], answers: int, refused: bool) -> None:
    app: Sanic[Any, Any] = Sanic("Heads")
    app.add_route(answer, "/", methods=["POST"])
    config = uvicorn.make_config(app, Settings(max_header_size=LIMIT))
    config.load()
    assert config.http_protocol_class is Limited
    protocol, wire = Limited(config, ServerState(), {}), Wire()
    protocol.connection_made(wire)
    for piece in pieces:
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


async def test_what_is_no_http_is_answered_by_uvicorn() -> None:
    app: Sanic[Any, Any] = Sanic("NoHTTP")
    config = uvicorn.make_config(app, Settings(max_header_size=LIMIT))
    config.load()
    protocol, wire = Limited(config, ServerState(), {}), Wire()
    protocol.connection_made(wire)
    protocol.data_received(b"nonsense\r\n\r\n")
    assert wire.written.startswith(b"HTTP/1.1 400")
    protocol.connection_lost(None)


def test_without_httptools_h11_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    app: Sanic[Any, Any] = Sanic("Choosing")
    assert uvicorn.make_config(app, Settings()).http is Limited
    monkeypatch.setattr(uvicorn, "HAS_HTTPTOOLS", False)
    config = uvicorn.make_config(app, Settings(max_header_size=LIMIT))
    assert (config.http, config.h11_max_incomplete_event_size) == (TimedH11, LIMIT)
