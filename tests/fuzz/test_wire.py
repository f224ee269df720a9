"""Some hundreds of malformed requests to each server; `nox -s fuzz -- --wire` sends thousands."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz.serving import SERVERS, run, sanics_replies
from tests.fuzz.wire import Reply, Request, exchange, parse

COUNT = 300


@pytest.fixture(scope="module")
def sanics(tmp_path_factory: pytest.TempPathFactory) -> list[Reply]:
    return sanics_replies(Path(tmp_path_factory.mktemp("sanic")), 2, COUNT)


@pytest.mark.parametrize("name", SERVERS)
def test_malformed_requests_harm_no_server(name: str, tmp_path: Path, sanics: list[Reply]) -> None:
    outcome = run(name, tmp_path, 2, COUNT, sanics)
    assert not outcome.wrong, "\n".join(outcome.wrong[:5])
    # A compared request was answered by both.
    assert outcome.sent == COUNT
    assert outcome.compared > COUNT / 10


def test_the_same_seed_gives_the_same_requests() -> None:
    assert list(exchange(7, 50)) == list(exchange(7, 50)) != list(exchange(8, 50))
    assert {request.is_unchanged for request in exchange(7, 50)} == {True, False}


@pytest.mark.parametrize(
    ("received", "reply"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabrest", Reply(200, b"ab", 4, "closed")),
        (b"HTTP/1.1 100 \r\n\r\nHTTP/1.1 404 x\r\ncontent-length: 0\r\n\r\n", Reply(404, b"", 0, "closed")),
        (
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n1;x\r\nc\r\n0\r\n\r\n",
            Reply(200, b"abc", 0, "closed"),
        ),
        (b"no HTTP", Reply(0, b"", 0, "closed")),
    ],
)
def test_replies_are_read(received: bytes, reply: Reply) -> None:
    assert parse(received, "closed") == reply


def test_requests_are_cut_within_their_bytes() -> None:
    assert all(0 < cut < len(request.data) for request in exchange(9, 200) for cut in request.cuts)
    assert isinstance(next(exchange(9, 1)), Request)
