"""Responses read as they arrive: order, back-pressure, disconnects, and errors during the stream."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import requests
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from tests.testing.apps import UsedClient


def streaming(chunks: Any, **kwargs: Any) -> Starlette:
    async def endpoint(request: Request) -> Response:
        return StreamingResponse(chunks(), **kwargs)

    return Starlette(routes=[Route("/", endpoint)])


START: Message = {"type": "http.response.start", "status": 200, "headers": []}


def chunk(body: bytes, more_body: bool = True) -> Message:
    return {"type": "http.response.body", "body": body, "more_body": more_body}


def test_chunks_come_as_they_were_sent(in_block: bool) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for part in (b"a", b"bc", b"", b"d" * 3000):
            yield part
            await asyncio.sleep(0)

    with UsedClient(streaming(chunks), in_block) as client, client.get("/", stream=True) as response:
        assert list(response.iter_content(2048)) == [b"a", b"bc", b"d" * 2048, b"d" * 952]


def test_a_stream_can_be_read_by_lines_or_as_a_whole(in_block: bool) -> None:
    async def chunks() -> AsyncIterator[str]:
        for number in range(40):
            yield f"line {number}\n"

    with UsedClient(streaming(chunks), in_block) as client:
        with client.get("/", stream=True) as response:
            assert list(response.iter_lines()) == [b"line %d" % number for number in range(40)]
        with client.get("/", stream=True) as response:
            assert response.raw.read() == b"".join(b"line %d\n" % number for number in range(40))
        assert client.get("/", stream=True).text.count("\n") == 40
        assert client.get("/").text.count("\n") == 40


def test_a_chunk_can_be_read_before_the_next_is_made(in_block: bool) -> None:
    made: list[int] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"
        await send(START)
        more_body = True
        while more_body:
            message = await receive()
            made.append(len(made))
            more_body = message["more_body"]
            await send(chunk(message["body"], more_body))

    answers: list[bytes] = []

    def body() -> Iterator[bytes]:
        yield b"one"
        yield b"two"

    with UsedClient(app, in_block) as client, client.post("/", data=body(), stream=True) as response:
        answers.extend(response.iter_content(100))
    assert answers == [b"one", b"two"]
    assert made == [0, 1, 2]


def test_an_infinite_stream_pauses_until_it_is_read(in_block: bool) -> None:
    made: list[int] = []
    ended: list[str] = []

    async def chunks() -> AsyncIterator[bytes]:
        try:
            while True:
                made.append(len(made))
                yield b"%d\n" % made[-1]
        finally:
            ended.append("finally")

    with UsedClient(streaming(chunks), in_block) as client:
        with client.get("/", stream=True) as response:
            lines = response.iter_lines(chunk_size=64)
            assert [next(lines) for _ in range(3)] == [b"0", b"1", b"2"]
            assert len(made) < 100
            for _ in range(1_000):
                next(lines)
        assert ended == ["finally"]
        assert len(made) < 1_100


def test_leaving_reaches_an_app_that_listens(in_block: bool) -> None:
    messages: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"
        await send(START)
        await receive()
        messages.append((await receive())["type"])
        with pytest.raises(OSError, match="closed"):
            await send(chunk(b"late"))

    with UsedClient(app, in_block) as client:
        client.get("/", stream=True).close()
        assert messages == ["http.disconnect"]


def test_an_app_that_ignores_disconnects_runs_until_the_client_closes(
    in_block: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sanic_star.testing._asgi.exchange.LEAVE_GRACE_S", 0.01)
    ended: list[str] = []

    async def chunks() -> AsyncIterator[bytes]:
        try:
            yield b"first"
            await asyncio.Event().wait()
        finally:
            ended.append("finally")

    with UsedClient(streaming(chunks), in_block) as client:
        with client.get("/", stream=True) as response:
            assert next(response.iter_content(100)) == b"first"
        assert ended == []
    assert ended == ["finally"]


def test_closing_the_client_ends_the_streams_that_are_open(in_block: bool) -> None:
    ended: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"
        await send(START)
        await receive()
        ended.append((await receive())["type"])

    with UsedClient(app, in_block) as client:
        responses = [client.get("/", stream=True) for _ in range(3)]
        responses[0].close()
        assert ended == ["http.disconnect"]
    assert ended == ["http.disconnect"] * 3


def test_an_exception_on_the_way_is_raised_once(in_block: bool) -> None:
    class StreamError(OSError):
        """An OSError, which urllib3 would take for one of its socket."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"
        await send(START)
        await send(chunk(b"first"))
        await asyncio.sleep(0.001)
        raise StreamError

    with UsedClient(app, in_block) as client, client.get("/", stream=True) as response:
        content = response.iter_content(100)
        assert next(content) == b"first"
        with pytest.raises(StreamError):
            next(content)


def test_an_exception_after_the_client_has_left_comes_out_on_closing(in_block: bool) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"
        await send(START)
        await receive()
        await receive()
        raise KeyError("while cleaning up")

    with UsedClient(app, in_block) as client, pytest.raises(KeyError, match="while cleaning up"):
        client.get("/", stream=True).close()


def test_a_stream_that_stalls_ends_with_the_timeout(in_block: bool) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"
        await send(START)
        await send(chunk(b"first"))
        await receive()
        await receive()

    with UsedClient(app, in_block) as client, client.get("/", stream=True, timeout=0.05) as response:
        content = response.iter_content(100)
        assert next(content) == b"first"
        with pytest.raises(requests.exceptions.ConnectionError, match=r"within .* \(await receive\(\)\)"):
            next(content)


def test_a_compressed_stream_is_unpacked(in_block: bool) -> None:
    packed = gzip.compress(b"abc" * 1000)

    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(packed), 5):
            yield packed[start : start + 5]

    with (
        UsedClient(streaming(chunks, headers={"content-encoding": "gzip"}), in_block) as client,
        client.get("/", stream=True) as response,
    ):
        assert b"".join(response.iter_content(64)) == b"abc" * 1000


def test_a_stream_that_is_not_gzip_is_an_error_of_its_content(in_block: bool) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield b"this is no gzip"

    with (
        UsedClient(streaming(chunks, headers={"content-encoding": "gzip"}), in_block) as client,
        client.get("/", stream=True) as response,
        pytest.raises(requests.exceptions.ContentDecodingError),
    ):
        assert response.content


def test_a_breach_of_the_length_in_a_stream_is_the_apps_error(in_block: bool) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({**START, "headers": [(b"content-length", b"3")]})
        await send(chunk(b"a"))
        await asyncio.sleep(0.001)
        await send(chunk(b"b", more_body=False))

    with (
        UsedClient(app, in_block) as client,
        client.get("/", stream=True) as response,
        pytest.raises(RuntimeError, match="shorter than its Content-Length"),
    ):
        assert response.content
